"""The processes of one submission as the fork server sees them: how they are found, and how they are ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from . import disk

BY_ITSELF = "it ended by itself"


class Child:
    """A worker that nothing confines: its first process, and what stays in the group of that."""

    listener: int | None = None

    def __init__(self, pid: int) -> None:
        self.pid, self.pidfd = pid, os.pidfd_open(pid)
        self.why = BY_ITSELF
        self.killed = False
        self.struck: int | None = None

    def processes(self) -> list[int]:
        """All processes of the submission."""
        return [self.pid]

    def kill(self) -> None:
        """Kill the first process, so that it makes no more, and then all of its group."""
        self.killed = True
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        # A worker that was killed before it had made its own group has none.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """End all processes, and forget them."""
        self.kill()
        os.waitpid(self.pid, 0)
        self.close()

    def close(self) -> None:
        """Close the descriptors by which the server holds them."""
        os.close(self.pidfd)
        self.close_listener()

    def close_listener(self) -> None:
        if self.listener is not None:
            os.close(self.listener)
        self.listener = None


class Namespaced(Child):
    """A worker in a pid namespace of its own: with its first process, the kernel kills all others."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.namespace = os.stat(f"/proc/{pid}/ns/pid").st_ino

    def processes(self) -> list[int]:
        return _found(lambda pid: os.stat(f"/proc/{pid}/ns/pid").st_ino == self.namespace)


class Grouped(Child):
    """A worker whose processes all are of its group, which the filter on system calls lets none of them leave.

    Who looks for descendants misses one whose parent ends meanwhile, and a submission may be a chain of these; a group
    is killed at once, with those that it is just making.
    """

    def __init__(self, pid: int, home: Path) -> None:
        super().__init__(pid)
        self.home = home

    def processes(self) -> list[int]:
        """The first process, which is our own code, is not among them."""
        return _found(lambda pid: os.getpgid(pid) == self.pid != pid)

    def end(self) -> None:
        super().end()
        # What is left of the group has become the server's own.
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-self.pid, 0)
        disk.remove(self.home)


def _found(belongs: Callable[[int], bool]) -> list[int]:
    found = []
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        with contextlib.suppress(OSError):  # it has ended between the two calls
            if belongs(pid):
                found.append(pid)
    return found


def threads(pid: int) -> int:
    return _read(lambda: len(os.listdir(f"/proc/{pid}/task")))


def resident(pid: int) -> int:
    return _read(lambda: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE"))


def proportional(pid: int) -> int:
    """The process's share of memory (PSS) in bytes, each shared page divided by the number of its users."""
    lines = Path(f"/proc/{pid}/smaps_rollup")
    return _read(lambda: next(int(x.split()[1]) * 1024 for x in lines.read_text().splitlines() if x.startswith("Pss:")))


def _read(number: Callable[[], int]) -> int:
    """A number of a process, 0 if it has ended."""
    try:
        return number()
    except OSError:
        return 0

"""The trusted side of the sandbox: starts the fork server, and has it fork one worker per submission."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Self

import msgpack

from autograder.sandbox import isolation, launch, system_calls
from autograder.sandbox.inside import wire
from autograder.sandbox.isolation import Isolation
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Handle, Session, StudentBroke, StudentTimeout

# The server imports torch and matplotlib in 2 s, all of torch in one more; a cold disk takes ten times that, a busy one
# still longer.
START_SECONDS = 120.0
# Forking, killing and listing take milliseconds; a server that is silent for this long is gone.
ANSWER_SECONDS = 30.0
# A copy is forked in 10 ms and ended in less, by the student's process, which may hold it up: a thousand times that.
COPY_SECONDS = 10.0


class SandboxFault(Exception):
    """The sandbox itself does not work; nobody's submission is to blame."""


class Worker:
    """One submission's processes: runs cells, and forks a copy of the notebook for each test."""

    def __init__(
        self,
        stream: socket.socket,
        channel: socket.socket,
        tell: Callable[[str], str],
        kill: Callable[[int], None],
        limits: Limits,
    ) -> None:
        self._connection = wire.Connection(stream, _refer_nothing, _resolve_nothing, tensors=False)
        self._channel, self._tell, self._kill, self._limits = channel, tell, kill, limits
        self._why: str | None = None

    def run_cell(self, source: str, label: str, seconds: float) -> list[dict[str, Any]]:
        """Run one cell; its outputs, as the student's process tells them. Raises StudentTimeout or StudentBroke."""
        # The process stops a cell by itself after `seconds`; one that does not is given a second more.
        [outputs] = self._ask(["cell", source, label, seconds, self._limits.output], "outputs", list, seconds + 1.0)
        return [output for output in outputs if isinstance(output, dict)]

    def define(self, definitions: Mapping[str, str], seconds: float) -> None:
        """Put functions and classes, source by name, in the place of what has these names now. Raises as `run_cell`."""
        self._ask(["define", dict(definitions), seconds], "defined", None, seconds + 1.0)

    def put_file(self, name: str, content: bytes) -> None:
        """Write a file into the directory where the notebook runs."""
        self._ask(["file", name, content], "written", None, ANSWER_SECONDS)

    def fork(self) -> Session:
        """A copy of the notebook as it is now."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                [pid] = self._ask(["fork"], "forked", int, COPY_SECONDS, [theirs.fileno()])
            except (StudentBroke, StudentTimeout):
                ours.close()
                raise
        self._why_ended()  # if a process was ended before, the copy is not ended for that
        return Session(ours, lambda: self._end_fork(pid), self._why_ended, self._limits)

    def _end_fork(self, pid: int) -> None:
        if self._why is None:
            self._kill(pid)
        with contextlib.suppress(StudentBroke, StudentTimeout):
            self._ask(["end", pid], "ended", None, COPY_SECONDS)

    def _ask(
        self, message: list[Any], kind: str, type_: type | None, seconds: float, descriptors: list[int] | None = None
    ) -> list[Any]:
        if self._why is not None:
            raise StudentBroke(f"The notebook's process ended: {self._why}.")
        deadline = time.monotonic() + seconds
        try:
            if descriptors:
                socket.send_fds(self._channel, [b"s"], descriptors)
            self._connection.send(message, deadline)
            answered, *values = self._connection.receive(deadline)
        except TimeoutError:
            self.close()
            raise StudentTimeout("The notebook's process did not answer in time.") from None
        except (wire.Closed, BrokenPipeError, PermissionError):  # it may refuse what is sent
            self.close()
            raise StudentBroke(f"The notebook's process ended: {self._why}.") from None
        except wire.WireError as error:
            self.close()
            raise StudentBroke(str(error)) from None
        if answered != kind or [type(value) for value in values] != ([type_] if type_ else []):
            self.close()
            raise StudentBroke("The notebook's process answered a question that was not asked.")
        return values

    def _why_ended(self) -> str:
        return self._why or self._tell("why")

    def close(self) -> None:
        """End all processes of the submission."""
        if self._why is None:
            self._why = self._tell("end")
            self._connection.close()
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _open_many() -> None:
    """Let this process open as many files as it may.

    The kernel counts the descriptors that all processes of a user have on their way through sockets, and whoever may
    open fewer files sends no more. A submission can bring 64 threads to send 253 each (SCM_MAX_FD) at one moment.
    """
    import resource  # not at the top: other systems lack it, where `Sandbox` says so

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _refer_nothing(value: Any) -> None:
    return None


def _resolve_nothing(reference: wire.Reference) -> Any:
    return Handle(reference.number, reference.type_name)


class Sandbox:
    """A fork server at the best level of isolation that this machine gives, or at the one that is asked for.

    Raises NotIsolated if the machine confines nothing and no level was asked for, SandboxFault if the server does not
    start.
    """

    def __init__(self, level: Isolation | None = None, limits: Limits | None = None) -> None:
        self.level = isolation.require(Isolation.LANDLOCK) if level is None else level
        if sys.platform != "linux":
            raise SandboxFault("The sandbox needs Linux: run the grader in a Linux container or virtual machine.")
        self.limits = limits or Limits()
        _open_many()
        self._ended = "The fork server has been ended. Start another one."
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the server lives
        self._home = tempfile.TemporaryDirectory(prefix="mlphys-", ignore_cleanup_errors=True)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        bubblewrap = self.level is Isolation.BUBBLEWRAP
        home = launch.HOME if bubblewrap else self._home.name
        fd = theirs.fileno()
        command = launch.bubblewrap_command(fd) if bubblewrap else launch.server_command(fd, str(launch.INSIDE.parent))
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[fd],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                cwd=self._home.name,
                env=launch.environment(home),
            )
        self._settings = {
            "level": self.level.label,
            "home": home,
            "memory": self.limits.memory,
            "processes": self.limits.processes,
            "disk": self.limits.disk,
            "seccomp": system_calls.filters(self.level) if self.level > Isolation.NONE else [],
            "readable": launch.readable() if self.level is Isolation.LANDLOCK else [],
        }
        self._ask(self._settings, "ready", START_SECONDS)

    def worker(self, files: Mapping[str, bytes] = MappingProxyType({}), whole_torch: bool = False) -> Worker:
        """Fork a worker for one submission, with `files` in its directory.

        `whole_torch` if its code will make torch import what it leaves for later, so that all are forked with it.
        """
        stream, their_stream = socket.socketpair()
        channel, their_channel = socket.socketpair()
        with their_stream, their_channel:
            descriptors = [their_stream.fileno(), their_channel.fileno()]
            try:
                [number] = self._ask(["spawn", whole_torch], "spawned", START_SECONDS, descriptors)
            except SandboxFault:
                stream.close()
                channel.close()
                raise
        worker = Worker(stream, channel, partial(self._tell, number), partial(self._kill, number), self.limits)
        for name, content in files.items():
            worker.put_file(name, content)
        return worker

    def _tell(self, number: int, request: str) -> str:
        [why] = self._ask([request, number], {"why": "because", "end": "ended"}[request], ANSWER_SECONDS)
        return str(why)

    def _kill(self, number: int, pid: int) -> None:
        """Kill one process of a worker that may send no signals itself; which one, the worker has said."""
        if self.level is Isolation.LANDLOCK and 0 < pid < 2**31:
            self._ask(["kill", number, pid], "killed", ANSWER_SECONDS)

    def _ask(self, request: object, kind: str, seconds: float, descriptors: list[int] | None = None) -> list[Any]:
        try:
            self._control.settimeout(seconds)
            socket.send_fds(self._control, [msgpack.packb(request)], descriptors or [])
            packet = self._control.recv(4096)
        except OSError as error:
            raise SandboxFault(self._last_words(f"{type(error).__name__}: {error}")) from error
        answered, *values = msgpack.unpackb(packet) if packet else [None]
        if answered != kind:
            raise SandboxFault(self._last_words("it has ended"))
        return values

    def _last_words(self, what: str) -> str:
        if not self._words.closed:
            self._process.kill()
            self._process.wait()
            self._words.seek(0)
            words = self._words.read()[-2000:].decode(errors="replace").strip()
            self.close()
            self._ended = f"The fork server does not answer ({what}). Its last words: {words or 'none'}"
        return self._ended  # whoever asks it again is told the same

    def close(self) -> None:
        """End the server and everything under it."""
        self._control.close()
        if self.level is Isolation.LANDLOCK:
            # It ends its workers when it finds the connection closed, which no namespace does for it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ANSWER_SECONDS)
        self._process.kill()
        self._process.wait()
        self._words.close()
        with contextlib.suppress(RecursionError):  # folders deeper than Python goes are left to /tmp's own cleaning
            self._home.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

"""The fork server: imports the course's libraries once, then forks one confined worker per submission.

Started by the trusted process, inside bubblewrap where that works. It speaks to the trusted process over a
SOCK_SEQPACKET, in packets of msgpack: ["spawn", whole torch?] with two sockets attached -> ["spawned", id];
["end", id] -> ["ended", why]; ["why", id] -> ["because", why]; ["kill", id, pid], of one process of a worker, ->
["killed", ""].
It holds no secret, and runs no student's code itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack

from . import disk, filters, hugepages, landlock, namespaces, worker
from .children import BY_ITSELF, Child, Grouped, Namespaced, proportional, resident, threads

# The watchdog looks this often. A process fills memory at about 2 GB/s, so it may overshoot its limit by 100 MB.
TICK = 0.05


class Server:
    """Forks, watches and ends the workers."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control, self.settings = control, settings
        self.children: dict[int, Child] = {}
        self.pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        if settings["level"] == "landlock":
            namespaces.adopt_orphans()
        self.mapped, self.has_whole_torch = mapped(), False

    def run(self) -> None:
        look = 0.0
        while True:
            ready = self.wait(look)
            if self.control.fileno() in ready:
                packet, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
                if not packet:
                    break
                self.control.send(msgpack.packb(self.answer(msgpack.unpackb(packet), descriptors)))
            else:  # an answer may have closed a listener, and opened another one of its number
                for child in self.children.values():
                    if (listener := child.listener) in ready:
                        self.admit(child, listener, ready[listener])
            if time.monotonic() >= look:
                for child in self.children.values():
                    self.watch(child)
                look = time.monotonic() + TICK
        for child in self.children.values():
            child.end()

    def wait(self, look: float) -> dict[int, int]:
        """Until somebody asks for something or it is time to `look`: who did, with the events of `poll`."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        for child in self.children.values():
            if child.listener is not None and not child.killed:
                poll.register(child.listener, select.POLLIN)
        return dict(poll.poll(1000 * max(0.0, look - time.monotonic()) if self.children else None))

    def answer(self, request: list[Any], descriptors: list[int]) -> list[Any]:
        if request[0] == "spawn":
            if request[1] and not self.has_whole_torch:
                self.load_whole_torch()
            child = self.spawn(descriptors)
            self.children[child.pid] = child
            return ["spawned", child.pid]
        if request[0] == "why":
            return ["because", self.why(self.children[request[1]])]
        if request[0] == "kill":
            # The number comes from the student's process.
            if request[2] in self.children[request[1]].processes():
                os.kill(request[2], signal.SIGKILL)
            return ["killed", ""]
        child = self.children.pop(request[1])
        child.end()
        return ["ended", child.why]

    def load_whole_torch(self) -> None:
        with imports():
            worker.load_whole_torch()
        self.mapped, self.has_whole_torch = mapped(), True

    def spawn(self, descriptors: list[int]) -> Child:
        level, home = self.settings["level"], Path(self.settings["home"])
        if level == "landlock":
            home = Path(tempfile.mkdtemp(dir=home))
        ours, theirs = socket.socketpair()
        pid = namespaces.fork_into_pid_namespace(self.pid_namespace) if level == "bubblewrap" else os.fork()
        if pid == 0:
            try:
                ours.close()
                self.become_worker(descriptors, str(home), theirs)
            finally:
                os._exit(1)
        theirs.close()
        for descriptor in descriptors:
            os.close(descriptor)
        # Before it makes itself one that nobody may look into.
        child = Grouped(pid, home) if level == "landlock" else (Namespaced if level == "bubblewrap" else Child)(pid)
        with ours:
            child.listener = filters.listener_of(ours)
        return child

    def become_worker(self, descriptors: list[int], home: str, server: socket.socket) -> None:
        self.control.close()
        os.close(self.pid_namespace)
        for child in self.children.values():
            child.close()
        os.setsid()
        # The server's standard error is one file for all workers, which could leave each other messages in it.
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        reopen_files()
        if self.settings["level"] == "bubblewrap":
            namespaces.enter_namespaces(home, self.settings["disk"])
        if self.settings["level"] != "none":
            self.supervise()
            namespaces.limit_resources(self.mapped, self.settings["memory"], self.settings["disk"])
            namespaces.drop_capabilities()
        if self.settings["level"] == "landlock":
            os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = home
            landlock.restrict(self.settings["readable"], home)
        if self.settings["level"] != "none":
            filters.install(server, *self.settings["seccomp"])
        server.close()
        os.chdir(home)
        stream, channel = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        worker.run(stream, channel)

    def supervise(self) -> None:
        """Split off the parent of all orphans, which lives until the notebook's process ends; return in the latter.

        In a namespace it is process 1, and takes all others with it. Else it waits for the last of them.
        """
        namespaces.adopt_orphans()
        notebook = os.fork()
        if notebook == 0:
            return
        namespaces.make_undumpable()
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        with contextlib.suppress(ChildProcessError):
            while os.wait()[0] != notebook or self.settings["level"] == "landlock":
                pass
        os._exit(0)

    def admit(self, child: Child, listener: int, events: int) -> None:
        """Let a process of the worker make the process or thread that it waits for, unless they are too many."""
        if not events & select.POLLIN:
            child.close_listener()  # nobody is left who could ask
        elif not self.are_too_many(child, child.processes()):
            filters.allow_one(listener)

    def are_too_many(self, child: Child, processes: list[int]) -> bool:
        """End a worker whose processes and threads are more than they may be."""
        if sum(map(threads, processes)) <= self.settings["processes"]:
            return False
        child.why = f"it ran more than {self.settings['processes']} processes and threads at once"
        child.kill()
        return True

    def watch(self, child: Child) -> None:
        """End a worker whose processes together have more memory, or are more, than they may."""
        if self.settings["level"] == "none":
            return
        processes = child.processes()
        if self.are_too_many(child, processes):
            return
        # Resident memory counts shared pages in each process; only where that sum is large is the exact one read.
        if sum(map(resident, processes)) > self.settings["memory"] < sum(map(proportional, processes)):
            child.why = f"it used more than {self.settings['memory'] // 2**20} MB of memory"
            self.relieve(child, processes)
        elif isinstance(child, Grouped) and disk.is_more_than(self.settings["disk"], child.home, processes):
            child.why = f"it wrote more than {self.settings['disk'] // 2**20} MB"
            child.kill()

    def relieve(self, child: Child, processes: list[int]) -> None:
        """Kill the largest process, which most often is one test's copy; all, if it was none, or was not enough.

        That it was a copy is known when its reason is asked for. A process that a student's code started is replaced,
        perhaps without end, or waited for.
        """
        if child.struck is None:
            child.struck = max(processes, key=proportional)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.struck, signal.SIGKILL)
        elif not resident(child.struck):
            child.kill()

    def why(self, child: Child) -> str:
        """Why a process of the worker ended; for a copy, this is told once, and the next one has its own reason."""
        why = child.why
        if not child.killed:
            child.why, child.struck = BY_ITSELF, None
        return why


def reopen_files() -> None:
    """Give this process file offsets of its own: those of inherited files (fonts) are shared by all workers."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own descriptor is closed by now
            path = os.readlink(f"/proc/self/fd/{name}")
            if os.path.isfile(path):
                fresh = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                os.dup2(fresh, int(name), inheritable=False)
                os.close(fresh)


def mapped() -> int:
    """Bytes of this process's address space."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")


@contextlib.contextmanager
def imports() -> Iterator[None]:
    """What is imported here stays: for forking it is put together, and by one thread."""
    # Looking for garbage among it takes a sixth of the time of the start.
    gc.disable()
    yield
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("The fork server has more than one thread, so that its children could hang.")
    hugepages.collapse()
    gc.enable()


def main() -> None:
    """Import, warm up, report ["ready"], serve. The control socket's descriptor is the only argument."""
    with imports():
        control = socket.socket(fileno=int(sys.argv[1]))
        settings = msgpack.unpackb(control.recv(2**16))
        worker.warm_up()
        # What the notebook of the warm-up took over: a fault of the server is told to the trusted process again.
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    control.send(msgpack.packb(["ready"]))
    Server(control, settings).run()

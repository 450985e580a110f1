"""The fork server: imports the course's libraries once, then forks one confined worker per submission.

Started by the trusted process, inside bubblewrap where there is one. It speaks to the trusted process over a
SOCK_SEQPACKET, in packets of msgpack: ["spawn"] with two sockets attached -> ["spawned", id]; ["end", id] ->
["ended", why]; ["why", id] -> ["because", why]. It holds no secret, and runs no student's code itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from typing import Any

import msgpack

from . import hugepages, namespaces, worker

# The watchdog looks this often. A process fills memory at about 2 GB/s, so it may overshoot its limit by 100 MB.
TICK_MS = 50
BY_ITSELF = "it ended by itself"


class Child:
    """One confined worker: the first process of its pid namespace, and whatever runs under it."""

    def __init__(self, pid: int) -> None:
        self.pid, self.pidfd = pid, os.pidfd_open(pid)
        self.namespace = os.stat(f"/proc/{pid}/ns/pid").st_ino
        self.why = BY_ITSELF
        self.killed = False
        self.struck: int | None = None

    def processes(self) -> list[int]:
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.stat(f"/proc/{name}/ns/pid").st_ino == self.namespace:
                    found.append(int(name))
            except OSError:
                continue  # it has ended between the two calls
        return found

    def kill(self) -> None:
        """Kill the first process of the namespace: the kernel then kills all others, whatever they ignore."""
        self.killed = True
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class Server:
    """Forks, watches and ends the workers."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control, self.settings = control, settings
        self.children: dict[int, Child] = {}
        self.pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        with open("/proc/self/statm") as file:
            self.mapped = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")

    def run(self) -> None:
        while True:
            poll = select.poll()
            poll.register(self.control, select.POLLIN)
            if poll.poll(TICK_MS if self.children else None):
                packet, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
                if not packet:
                    return
                self.control.send(msgpack.packb(self.answer(msgpack.unpackb(packet), descriptors)))
            for child in self.children.values():
                self.watch(child)

    def answer(self, request: list[Any], descriptors: list[int]) -> list[Any]:
        if request[0] == "spawn":
            child = self.spawn(descriptors)
            self.children[child.pid] = child
            return ["spawned", child.pid]
        if request[0] == "why":
            return ["because", self.why(self.children[request[1]])]
        child = self.children.pop(request[1])
        self.end(child)
        return ["ended", child.why]

    def spawn(self, descriptors: list[int]) -> Child:
        confined = self.settings["confined"]
        pid = namespaces.fork_into_pid_namespace(self.pid_namespace) if confined else os.fork()
        if pid == 0:
            try:
                self.become_worker(descriptors)
            finally:
                os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)
        return Child(pid)

    def become_worker(self, descriptors: list[int]) -> None:
        self.control.close()
        os.close(self.pid_namespace)
        for child in self.children.values():
            os.close(child.pidfd)
        os.setsid()
        # The server's standard error is one file for all workers, which could leave each other messages in it.
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        reopen_files()
        if self.settings["confined"]:
            namespaces.enter_namespaces(self.settings["home"], self.settings["disk"])
            self.supervise()
            namespaces.limit_resources(self.mapped, self.settings["memory"], self.settings["disk"])
            namespaces.drop_capabilities()
            namespaces.filter_system_calls(self.settings["seccomp"])
        os.chdir(self.settings["home"])
        stream, channel = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        worker.run(stream, channel)

    def supervise(self) -> None:
        """Split off process 1, which reaps orphans until the notebook's process ends; return in the latter."""
        notebook = os.fork()
        if notebook == 0:
            return
        namespaces.make_undumpable()
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        while os.wait()[0] != notebook:
            pass
        os._exit(0)

    def watch(self, child: Child) -> None:
        """End a worker whose processes together have more memory, or are more, than they may."""
        if not self.settings["confined"]:
            return
        processes = child.processes()
        if sum(map(threads, processes)) > self.settings["processes"]:
            child.why = f"it ran more than {self.settings['processes']} processes and threads at once"
            child.kill()
        # Resident memory counts shared pages in each process; only where that sum is large is the exact one read.
        elif sum(map(resident, processes)) > self.settings["memory"] < sum(map(proportional, processes)):
            child.why = f"it used more than {self.settings['memory'] // 2**20} MB of memory"
            self.relieve(child, processes)
        else:
            child.struck = None

    def relieve(self, child: Child, processes: list[int]) -> None:
        """Kill the largest process, which most often is one test's copy; all, if that is gone and was not enough."""
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
            child.why = BY_ITSELF
        return why

    def end(self, child: Child) -> None:
        child.kill()
        if not self.settings["confined"]:
            # A worker that was killed before it had made its own group has none.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pidfd)


def reopen_files() -> None:
    """Give this process file offsets of its own: those of inherited files (fonts) are shared by all workers."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own descriptor is closed by now
            path = os.readlink(f"/proc/self/fd/{name}")
            if os.path.isfile(path):
                fresh = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                os.dup2(fresh, int(name), inheritable=False)
                os.close(fresh)


def threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 0


def proportional(pid: int) -> int:
    """The process's share of memory (PSS) in bytes, each shared page divided by the number of its users."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def main() -> None:
    """Import, warm up, report ["ready"], serve. The control socket's descriptor is the only argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = msgpack.unpackb(control.recv(2**16))
    worker.warm_up()
    # What the notebook of the warm-up took over: a fault of the server is told to the trusted process again.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("The fork server has more than one thread, so that its children could hang.")
    hugepages.collapse()
    control.send(msgpack.packb(["ready"]))
    Server(control, settings).run()

"""What confines a student's process at level 2, tried from inside with a process that does its worst."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Start, shown
from test_isolation import (
    DAEMON,
    HOGS,
    LIBC,
    REACH,
    REFUSED_ANYWHERE,
    SECONDS,
    assert_closing_ends_a_daemon,
    assert_copies_lose_for_themselves_alone,
    assert_forks_wait_for_the_server,
)

from autograder.course import ROOT
from autograder.sandbox import Isolation, Limits, Sandbox, StudentBroke, Worker

pytestmark = pytest.mark.level2
# Small, so that the tests need not use a gigabyte: a notebook has about 100 MB, two processes and a few kB on disk.
TIGHT = Limits(memory=300 * 2**20, processes=10, disk=4 * 2**20)
X86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have these numbers on x86-64")


@pytest.fixture(scope="module")
def sandbox(start: Start) -> Sandbox:
    return start(Isolation.LANDLOCK, Limits())


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "gradebook.db"
    path.write_text("secret")
    return path


# Files


def test_nothing_outside_its_directory_can_be_opened(worker: Worker, secret: Path) -> None:
    hidden = [secret, secret.parent, ROOT, ROOT / "solutions", ROOT / "autograder", ROOT / ".git", Path.home() / ".ssh"]
    hidden += [
        Path(name)
        for name in ("/", "/etc/passwd", "/tmp", "/dev/shm", "/sys", "/run", "/var/log", "/dev/mem", "/dev/zero")
    ]
    hidden += [Path(f"/proc/{name}") for name in ("self/environ", "self/maps", "cpuinfo", f"{os.getpid()}/environ")]
    shown(worker, REACH)
    assert shown(worker, f"reached({[str(path) for path in hidden]!r})") == "[]"


@pytest.mark.parametrize("module", ["autograder", "solutions"])
def test_nothing_of_ours_can_be_imported(worker: Worker, module: str) -> None:
    assert "Permission denied" in shown(worker, f"import {module}")


TOUCHES = {
    "write": "open({path!r}, 'w')",
    "append": "open({path!r}, 'a')",
    "cut off": "os.truncate({path!r}, 0)",
    "mode": "os.chmod({path!r}, 0)",
    "owner": "os.chown({path!r}, 1, 1)",
    "times": "os.utime({path!r}, (0, 0))",
    "attribute": "os.setxattr({path!r}, 'user.x', b'1')",
    "remove": "os.unlink({path!r})",
    "rename": "os.rename({path!r}, {path!r} + '2')",
    "put something else there": "open('mine', 'w').close(); os.rename('mine', {path!r})",
    "take": "os.rename({path!r}, 'mine')",
    "link": "os.link({path!r}, 'mine')",
    "read by a symbolic link": "os.path.lexists('s') or os.symlink({path!r}, 's'); open('s').read()",
    "make a file beside it": "open({path!r} + '2', 'w')",
    "make a directory beside it": "os.mkdir({path!r} + '2')",
}


@pytest.mark.parametrize("name", TOUCHES)
def test_a_file_of_somebody_else_stays_as_it_is(worker: Worker, secret: Path, name: str) -> None:
    before = secret.stat()
    said = shown(worker, f"import os\n{TOUCHES[name].format(path=str(secret))}")
    assert any(word in said for word in ("Permission denied", "Operation not permitted", "cross-device")), said
    assert secret.read_text() == "secret"
    assert [path.name for path in secret.parent.iterdir()] == ["gradebook.db"]
    after = secret.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime) == (before.st_mode, before.st_uid, before.st_mtime)


def test_a_worker_sees_nothing_of_another(sandbox: Sandbox) -> None:
    with sandbox.worker() as first, sandbox.worker() as second:
        home = shown(first, "import os\nopen('message', 'w').write('the answer')\nprint(os.getcwd())").splitlines()[0]
        shown(second, REACH)
        assert shown(second, f"reached([{home!r}, {home + '/message'!r}])") == "[]"
        first.close()
        assert not Path(home).exists()


def test_folders_of_any_depth_are_removed(sandbox: Sandbox) -> None:
    with sandbox.worker() as worker:
        home = shown(worker, "import os\nprint(os.getcwd())").splitlines()[0]
        shown(worker, "for _ in range(1500): os.mkdir('a'); os.chdir('a')")
        worker.close()
        assert not Path(home).exists()


def test_files_lie_beside_the_notebook(sandbox: Sandbox) -> None:
    with sandbox.worker({"data.txt": b"1 2 3"}) as worker:
        assert shown(worker, "open('data.txt').read()") == "'1 2 3'"
        assert shown(worker, "import tempfile\ntempfile.TemporaryFile().write(b'12')") == "2"


# Other processes, and the network


def test_no_signal_reaches_another_process(worker: Worker) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        tries = f"""
import os, fcntl, resource, signal
def tried(call, *args):
    try: call(*args)
    except PermissionError: return 'refused'
    return 'done'
r, w = os.pipe()
[tried(os.kill, {other.pid}, 15), tried(os.kill, {other.pid}, 0), tried(os.killpg, {other.pid}, 15),
 tried(fcntl.fcntl, r, fcntl.F_SETOWN, {other.pid}), tried(resource.prlimit, {other.pid}, resource.RLIMIT_CPU, (1, 1)),
 tried(os.setpriority, os.PRIO_PROCESS, {other.pid}, 19), tried(os.sched_setaffinity, {other.pid}, {{0}})]
"""
        assert set(shown(worker, tries)) - set("[]', ") == set("refused")
        assert other.poll() is None
        other.kill()


REFUSED = {
    **REFUSED_ANYWHERE,
    "ptrace": "asked(101, 16, {pid}, 0, 0)",
    "process_vm_readv": "asked(310, {pid}, 0, 0, 0, 0, 0)",
    "pidfd_getfd": "asked(438, 0, 0, 0)",
    "PR_SET_DUMPABLE": "asked(157, 4, 0, 0, 0, 0)",
    "F_SETOWN_EX, with bits that the kernel does not read": "asked(72, 0, 0x10000000f, 0)",
    "a socket of the internet": "asked(41, 2, 1, 0)",
    "a socket that is a file": "asked(41, 1, 1, 0)",
    "a pair that sends to files": "asked(53, 1, 2, 0, (ctypes.c_int * 2)())",
    "a raw pair, of which the kernel makes the same": "asked(53, 1, 3 | 0x80000, 0, (ctypes.c_int * 2)())",
    "sendmsg": "asked(46, 0, 0, 0)",
}


@X86_64
@pytest.mark.parametrize("name", REFUSED)
def test_a_system_call_is_refused(worker: Worker, name: str) -> None:
    shown(worker, LIBC)
    assert shown(worker, REFUSED[name].format(pid=os.getpid())) == "'EPERM'"


def test_threads_processes_and_pairs_of_sockets_work(worker: Worker) -> None:
    work = """
import socket, subprocess, sys, threading
thread = threading.Thread(target=print, args=('thread',))
thread.start()
thread.join()
print(subprocess.check_output([sys.executable, '-c', 'print(1)'], text=True))
one, two = socket.socketpair()
one.send(b'pair')
print(two.recv(4))
"""
    assert shown(worker, work).split() == ["thread", "1", "b'pair'"]


def test_it_has_no_powers(worker: Worker) -> None:
    shown(worker, LIBC)
    sets = "header = (ctypes.c_uint32 * 2)(0x20080522, 0)\nwords = (ctypes.c_uint32 * 6)()\n"
    assert shown(worker, sets + "libc.capget(header, words), list(words)") == "(0, [0, 0, 0, 0, 0, 0])"


# What it leaves, and what is too much


def test_closing_a_worker_ends_what_it_left_running(worker: Worker) -> None:
    assert_closing_ends_a_daemon(worker)


def test_a_grader_that_is_killed_takes_everything_with_it() -> None:
    """A pipe that the daemon holds is closed when it has gone."""
    grader = f"""
import os, sys
from autograder.sandbox import Isolation, Sandbox
sandbox = Sandbox(Isolation.LANDLOCK)
worker = sandbox.worker()
worker.run_cell({DAEMON!r}, "cell", 10)
print("ready", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", grader], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        family = _descendants(process.pid)
        process.kill()
    pidfds = [os.pidfd_open(pid) for pid in family if Path(f"/proc/{pid}").exists()]
    poll = select.poll()
    for descriptor in pidfds:
        poll.register(descriptor, select.POLLIN)
    ended: set[int] = set()
    while len(ended) < len(pidfds):
        found = poll.poll(SECONDS * 1000)
        assert found, "A process outlived its grader."
        for descriptor, _ in found:
            ended.add(descriptor)
            poll.unregister(descriptor)
    for descriptor in pidfds:
        os.close(descriptor)


def _descendants(pid: int) -> list[int]:
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(inner for child in children for inner in _descendants(child))]


@pytest.fixture
def tight(start: Start) -> Sandbox:
    return start(Isolation.LANDLOCK, TIGHT)


def test_too_much_memory_in_a_copy_costs_that_copy_alone(tight: Sandbox) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session, pytest.raises(StudentBroke, match="more than 300 MB of memory"):
            session.call("hold", (400,), {}, SECONDS)
        with worker.fork() as session:
            assert session.call("one", (), {}, SECONDS)[0] == 1


def test_what_a_copy_loses_costs_the_next_one_nothing(tight: Sandbox) -> None:
    assert_copies_lose_for_themselves_alone(tight)


@pytest.mark.parametrize(
    ("name", "why"),
    [("together", "300 MB of memory"), ("in_turn", "300 MB of memory"), ("bomb", "10 processes and threads")],
)
def test_processes_count_together(tight: Sandbox, name: str, why: str) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session, pytest.raises(StudentBroke, match=why):
            session.call(name, (), {}, SECONDS)


def test_who_forks_waits_for_the_server(sandbox: Sandbox) -> None:
    assert_forks_wait_for_the_server(sandbox)


@pytest.mark.parametrize(
    "fill",
    [
        "for i in range(3): open(str(i), 'wb').write(bytes(3 * 2**20))",
        "for i in range(10**4): open(str(i), 'w').close()",
        "import os\nkept = [open(str(i), 'wb', 0) for i in range(3)]\n"
        "for i, file in enumerate(kept): os.unlink(str(i)); file.write(bytes(3 * 2**20))",
        "import os\nfor i in range(20): os.mkdir('a' * 250); os.chdir('a' * 250)",
    ],
)
def test_the_disk_has_a_limit(tight: Sandbox, fill: str) -> None:
    with tight.worker() as worker, pytest.raises(StudentBroke, match="wrote more than 4 MB"):
        worker.run_cell(f"import signal\n{fill}\nwhile True: signal.pause()", "cell 1", SECONDS)


def test_a_copy_that_never_returns_is_ended(worker: Worker) -> None:
    shown(worker, HOGS)
    shown(worker, "def hang():\n    while True: pass")
    with worker.fork() as session, pytest.raises(Exception, match="did not return within 1 seconds"):
        session.call("hang", (), {}, 1.0)
    with worker.fork() as session:
        assert session.call("one", (), {}, SECONDS)[0] == 1

"""What confines a student's process at level 1, tried from inside with a process that does its worst."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from conftest import Start, servers, shown

from autograder.course import ROOT
from autograder.sandbox import (
    Isolation,
    Limits,
    Sandbox,
    SandboxFault,
    StudentBroke,
    StudentError,
    StudentTimeout,
    Worker,
    launch,
    mechanisms,
)
from autograder.sandbox.launch import environment

level1 = pytest.mark.level1
# Small, so that the tests need not use a gigabyte: a notebook has about 100 MB, three processes and a few kB on disk.
TIGHT = Limits(memory=300 * 2**20, processes=10, disk=4 * 2**20)
# What is waited for comes in a tenth of a second; a machine under load may need a hundred times that.
SECONDS = 20.0

LIBC = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def asked(number, *args):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) if isinstance(a, int) else a for a in args])
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "allowed"
"""
REACH = """
import os
def reached(paths):
    found = []
    for path in paths:
        try: found.append((path, os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(10)))
        except OSError: pass
    return found
"""
# Other people's libraries have 100,000 files, which are not looked at one by one.
WALK = """
import os
def folders():
    for folder, inner, names in os.walk('/'):
        if folder == '/usr/lib': inner.clear()
        if folder.endswith('/site-packages'): inner[:] = {'autograder', 'solutions'} & set(inner)
        yield folder, names
def writable():
    found = []
    for folder, _ in folders():
        try: open(os.path.join(folder, 'message'), 'w').close()
        except OSError: continue
        found.append(folder)
    return found
"""


@pytest.fixture(scope="module")
def sandbox(start: Start) -> Sandbox:
    """These tests need level 1; elsewhere they are skipped, by the mark and with the reason."""
    return start(Isolation.BUBBLEWRAP, Limits())


@pytest.fixture
def tight(start: Start) -> Sandbox:
    return start(Isolation.BUBBLEWRAP, TIGHT)


# What can be seen


@level1
@pytest.mark.parametrize("module", ["autograder", "solutions", "tests", "autograder.graders"])
def test_nothing_of_ours_can_be_imported(worker: Worker, module: str) -> None:
    assert f"No module named '{module.split('.')[0]}'" in shown(worker, f"import {module}")


@level1
def test_no_file_of_the_course_is_in_view(worker: Worker) -> None:
    authored = [*ROOT.glob("autograder/graders/**/*.py"), *ROOT.glob("solutions/*/*.py"), *ROOT.glob("source/*/*")]
    ours = {path.name for path in authored if path.name != "__init__.py"} | {"gradebook.db", "nbgrader_config.py"}
    shown(worker, WALK)
    assert int(shown(worker, "found = [name for _, names in folders() for name in names]\nlen(found)")) > 1000
    assert shown(worker, f"sorted({ours!r} & set(found))") == "[]"


@level1
def test_no_file_of_the_host_is_in_view(worker: Worker, tmp_path: Path) -> None:
    secret = tmp_path / "gradebook.db"
    secret.write_text("secret")
    hidden = [secret, ROOT / "solutions", ROOT / "autograder", ROOT / ".git", Path.home() / ".ssh", Path(__file__)]
    hidden += [Path(name) for name in ("/etc/passwd", "/etc/shadow", "/sys", "/run", "/var", "/boot", "/dev/mem")]
    hidden += [Path(f"/proc/{name}") for name in ("1/environ", "1/root", "self/root", "mounts", "cpuinfo")]
    shown(worker, REACH)
    assert shown(worker, f"reached({[str(path) for path in hidden]!r})") == "[]"


@level1
def test_the_environment_is_ours(worker: Worker) -> None:
    allowed = {*environment("/"), "PWD", "TORCHINDUCTOR_CACHE_DIR"}  # the last is torch's own doing
    assert shown(worker, f"import os\nset(os.environ) - {allowed!r}") == "set()"


@level1
def test_no_other_process_is_in_view(sandbox: Sandbox) -> None:
    seen = """
import os
def there(pid):
    try: os.kill(pid, 0)
    except ProcessLookupError: return False
    return True
[pid for pid in range(1, 2000) if there(pid)], os.listdir('/proc')
"""
    with sandbox.worker(), sandbox.worker() as second:
        assert shown(second, seen) == "([1, 2], [])"


@level1
def test_no_network(worker: Worker) -> None:
    connect = """
import signal
import socket
def reached(family, address):
    with socket.socket(family) as end:
        try: end.connect(address)
        except OSError as error: return type(error).__name__
    return 'reached'
"""
    shown(worker, connect)
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0mlphys-{os.getpid()}")
        unix.listen()
        answers = [shown(worker, f"reached({int(one.family)}, {one.getsockname()!r})") for one in (tcp, unix)]
    assert answers == ["'OSError'", "'ConnectionRefusedError'"]
    assert shown(worker, "socket.if_nameindex()") == "[(1, 'lo')]"
    assert "Operation not permitted" in shown(worker, "socket.socket(40)")  # AF_VSOCK, to the host of a virtual machine


# What can be written


@level1
def test_only_its_own_directories_can_be_written_to(worker: Worker) -> None:
    shown(worker, WALK)
    # Where Python itself is below /tmp, as after a clone there, /tmp is not the notebook's directory.
    elsewhere = [] if Path(sys.prefix).is_relative_to("/tmp") else ["/tmp"]
    assert shown(worker, "sorted(writable())") == str(["/dev/shm", "/notebook", *elsewhere])
    assert shown(worker, "os.path.samefile('/tmp', '/notebook')") == str(bool(elsewhere))


@level1
def test_a_worker_leaves_nothing_for_the_next(sandbox: Sandbox) -> None:
    leave = """
import os, socket
for folder in ('/tmp', '/dev/shm', os.path.expanduser('~')):
    with open(f'{folder}/message', 'w') as file: file.write('the answer')
for descriptor in range(20):
    try: os.write(descriptor, b'the answer')
    except OSError: pass
"""
    find = """
import os
found = [path for path in ('/tmp/message', '/dev/shm/message') if os.path.exists(path)]
for descriptor in range(20):
    try: found += [descriptor] if b'the answer' in os.pread(descriptor, 10**6, 0) else []
    except OSError: pass
found
"""
    with sandbox.worker() as first:
        with contextlib.suppress(StudentBroke):  # it writes into its own connection too
            shown(first, leave)
        with sandbox.worker() as second:
            assert shown(second, find) == "[]"


@level1
def test_the_disk_has_a_limit(tight: Sandbox) -> None:
    fill = "for place in ('/notebook/a', '/dev/shm/a'):\n"
    fill += "    try: open(place, 'wb').write(bytes(5 * 2**20)); print('all')\n"
    fill += "    except OSError as error: print(error.strerror)"
    empty = "try:\n    for i in range(10**5): open(f'/notebook/{i}', 'w').close()\n"
    empty += "except OSError as error: print(error.strerror)"
    with tight.worker() as worker:
        assert shown(worker, fill) == "File too large\nFile too large"
        assert shown(worker, empty) == "No space left on device"


# What can be done


@level1
def test_it_has_no_powers(worker: Worker) -> None:
    shown(worker, LIBC)
    assert shown(worker, "os.getuid(), os.geteuid(), os.getgid(), os.getgroups()[:0]") == "(1000, 1000, 1000, [])"
    no_new_privileges, seccomp_filter = 39, 21
    assert shown(worker, f"libc.prctl({no_new_privileges}, 0, 0, 0, 0)") == "1"
    assert shown(worker, f"libc.prctl({seccomp_filter}, 0, 0, 0, 0)") == "2"
    assert shown(worker, "[c for c in range(64) if libc.prctl(23, c, 0, 0, 0) == 1]") == "[]"
    sets = "header = (ctypes.c_uint32 * 2)(0x20080522, 0)\nwords = (ctypes.c_uint32 * 6)()\n"
    assert shown(worker, sets + "libc.capget(header, words), list(words)") == "(0, [0, 0, 0, 0, 0, 0])"
    assert "Invalid argument" in shown(worker, "os.setuid(0)")  # its namespace has no such user


# At both levels.
REFUSED_ANYWHERE = {
    "unshare": "asked(272, 0x10000000)",
    "memfd_create": "asked(319, b'name', 0)",
    "io_setup": "asked(206, 1, (ctypes.c_ulong * 1)())",
    "inotify_init1": "asked(294, 0)",
    "TIOCSTI": "asked(16, 0, 0x5412, b'x')",
    "F_SETLEASE, which holds up who opens a file": "asked(72, 0, 1024, 0)",
    "F_NOTIFY": "asked(72, 0, 1026, 0)",
    "fadvise64": "asked(221, 0, 0, 0, 4)",
    "readahead": "asked(187, 0, 0, 0)",
    "mincore": "asked(27, 0, 0, 0)",
    "preadv2, which tells what is in memory": "asked(327, 0, 0, 0, 0, 0, 8)",
    "MADV_PAGEOUT": "asked(28, 0, 0, 21)",
    "SO_PASSRIGHTS": "asked(54, 0, 1, 83, 0, 0)",
    "FS_IOC_SETFLAGS": "asked(16, 0, 0x40086602, 0)",
    "BTRFS_IOC_SUBVOL_CREATE": "asked(16, 0, 0x5000940e, 0)",
    "SIOCGIFCONF": "asked(16, 0, 0x8912, 0)",
    "an ioctl with bits that the kernel does not read": "asked(16, 0, 0x140086602, 0)",
}
REFUSED = {
    **REFUSED_ANYWHERE,
    "ptrace": "asked(101, 0, 0, 0, 0)",
    "process_vm_readv": "asked(310, 1, 0, 0, 0, 0, 0)",
    "setns": "asked(308, 0, 0)",
    "mount": "asked(165, b'none', b'/proc', b'proc', 0, 0)",
    "umount2": "asked(166, b'/proc', 2)",
    "clone with a user namespace": "asked(56, 0x10000000 | 17, 0, 0, 0, 0)",
    "io_uring_setup": "asked(425, 1, 0)",
    "bpf": "asked(321, 0, 0, 0)",
    "keyctl": "asked(250, 0, 0, 0, 0, 0)",
    "userfaultfd": "asked(323, 0)",
    "TIOCSTI, with bits that the kernel does not read": "asked(16, 0, 0x100005412, b'x')",
}


@level1
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have these numbers on x86-64")
@pytest.mark.parametrize("name", REFUSED)
def test_a_system_call_is_refused(worker: Worker, name: str) -> None:
    shown(worker, LIBC)
    assert shown(worker, REFUSED[name]) == "'EPERM'"


@level1
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have these numbers on x86-64")
def test_clone3_is_missing_and_processes_and_threads_work(worker: Worker) -> None:
    shown(worker, LIBC)
    assert shown(worker, "asked(435, 0, 0)") == "'ENOSYS'"
    work = "import subprocess, threading\nthread = threading.Thread(target=print, args=('thread',))\nthread.start()\n"
    work += "thread.join()\nimport sys\nprint(subprocess.check_output([sys.executable, '-c', 'print(1)'], text=True))"
    assert shown(worker, work).split() == ["thread", "1"]


@level1
def test_its_first_process_cannot_be_killed_from_inside(worker: Worker) -> None:
    assert shown(worker, "import os\nos.kill(1, 9)\n'alive'") == "'alive'"


DAEMON = """
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 30):
            try: signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        while True: signal.pause()
    os._exit(0)
os.wait()
"""


def assert_closing_ends_a_daemon(worker: Worker) -> None:
    shown(worker, DAEMON)
    # The daemon has inherited the notebook's end of this; it is closed when the last process has gone.
    with worker._channel.dup() as channel:
        channel.setblocking(False)
        with pytest.raises(BlockingIOError):
            channel.recv(1)
        worker.close()
        assert channel.recv(1) == b""


@level1
def test_closing_a_worker_ends_what_it_left_running(worker: Worker) -> None:
    assert_closing_ends_a_daemon(worker)


@level1
def test_the_server_has_one_thread(sandbox: Sandbox) -> None:
    [server] = servers(sandbox._process.pid)
    assert len(os.listdir(f"/proc/{server}/task")) == 1


# What is too much

HOGS = """
import os, signal, time
import numpy as np
def hold(megabytes):
    kept = np.ones(megabytes * 2**17)
    while True: signal.pause()
def together():
    for _ in range(4):
        if os.fork() == 0: hold(150)
    while True: signal.pause()
def in_turn():
    while True:
        if os.fork() == 0: hold(400)
        os.wait()
        time.sleep(0.2)  # the watchdog sees that there is less now
def lose():
    if os.fork() == 0: hold(400)
    os.wait()
    return 1
def bomb():
    for _ in range(14):
        if os.fork() == 0:
            while True: signal.pause()
    while True: signal.pause()
def ask_for(megabytes): np.ones(megabytes * 2**17)
def crash(): os._exit(1)
def one(): return 1
"""


@level1
def test_too_much_memory_in_a_copy_costs_that_copy_alone(tight: Sandbox) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session, pytest.raises(StudentBroke, match="more than 300 MB of memory"):
            session.call("hold", (400,), {}, SECONDS)
        with worker.fork() as session, pytest.raises(StudentBroke, match="ended by itself"):
            session.call("crash", (), {}, SECONDS)
        with worker.fork() as session:
            assert session.call("one", (), {}, SECONDS)[0] == 1


@level1
def test_what_a_copy_loses_costs_the_next_one_nothing(tight: Sandbox) -> None:
    assert_copies_lose_for_themselves_alone(tight)


def assert_copies_lose_for_themselves_alone(tight: Sandbox) -> None:
    """A process that a student's function started is ended, and the function goes on."""
    with tight.worker() as worker:
        shown(worker, f"{HOGS}\nlose()")
        for function, args, why in [("hold", (400,), "more than 300 MB of memory"), ("crash", (), "ended by itself")]:
            with worker.fork() as session, pytest.raises(StudentBroke, match=why):
                session.call(function, args, {}, SECONDS)
            with worker.fork() as session:
                assert session.call("lose", (), {}, SECONDS)[0] == 1


@level1
def test_one_allocation_that_is_too_large_is_an_error_that_a_student_can_read(tight: Sandbox) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session, pytest.raises(StudentError, match="Unable to allocate"):
            session.call("ask_for", (2000,), {}, SECONDS)


@level1
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("hold(400)", "more than 300 MB of memory"),
        ("together()", "more than 300 MB of memory"),
        ("in_turn()", "more than 300 MB of memory"),
        ("bomb()", "more than 10 processes and threads at once"),
    ],
)
def test_a_cell_that_takes_too_much_ends_its_worker_and_is_told_why(tight: Sandbox, source: str, why: str) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with pytest.raises(StudentBroke, match=why):
            worker.run_cell(source, "cell 2", SECONDS)
        with pytest.raises(StudentBroke, match=why):
            worker.fork()
    with tight.worker() as worker:
        assert shown(worker, "1") == "1"


@level1
def test_who_forks_waits_for_the_server(sandbox: Sandbox) -> None:
    assert_forks_wait_for_the_server(sandbox)


def assert_forks_wait_for_the_server(sandbox: Sandbox) -> None:
    """However slow the server is, they are never more than it has counted."""
    clones = "import os, threading\ndef fork(): os.fork() or os._exit(0)\ndef thread(): threading.Thread().start()"
    with sandbox.worker() as worker:
        shown(worker, clones)
        for function in ("fork", "thread"):
            with worker.fork() as session:
                os.kill(server := servers(sandbox._process.pid)[0], signal.SIGSTOP)
                try:
                    with pytest.raises(StudentTimeout):
                        session.call(function, (), {}, 0.5)
                finally:
                    os.kill(server, signal.SIGCONT)
            with worker.fork() as session:
                session.call(function, (), {}, SECONDS)


@level1
def test_many_processes_of_a_copy_are_ended_with_the_worker(tight: Sandbox) -> None:
    with tight.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session, pytest.raises(StudentBroke, match="processes and threads"):
            session.call("bomb", (), {}, SECONDS)


# What is told


def test_what_is_missing_is_told_with_what_to_do() -> None:
    for mechanism in mechanisms():
        assert mechanism.works or (mechanism.why and mechanism.remedy)


def test_a_server_that_fails_says_why() -> None:
    broken = Sandbox(Isolation.NONE)
    with pytest.raises(SandboxFault, match="IndexError"):
        broken._ask(["nonsense"], "nothing", SECONDS)
    with pytest.raises(SandboxFault, match="IndexError"):
        broken.worker()
    del broken
    gc.collect()  # whatever it leaves open is a warning here, and so an error


# Each thread passes the kernel's limit before another is counted, if it waits for the disk meanwhile.
SENDS_MANY = """
import array, glob, mmap, os, socket, threading, torch
library = open(max(glob.glob(os.path.dirname(torch.__file__) + '/lib/*'), key=os.path.getsize), 'rb')
view = memoryview(mmap.mmap(library.fileno(), 0, access=mmap.ACCESS_READ))
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [library.fileno()] * 253))]
pairs = [socket.socketpair() for _ in range(40)]
together = threading.Barrier(len(pairs))
def send(number, pair):
    place = len(view) * number // len(pairs)
    together.wait()
    try: pair[0].sendmsg([view[place:place + 40960]], rights)
    except OSError: pass
threads = [threading.Thread(target=send, args=each) for each in enumerate(pairs)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@level1
def test_descriptors_on_their_way_hold_up_nobody_else(sandbox: Sandbox) -> None:
    """They are counted for a user, and whoever may open fewer files sends no more."""
    with sandbox.worker() as first, sandbox.worker() as second:
        assert shown(first, SENDS_MANY) == ""
        for worker in (first, second):
            worker.fork().close()
        sandbox.worker().close()


@level1
def test_the_libraries_may_be_below_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `git clone` in /tmp: then /tmp has what Python needs, and is not the notebook's own directory."""
    mounts = launch._view()
    monkeypatch.setattr(launch, "_view", lambda: [*mounts, "--ro-bind", "/usr/share/zoneinfo", "/tmp/checkout/.venv"])
    with Sandbox() as sandbox, sandbox.worker() as worker:
        assert "'checkout'" in shown(worker, "import os; os.listdir('/tmp')")
        assert shown(worker, "import tempfile; tempfile.gettempdir()") == "'/notebook'"


def test_of_a_virtual_environment_nothing_is_shown_but_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be in the course directory itself, beside the references."""
    for name in ("bin", "lib", "pyvenv.cfg", "solutions", "submitted"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for seen in (launch._view(), launch.readable()):
        shown = {path.name for path in map(Path, seen) if path.is_relative_to(tmp_path)}
        assert shown == {"bin", "lib", "pyvenv.cfg"}


def test_there_is_no_shared_memory_that_nobody_is_charged_for(worker: Worker) -> None:
    assert "Permission denied" in shown(worker, "open('/dev/zero', 'rb').read(1)")

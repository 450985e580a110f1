"""Changing what is not theirs: grades, configuration, libraries, others' files, and messages to another student."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import Course, Start, missing, solved
from forging_helpers import (
    FULL,
    LEVELS,
    LIMITS,
    RIGHT,
    SECRET,
    assert_earned,
    hand_in,
    notebook,
    shown,
    springs,
)

from autograder.course import Problem
from autograder.grading.execute import execute
from autograder.grading.submission import Cell
from autograder.sandbox import Isolation, Sandbox


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, LIMITS)


Picture = dict[str, tuple[object, ...]]


def picture(folder: Path) -> Picture:
    """Every file below `folder`, with its content, mode, owner, time and attributes."""
    found: Picture = {}
    for path in [folder, *folder.rglob("*")]:
        state = path.lstat()
        about = (state.st_mode, state.st_uid, state.st_mtime_ns, state.st_nlink, *os.listxattr(path))
        found[str(path.relative_to(folder))] = (*about, path.read_bytes() if path.is_file() else b"")
    return found


# Files. {path} is the file; the calls by number have the same one on every architecture.

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
TOUCHES = {
    "write": "open({path!r}, 'w').write('mine')",
    "append": "open({path!r}, 'a').write('mine')",
    "write in its middle": "with open({path!r}, 'r+') as file: file.seek(3); file.write('mine')",
    "mmap": "import mmap\nwith open({path!r}, 'r+b') as file: mmap.mmap(file.fileno(), 0)[:4] = b'mine'",
    "cut off": "import os\nos.truncate({path!r}, 0)",
    "remove": "import os\nos.unlink({path!r})",
    "rename": "import os\nos.rename({path!r}, {path!r} + '2')",
    "put another in its place": "import os\nopen('mine', 'w').write('mine')\nos.rename('mine', {path!r})",
    "take it": "import os\nos.rename({path!r}, 'mine')",
    "link to it": "import os\nos.link({path!r}, 'mine')",
    "write through a link": "import os\nos.symlink({path!r}, 'mine')\nopen('mine', 'w').write('mine')",
    "mode": "import os\nos.chmod({path!r}, 0o600)",
    "mode, by its folder": "import os\nos.chdir(os.path.dirname({path!r}))\n"
    "os.chmod(os.path.basename({path!r}), 0o600)",
    "time": "import os\nos.utime({path!r}, (0, 0))",
    "attribute": "import os\nos.setxattr({path!r}, 'user.grade', b'6')",
    "mode, by a newer call": LIBC + "libc.syscall(452, -100, {path!r}.encode(), 0o600, 0)",
    "attribute, by a newer call": LIBC + "value = ctypes.create_string_buffer(b'6')\n"
    "asked = (ctypes.c_uint64 * 2)(ctypes.addressof(value), 1)\n"
    "libc.syscall(463, -100, {path!r}.encode(), 0, b'user.grade', asked, ctypes.c_size_t(16))",
    "a file beside it": "open({path!r} + '-journal', 'w').write('mine')",
    "a folder beside it": "import os\nos.mkdir({path!r} + '-journal')",
    "a pipe beside it": "import os\nos.mkfifo({path!r} + '-journal')",
    "another program": "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'open(' + repr({path!r}) + ', \"w\").write(\"mine\")'])",
    "the C library": LIBC + "libc.remove({path!r}.encode())",
    "numpy": "import numpy as np\nnp.zeros(3).tofile({path!r})",
}
# What a kernel before 6.6, or before 6.13, has not.
NEWER = {"mode, by a newer call": 452, "attribute, by a newer call": 463}


@pytest.fixture
def restored(problem: Problem) -> Iterator[Path]:
    """The gradebook, which is put back in case it was touched."""
    path = problem.root / "gradebook.db"
    yield path
    path.unlink(missing_ok=True)
    path.write_text(SECRET)


@pytest.mark.parametrize("name", TOUCHES)
def test_where_nothing_confines_it_a_file_is_changed(name: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    path = tmp_path / "theirs" / "gradebook.db"
    path.parent.mkdir()
    path.write_text(SECRET)
    before = picture(path.parent)
    code = TOUCHES[name].format(path=str(path))
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "own", check=True, capture_output=True)
    missing_here = (
        name in NEWER and ctypes.CDLL(None).syscall(NEWER[name], -1, None, 0, 0, 0, 0) == -1 and _is_unknown()
    )
    assert (picture(path.parent) != before) != missing_here


def _is_unknown() -> bool:
    return ctypes.get_errno() == 38


@pytest.mark.parametrize("name", TOUCHES)
def test_nothing_of_the_course_is_changed(problem: Problem, sandbox: Sandbox, restored: Path, name: str) -> None:
    """Neither by a cell nor by a function that a hidden test calls."""
    before = picture(problem.root)
    targets = [restored, problem.root / "nbgrader_config.py", problem.test_module, problem.reference_source]
    targets += [problem.root / "submitted" / "honest" / "ps00" / "springs.ipynb"]
    cells = [TOUCHES[name].format(path=str(path)) for path in targets]
    inside = "\n".join(f"    {line}" for line in cells[0].splitlines())
    graded = hand_in(problem, sandbox, *cells, f"def energy(x, k):\n{inside}\n    return 0.0", answers=RIGHT)
    assert_earned(graded, FULL - 2)
    assert picture(problem.root) == before


LIBRARIES = {
    "numpy": np.__file__,
    "the standard library": os.__file__,
    "the sandbox's own code": str(Path(sys.modules[Sandbox.__module__].__file__ or "").parent / "inside" / "wire.py"),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_installed_package_can_be_written_to(problem: Problem, sandbox: Sandbox, name: str) -> None:
    """Only opened, and nothing is written: if it could be, the tests would have to go on with it."""
    path = LIBRARIES[name]
    attack = f"""
import os
opened = []
for path in ({path!r}, {path!r} + '.pth', os.path.dirname({path!r}) + '/sitecustomize.py', '/sandbox/inside/wire.py'):
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT):
        try: opened.append(os.open(path, flags))
        except OSError: pass
    try: opened.append(os.chmod(path, os.stat(path).st_mode))
    except OSError: pass
print('opened', *opened)
"""
    before = sorted(os.listdir(Path(path).parent))
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert "'opened\\n'" in str(graded.outputs)
    assert sorted(os.listdir(Path(path).parent)) == before
    assert_earned(graded, FULL)


# After the grading

# A pipe tells it that its grading is over: it is closed when the last process of the notebook has ended.
DAEMON = """
import os, signal
over, kept = os.pipe()
if os.fork() == 0:
    os.setsid()
    os.close(kept)
    if os.fork() == 0:
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        os.read(over, 1)
        while True:
            try: open(PATH, 'a').write('mine')
            except OSError: continue
            break
    os._exit(0)
os.wait()
"""


def test_where_nothing_confines_it_a_daemon_writes_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    # Its output is closed when the daemon has ended, which it does when it has written.
    code = DAEMON.replace("PATH", repr(str(path)))
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert path.read_text() == "mine"


def _family(sandbox: Sandbox) -> set[int]:
    return {process.pid for process in psutil.Process(sandbox._process.pid).children(recursive=True)}


@pytest.mark.parametrize("where", ["a cell", "a function"])
def test_no_daemon_outlives_its_grading(problem: Problem, sandbox: Sandbox, restored: Path, where: str) -> None:
    before, family = picture(problem.root), _family(sandbox)
    code = DAEMON.replace("PATH", repr(str(restored)))
    if where == "a function":
        inside = "\n".join(f"    {line}" for line in code.splitlines())
        code = f"right = energy\ndef energy(x, k):\n{inside}\n    return right(x, k)"
    assert_earned(hand_in(problem, sandbox, code, answers=RIGHT), FULL)
    assert _family(sandbox) == family
    assert picture(problem.root) == before


# Messages to another student: the first notebook still runs when the second looks.

WORD = "meet me at the vertex"
IPC = LIBC + "libc.shmat.restype = ctypes.c_void_p\n"
CHANNELS = {
    "/tmp": ("open('/tmp/mlphys-note', 'w').write(WORD)", "print(open('/tmp/mlphys-note').read())"),
    "/var/tmp": ("open('/var/tmp/mlphys-note', 'w').write(WORD)", "print(open('/var/tmp/mlphys-note').read())"),
    "/dev/shm": ("open('/dev/shm/mlphys-note', 'w').write(WORD)", "print(open('/dev/shm/mlphys-note').read())"),
    "shared memory with a name": (
        "from multiprocessing.shared_memory import SharedMemory\n"
        "kept = SharedMemory('mlphys-note', create=True, size=99)\nkept.buf[:len(WORD)] = WORD.encode()",
        "from multiprocessing.shared_memory import SharedMemory\n"
        "kept = SharedMemory('mlphys-note')\nprint(bytes(kept.buf).decode())",
    ),
    "shared memory with a number": (
        IPC + "place = libc.shmat(libc.shmget(0x6D6C, 99, 0o1666), None, 0)\n"
        "ctypes.memmove(ctypes.c_void_p(place), WORD.encode(), len(WORD))",
        IPC + "number = libc.shmget(0x6D6C, 99, 0o666)\nplace = libc.shmat(number, None, 0)\n"
        "libc.shmctl(number, 0, None)\nif number >= 0: print(ctypes.string_at(place).decode())",
    ),
    "a queue of messages": (
        LIBC + "libc.msgsnd(libc.msgget(0x6D6C, 0o1666), (b'1234567\\0' + WORD.encode()), len(WORD), 0)",
        LIBC + "text, number = ctypes.create_string_buffer(99), libc.msgget(0x6D6C, 0)\n"
        "libc.msgrcv(number, text, 90, 0, 0o4000)\nlibc.msgctl(number, 0, None)\nprint(text.raw[8:].decode())",
    ),
    "a socket with an abstract name": (
        "import socket\nkept = socket.socket(socket.AF_UNIX)\nkept.bind('\\0mlphys-note')\nkept.listen()\n"
        "import threading\nthreading.Thread(target=lambda: kept.accept()[0].send(WORD.encode()), daemon=True).start()",
        "import socket\nend = socket.socket(socket.AF_UNIX)\nend.connect('\\0mlphys-note')\n"
        "print(end.recv(99).decode())",
    ),
    "loopback": (
        "import socket\nkept = socket.create_server(('127.0.0.1', PORT))\n"
        "import threading\nthreading.Thread(target=lambda: kept.accept()[0].send(WORD.encode()), daemon=True).start()",
        "import socket\nend = socket.create_connection(('127.0.0.1', PORT), 1)\nprint(end.recv(99).decode())",
    ),
    "a terminal": (
        "import os\nours, theirs = os.openpty()\nos.write(ours, WORD.encode() + b'\\n')\nprint(os.ttyname(theirs))",
        "import glob, os\nfor name in TERMINALS:\n    end = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)\n"
        "    print(os.read(end, 99).decode())",
    ),
    "the folder of the libraries": (
        "import os\nopen(FOLDER + '/mlphys-note', 'w').write(WORD)",
        "print(open(FOLDER + '/mlphys-note').read())",
    ),
}


def _channel(name: str, folder: str, terminals: str, port: int) -> tuple[str, str]:
    leave, find = CHANNELS[name]
    words = {"WORD": repr(WORD), "PORT": str(port), "FOLDER": repr(folder), "TERMINALS": terminals}
    for word, value in words.items():
        leave, find = leave.replace(word, value), find.replace(word, value)
    return leave, find


@pytest.mark.parametrize("name", CHANNELS)
def test_where_nothing_confines_them_the_second_reads_it(name: str, tmp_path: Path) -> None:
    leave, find = _channel(name, str(tmp_path), "TOLD", port=18_764)
    wait = "\nprint('left', flush=True)\nimport sys\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", leave + wait], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        said = first.stdout.readline()
        command = [sys.executable, "-c", find.replace("TOLD", repr([said.strip()]))]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert WORD in second.stdout, second.stderr
    for path in ("/tmp/mlphys-note", "/var/tmp/mlphys-note", "/dev/shm/mlphys-note"):
        Path(path).unlink(missing_ok=True)


@pytest.mark.parametrize("name", CHANNELS)
def test_no_message_reaches_another_student(problem: Problem, sandbox: Sandbox, name: str) -> None:
    leave, find = _channel(name, str(Path(np.__file__).parent), "glob.glob('/dev/pts/*')", port=18_765)
    first = execute([Cell("code", leave)], {}, sandbox)
    try:
        graded = hand_in(problem, sandbox, find, answers=RIGHT)
    finally:
        first.worker.close()
    assert WORD not in str(graded.outputs)
    assert_earned(graded, FULL)


def test_no_message_is_left_for_the_next(problem: Problem, sandbox: Sandbox) -> None:
    homes = os.listdir(sandbox._home.name)
    every = [_channel(name, str(Path(np.__file__).parent), "[]", port=18_766) for name in CHANNELS]
    assert_earned(hand_in(problem, sandbox, *(leave for leave, _ in every), answers=RIGHT), FULL)
    graded = hand_in(problem, sandbox, *(find for _, find in every), answers=RIGHT)
    assert WORD not in shown(graded)
    assert_earned(graded, FULL)
    assert os.listdir(sandbox._home.name) == homes


def test_a_queue_of_the_instructor_s_is_not_written_to(problem: Problem, sandbox: Sandbox) -> None:
    """At the level landlock a student's process shares these with ours, and may guess their numbers."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.msgget(0, 0o1600)
    assert number >= 0
    attack = f"{LIBC}print(libc.msgsnd({number}, b'1234567\\0mine', 4, 0o4000), libc.msgctl({number}, 0, None))"
    text = ctypes.create_string_buffer(99)
    try:
        graded = hand_in(problem, sandbox, attack, answers=RIGHT)
        assert "'-1 -1\\n'" in str(graded.outputs)
        assert libc.msgrcv(number, text, 90, 0, 0o4000) == -1
        assert ctypes.get_errno() == errno.ENOMSG  # it is there, and empty
        done = subprocess.run([sys.executable, "-c", attack], capture_output=True, text=True, check=True)
        assert done.stdout == "0 0\n"
    finally:
        libc.msgctl(number, 0, None)
    assert_earned(graded, FULL)


# With nbgrader, whose gradebook this is about

BACKPROP = Problem("ps01_linear_algebra", "backprop")
VANDAL = """
import glob, os, sqlite3
for path in (ROOT + '/gradebook.db', *glob.glob(ROOT + '/submitted/*/*/*'), ROOT + '/nbgrader_config.py'):
    try: print('read', open(path, 'rb').read(9))
    except OSError: pass
    for touch in (lambda: open(path, 'a').write('mine'), lambda: os.unlink(path), lambda: os.chmod(path, 0)):
        try: print('touched', touch())
        except OSError: pass
try: sqlite3.connect(ROOT + '/gradebook.db').execute('UPDATE grade SET auto_score = 26').connection.commit()
except sqlite3.Error as error: print(error)
"""


def _graded_class(level: Isolation, root: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    if level is Isolation.LANDLOCK:
        monkeypatch.setenv("PATH", str(root))  # where there is no bubblewrap
    course = Course(root, BACKPROP)
    course.nbgrader("generate_assignment", BACKPROP.assignment)
    blank = (root / "release" / BACKPROP.assignment / f"{BACKPROP.name}.ipynb").read_text()
    attack = VANDAL.replace("ROOT", repr(str(root)))
    own = notebook({}, attack, DAEMON.replace("PATH", repr(f"{root}/gradebook.db")))["cells"][1:3]
    hostile = _with_cells(blank, own)
    course.submit("a_honest", solved(BACKPROP))
    course.submit("b_vandal", hostile)
    course.submit("c_honest", solved(BACKPROP))
    return course


def _with_cells(text: str, cells: list[dict[str, object]]) -> str:
    read = json.loads(text)
    read["cells"] += [{**cell, "id": f"own-{number}"} for number, cell in enumerate(cells)]
    return json.dumps(read)


@pytest.mark.parametrize("level", LEVELS)
def test_the_gradebook_has_what_each_student_earned(
    level: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not missing(level)
    course = _graded_class(level, tmp_path, monkeypatch)
    files = {path: path.read_bytes() for path in (tmp_path / "submitted").rglob("*.ipynb")}
    course.nbgrader("autograde", BACKPROP.assignment)
    database = (tmp_path / "gradebook.db").read_bytes()
    scores = {
        student: sum(grade.auto_score or 0 for grade in course.grades(student).values())
        for student in ("a_honest", "b_vandal", "c_honest")
    }
    assert scores == {"a_honest": 26, "b_vandal": 0, "c_honest": 26}
    assert not any(grade.needs_manual_grade for grade in course.grades("b_vandal").values())
    assert course.record("b_vandal")["isolation"] == level.label
    outputs = str([cell.get("outputs") for cell in course.autograded("b_vandal")["cells"]])
    assert "unable to open database file" in outputs
    assert "'read" not in outputs
    assert "'touched" not in outputs
    assert {path: path.read_bytes() for path in files} == files
    assert (tmp_path / "gradebook.db").read_bytes() == database

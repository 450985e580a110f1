"""Reading what is hidden: tests, references, grades, others' work, and whatever else the trusted process has."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Start
from forging_helpers import (
    FULL,
    IMPORTS,
    LEVELS,
    LIMITS,
    RIGHT,
    SECRET,
    assert_earned,
    hand_in,
    shown,
    springs,
    unconfined,
)

from autograder.course import ROOT, Problem
from autograder.sandbox import Isolation, Sandbox


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, LIMITS)


def hidden(problem: Problem) -> dict[str, Path]:
    return {
        "the reference": problem.reference_source,
        "the graders": problem.test_module,
        "the mistakes": problem.graders / "mistakes.py",
        "the gradebook": problem.root / "gradebook.db",
        "the configuration": problem.root / "nbgrader_config.py",
        "another submission": problem.root / "submitted" / "honest" / "ps00" / "springs.ipynb",
    }


FILES = ["the reference", "the graders", "the mistakes", "the gradebook", "the configuration", "another submission"]
# {path} is the file, and {folder} the directory that it is in.
WAYS = {
    "open": "print(open({path!r}).read())",
    "a descriptor": "import os\nprint(os.read(os.open({path!r}, os.O_RDONLY), 10**6).decode())",
    "from its folder": "import os\nos.chdir({folder!r})\nprint(open(os.path.basename({path!r})).read())",
    "relative to a descriptor": "import os\nfolder = os.open({folder!r}, os.O_PATH)\n"
    "print(os.read(os.open(os.path.basename({path!r}), os.O_RDONLY, dir_fd=folder), 10**6).decode())",
    "a symbolic link": "import os\nos.symlink({path!r}, 'link')\nprint(open('link').read())",
    "a hard link": "import os\nos.link({path!r}, 'link')\nprint(open('link').read())",
    "a directory link": "import os\nos.symlink({folder!r}, 'place')\n"
    "print(open('place/' + os.path.basename({path!r})).read())",
    "moved here": "import os, shutil\nshutil.copy({path!r}, 'copy')\nprint(open('copy').read())",
    "mmap": "import mmap\nwith open({path!r}, 'rb') as file: print(mmap.mmap(file.fileno(), 0, prot=1)[:].decode())",
    "sendfile": "import os\nwith open({path!r}) as file, open('copy', 'w') as copy:\n"
    "    os.sendfile(copy.fileno(), file.fileno(), 0, 10**6)\nprint(open('copy').read())",
    "numpy": "print(np.fromfile({path!r}, dtype=np.uint8).tobytes().decode())",
    "linecache": "import linecache\nprint(*linecache.getlines({path!r}))",
    "the C library": "import ctypes\nlibc, text = ctypes.CDLL(None), ctypes.create_string_buffer(10**5)\n"
    "libc.read(libc.open({path!r}.encode(), 0), text, 10**5)\nprint(text.value.decode())",
    "another Python": "import subprocess, sys\nprint(subprocess.check_output("
    "[sys.executable, '-c', 'print(open(' + repr({path!r}) + ').read())'], text=True))",
    "the root of a process": "import os\nprint(open(f'/proc/{{os.getpid()}}/root' + {path!r}).read())",
    "cat": "import subprocess\nprint(subprocess.check_output(['cat', {path!r}], text=True))",
    "a shell": "import os\nprint(os.popen('cat ' + {path!r}).read())",
    "!cat": "!cat {path}",
    "%sx": "%sx cat {path}",
    "%%bash": "%%bash\ncat {path}",
    "%%sh": "%%sh\ncat {path}",
    "%%script": "%%script cat {path}\n-",
    "%pycat": "%pycat {path}",
    "%%python": "%%python\nprint(open({path!r}).read())",
}


@pytest.fixture(scope="module")
def outside(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each way shows of the reference where nothing confines it."""
    cells = {name: [IMPORTS, _filled(way, problem.reference_source)] for name, way in WAYS.items()}
    return unconfined(cells, tmp_path_factory.mktemp("plain"))


def _filled(way: str, path: Path) -> str:
    return way.format(path=str(path), folder=str(path.parent))


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_confines_it_a_way_shows_the_file(outside: dict[str, str], way: str) -> None:
    assert SECRET in outside[way]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_shows_a_hidden_file(problem: Problem, sandbox: Sandbox, way: str) -> None:
    graded = hand_in(problem, sandbox, *(_filled(WAYS[way], path) for path in hidden(problem).values()), answers=RIGHT)
    assert SECRET not in shown(graded)
    assert_earned(graded, FULL)


@pytest.mark.parametrize("file", FILES)
def test_a_function_reads_no_hidden_file_during_a_test(problem: Problem, sandbox: Sandbox, file: str) -> None:
    attack = f"def energy(x, k): raise ValueError(open({str(hidden(problem)[file])!r}).read())"
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert SECRET not in shown(graded)
    assert_earned(graded, FULL - 2)
    message = graded.record.part("energy").tests[0].message
    assert ("PermissionError" if sandbox.level is Isolation.LANDLOCK else "FileNotFoundError") in message


IMPORTED = {
    "the package": "import autograder.grading.compare as found",
    "the graders": "import autograder.graders.ps01_linear_algebra.backprop.test_backprop as found",
    "the references": "import solutions.ps01_linear_algebra.backprop as found",
    "the references by their place": f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import solutions.ps01_linear_algebra.backprop as found",
    "the references by their file": "import importlib.util\nspec = importlib.util.spec_from_file_location('found', "
    f"{str(ROOT / 'solutions' / 'ps01_linear_algebra' / 'backprop.py')!r})\n"
    "found = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(found)",
    "what is imported already": "import sys\nfound = [sys.modules[name] for name in sys.modules "
    "if name.split('.')[0] in ('autograder', 'solutions', 'pytest', 'nbgrader')][0]",
}


def test_outside_the_course_can_be_imported(tmp_path: Path) -> None:
    imports = {
        name: [f"{code}\nprint('found', found.__name__)"] for name, code in IMPORTED.items() if "already" not in name
    }
    assert all("found" in text and "Error" not in text for text in unconfined(imports, tmp_path).values())


@pytest.mark.parametrize("name", IMPORTED)
def test_nothing_of_the_course_can_be_imported(problem: Problem, sandbox: Sandbox, name: str) -> None:
    graded = hand_in(problem, sandbox, f"{IMPORTED[name]}\nprint('found', found.__name__)", answers=RIGHT)
    # The last line of the cell is in its traceback as well, with a quotation mark after the word.
    assert "'text': 'found" not in str(graded.outputs)
    assert_earned(graded, FULL)


# What the process itself has

LOOKS = {
    "environment": "import os\n"
    "print('saw', *[name for name in os.environ if name.startswith(('PYTEST', 'MLPHYS', 'SSH'))])",
    "the C library's environment": "import ctypes\nget = ctypes.CDLL(None).getenv\nget.restype = ctypes.c_char_p\n"
    "print('saw', get(b'PYTEST_VERSION') or '')",
    "/proc": """
import os
found = []
for pid in [name for name in os.listdir('/proc') if name.isdigit()]:
    for name in ('cmdline', 'environ', 'maps', 'status'):
        try: found.append(open(f'/proc/{pid}/{name}', 'rb').read(9))
        except OSError: pass
    for name in ('cwd', 'exe', 'fd/0'):
        try: found.append(os.readlink(f'/proc/{pid}/{name}'))
        except OSError: pass
print('saw', *found)
""",
    "/proc, without its listing": """
import os
found = []
for pid in (TRUSTED, os.getppid()):
    for name in ('cmdline', 'environ', 'maps', 'status', 'mem'):
        try: found.append(open(f'/proc/{pid}/{name}', 'rb'))
        except OSError: pass
    for name in ('cwd', 'exe', 'root', 'fd/0'):
        try: found.append(os.readlink(f'/proc/{pid}/{name}'))
        except OSError: pass
print('saw', *found)
""",
    "the machine": """
import os
found = []
for path in ('/etc/passwd', '/etc/hostname', '/proc/cpuinfo', '/proc/net/unix', '/proc/mounts', '/sys/kernel'):
    try: found.append(os.listdir(path) if os.path.isdir(path) else open(path).read()[:20])
    except OSError: pass
print('saw', *found)
""",
    "open files": """
import os
kept = os.open(OPENED, os.O_RDONLY) if os.path.exists(OPENED) and os.access(OPENED, os.R_OK) and CONTROL else None
found = []
for descriptor in range(1024):
    try: found += [descriptor] if b'parabola' in os.pread(descriptor, 10**6, 0) else []
    except OSError: pass
print('saw', *found)
""",
    "objects": """
import gc, sys
if CONTROL: kept = [type('Grading', (), {})(), 'parabola']
words = ('parabola', 'test_value', 'TestEnergy')
lists = [x for x in gc.get_objects() if type(x) is list]
found = [x for x in lists if any(type(y) is str and y in words for y in x)]
found += [x for x in gc.get_objects() if type(x).__name__ in ('Grading', 'Case', 'Student', 'Sandbox', 'Problem')]
print('saw', *map(type, found))
""",
    "frames": """
import sys
if CONTROL: kept = 'the quadrature of the parabola'
found, frame = [], sys._getframe()
while frame is not None:
    for names in (frame.f_locals, frame.f_globals):
        members = [(name, repr(value)) for name, value in list(names.items()) if name != 'In']
        found += [name for name, value in members if value.startswith("'the quadrature")]
    frame = frame.f_back
print('saw', *found)
""",
    "memory, by process_vm_readv": """
import ctypes
libc, buffer = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(LENGTH)
class Piece(ctypes.Structure): _fields_ = (('base', ctypes.c_void_p), ('length', ctypes.c_size_t))
ours, theirs = Piece(ctypes.addressof(buffer), LENGTH), Piece(ADDRESS, LENGTH)
libc.process_vm_readv(TRUSTED, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
print('saw', buffer.value.decode())
""",
    "memory, by its file": """
text = b''
try:
    with open('/proc/TRUSTED/mem', 'rb') as file:
        file.seek(ADDRESS)
        text = file.read(LENGTH)
except OSError: pass
print('saw', text.decode())
""",
    "ptrace": """
import ctypes
attached = ctypes.CDLL(None).ptrace(16, TRUSTED, 0, 0) == 0
print('saw', 'it' if attached else '')
""",
    "the histories": """
get_ipython()
kept = In + [str(value) for value in Out.values()]
found = [text for text in kept if 'warm ' + 'up' in text or 'import numpy, ' + 'torch' in text]
if CONTROL: found.append('it')
print('saw', *found)
""",
}
# The trusted process has it, and its place in memory is told to the attack.
IN_MEMORY = ctypes.create_string_buffer(SECRET.encode())


def _look(name: str, path: Path, pid: int, control: bool) -> str:
    settings = f"CONTROL, OPENED = {control}, {str(path)!r}\n"
    words = {"TRUSTED": str(pid), "ADDRESS": str(ctypes.addressof(IN_MEMORY)), "LENGTH": str(len(SECRET))}
    code = LOOKS[name]
    for word, value in words.items():
        code = code.replace(word, value)
    return settings + code


@pytest.mark.parametrize("name", LOOKS)
def test_nothing_is_seen(problem: Problem, sandbox: Sandbox, name: str) -> None:
    look = _look(name, problem.reference_source, os.getpid(), control=False)
    graded = hand_in(problem, sandbox, look, answers=RIGHT)
    [said] = [output.get("text") or output["evalue"] for outputs in graded.outputs for output in outputs]
    assert said in {"saw\n", "saw \n", "[Errno 13] Permission denied: '/proc'"}
    assert SECRET not in shown(graded)
    assert_earned(graded, FULL)


# A process that may be watched by its parent has the same at the same place.
WATCHED = """
import ctypes, os, subprocess, sys
kept = ctypes.create_string_buffer(SECRET)
if (pid := os.fork()) == 0:
    import signal
    signal.pause()
code = sys.stdin.read().replace("4000000", str(pid)).replace("5000000", str(ctypes.addressof(kept)))
exec(code, {})
os.kill(pid, 9)
"""


@pytest.mark.parametrize("name", [name for name in LOOKS if name != "the histories"])
def test_outside_it_is_seen(problem: Problem, name: str) -> None:
    code = _look(name, problem.reference_source, 4_000_000, control=True)
    code = code.replace(str(ctypes.addressof(IN_MEMORY)), "5000000")
    watched = WATCHED.replace("SECRET", repr(SECRET.encode()))
    done = subprocess.run([sys.executable, "-c", watched], input=code, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("saw"), done.stderr
    assert done.stdout.strip() != "saw"


# What a callback tells

TELLTALES = {
    "its error": "try: f(-1.0)\n    except Exception as error: return repr(error)",
    "the traceback of its error": "import traceback\n    try: f(-1.0)\n"
    "    except Exception: return traceback.format_exc()",
    "the frames of its error": "try: f(-1.0)\n    except Exception as error: trace = error.__traceback__\n"
    "    found = []\n    while trace: found.append(str(trace.tb_frame.f_locals)[:10**4]); trace = trace.tb_next\n"
    "    return str(found)",
    "the causes of its error": "try: f(-1.0)\n"
    "    except Exception as error: return repr((error.__cause__, error.__context__))",
    "its defaults": "return str([getattr(f, name, 0) for name in ('__defaults__', '__kwdefaults__', '__closure__')])",
    "its code": "import inspect\n    return str(f.__code__.co_consts) + inspect.getsource(f)",
    "its globals": "return str(f.__globals__)[:10**5]",
    "its attributes": "return str([getattr(f, name) for name in dir(f)])[:10**5]",
    "its pickle": "import pickle\n    return str(pickle.dumps(f))",
}


@pytest.mark.parametrize("name", TELLTALES)
def test_a_callback_tells_nothing_but_its_value(problem: Problem, sandbox: Sandbox, name: str) -> None:
    attack = f"def tell(f, x):\n    {TELLTALES[name]}\ndef work(f, x): raise ValueError(tell(f, x))"
    graded = hand_in(problem, sandbox, attack, answers=RIGHT)
    assert SECRET not in shown(graded)
    assert_earned(graded, FULL - 1)
    assert "your code raised" in graded.record.part("work").tests[0].message


# The others are what an ordinary function keeps to itself.
TELLING = ["its error", "the traceback of its error", "the frames of its error", "its defaults", "its globals"]


@pytest.mark.parametrize("name", TELLING)
def test_the_same_function_in_one_process_tells_it(name: str, tmp_path: Path) -> None:
    given = f"def force(x, hidden='{SECRET}'):\n    if x < 0: raise ValueError(hidden)\n    return 1 + x\n"
    given += f"SECRET = '{SECRET}'\ndef tell(f, x):\n    {TELLTALES[name]}\nprint(tell(force, 1.0))"
    assert SECRET in unconfined({"": [given]}, tmp_path)[""]


# Another student, whose notebook runs at the same time


def test_a_notebook_that_runs_beside_it_is_not_in_view(problem: Problem, sandbox: Sandbox) -> None:
    look = """
import glob, os
above = os.path.dirname(os.getcwd())
found = []
for pattern in ('*', '*/*', '*/*/*'):
    for path in glob.glob(os.path.join(above, pattern)) + glob.glob('/tmp/mlphys-*/' + pattern):
        try: found.append(open(path, errors='replace').read(1000))
        except OSError: pass
print('saw', *[text for text in found if 'parabola' in text])
"""
    with sandbox.worker({"answer.txt": SECRET.encode()}) as other:
        other.run_cell(f"kept = {SECRET!r}", "cell 1", 10)
        graded = hand_in(problem, sandbox, look, answers=RIGHT)
    assert SECRET not in shown(graded)
    assert "'text': 'saw\\n'" in str(graded.outputs)
    assert_earned(graded, FULL)


def test_only_landlock_lets_a_notebook_ask_whether_a_file_exists(problem: Problem, sandbox: Sandbox) -> None:
    """The documented difference between the levels: size and time of a file whose name is known, never its content."""
    path = hidden(problem)["the gradebook"]
    graded = hand_in(problem, sandbox, f"import os\nprint(os.stat({str(path)!r}).st_size)", answers=RIGHT)
    seen = f"'text': '{len(SECRET)}\\n'" in str(graded.outputs)
    assert seen == (sandbox.level is Isolation.LANDLOCK)
    assert ("FileNotFoundError" in str(graded.outputs)) == (sandbox.level is Isolation.BUBBLEWRAP)
    assert_earned(graded, FULL)

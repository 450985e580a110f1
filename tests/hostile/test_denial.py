"""Denial: what hangs, crashes or takes too much costs itself, ends in time, and leaves nothing running."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from conftest import Start
from forging_helpers import FULL, LEVELS, LIMITS, RIGHT, assert_earned, hand_in, shown, springs

from autograder.course import Problem
from autograder.grading.execute import MOST_SHOWN, execute
from autograder.grading.marks import parts_of
from autograder.grading.run import run_tests
from autograder.grading.student import Room
from autograder.grading.submission import Cell
from autograder.sandbox import Isolation, Sandbox, client

Value = TypeVar("Value", str, float)
# A notebook has 100 MB and two processes before it does anything. The last call that hangs costs a second in any case.
DENIAL = replace(LIMITS, cell=0.5, memory=350 * 2**20, processes=16, disk=4 * 2**20, output=1000, callbacks=50)


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, DENIAL)


def _processes(sandbox: Sandbox) -> set[psutil.Process]:
    """The server's and all submissions', also those that hang elsewhere in the tree: they have its environment."""
    found = set(psutil.Process(sandbox._process.pid).children(recursive=True))
    return found | {process for process in psutil.process_iter() if _home(process) == sandbox._home.name}


def _home(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("HOME"))
    except psutil.Error:
        return ""


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No process of a submission outlives its grading, and no directory."""
    if "sandbox" not in request.fixturenames:
        yield
        return
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    before, homes = _processes(sandbox), os.listdir(sandbox._home.name)
    yield
    # What has been killed takes its time to go; what is still being made afterwards has not been.
    psutil.wait_procs(_processes(sandbox) - before, timeout=10)
    assert _processes(sandbox) == before
    assert os.listdir(sandbox._home.name) == homes


# In a cell of the student's own, which costs nothing: all else is graded.

FOREVER = "\nwhile True: pass"
IGNORE = "import signal\nfor number in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(number, signal.SIG_IGN)"
STOPPED, UNSTOPPABLE = "CellTimeout", "The notebook's process did not answer in time."
ENDED, REFUSED = "The notebook's process ended: it ended by itself.", "Operation not permitted"
PROCESSES = "it ran more than 16 processes and threads at once"
MEMORY = "it used more than 350 MB of memory"
# What runs into another limit than that of time is given all the time that a busy machine needs for it.
PATIENT = replace(DENIAL, cell=60.0, call=60.0)
WAIT = "\nimport time\ntime.sleep(99)"
# What is told about it; where the levels differ, at bubblewrap and at landlock.
CELLS: dict[str, tuple[str, str | tuple[str, str]]] = {
    "an infinite loop": ("while True: pass", STOPPED),
    "SIGINT and SIGTERM ignored": (
        "import signal\nsignal.signal(2, signal.SIG_IGN)\nsignal.signal(15, signal.SIG_IGN)" + FOREVER,
        STOPPED,
    ),
    "every signal ignored": (IGNORE + FOREVER, UNSTOPPABLE),
    "every signal blocked": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))" + FOREVER,
        UNSTOPPABLE,
    ),
    "every exception caught": (
        "def spin():\n    while True: pass\nwhile True:\n    try: spin()\n    except BaseException: pass",
        UNSTOPPABLE,
    ),
    "a regular expression": ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')", STOPPED),
    "the interpreter held": ("import itertools\nsum(itertools.repeat(0))", UNSTOPPABLE),
    "SIGSTOP": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", (UNSTOPPABLE, REFUSED)),
    "the parent stopped": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\nprint('on and on')",
        ("on and on", REFUSED),
    ),
    "the parent killed": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprint('on and on')",
        ("on and on", REFUSED),
    ),
    "everybody killed": (
        "import os, signal\nos.kill(-1, signal.SIGKILL)",
        ("No such process", REFUSED),
    ),
    "os._exit": ("import os\nos._exit(0)", ENDED),
    "segfault": ("import ctypes\nctypes.string_at(0)", ENDED),
    "abort": ("import os\nos.abort()", ENDED),
    "the stack used up": (
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: sorted([x], key=f)\nf(0)",
        ENDED,
    ),
    "SystemExit": ("raise SystemExit('enough')", "enough"),
    "exit": ("exit()\nprint('on and on')", "on and on"),
    "the connection closed": ("import os\nos.closerange(0, 256)", ENDED),
    "a fork bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", PROCESSES),
    "a thread bomb": (
        "import threading\nthreading.stack_size(2**16)\nfor _ in range(40):\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()" + WAIT,
        PROCESSES,
    ),
    # Fewer than are allowed at once: the dead are counted too, and a busy machine takes its time to bury them.
    "a chain of processes": (
        "import os\nif os.fork() == 0:\n    for _ in range(12):\n        if os.fork(): os._exit(0)\n    os._exit(0)",
        "",
    ),
    "memory": ("kept = b'1' * 400_000_000" + WAIT, MEMORY),
    "memory in one piece": ("import numpy as np\nnp.ones(10**9)", "Unable to allocate"),
    # The largest is killed, and then all.
    "memory of ten forks": (
        "import os\nfor _ in range(10):\n    if os.fork() == 0:\n        kept = b'1' * 200_000_000"
        + WAIT.replace("\n", "\n        ")
        + WAIT,
        MEMORY,
    ),
    "memory without a name": ("import os\nos.memfd_create('mine')", REFUSED),
    "memory that is shared": ("import mmap\nmmap.mmap(-1, 2**29)", REFUSED),
    "a disk in memory": (
        "open('/dev/shm/mine', 'wb').write(bytes(10**7))",
        ("File too large", "Permission denied"),
    ),
    "the disk": (
        "for name in 'abc': open(name, 'wb').write(bytes(3 * 10**6))" + WAIT,
        ("No space left on device", "it wrote more than 4 MB"),
    ),
    "a long file": ("open('mine', 'wb').truncate(10**12)", "File too large"),
    "inodes": (
        "for number in range(10**4): open(str(number), 'w').close()" + WAIT,
        ("No space left on device", "it wrote more than 4 MB"),
    ),
    "100 MB on one line": ("print('x' * 10**8)", "The rest of this cell's output is not kept."),
    "50 MB of HTML": (
        "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>' * 6_000_000))",
        "<IPython.core.display.HTML object>",
    ),
    "50 MB of what is shown": ("'x' * 50_000_000", ""),
    "50 MB of error": ("raise ValueError('x' * 50_000_000)", "ValueError"),
    "a million outputs": (
        "from IPython.display import display\nfor _ in range(10**6): display(1)",
        "display_data",
    ),
    "a repr that hangs": ("class Mine:\n    def __repr__(self):\n        while True: pass\nMine()", STOPPED),
    "an input": ("input()", "EOFError"),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_costs_itself(problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    code, told = CELLS[name]
    monkeypatch.setattr(sandbox, "limits", PATIENT if WAIT in code else DENIAL)
    graded = hand_in(problem, sandbox, code, answers=RIGHT)
    assert _at(sandbox, told) in shown(graded)
    assert len(shown(graded)) < 30_000
    assert_earned(graded, FULL)


def test_a_chain_of_processes_without_an_end_is_ended(problem: Problem, sandbox: Sandbox) -> None:
    """Each link ends before it can be looked at; that none is left is what every test here looks at."""
    chain = "import os\nif os.fork() == 0:\n    while True:\n        if os.fork(): os._exit(0)"
    assert hand_in(problem, sandbox, chain, answers=RIGHT).faults == []


def _at(sandbox: Sandbox, expected: Value | tuple[Value, Value]) -> Value:
    """What is expected at the level of `sandbox`, where bubblewrap and landlock differ."""
    return expected[sandbox.level is Isolation.LANDLOCK] if isinstance(expected, tuple) else expected


def test_where_nothing_confines_them_they_hang_or_end_the_process(tmp_path: Path) -> None:
    """With an alarm, as a cell has it: some it does not stop, some end what they run in, as a kernel would be."""
    alarm = """
import signal
class CellTimeout(BaseException): pass
def stop(*args): raise CellTimeout
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.1)
"""
    hanging = [name for name, (_, told) in CELLS.items() if UNSTOPPABLE in told]
    ending = [name for name, (_, told) in CELLS.items() if told in (STOPPED, ENDED) and name != "a repr that hangs"]
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", f"{alarm}{CELLS[name][0]}\nprint('on and on')"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        )
        for name in (*hanging, *ending)
    }
    said = {name: running[name].communicate(timeout=60)[0].decode() for name in ending}
    assert not [name for name, text in said.items() if "on and on" in text]
    assert all("CellTimeout" in text for name, text in said.items() if CELLS[name][1] == STOPPED)
    assert [name for name in hanging if running[name].poll() is None] == hanging
    for name in hanging:
        running[name].kill()
        running[name].communicate()


@pytest.mark.parametrize("name", ["descriptors used up", "the worker's loop left"])
def test_a_cell_can_spoil_its_own_notebook(problem: Problem, sandbox: Sandbox, name: str) -> None:
    """And no other: then all is lost, with a reason."""
    code = {
        "descriptors used up": "import os\ntry:\n    while True: os.dup(0)\nexcept OSError as error: print(error)",
        "the worker's loop left": "import os\nos.register_at_fork(after_in_child=lambda: os._exit(0))",
    }[name]
    graded = hand_in(problem, sandbox, code, answers=RIGHT)
    assert "process ended" in graded.record.part("energy").tests[0].message
    assert_earned(graded, 0)


def test_what_all_cells_show_has_a_limit(problem: Problem, sandbox: Sandbox) -> None:
    """Every cell may show figures of 8 MB, and there may be a thousand cells."""
    figures = """
import base64, io
import numpy as np
from IPython.display import Image, display
from PIL import Image as Pictures
file = io.BytesIO()
Pictures.fromarray(np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)).save(file, "PNG")
for _ in range(4): display(Image(file.getvalue()))
"""
    graded = hand_in(problem, sandbox, *[figures] * 5, answers=RIGHT)
    sizes = [len(str(outputs)) for outputs in graded.outputs]
    assert max(sizes) > MOST_SHOWN / 4
    assert sum(sizes) < MOST_SHOWN + max(sizes) + 2**20
    assert "which is all that is kept" in str(graded.outputs[9])
    assert_earned(graded, FULL)


# In a function, which costs its own part

SPIN = "while True: pass"
NOT_IN_TIME = "did not return within 1 seconds"
BY_ITSELF = "The Python process ended during the call: it ended by itself."
REST = FULL - 2
# The body of `energy`, what its part is told, and what the submission earns; by level where these differ.
FUNCTIONS: dict[str, tuple[str, str | tuple[str, str], float | tuple[float, float]]] = {
    "an infinite loop": (SPIN, NOT_IN_TIME, REST),
    "every signal ignored": (f"{IGNORE}\n{SPIN}", NOT_IN_TIME, REST),
    "a regular expression": ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')", NOT_IN_TIME, REST),
    "the interpreter held": ("import itertools\nsum(itertools.repeat(0))", NOT_IN_TIME, REST),
    "hangs on a hidden size": (f"if len(x) == 7:\n    {SPIN}\nreturn k * np.sum(x**2) / 2", NOT_IN_TIME, REST),
    "right on the first call only": (
        "x[:] *= not hasattr(np, 'seen')\nnp.seen = True\nreturn k * np.sum(x**2) / 2",
        "off by",
        REST,
    ),
    "SIGSTOP": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", (NOT_IN_TIME, REFUSED), REST),
    "the notebook killed": ("import os\nos.kill(os.getppid(), 9)\nreturn 0.0", ("", REFUSED), (0, REST)),
    "everybody killed": ("import os\nos.kill(-1, 9)\nreturn 0.0", ("", REFUSED), (0, REST)),
    "os._exit": ("import os\nos._exit(0)", BY_ITSELF, REST),
    "segfault": ("import ctypes\nctypes.string_at(0)", BY_ITSELF, REST),
    "SystemExit": ("raise SystemExit", "your code called exit", REST),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "your code raised KeyboardInterrupt", REST),
    "a generator's end": ("raise StopIteration", "your code raised StopIteration", REST),
    "a fork bomb": (CELLS["a fork bomb"][0], PROCESSES, 0),
    "a thread bomb": (CELLS["a thread bomb"][0], PROCESSES, 0),
    "memory": (CELLS["memory"][0], MEMORY, REST),
    "memory in one piece": ("np.ones(10**9)", "Unable to allocate", REST),
    "memory of ten forks": (CELLS["memory of ten forks"][0], MEMORY, 0),
    "the disk": (CELLS["the disk"][0], ("No space left on device", "it wrote more than 4 MB"), (REST, 0)),
    "20 MB returned": ("return np.ones(2_500_000)", "It takes 19 MB; answers may have 16 MB.", REST),
    "100 MB printed": ("print('x' * 10**8)\nreturn 0.0", "off by", REST),
    "a list without end": ("kept = []\nkept.append(kept)\nreturn kept", "contains itself", REST),
    "an infinite iterator": ("import itertools\nreturn itertools.count()", "an object of type count", REST),
    "50 MB of error": ("raise ValueError('x' * 50_000_000)", "ValueError", REST),
    "an error that hangs": (
        f"class Mine(Exception):\n    def __str__(self):\n        {SPIN}\nraise Mine",
        NOT_IN_TIME,
        REST,
    ),
    "a number that hangs": (f"class Mine(float):\n    def __float__(self):\n        {SPIN}\nreturn Mine(1)", "", REST),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_costs_its_own_part(
    problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Or all that is tested after it, where it ends the notebook's own process."""
    body, told, score = FUNCTIONS[name]
    # Large answers take their time to be made and sent; what is tested of them is their size.
    monkeypatch.setattr(sandbox, "limits", PATIENT if WAIT in body or "MB" in name else DENIAL)
    graded = hand_in(problem, sandbox, answers={**RIGHT, "energy": _function("energy(x, k)", body)})
    assert _at(sandbox, told) in graded.record.part("energy").tests[0].message
    assert len(shown(graded)) < 30_000
    assert_earned(graded, _at(sandbox, score))


def _function(head: str, body: str) -> str:
    return f"def {head}:\n" + "\n".join(f"    {line}" for line in body.splitlines())


def test_a_stopped_notebook_is_waited_for_once(
    problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "COPY_SECONDS", 1.0)
    stop = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"
    graded = hand_in(problem, sandbox, answers={**RIGHT, "energy": _function("energy(x, k)", stop)})
    refused = sandbox.level is Isolation.LANDLOCK
    assert_earned(graded, FULL - 2 if refused else 0)
    assert (REFUSED if refused else "process ended") in shown(graded)


def test_forks_and_ends_that_are_held_up_cost_the_time_of_the_calls(
    problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook's process decides how long both take; the fourth copy is not forked."""
    monkeypatch.setattr(sandbox, "limits", replace(DENIAL, calls=1.2))
    held = "import os, time\nos.register_at_fork(before=lambda: time.sleep(0.7))"
    waits = "\nwait = os.waitpid\nos.waitpid = lambda *given: (time.sleep(0.7), wait(*given))[1]"
    graded = hand_in(problem, sandbox, held + waits, answers=RIGHT)
    last = graded.record.part("step").tests[0]
    assert last.outcome == "timeout"
    assert "Your notebook has used all the time of its calls, 1.2 seconds" in last.message


def test_a_list_of_very_many_members_is_not_decoded(
    problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member is an object of ours, and is compared as one."""
    monkeypatch.setattr(sandbox, "limits", PATIENT)
    many = "return [[1.0]] * 300_000"
    graded = hand_in(problem, sandbox, answers={**RIGHT, "energy": _function("energy(x, k)", many)})
    assert "Its lists have more than 400,000 members: return arrays." in graded.record.part("energy").tests[0].message
    assert_earned(graded, REST)


def test_callbacks_have_a_limit(problem: Problem, sandbox: Sandbox) -> None:
    flood = "def work(f, x):\n    while True: f(x)"
    graded = hand_in(problem, sandbox, answers={**RIGHT, "work": flood})
    assert "more than 50 times" in graded.record.part("work").tests[0].message
    assert_earned(graded, FULL - 1)


def test_inputs_that_are_changed_in_place_cost_their_parts(problem: Problem, sandbox: Sandbox) -> None:
    """The results are right, and the next test has fresh inputs."""
    force = "def force(x, k):\n    x *= -k\n    return x"
    step = "def step(state, dt):\n    state['x'] += dt * state['v']\n    return state"
    graded = hand_in(problem, sandbox, answers={**RIGHT, "force": force, "step": step})
    assert "x after the call" in graded.record.part("force").tests[0].message
    assert "another state" in graded.record.part("step").tests[0].message
    assert_earned(graded, 3)


def test_memorised_inputs_earn_nothing(problem: Problem, sandbox: Sandbox) -> None:
    memory = """
seen = {((0.0, 1.0, 2.0), 2.0): 5.0}
def energy(x, k):
    return seen.get((tuple(x), k), 0.0)
assert energy(np.arange(3.0), 2.0) == 5.0
print('every check that is shown has passed')
"""
    graded = hand_in(problem, sandbox, memory, answers=RIGHT)
    assert "every check that is shown has passed" in shown(graded)
    assert_earned(graded, FULL - 2)


def test_what_is_remembered_for_the_diagnosis_has_a_limit(problem: Problem, sandbox: Sandbox) -> None:
    """An answer may have 16 MB, and a submission is called hundreds of times."""
    large = "return np.ones((3, 640_000))"
    heads = {"energy": "energy(x, k)", "force": "force(x, k)", "work": "work(f, x)", "step": "step(state, dt)"}
    cells = ["import numpy as np", *(_function(head, large) for head in heads.values())]
    execution = execute([Cell("code", source) for source in cells], {}, sandbox)
    with execution.worker:
        cases = run_tests(problem, parts_of(problem.test_module), execution, sandbox, "seed")
    assert [case.outcome for case in cases] == ["failed"] * len(cases)
    kept = [call.result.nbytes for case in cases for call in case.calls]
    assert 0 < sum(kept) <= Room.MOST < len(cases) * max(kept)

"""The sandbox at work: cells, calls, callbacks, handles, and what goes wrong in a student's process."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import EVERY_LEVEL, shown

from autograder.sandbox import (
    Handle,
    Isolation,
    Sandbox,
    Session,
    StudentBroke,
    StudentError,
    StudentTimeout,
    Worker,
)

pytestmark = EVERY_LEVEL
# Calls here take milliseconds; a machine under load may take a hundred times that.
SECONDS = 10.0

FUNCTIONS = """
import os, sys, ctypes
import numpy as np
count = 0
def add(x, y=1): return x + y
def counted():
    global count
    count += 1
    return count
def doubled(x):
    x *= 2
def forever():
    while True: pass
def exits(): os._exit(3)
def crashes(): ctypes.string_at(0)
def leaves(): sys.exit("bye")
def interrupted(): raise KeyboardInterrupt
def kills_the_notebook(): os.kill(os.getppid(), 9)
def fails():
    raise ValueError("negative mass")
class Odd(Exception):
    def __str__(self): raise RuntimeError
def fails_oddly(): raise Odd
def apply(f, x): return f(x)
def twice(f, x): return f(f(x))
def keeps(f):
    global kept
    kept = f
def use_kept(): return kept(1)
def hammers(f):
    while True: f(1)
def careless(f):
    try: return f(-1)
    except RuntimeError as error: return str(error)
def lends(f, size, *others):
    import numpy
    try: f(numpy.zeros(size))
    except RuntimeError: pass
def shouts(): print("x" * 10**8); return 1
class Spring:
    def __init__(self, k): self.k = k
    def __call__(self, x): return -self.k * x
def energy(spring, x): return spring.k * x**2 / 2
def ragged(): return [[1, 2], [3]]
def too_much(): return np.zeros(2**24)
"""


@pytest.fixture
def notebook(worker: Worker) -> Worker:
    assert shown(worker, FUNCTIONS) == ""
    return worker


def call(session: Session, name: str | Handle, *args: Any, **kwargs: Any) -> Any:
    return session.call(name, args, kwargs, SECONDS)[0]


def once(notebook: Worker, name: str, *args: Any, seconds: float = SECONDS) -> Any:
    """The result of one call in a copy of its own."""
    with notebook.fork() as session:
        return session.call(name, args, {}, seconds)[0]


# Cells


def test_cells_mean_what_they_mean_in_jupyter(worker: Worker) -> None:
    outputs = worker.run_cell("%matplotlib inline\nprint('a'); x = 3\nx + 1", "cell 1", SECONDS)
    assert outputs[0] == {"output_type": "stream", "name": "stdout", "text": "a\n"}
    assert outputs[1]["data"] == {"text/plain": "4"}
    assert shown(worker, "x") == "3"


def test_a_figure_is_shown(worker: Worker) -> None:
    (output,) = worker.run_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "cell 1", SECONDS)
    assert output["data"]["image/png"].startswith("iVBOR")


def test_an_error_names_its_line(worker: Worker) -> None:
    (output,) = worker.run_cell("x = 1\n1 / 0", "cell 7", SECONDS)
    assert output["ename"] == "ZeroDivisionError"
    assert "line 2\n    1 / 0" in "".join(output["traceback"])
    assert shown(worker, "x") == "1"


def test_files_lie_beside_the_notebook(sandbox: Sandbox) -> None:
    with sandbox.worker({"springs.csv": b"k\n2.0\n", "given.py": b"k = 2.0"}) as worker:
        assert shown(worker, "print(open('springs.csv').read())\nimport given\nprint(given.k)") == "k\n2.0\n\n2.0"


def test_fifty_megabytes_of_print_are_cut(worker: Worker) -> None:
    text = shown(worker, "for _ in range(50): print('x' * 10**6)")
    assert len(text) < 101_000
    assert text.endswith("[The rest of this cell's output is not kept.]")
    assert shown(worker, "'still here'") == "'still here'"


def test_how_much_a_cell_shows_is_a_limit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "limits", replace(sandbox.limits, output=50))
    with sandbox.worker() as worker:
        text = shown(worker, "print('x' * 100)")
    assert text == "x" * 50 + "\n[The rest of this cell's output is not kept.]"


def test_a_long_error_or_many_figures_leave_the_notebook_alive(worker: Worker) -> None:
    assert len(shown(worker, "kept = 1\nraise ValueError('x' * 20_000_000)")) <= 2000
    noise = "from IPython.display import display, Image\nimport os, base64\n"
    noise += "class P:\n    def _repr_png_(self): return base64.b64encode(os.urandom(1_000_000)).decode()\n"
    assert worker.run_cell(noise + "for _ in range(30): display(P())", "cell 2", SECONDS)
    assert shown(worker, "kept") == "1"


def test_unseeded_random_numbers_are_the_same_each_time(sandbox: Sandbox) -> None:
    drawn = "import random, torch, numpy as np\nprint(random.random(), np.random.rand(), torch.rand(1), hash('a'))"
    with sandbox.worker() as first, sandbox.worker() as second:
        assert shown(first, drawn) == shown(second, drawn)


def test_unseeded_random_numbers_are_the_same_in_each_copy(worker: Worker) -> None:
    drawn = (
        "import random, torch, numpy as np\ndef draw(): return random.random(), np.random.rand(), torch.rand(1).item()"
    )
    assert shown(worker, drawn) == ""
    assert once(worker, "draw") == once(worker, "draw")


def test_a_cell_that_does_not_end_is_stopped(worker: Worker) -> None:
    (output,) = worker.run_cell("x = 1\nwhile True: pass", "cell 1", 0.2)
    assert output["ename"] == "CellTimeout"
    assert shown(worker, "x") == "1"


def test_a_cell_that_ends_the_process_ends_the_worker(worker: Worker) -> None:
    with pytest.raises(StudentBroke, match=r"process ended: it ended by itself\.$"):
        worker.run_cell("import os; os._exit(0)", "cell 1", SECONDS)
    for ask in (lambda: worker.run_cell("1", "cell 2", SECONDS), worker.fork):
        with pytest.raises(StudentBroke, match="process ended"):
            ask()


def test_a_process_that_takes_no_descriptors_loses_by_it(worker: Worker) -> None:
    """Where nothing confines it, and where Linux has SO_PASSRIGHTS, from 6.16 on."""
    every = (
        "import os, socket\nfor fd in range(3, 256):\n    try: socket.socket(fileno=os.dup(fd)).setsockopt(1, 83, 0)\n"
    )
    shown(worker, every + "    except OSError: pass")
    with contextlib.suppress(StudentBroke):
        worker.fork().close()


def test_workers_may_be_closed_at_once_and_twice(sandbox: Sandbox) -> None:
    for _ in range(10):
        worker = sandbox.worker()
        worker.close()
        worker.close()


# Calls


def test_a_call_gives_the_result_and_the_inputs_as_they_are_after_it(notebook: Worker) -> None:
    with notebook.fork() as session:
        assert call(session, "add", 2, y=3) == 5
        x = np.ones(2)
        result, (after,) = session.call("doubled", (x,), {}, SECONDS)
    assert result is None
    assert after.tolist() == [2, 2]
    assert x.tolist() == [1, 1]


def test_copies_are_independent(notebook: Worker) -> None:
    with notebook.fork() as first, notebook.fork() as second:
        assert [call(first, "counted"), call(first, "counted"), call(second, "counted")] == [1, 2, 1]
    assert once(notebook, "counted") == 1
    assert shown(notebook, "count") == "0"


def test_an_exception_comes_with_the_student_s_line(notebook: Worker) -> None:
    with notebook.fork() as session:
        with pytest.raises(StudentError) as caught:
            call(session, "fails")
        assert (caught.value.ename, caught.value.evalue) == ("ValueError", "negative mass")
        assert caught.value.line is not None
        assert caught.value.line[1] == 'raise ValueError("negative mass")'
        assert not caught.value.own
        assert call(session, "add", 1) == 2


@pytest.mark.parametrize(("name", "kind"), [("leaves", "SystemExit"), ("interrupted", "KeyboardInterrupt")])
def test_leaving_is_an_exception_like_others(notebook: Worker, name: str, kind: str) -> None:
    with notebook.fork() as session:
        with pytest.raises(StudentError) as caught:
            call(session, name)
        assert caught.value.ename == kind
        assert call(session, "add", 1) == 2


def test_an_exception_that_cannot_be_printed_is_named(notebook: Worker) -> None:
    with pytest.raises(StudentError, match="cannot be printed"):
        once(notebook, "fails_oddly")


def test_a_wrong_signature_is_the_call_s_own_error(notebook: Worker) -> None:
    with pytest.raises(StudentError) as caught:
        once(notebook, "fails", 1)
    assert caught.value.own


def test_a_function_that_is_not_there_is_named(notebook: Worker) -> None:
    for name in ("gradient", "count"):
        with pytest.raises(StudentBroke, match=f"defines no function `{name}`"):
            once(notebook, name)


@pytest.mark.parametrize("name", ["exits", "crashes"])
def test_a_crash_costs_its_own_copy_alone(notebook: Worker, name: str) -> None:
    with notebook.fork() as session:
        for function in (name, "add"):
            with pytest.raises(StudentBroke, match="process ended during the call: it ended by itself"):
                call(session, function)
    assert once(notebook, "add", 1) == 2


def test_a_loop_without_end_costs_its_own_copy_alone(notebook: Worker) -> None:
    with notebook.fork() as session:
        with pytest.raises(StudentTimeout, match=r"within 0\.2 seconds"):
            session.call("forever", (), {}, 0.2)
        with pytest.raises(StudentTimeout):
            call(session, "add", 1)
    assert once(notebook, "add", 1) == 2


def test_a_copy_that_kills_the_notebook_breaks_later_copies_and_nothing_of_ours(
    sandbox: Sandbox, notebook: Worker
) -> None:
    if sandbox.level is Isolation.LANDLOCK:  # it may send no signals
        with notebook.fork() as session, pytest.raises(StudentError, match="PermissionError"):
            call(session, "kills_the_notebook")
        assert once(notebook, "add", 1) == 2
        return
    # The copy may answer before it goes down with the notebook.
    with notebook.fork() as session, contextlib.suppress(StudentBroke):
        call(session, "kills_the_notebook")
    with pytest.raises(StudentBroke, match="process ended"):
        notebook.fork()


def test_what_a_call_prints_goes_nowhere(notebook: Worker) -> None:
    assert once(notebook, "shouts") == 1


def test_a_result_that_cannot_travel_is_told_and_the_copy_goes_on(notebook: Worker) -> None:
    with notebook.fork() as session:
        with pytest.raises(StudentBroke, match=r"cannot be graded\. It takes 128 MB"):
            call(session, "too_much")
        assert call(session, "ragged") == [[1, 2], [3]]


# Callbacks


def test_a_function_that_is_handed_over_runs_on_our_side(notebook: Worker) -> None:
    with notebook.fork() as session:
        assert call(session, "apply", lambda _: os.getpid(), 0) == os.getpid()
        assert call(session, "twice", lambda x: [*x, len(x)], []) == [0, 1]
        assert call(session, "apply", lambda x: x, np.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_a_callback_may_call_the_student_again(notebook: Worker) -> None:
    with notebook.fork() as session:
        assert call(session, "apply", lambda x: call(session, "apply", lambda y: y * 10, x + 1), 1) == 20


def test_of_an_exception_in_a_callback_its_kind_alone_crosses(notebook: Worker) -> None:
    def secret(x: float) -> float:
        raise ArithmeticError("the answer is 42")

    with notebook.fork() as session:
        assert call(session, "careless", secret) == "The function that you were given raised ArithmeticError."


def test_a_callback_whose_answer_is_too_large_is_an_error_in_the_student_s_code(notebook: Worker) -> None:
    with notebook.fork() as session:
        assert "too large" in call(session, "careless", lambda x: np.zeros(2**24))
        assert call(session, "add", 1) == 2


def test_a_callback_is_given_no_more_than_four_times_what_came_with_the_call(notebook: Worker) -> None:
    """What it works out takes the time and memory of who grades."""
    given: list[Any] = []
    with notebook.fork() as session:
        for size in (10_000, 10_001):
            call(session, "lends", given.append, size)
        assert [array.size for array in given] == [10_000]
        for size in (20_004, 20_009):
            call(session, "lends", given.append, size, np.zeros(5_000))
        assert [array.size for array in given] == [10_000, 20_004]


def test_an_error_of_the_student_s_inside_a_callback_comes_out_as_such(notebook: Worker) -> None:
    with notebook.fork() as session:
        with pytest.raises(StudentError, match="negative mass"):
            call(session, "apply", lambda x: call(session, "fails"), 1)
        assert call(session, "add", 1) == 2


def test_callbacks_are_counted(notebook: Worker, sandbox: Sandbox) -> None:
    given: list[float] = []
    with notebook.fork() as session:
        for _ in range(2):
            with pytest.raises(StudentBroke, match="more than 10000 times"):
                call(session, "hammers", given.append)
    assert len(given) == sandbox.limits.callbacks


def test_a_callback_that_was_kept_is_worth_nothing_in_the_next_copy(notebook: Worker) -> None:
    with notebook.fork() as session:
        call(session, "keeps", lambda x: x + 1)
        assert call(session, "use_kept") == 2
    with pytest.raises(StudentError, match="NameError"):
        once(notebook, "use_kept")


# Handles


def test_an_object_stays_there_and_can_be_handed_in_and_called(notebook: Worker) -> None:
    with notebook.fork() as session:
        spring = call(session, "Spring", 2.0)
        assert isinstance(spring, Handle)
        assert spring.type_name == "Spring"
        assert call(session, "energy", spring, 3.0) == 9
        assert call(session, spring, 3.0) == -6
        assert call(session, "apply", spring, 1.0) == -2


def test_a_function_that_comes_back_is_our_own(notebook: Worker) -> None:
    def ours(x: float) -> float:
        return x

    with notebook.fork() as session:
        assert session.call("keeps", (ours,), {}, SECONDS)[1] == [ours]


# A student's process that speaks for itself

TAKE_OVER = """
import gc
from inside import wire, worker
def forge(kind, *more):
    for session in [found for found in gc.get_objects() if type(found) is worker.Session]:
        session.connection.send([kind, *more])
def result(number, value): forge("result", number, value, [])
def error(): forge("raised", 1, {"ename": 1})
def callback(number): forge("callback", number, [1], {})
def garbage():
    for session in [found for found in gc.get_objects() if type(found) is worker.Session]:
        session.connection._socket.sendall(b"\\0" * 7 + b"\\5garbage")
"""
FORGED: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "another question": ("result", (7, "full marks"), "a question that was not asked"),
    "other arguments": ("result", (1, "full marks"), "other arguments than it was called with"),
    "another kind": ("forge", ("passed", 1, 100), "a question that was not asked"),
    "an error in no known form": ("error", (), "in no known form"),
    "a callback that was not given": ("callback", (5,), "a function that it was not given"),
    "an object that was not given": ("forge", ("callback", "open", [], {}), "a function that it was not given"),
    "garbage": ("garbage", (), "could not be decoded"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_frames_break_the_copy_and_nothing_else(worker: Worker, name: str) -> None:
    function, args, words = FORGED[name]
    assert shown(worker, TAKE_OVER + FUNCTIONS) == ""
    with worker.fork() as session:
        for again in (function, "add"):
            with pytest.raises(StudentBroke, match=words):
                call(session, again, *args)
    assert once(worker, "add", 1) == 2


def test_a_forged_answer_to_a_cell_ends_the_worker(worker: Worker) -> None:
    forge = "import gc\nfrom inside import wire\n"
    forge += "[c.send(['forked', 1]) for c in gc.get_objects() if type(c) is wire.Connection]"
    with pytest.raises(StudentBroke, match="a question that was not asked"):
        worker.run_cell(forge, "cell 1", SECONDS)

"""Running a notebook: what hangs or ends the process costs itself, and nothing before or after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.grading.execute import Execution, execute
from autograder.grading.submission import Cell
from autograder.sandbox import Sandbox

BEFORE = "earlier = [1]\ndef f(): return 'before'"
AFTER = "earlier.append(2)\ndef g(): return f() + ' and after'"


def run(sandbox: Sandbox, *sources: str) -> Execution:
    return execute([Cell("code", source) for source in sources], {}, sandbox)


def text(execution: Execution, index: int) -> str:
    outputs = execution.outputs[index]
    parts = [
        output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain") for output in outputs
    ]
    return "".join(part for part in parts if part)


def survives(execution: Execution) -> bool:
    """Whether what was defined before and after is there, and nothing ran twice; ends the worker."""
    with execution.worker as worker, worker.fork() as session:
        return bool(session.call("g", (), {}, 10)[0] == "before and after")


NEVER_ENDS = "while True: pass"
CATCHES_ALL = "def spin():\n    while True: pass\nwhile True:\n    try: spin()\n    except BaseException: pass"
HOLDS_INTERPRETER = "import itertools\nsum(itertools.repeat(0))"
SWITCHES_OFF = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
LEFT_OUT = {
    "catches everything": (CATCHES_ALL, "did not answer in time"),
    "holds the interpreter": (HOLDS_INTERPRETER, "did not answer in time"),
    "switches the alarm off": (SWITCHES_OFF, "did not answer in time"),
    "ends the process": ("import os; os._exit(0)", "ended by itself"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "ended by itself"),
    "kills itself": ("import os; os.kill(os.getpid(), 9)", "ended by itself"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_cell_that_cannot_be_stopped_or_ends_the_process_is_left_out(impatient: Sandbox, name: str) -> None:
    source, why = LEFT_OUT[name]
    execution = run(impatient, BEFORE, source, AFTER, "earlier")
    assert why in text(execution, 1)
    assert "This cell was left out, and the others were run without it." in text(execution, 1)
    assert text(execution, 3) == "[1, 2]"
    (warning,) = execution.warnings
    assert warning.startswith(f"The cell that begins `{source.splitlines()[0]}` was left out. The notebook's process")
    assert survives(execution)


KEPT = {
    "never ends": (NEVER_ENDS, "stopped"),
    "matches for ever": ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')", "stopped"),
    "raises": ("1 / 0", "division by zero"),
    "exits": ("import sys\nsys.exit()", ""),
    "exits loudly": ("raise SystemExit('bye')", "bye"),
    "is no Python": ("def f(:", "syntax"),
    "prints 50 MB": ("for _ in range(50): print('x' * 10**6)", "is not kept"),
    "reads": ("input()", ""),
    "warns": ("import warnings\nwarnings.warn('careful')", "careful"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_cell_that_goes_wrong_otherwise_keeps_what_it_did(impatient: Sandbox, name: str) -> None:
    source, shown = KEPT[name]
    execution = run(impatient, BEFORE, source, AFTER, "earlier")
    assert shown in text(execution, 1)
    assert text(execution, 3) == "[1, 2]"
    assert execution.warnings == []
    assert survives(execution)


def test_several_bad_cells_cost_themselves(impatient: Sandbox) -> None:
    execution = run(impatient, BEFORE, "import os; os._exit(0)", AFTER, "import os; os._exit(1)", "earlier")
    assert text(execution, 4) == "[1, 2]"
    assert ["os._exit(0)" in warning for warning in execution.warnings] == [True, False]
    assert survives(execution)


def test_what_a_cell_defined_before_it_was_stopped_stays(impatient: Sandbox) -> None:
    execution = run(impatient, f"{BEFORE}\n{NEVER_ENDS}", AFTER)
    assert survives(execution)


def test_text_is_not_run(sandbox: Sandbox) -> None:
    execution = execute([Cell("markdown", "earlier = 0"), Cell("code", BEFORE), Cell("code", AFTER)], {}, sandbox)
    assert execution.outputs == [[], [], []]
    assert survives(execution)


def test_files_are_there_again_after_a_cell_that_was_left_out(sandbox: Sandbox) -> None:
    cells = [Cell("code", "open('k.txt').read()"), Cell("code", "import os; os._exit(0)")]
    execution = execute(cells, {"k.txt": b"2.0"}, sandbox)
    execution.worker.close()
    assert text(execution, 0) == "'2.0'"


def test_a_notebook_that_takes_all_its_time_ends_where_it_is(
    impatient: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatient, "limits", replace(impatient.limits, notebook=0.5))
    execution = run(impatient, BEFORE, NEVER_ENDS, AFTER)
    execution.worker.close()
    assert execution.outputs[2] == []
    (warning,) = execution.warnings
    assert (
        "ran for 0.5 seconds, which is all it may; the cell that begins `earlier.append(2)` and those after" in warning
    )


def test_a_cell_is_named_without_what_would_disturb_a_terminal(sandbox: Sandbox) -> None:
    execution = run(sandbox, "'\x1b[2J\u202e'; import os; os._exit(0)")
    execution.worker.close()
    assert "begins `''; import os" in execution.warnings[0]


def test_all_of_torch_is_there_for_notebooks_that_use_it_and_costs_no_others() -> None:
    there = "import sys; 'torch._dynamo' in sys.modules"
    step = "import torch\nopt = torch.optim.Adam([torch.ones(1, requires_grad=True)])"
    with Sandbox() as sandbox:
        for sources, found in (((there,), "False"), ((there, step), "True"), ((there, "1"), "True")):
            execution = run(sandbox, *sources)
            assert text(execution, 0) == found
            execution.worker.close()

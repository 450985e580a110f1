"""Grading from end to end on a small problem: outcomes, messages, hints, and what must not decide a grade."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from problem_of_a_test import ProblemOfATest

from autograder.course import Problem
from autograder.grading import agree, part, points
from autograder.grading import record as records
from autograder.grading.marks import GraderFault, parts_of, variants_of
from autograder.grading.record import Record, from_dict
from autograder.grading.run import Graded, grade
from autograder.grading.secret import NoSecret, own_secret
from autograder.grading.submission import Cell, Submission, Unreadable, unread
from autograder.sandbox import Sandbox

REFERENCE = """\
import numpy as np

def force(x, k):
    return -k * np.asarray(x)

def energy(x, k):
    return k * np.sum(np.square(x)) / 2

def work(f, x):
    return f(x) * x

def count(n):
    return n
"""
GRADERS = '''\
import colorsys

import pytest

from autograder.grading import ALGEBRA, agree, check, part, points


@part("force", "The force", functions=("force",))
class TestForce:
    @points(1.5)
    @pytest.mark.parametrize("n", [3, 4, 5])
    def test_value(self, student, reference, rng, n):
        """The force equals -kx."""
        x, k = rng.normal(size=n), rng.uniform(1, 2)
        agree(student.force(x, k), reference.force(x, k), ALGEBRA)

    @points(0.5)
    def test_inputs(self, student, reference, rng):
        """The inputs are
        left as they are.

        This is not shown.
        """
        x = rng.normal(size=3)
        result, after = student.force.inputs_after(x.copy(), 2.0)
        agree(result, reference.force(x, 2.0), ALGEBRA)
        agree(after[0], x, ALGEBRA, of="x after the call")


@part("energy", "The energy", functions=("energy", "work"))
class TestEnergy:
    @points(2)
    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_value(self, student, reference, rng, n):
        """The energy equals k x^2 / 2, summed."""
        x, k = rng.normal(size=n), rng.uniform(1, 2)
        agree(student.energy(x, k), reference.energy(x, k), ALGEBRA, of="the energy")

    @points(1)
    def test_work(self, student, reference):
        """The work is the force times the way."""
        agree(student.work(lambda x: x + 1, 3.0), reference.work(lambda x: x + 1, 3.0), ALGEBRA)


@part("count", "Counting", functions=("count",))
class TestCount:
    @points(1)
    @pytest.mark.parametrize("n", [1, 2])
    def test_value(self, student, n):
        """The count is right; this grader has a fault of its own at zero."""
        found = student.count(n)
        hint = "You counted one too many." if found == n + 1 else None
        check(0.5 / found == 0.5 / n, measured=f"{found}", allowed=f"a count", next_step="Count.", hint=hint)
'''
MISTAKES = """\
import numpy as np

from autograder.grading import mistake

@mistake("energy", hint="The energy has a factor of one half.")
def without_half(x, k):
    return k * np.sum(np.square(x))

@mistake("energy", hint="The energy is summed over the springs, not averaged.")
def averaged(x, k):
    return k * np.mean(np.square(x)) / 2

@mistake("count", hint="You counted one too many.")
def one_too_many(n):
    return n + 1

@mistake("force", hint="The force pulls back: mind the sign.")
def pushes(x, k):
    return k * x
"""
FULL = 6.0


# The one cell of the notebook that is not the student's: a helper that the tests call.
GIVEN = json.dumps(
    {
        "cells": [
            {
                "cell_type": "code",
                "source": "def doubled(value):\n    return 2 * value",
                "metadata": {"nbgrader": {"grade_id": "springs-given-helper", "solution": False, "grade": False}},
            }
        ]
    }
)


def small(root: Path, graders: str) -> Problem:
    problem = ProblemOfATest("ps00", "springs", root)
    files = {
        problem.statement: "# Springs",
        problem.source_notebook: GIVEN,
        problem.statement.parent / "stiffness.txt": "2.0",
        problem.reference_source: REFERENCE,
        problem.test_module: graders,
        problem.graders / "mistakes.py": MISTAKES,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return problem


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return small(tmp_path_factory.mktemp("course"), GRADERS)


def graded(problem: Problem, sandbox: Sandbox, *changes: str, seed: int = 0) -> Graded:
    """The reference as a notebook, with the functions of `changes` defined once more after it."""
    return grade(problem, Submission([Cell("code", source) for source in (REFERENCE, *changes)]), sandbox, seed)


def result_of(record: Record, name: str) -> records.TestResult:
    part_id, test = name.split("/")
    return next(found for found in record.part(part_id).tests if found.name == f"test_{test}")


def outcomes(record: Record) -> dict[str, str]:
    """The outcome of every test that did not pass."""
    found = {
        f"{part.id}/{test.name.removeprefix('test_')}": test.outcome for part in record.parts for test in part.tests
    }
    return {name: outcome for name, outcome in found.items() if outcome != "passed"}


def hints(record: Record) -> list[str]:
    return [test.hint for part in record.parts for test in part.tests if test.hint is not None]


# Outcomes


def test_the_reference_has_full_marks(problem: Problem, sandbox: Sandbox) -> None:
    found = graded(problem, sandbox)
    record = found.record
    assert (record.score, record.max_score) == (FULL, FULL)
    assert outcomes(record) == {}
    assert hints(record) == []
    assert (record.problem, record.isolation, record.warnings) == ("ps00/springs", sandbox.level.label, ())
    assert result_of(record, "force/inputs").message == "Tested: The inputs are left as they are."
    assert found.faults == []
    assert found.outputs == [[]]


def test_nothing_written_has_no_marks(problem: Problem, sandbox: Sandbox) -> None:
    stubs = [f"def {name}(*args): raise NotImplementedError" for name in ("force", "energy", "work", "count")]
    record = graded(problem, sandbox, *stubs).record
    assert record.score == 0
    assert set(outcomes(record).values()) == {"untested"}
    assert not record.tested
    assert "this function is not written yet" in result_of(record, "force/value").message
    assert grade(problem, Submission([]), sandbox).record.score == 0


def test_nothing_to_test_is_not_taken_for_an_error_nor_an_error_for_it(problem: Problem, sandbox: Sandbox) -> None:
    """A cell that stopped has raised an error; a function that is written in part has been tested."""
    stopped = grade(problem, Submission([Cell("code", f"1 / 0\n{REFERENCE}")]), sandbox).record
    assert set(outcomes(stopped).values()) == {"error"}
    assert "Its cell stopped with ZeroDivisionError" in result_of(stopped, "energy/value").message
    half = "def count(n):\n    if n == 1: raise NotImplementedError\n    return 5"
    assert outcomes(graded(problem, sandbox, half).record) == {"count/value": "failed"}
    nothing = grade(problem, unread(problem, Unreadable("It is a picture.")), sandbox).record
    assert set(outcomes(nothing).values()) == {"untested"}


WRONG = {
    "wrong": ("def energy(x, k): return 0.0", "energy/value", "failed", "off by 1 times its right value"),
    "None": ("def energy(x, k): pass", "energy/value", "failed", "the energy is None"),
    "NaN": ("def energy(x, k): return float('nan')", "energy/value", "failed", "the energy is NaN"),
    "an object": ("def energy(x, k): return {1}", "energy/value", "failed", "an object of type set"),
    "shape": ("def energy(x, k): return x", "energy/value", "failed", r"shape \(2,\)"),
    "rows": ("def energy(x, k): return [[1], [1, 2]]", "energy/value", "failed", "different lengths"),
    "raises": (
        "def energy(x, k):\n    y = 1\n    return y / 0",
        "energy/value",
        "error",
        "at line 3 of its cell: return y / 0",
    ),
    "exits": ("def energy(x, k): exit(1)", "energy/value", "error", "Next: "),
    "ends the process": ("def energy(x, k): os._exit(1)\nimport os", "energy/value", "error", "ended by itself"),
    "signature": (
        "def energy(x): return 0.0",
        "energy/value",
        "error",
        "the call itself failed.*\n.*\n.*first line of the function",
    ),
    "missing": ("del energy", "energy/value", "untested", "no function `energy`"),
    "no function": ("energy = 3", "energy/value", "untested", "no function `energy`"),
    "bfloat16": (
        "import torch\ndef energy(x, k): return torch.ones(1, dtype=torch.bfloat16)",
        "energy/value",
        "error",
        "bfloat16",
    ),
    "too large": ("def energy(x, k): return np.zeros(2**22)", "energy/value", "error", "32 MB"),
    "changes its input": ("def force(x, k):\n    x *= -k\n    return x", "force/inputs", "failed", "x after the call"),
    "hammers": ("def work(f, x):\n    while True: f(x)", "energy/work", "error", "more than 10000 times"),
    "breaks a callback": (
        "def work(f, x): return f('a', 'b')",
        "energy/work",
        "error",
        "that you were given raised TypeError",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_costs_its_own_test_and_is_told(problem: Problem, sandbox: Sandbox, name: str) -> None:
    change, test, outcome, words = WRONG[name]
    found = graded(problem, sandbox, change)
    assert outcomes(found.record) == {test: outcome}
    result = result_of(found.record, test)
    assert result.points == 0
    assert found.record.score == FULL - result.max_points
    assert [line.split(":")[0] for line in result.message.split("\n")] == ["Tested", "Measured", "Allowed", "Next"]
    assert re.search(words, result.message)
    assert found.faults == []


def test_what_never_ends_is_a_timeout_and_the_rest_is_graded(problem: Problem, impatient: Sandbox) -> None:
    record = graded(problem, impatient, "def energy(x, k):\n    while True: pass").record
    assert outcomes(record) == {"energy/value": "timeout"}
    assert "It did not return within 1 seconds" in result_of(record, "energy/value").message


def test_all_calls_together_have_a_limit(problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that does not end takes what is left, and no test after it is run."""
    monkeypatch.setattr(sandbox, "limits", replace(sandbox.limits, calls=1.5))
    record = graded(problem, sandbox, "def force(x, k):\n    while True: pass").record
    assert set(outcomes(record).values()) == {"timeout"}
    assert "all the time of its calls, 1.5 seconds" in result_of(record, "force/value").message
    assert "all the time of its calls, 1.5 seconds" in result_of(record, "count/value").message


def test_what_lies_beside_the_statement_lies_beside_the_notebook(problem: Problem, sandbox: Sandbox) -> None:
    change = (
        "right, factor = force, float(open('stiffness.txt').read()) / 2\ndef force(x, k): return factor * right(x, k)"
    )
    assert graded(problem, sandbox, change).record.score == FULL


def test_our_own_fault_is_told_apart_and_goes_to_a_person(problem: Problem, sandbox: Sandbox) -> None:
    found = graded(problem, sandbox, "def count(n): return 0")
    assert outcomes(found.record) == {"count/value": "grader_error"}
    assert found.record.part("count").needs_a_person
    assert not found.record.part("energy").needs_a_person
    assert len(found.faults) == 2
    assert "ZeroDivisionError" in found.faults[0]
    message = result_of(found.record, "count/value").message
    assert "not through your fault" in message
    assert "ZeroDivisionError" not in message


def test_one_part_can_be_graded_alone(problem: Problem, sandbox: Sandbox) -> None:
    submission = Submission([Cell("code", REFERENCE)])
    everything = grade(problem, submission, sandbox).record
    alone = grade(problem, submission, sandbox, only=parts_of(problem.test_module)[1]).record
    assert alone.parts == (everything.parts[1],)
    assert alone.max_score == 3


def test_all_cases_of_a_test_must_pass(problem: Problem, sandbox: Sandbox) -> None:
    change = "right = force\ndef force(x, k): return right(x, k) * (1 + (len(x) == 5))"
    record = graded(problem, sandbox, change).record
    assert outcomes(record) == {"force/value": "failed"}
    assert result_of(record, "force/value").points == 0


def test_the_worst_case_gives_the_outcome(problem: Problem, sandbox: Sandbox) -> None:
    change = "def count(n):\n    if n == 1: raise ValueError\n    return 5"
    assert outcomes(graded(problem, sandbox, change).record) == {"count/value": "error"}
    change = "def count(n):\n    if n == 1: raise ValueError\n    return 0"
    assert outcomes(graded(problem, sandbox, change).record) == {"count/value": "grader_error"}


def test_a_changed_global_does_not_reach_the_next_test(problem: Problem, sandbox: Sandbox) -> None:
    change = "right, calls = energy, 0\ndef energy(x, k):\n    global force\n    force = None\n    return right(x, k)"
    assert outcomes(graded(problem, sandbox, change).record) == {}


def test_a_student_who_kills_the_notebook_has_errors_and_no_grader_has_one(
    problem: Problem, impatient: Sandbox
) -> None:
    change = "import os\ndef energy(x, k):\n    os.kill(os.getppid(), 9)\n    while True: pass"
    found = graded(problem, impatient, change)
    assert outcomes(found.record)["count/value"] == "error"
    assert "grader_error" not in outcomes(found.record).values()
    assert found.record.part("force").score == 2


def test_a_cell_that_raises_before_the_functions_costs_what_it_defines(problem: Problem, sandbox: Sandbox) -> None:
    cells = [Cell("code", "1 / 0\ndef force(x, k): return 0"), Cell("markdown", "# Energy"), Cell("code", REFERENCE)]
    found = grade(problem, Submission(cells, ["A remark of the loader."]), sandbox)
    assert found.record.score == FULL
    assert found.record.warnings == ("A remark of the loader.",)
    assert found.outputs[0][0]["ename"] == "ZeroDivisionError"


def test_a_message_has_nothing_that_disturbs_a_terminal(problem: Problem, sandbox: Sandbox) -> None:
    change = "def energy(x, k): raise ValueError('\\x1b[2J\\u202eno\\x07')"
    assert "ValueError: no, at" in result_of(graded(problem, sandbox, change).record, "energy/value").message


# Hints


def test_a_typical_mistake_gives_its_hint(problem: Problem, sandbox: Sandbox) -> None:
    assert hints(graded(problem, sandbox, "def energy(x, k): return k * (x @ x)").record) == [
        "The energy has a factor of one half."
    ]
    record = graded(problem, sandbox, "def force(x, k): return k * x").record
    assert hints(record) == ["The force pulls back: mind the sign."] * 2
    assert {test.mistake for test in record.part("force").tests} == {"force: pushes"}


def test_a_general_slip_gives_a_hint(problem: Problem, sandbox: Sandbox) -> None:
    change = "def energy(x, k): return -k * (x @ x) / 2"
    record = graded(problem, sandbox, change).record
    assert hints(record) == ["Your result is -1 times the right one."]
    assert {test.mistake for part in record.parts for test in part.tests} == {None}


def test_a_test_may_know_the_cause_itself(problem: Problem, sandbox: Sandbox) -> None:
    record = graded(problem, sandbox, "def count(n): return n + 1").record
    assert hints(record) == ["You counted one too many."]
    assert record.mistakes == ["count: one_too_many"]
    assert hints(graded(problem, sandbox, "def count(n): return n + 3").record) == []


def test_an_error_is_traced_to_the_wrong_function_that_was_called(problem: Problem, sandbox: Sandbox) -> None:
    change = "def energy(x, k): return k[0]\n\ndef work(f, x): return energy(x, f(x))"
    record = graded(problem, sandbox, change).record
    assert {test.name: test.hint for test in record.part("energy").tests} == {
        "test_value": None,
        "test_work": "This uses your `energy`, whose own tests fail: repair that first.",
    }


def test_an_unknown_error_gives_none(problem: Problem, sandbox: Sandbox) -> None:
    assert hints(graded(problem, sandbox, "def energy(x, k): return 7.0").record) == []


# What decides a grade, and what does not

TELLS = "def force(x, k): raise ValueError(repr(x))"


def test_the_same_seed_gives_the_same_record_and_another_seed_other_inputs(problem: Problem, sandbox: Sandbox) -> None:
    first, again, other = (graded(problem, sandbox, TELLS, seed=seed).record for seed in (0, 0, 1))
    assert replace(first, seconds=0) == replace(again, seconds=0)
    assert result_of(first, "force/value").message != result_of(other, "force/value").message
    assert graded(problem, sandbox, seed=12345).record.score == FULL


def test_nobody_who_is_graded_can_work_the_inputs_out(
    problem: Problem, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = graded(problem, sandbox, TELLS).record
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    own_secret.cache_clear()
    try:
        other = graded(problem, sandbox, TELLS).record
        own_secret.cache_clear()
        again = graded(problem, sandbox, TELLS).record
    finally:
        own_secret.cache_clear()
    assert replace(other, seconds=0) == replace(again, seconds=0)
    assert result_of(first, "force/value").message != result_of(other, "force/value").message
    [file] = (tmp_path / "mlphys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    (tmp_path / "mlphys").mkdir()
    (tmp_path / "mlphys" / "secret").write_text("\n")
    own_secret.cache_clear()
    try:
        with pytest.raises(NoSecret, match="is empty, so that random inputs would be no secret"):
            own_secret()
    finally:
        own_secret.cache_clear()


def test_a_function_of_the_course_is_itself_again_when_tests_are_run(problem: Problem, sandbox: Sandbox) -> None:
    uses, spoils = "def force(x, k): return -k * doubled(x) / 2", "def doubled(value): return 0"
    assert graded(problem, sandbox, uses, spoils).record.score == FULL


def test_nothing_in_the_current_directory_decides(
    problem: Problem, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\npython_functions = nothing_*\n")
    for name in ("conftest.py", "colorsys.py", "numpy.py", "sitecustomize.py", "pytest_plugin.py"):
        (tmp_path / name).write_text("raise RuntimeError('This file must not be run.')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert graded(problem, sandbox).record.score == FULL


def test_nothing_beside_the_graders_decides(problem: Problem, sandbox: Sandbox) -> None:
    for name, text in {
        "conftest.py": "raise RuntimeError",
        "pytest.ini": "[pytest]\naddopts = --collect-only\n",
    }.items():
        (problem.graders / name).write_text(text)
    assert graded(problem, sandbox).record.score == FULL


@pytest.mark.parametrize("options", ["--collect-only", "-k nothing", "-p no_such_plugin", "--no-such-option"])
def test_options_from_the_environment_do_not_decide(
    problem: Problem, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", options)
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert graded(problem, sandbox).record.score == FULL
    assert os.environ["PYTEST_ADDOPTS"] == options


def test_the_graders_print_nothing(problem: Problem, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    graded(problem, sandbox, "def count(n): return 0", "print('from the notebook')")
    assert capfd.readouterr() == ("", "")


# Records


def test_a_record_is_plain_json_and_comes_back(problem: Problem, sandbox: Sandbox) -> None:
    record = graded(problem, sandbox, "def energy(x, k): return -k * (x @ x) / 2").record
    data = json.loads(record.to_json())
    assert data["schema"] == 3
    assert data["parts"][1]["tests"][0] == {
        "name": "test_value",
        "outcome": "failed",
        "points": 0,
        "max_points": 2,
        "message": result_of(record, "energy/value").message,
        "hint": "Your result is -1 times the right one.",
        "mistake": None,
        "pictures": [],
    }
    assert from_dict(data) == record
    with pytest.raises(ValueError, match="schema 1"):
        from_dict({**data, "schema": 1})


# Graders that are not written as they must be


@pytest.mark.parametrize("value", [0, -1, 0.25, 1.3])
def test_points_are_positive_halves(value: float) -> None:
    with pytest.raises(GraderFault, match=r"multiples of 0\.5"):
        points(value)


def module_of(**classes: type) -> ModuleType:
    module = ModuleType("test_faulty")
    vars(module).update(classes)
    return module


def test_a_grader_without_parts_points_or_words_is_refused() -> None:
    class NoPoints:
        def test_value(self) -> None:
            """It is tested."""

    class NoWords:
        @points(1)
        def test_value(self) -> None:
            agree(1, 1, None)  # type: ignore[arg-type]

    cases: list[tuple[dict[str, type], str]] = [
        ({}, "nothing to grade"),
        ({"A": part("a", "A", functions=())(NoPoints)}, "no @points"),
        ({"A": part("a", "A", functions=())(NoWords)}, "no docstring"),
    ]
    for classes, words in cases:
        with pytest.raises(GraderFault, match=words):
            parts_of(module_of(**classes))


def test_mistakes_are_found_in_their_order(problem: Problem) -> None:
    assert [variant.name for variant in variants_of(problem.catalogue("mistakes"))] == [
        "without_half",
        "averaged",
        "one_too_many",
        "pushes",
    ]


def test_graders_that_cannot_be_run_stop_the_grading(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = small(tmp_path, GRADERS.replace("class TestForce:", "class Force:"))
    with pytest.raises(RuntimeError, match="was not run"):
        graded(broken, sandbox)

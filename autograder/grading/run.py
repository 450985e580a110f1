"""Grades one submission: runs its cells in the sandbox, then the hidden tests against what they left."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from autograder.course import Problem
from autograder.grading.coursecells import UNANSWERED, course_cells, given_functions
from autograder.grading.execute import Execution, execute
from autograder.grading.hints import NOT_PASSED, Diagnosis
from autograder.grading.marks import Part, Test, parts_of
from autograder.grading.outputs import Output
from autograder.grading.plugin import Case, Grading
from autograder.grading.record import Outcome, PartResult, Record, TestResult
from autograder.grading.secret import own_secret
from autograder.grading.submission import Submission
from autograder.grading.upstream import callers
from autograder.sandbox import Sandbox, StudentBroke, StudentTimeout, Worker

# Where several cases of a test end differently, the test has the first of these: our own fault before the student's.
SEVERITY: tuple[Outcome, ...] = ("grader_error", "timeout", "error", "failed", "untested", "passed")


@dataclass(frozen=True)
class Graded:
    """A record, the outputs of each cell of the submission, and for the instructor what failed in the grader."""

    record: Record
    outputs: list[list[Output]]
    faults: list[str]


def grade(
    problem: Problem,
    submission: Submission,
    sandbox: Sandbox,
    seed: int = 0,
    only: Part | None = None,
    secret: str | None = None,
) -> Graded:
    """Grade `submission`, or one part of it. The same submission and seed give the same record, but for its seconds.

    Another submission gets other random inputs, in another order: what feedback told of the last ones is of no use. Nor
    can they be worked out beforehand: a secret of who grades is in them.
    """
    began = time.monotonic()
    parts = [only] if only is not None else parts_of(problem.test_module)
    if submission.unread:
        return _untested(problem, parts, submission, sandbox)
    execution = execute(submission.cells, problem.support_files(), sandbox)
    with contextlib.closing(execution.worker):
        _put_back(given_functions(problem), execution.worker, sandbox.limits.cell)
        cases = run_tests(
            problem, parts, execution, sandbox, f"{secret or own_secret()}:{submission.fingerprint()}:{seed}"
        )
    results = _results(parts, cases, Diagnosis(problem, parts, cases, callers(submission.cells)))
    record = Record(
        problem=problem.slug,
        isolation=sandbox.level.label,
        score=sum(part.score for part in results),
        max_score=sum(part.max_score for part in results),
        seconds=round(time.monotonic() - began, 3),
        parts=results,
        warnings=(*submission.warnings, *execution.warnings),
        by_hand=_by_hand(problem, submission),
    )
    return Graded(record, execution.outputs, [case.fault for case in cases if case.fault])


def _by_hand(problem: Problem, submission: Submission) -> float:
    """The points of the written answers that wait for a person."""
    worth = {cell.grade_id: cell.by_hand for cell in course_cells(problem)}
    return sum(worth.get(cell.grade_id or "", 0) for cell in submission.cells if cell.source != UNANSWERED)


def _put_back(definitions: Mapping[str, str], worker: Worker, seconds: float) -> None:
    """Define again what the tests call of the course's own cells; a later cell may have put something in its place."""
    # The tests find out themselves that a process has ended.
    with contextlib.suppress(StudentBroke, StudentTimeout):
        worker.define(definitions, seconds)


def _untested(problem: Problem, parts: list[Part], submission: Submission, sandbox: Sandbox) -> Graded:
    """The record of a file that could not be read."""
    results = tuple(PartResult(part.id, part.title, 0, part.points, tuple(map(_not_run, part.tests))) for part in parts)
    most = sum(part.points for part in parts)
    record = Record(problem.slug, sandbox.level.label, 0, most, 0.0, results, tuple(submission.warnings))
    return Graded(record, [[] for _ in submission.cells], [])


def _not_run(test: Test) -> TestResult:
    message = f"Tested: {test.tested}\nThis was not tested, because your file could not be read."
    return TestResult(test.name, "untested", 0, test.points, message, hint=None, mistake=None)


def run_tests(problem: Problem, parts: list[Part], execution: Execution, sandbox: Sandbox, seed: str) -> list[Case]:
    """What each case of each hidden test of `parts` finds in the notebook as `execution` left it."""
    grading = Grading(problem, parts, execution, sandbox.limits, seed)
    # Without the second, pytest lists every folder above the graders, which takes half of the time where one is large.
    where = (f"--rootdir={problem.graders}", f"--confcutdir={problem.graders}")
    with _our_own_pytest(), contextlib.closing(grading):
        code = pytest.main([*OPTIONS, *where, str(problem.test_module)], plugins=[grading])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        raise RuntimeError(f"The graders of {problem} could not be run: pytest ended with {code!r}.")
    return grading.cases


# Nothing of a submission's folder, of the course's own test settings or of other plugins decides how graders run. Those
# left out write files, capture output or collect garbage, which takes a tenth of the time of a whole grading; pytest's
# own picture of a failure, which nobody sees, would take two thirds of it where much is wrong.
LEFT_OUT = ("cacheprovider", "logging", "doctest", "unittest", "junitxml", "faulthandler", "unraisableexception")
OPTIONS = (
    *("-c", os.devnull, "--noconftest", "--disable-plugin-autoload", "--import-mode=importlib", "--assert=plain"),
    *("--capture=no", "--quiet", "--strict-markers", "--tb=native"),
    *(f"-p no:{name}" for name in LEFT_OUT),
)


@contextlib.contextmanager
def _our_own_pytest() -> Iterator[None]:
    """Without options from the environment, and without a report of its own: the record is the report.

    Nor is it a fault of a grader if a student's numbers are so large that comparing them overflows.
    """
    kept = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            yield
    finally:
        os.environ.update(kept)


def _results(parts: list[Part], cases: list[Case], diagnosis: Diagnosis) -> tuple[PartResult, ...]:
    results = []
    for part in parts:
        tests = tuple(_result(test, part, cases, diagnosis) for test in part.tests)
        score = sum(test.points for test in tests)
        results.append(PartResult(part.id, part.title, score, part.points, tests))
    return tuple(results)


def _result(test: Test, part: Part, cases: list[Case], diagnosis: Diagnosis) -> TestResult:
    """A test with all its cases: passed if all are, else the message of its worst case."""
    own = [case for case in cases if (case.part, case.test) == (part.id, test.name)]
    if not own:
        raise RuntimeError(f"The test {part.id}/{test.name} was not run.")
    worst = min(own, key=lambda case: SEVERITY.index(case.outcome))
    points = test.points if worst.outcome == "passed" else 0
    cause = diagnosis.cause(part, worst) if worst.outcome in NOT_PASSED else None
    hint, mistake = (cause.hint, cause.mistake) if cause else (None, None)
    return TestResult(test.name, worst.outcome, points, test.points, worst.message, hint, mistake, worst.pictures)

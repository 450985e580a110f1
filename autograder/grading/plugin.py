"""The pytest plugin: gives hidden tests the student, the reference and the random numbers, and keeps what they find."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from autograder.course import Problem
from autograder.grading.execute import Execution
from autograder.grading.failure import Mismatch
from autograder.grading.marks import Part, tested_by
from autograder.grading.outputs import plain
from autograder.grading.picture import Picture
from autograder.grading.record import Outcome
from autograder.grading.student import Call, Patience, Room, Student
from autograder.sandbox import (
    Limits,
    Session,
    StudentBroke,
    StudentError,
    StudentLacks,
    StudentOddity,
    StudentTimeout,
)


@dataclass(frozen=True)
class Case:
    """What one case of one hidden test found, the calls that it remembers, and all functions that it asked for."""

    part: str
    test: str
    outcome: Outcome
    message: str
    fault: str | None
    calls: tuple[Call, ...]
    asked: tuple[str, ...]
    misfit: bool
    """Whether the call itself failed, because the function takes other arguments."""
    hint: str | None
    """The cause as the test itself sees it, where it does."""
    pictures: tuple[Picture, ...]


class Grading:
    """One run of the hidden tests of some parts of `problem`, on the notebook as `execution` left it."""

    def __init__(self, problem: Problem, parts: list[Part], execution: Execution, limits: Limits, seed: str) -> None:
        self.problem, self.worker, self.stopped, self.seed = problem, execution.worker, execution.stopped, seed
        self.part_ids = {part.id for part in parts}
        self.patience, self.room = Patience(limits), Room()
        self.cases: list[Case] = []
        self._test: object = None
        self._session: Session | None = None
        self._student: Student | None = None

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The student's functions, in a copy of the notebook that the cases of one test share."""
        if self._test != (test := (request.node.cls, request.node.originalname)):
            self.close()
            self.patience.left()
            self._test, self._session = test, self.worker.fork()
        if self._session is None:
            raise RuntimeError("A test has no copy of the notebook.")
        self._student = Student(self._session, self.patience, self.room)
        return self._student

    def close(self) -> None:
        """End the copy of the notebook that the last test used."""
        if self._session is not None:
            self._session.close()
        self._test = self._session = None

    @pytest.fixture(scope="session")
    def reference(self) -> ModuleType:
        return self.problem.reference()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """Random numbers that depend on the problem, the test, its case and the seed of this grading alone."""
        name = f"{self.problem}::{request.node.cls.__name__}::{request.node.name}::{self.seed}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16]))

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.cls.__part__[0] in self.part_ids]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Forget the module of the tests: pytest would take it for that of the same name in another course."""
        for name in {item.module.__name__ for item in session.items if isinstance(item, pytest.Function)}:
            del sys.modules[name]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        if call.when == "call" or (call.when == "setup" and call.excinfo is not None):
            self.cases.append(self._case(item, call.excinfo.value if call.excinfo else None))
        if call.when == "teardown":
            self._student = None
        return (yield)

    def _case(self, item: Any, error: BaseException | None) -> Case:
        asked = tuple(self._student.asked) if self._student is not None else ()
        stopped = self.stopped.get(asked[-1]) if asked else None
        outcome, message, fault = judge(error, tested_by(item.function), stopped)
        calls = tuple(self._student.calls) if self._student is not None else ()
        misfit = isinstance(error, StudentError) and _is_misfit(error)
        hint, pictures = (error.hint, error.pictures) if isinstance(error, Mismatch) else (None, ())
        part, test = item.cls.__part__[0], item.originalname
        return Case(part, test, outcome, message, fault, calls, asked, misfit, hint, pictures)


def judge(error: BaseException | None, tested: str, stopped: str | None) -> tuple[Outcome, str, str | None]:
    """Outcome, message for the student, and for the instructor what went wrong in the grader, if that did.

    `stopped` is the error of the cell that would have defined the function, had it not stopped.
    """
    match error:
        case None:
            return "passed", f"Tested: {tested}", None
        case Mismatch():
            return "failed", plain(error.sentences(tested)), None
        case StudentError():
            return "untested" if _is_unwritten(error) else "error", plain(raised(error).sentences(tested)), None
        case StudentTimeout():
            advice = "Look for a loop that never ends, or for work that is done over and over; the reference is quick."
            return "timeout", Mismatch(str(error), "a result in time", advice).sentences(tested), None
        case StudentLacks():
            advice = "Restart the kernel, run all cells in order, and repair the first error that you see."
            measured = f"{error} Its cell stopped with {stopped}" if stopped else str(error)
            message = plain(Mismatch(measured, "a function of that name", advice).sentences(tested))
            return "error" if stopped else "untested", message, None
        case StudentOddity():
            advice = "Return plain numbers: a float, a list, an array of floats, a tensor, or a tuple or dict of these."
            return "error", plain(Mismatch(str(error), "plain data", advice).sentences(tested)), None
        case StudentBroke():
            advice = "Restart the kernel, run all cells in order, and call the function once more."
            return "error", plain(Mismatch(str(error), "a result that can be read", advice).sentences(tested)), None
    fault = "".join(traceback.format_exception(error))
    message = f"Tested: {tested}\nThe grader itself failed here, not through your fault. A person will grade this part."
    return "grader_error", message, fault


def _is_unwritten(error: StudentError) -> bool:
    return error.ename == "NotImplementedError"


def _is_misfit(error: StudentError) -> bool:
    return error.own and error.ename == "TypeError"


def raised(error: StudentError) -> Mismatch:
    """What a student reads about an exception of their own code."""
    if _is_unwritten(error):
        return Mismatch("this function is not written yet", "a result", "Replace the NotImplementedError by your code.")
    where = f", at line {error.line[0]} of its cell: {error.line[1]}" if error.line else ""
    if error.ename == "SystemExit":
        return Mismatch("your code called exit", "a result", "Remove the call of exit, and return the result.")
    if _is_misfit(error):
        return Mismatch(
            f"the call itself failed: {error.evalue}",
            "the arguments that the statement lists, in that order",
            "Restore the first line of the function as the statement has it.",
        )
    return Mismatch(
        f"your code raised {error.ename}: {error.evalue}{where}",
        "a result",
        "Call the function on a small input of the same kind in your notebook, and read the traceback from below.",
    )

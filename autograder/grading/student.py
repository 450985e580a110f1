"""The student's functions as a grader sees them: called in the sandbox, on copies, and remembered."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from autograder.sandbox import Limits, Session, StudentError, StudentTimeout


@dataclass(frozen=True)
class Call:
    """One call that returned: a random input, the student's numbers, and the input after it, for the diagnosis."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    inputs_after: tuple[Any, ...]


@dataclass(frozen=True)
class Attempt:
    """What a call came to that may raise: the kinds of its exception, its own class first, or else a value."""

    raised: tuple[str, ...]
    value: Any


class Patience:
    """How long each function may still take: every call of it that does not end halves what the next one gets.

    A function that never ends then costs a submission twice the limit of one call, and one that hangs on a single
    input keeps the points of all its other tests. The time of all calls runs from the first copy of the notebook on,
    whatever takes it: the student's process also decides how long it is forked and ended, and how much there is to
    decode and to compare.
    """

    FLOOR = 1.0  # seconds; a thousand times what a call of these functions takes

    def __init__(self, limits: Limits) -> None:
        self._limits, self._own = limits, dict[str, float]()
        self._deadline: float | None = None

    def left(self) -> float:
        """Seconds for all that is still to come; raises StudentTimeout if there are none."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.calls
        left = self._deadline - time.monotonic()
        if left <= 0:
            most = f"{self._limits.calls:g} seconds for all tests together"
            raise StudentTimeout(f"Your notebook has used all the time of its calls, {most}.")
        return left

    def of(self, function: str) -> float:
        return min(self._alone(function), self.left())

    def lose(self, function: str) -> None:
        self._own[function] = self._alone(function) / 2

    def _alone(self, function: str) -> float:
        return max(self.FLOOR, self._own.get(function, self._limits.call))


class Room:
    """What is left for the calls of a submission that are remembered: each answer may have 16 MB."""

    MOST = 64 * 2**20  # bytes; four times what all answers of the course's longest notebook have

    def __init__(self) -> None:
        self._left = self.MOST

    def takes(self, call: Call) -> bool:
        """Whether there is room for what `call` brought, which then is taken."""
        size = _size((call.result, call.inputs_after))
        if size > self._left:
            return False
        self._left -= size
        return True


def _size(value: Any) -> int:
    """About the bytes that `value` takes in memory."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    members: Iterable[Any] = value if isinstance(value, list | tuple) else ()
    if isinstance(value, dict):
        members = chain(value.keys(), value.values())
    return sys.getsizeof(value) + sum(map(_size, members))


class Student:
    """`student.f` is the notebook's function f, running in one test's copy of the notebook."""

    def __init__(self, session: Session, patience: Patience, room: Room) -> None:
        self._session, self._patience, self._room = session, patience, room
        self.calls: list[Call] = []
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> StudentFunction:
        return StudentFunction(self, name)

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        result, inputs = self.ask(name, args, kwargs)
        call = Call(name, args, kwargs, result, tuple(inputs))
        if self._room.takes(call):
            self.calls.append(call)
        return result, inputs

    def ask(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """A call that is not remembered for the diagnosis."""
        self.asked.append(name)
        try:
            return self._session.call(name, args, kwargs, self._patience.of(name))
        except StudentTimeout:
            self._patience.lose(name)
            self._patience.left()
            raise


class StudentFunction:
    """One function of the notebook."""

    def __init__(self, student: Student, name: str) -> None:
        self._student, self._name = student, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, as plain data. What the student's code raises passes through the grader to the record."""
        return self._student.call(self._name, args, kwargs)[0]

    def inputs_after(self, *args: Any) -> tuple[Any, list[Any]]:
        """The result, and the arguments as the student's function left them."""
        return self._student.call(self._name, args, {})

    def attempt(self, *args: Any) -> Attempt:
        """What comes of a call where the function ought to raise, or just does not: numbers there say nothing of it.

        That a function is not written yet is no answer, and passes through to the record.
        """
        try:
            return Attempt((), self._student.ask(self._name, args, {})[0])
        except StudentError as error:
            if error.ename == "NotImplementedError":
                raise
            return Attempt(error.kinds, None)

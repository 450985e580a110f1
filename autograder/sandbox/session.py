"""The trusted side of one conversation with a student's process: plain data only, and a deadline for every frame."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from autograder.sandbox.inside import wire
from autograder.sandbox.limits import Limits

# What a function that is lent to a student's works out takes our time and memory. It is given four times as many
# numbers as came with the call at most, or so many: seven matrices of 35×35, or 100 points in 100 dimensions.
FEW = 10_000


class StudentError(Exception):
    """The student's function raised an exception of these kinds, its own class first."""

    def __init__(
        self, ename: str, kinds: tuple[str, ...], evalue: str, line: tuple[int, str] | None, own: bool
    ) -> None:
        super().__init__(f"{ename}: {evalue}")
        self.ename, self.kinds, self.evalue, self.line, self.own = ename, kinds, evalue, line, own


class StudentTimeout(Exception):
    """The student's function did not answer in time."""


class StudentBroke(Exception):
    """The student's process gave no answer that can be judged: it ended, or sent what it may not. A sentence."""


class StudentLacks(StudentBroke):
    """The notebook has no function of that name."""


class StudentOddity(StudentBroke):
    """The student's function returned something that is no plain data."""


class Handle:
    """An object of the student's that is no plain data and stays in the worker."""

    def __init__(self, number: int, type_name: str) -> None:
        self.number, self.type_name = number, type_name


class Session:
    """One test's copy of a notebook."""

    def __init__(
        self, sock: socket.socket, end: Callable[[], None], why_ended: Callable[[], str], limits: Limits
    ) -> None:
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._connection = wire.Connection(sock, self._refer, self._resolve, tensors=False)
        self._end, self._why_ended, self._limits = end, why_ended, limits
        self._calls, self._callbacks_left, self._numbers = 0, limits.callbacks, 0
        self._lost: StudentTimeout | StudentBroke | None = None

    def call(
        self, target: str | Handle, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> tuple[Any, list[Any]]:
        """The result of a student's function within `seconds`, and its arguments as they are after the call.

        Raises StudentError, StudentTimeout or StudentBroke. After the latter two the copy is lost, and every later
        call of it raises the same.
        """
        if self._lost is not None:
            raise self._lost
        try:
            return self._converse(target, args, kwargs, time.monotonic() + seconds)
        except TimeoutError:
            self._lost = StudentTimeout(f"It did not return within {seconds:g} seconds.")
        except wire.Closed:
            self._lost = StudentBroke(f"The Python process ended during the call: {self._why_ended()}.")
        except wire.WireError as error:
            self._lost = StudentBroke(str(error))
        raise self._lost

    def _converse(
        self, target: str | Handle, args: tuple[Any, ...], kwargs: dict[str, Any], deadline: float
    ) -> tuple[Any, list[Any]]:
        self._calls += 1
        number = self._calls
        self._numbers = max(FEW, 4 * _count((*args, *kwargs.values())))
        self._connection.send(["call", number, target, list(args), kwargs], deadline)
        while (message := self._connection.receive(deadline))[0] == "callback":
            try:
                self._connection.send(self._answer(message), deadline)
            except wire.Unsendable:
                # Its size follows from arguments that the student chose.
                refusal = ["failed", "What the function that you were given returned is too large to be sent."]
                self._connection.send(refusal, deadline)
        result, inputs = self._outcome(message, number, target)
        # A grader may rely on a dict being one; what else it is, comparison will see.
        if [isinstance(value, dict) for value in inputs] != [isinstance(value, dict) for value in args]:
            raise wire.WireError("The Python process gave back other arguments than it was called with.")
        return result, inputs

    def _outcome(self, message: list[Any], number: int, target: str | Handle) -> tuple[Any, list[Any]]:
        match message:
            case ["result", int(answered), result, list(inputs)] if answered == number:
                return result, inputs
            case ["unsendable", int(answered), str(sentence)] if answered == number:
                raise StudentOddity(f"What it returned cannot be graded. {sentence[:200]}")
            case ["missing", int(answered)] if answered == number:
                raise StudentLacks(f"The notebook defines no function `{target}` when all its cells have run.")
            case ["raised", int(answered), dict(error)] if answered == number:
                raise _student_error(error)
        raise wire.WireError("The Python process answered a question that was not asked.")

    def _answer(self, message: list[Any]) -> list[Any]:
        self._callbacks_left -= 1
        if self._callbacks_left < 0:
            raise StudentBroke(f"It called the function that it was given more than {self._limits.callbacks} times.")
        match message:
            case ["callback", int(number), list(args), dict(kwargs)] if number in self._callbacks:
                values = (*args, *kwargs.values())
                if any(_lists_text(value) for value in values):
                    return ["failed", "The function that you were given takes numbers, not lists with text in them."]
                if _count(values) > self._numbers:
                    return ["failed", f"The function that you were given takes {self._numbers} numbers at most."]
                try:
                    return ["returned", self._callbacks[number](*args, **kwargs)]
                except (StudentError, StudentTimeout, StudentBroke):
                    raise
                except Exception as error:
                    # Only the kind of the error crosses: its text may say what the function hides.
                    return ["failed", f"The function that you were given raised {type(error).__name__}."]
        raise wire.WireError("The Python process asked for a function that it was not given.")

    def _refer(self, value: Any) -> wire.Reference | None:
        if isinstance(value, Handle):
            return wire.Reference(value.number, value.type_name, owned_by_sender=False)
        if not callable(value):
            return None
        number = len(self._callbacks)
        self._callbacks[number] = value
        return wire.Reference(number, "function", owned_by_sender=True)

    def _resolve(self, reference: wire.Reference) -> Any:
        if reference.owned_by_sender:
            return Handle(reference.number, reference.type_name)
        if reference.number not in self._callbacks:
            raise wire.WireError("The Python process named an object that it was not given.")
        return self._callbacks[reference.number]

    def close(self) -> None:
        """End this copy."""
        self._connection.close()
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _count(values: Iterable[Any]) -> int:
    """How many numbers there are in values, arrays and collections."""
    waiting, count = list(values), 0
    while waiting:
        match waiting.pop():
            case np.ndarray() as array:
                count += array.size
            case list() | tuple() as members:
                waiting += members
            case dict() as members:
                waiting += members.values()
            case _:
                count += 1
    return count


def _lists_text(value: Any) -> bool:
    """Whether there is text in a list: numpy would make every entry as wide as the longest one, and fill our memory."""
    waiting = [value] if isinstance(value, (list, tuple)) else []
    while waiting:
        members = waiting.pop()
        if any(isinstance(item, (str, bytes)) for item in members):
            return True
        waiting += [item for item in members if isinstance(item, (list, tuple))]
    return False


def _student_error(error: dict[Any, Any]) -> StudentError:
    match error:
        case {"ename": str(ename), "kinds": list(kinds), "evalue": str(evalue), "line": line, "own": bool(own)}:
            names = tuple(kind[:200] for kind in kinds if isinstance(kind, str))
            match line:
                case None:
                    return StudentError(ename[:200], names, evalue[:2000], None, own)
                case [int(number), str(text)]:
                    return StudentError(ename[:200], names, evalue[:2000], (number, text[:200]), own)
    raise wire.WireError("The Python process described an error in no known form.")

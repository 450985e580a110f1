"""The hints of one submission: at most one for a test that was not passed."""

from __future__ import annotations

from dataclasses import replace

from autograder.course import Problem
from autograder.grading.diagnosis import Cause, diagnose
from autograder.grading.marks import Part, variants_of
from autograder.grading.plugin import Case
from autograder.grading.record import Outcome
from autograder.grading.upstream import reached

# What the student's notebook is the reason of.
NOT_PASSED: set[Outcome] = {"failed", "error", "timeout", "untested"}


def repair_first(function: str) -> str:
    """The hint of a test that fails where it calls the student's own wrong `function`."""
    return f"This uses your `{function}`, whose own tests fail: repair that first."


class Diagnosis:
    """Works out what is wrong with a function, from all calls that the tests made of it, when a test first needs it."""

    def __init__(self, problem: Problem, parts: list[Part], cases: list[Case], used: dict[str, set[str]]) -> None:
        self._problem, self._used = problem, used
        self._mistakes = variants_of(problem.catalogue("mistakes"))
        self._calls = [call for case in cases for call in case.calls]
        self._order = [function for part in parts for function in part.functions]
        self._wrong = {name for part in parts for case in cases for name in _blamed(part, case)}
        self._causes: dict[str, Cause | None] = {}

    def cause(self, part: Part, case: Case) -> Cause | None:
        """What most likely caused this case's failure, if exactly one cause is recognised.

        A wrong function of another part, used by the test or by the judged function, comes first: it may explain all.
        One of the same part comes last: the numbers, where there are any, tell whose fault they are.
        """
        if case.misfit:
            return None
        upstream = set(case.asked).union(*(reached(name, self._used) for name in case.asked))
        if guilty := (upstream & self._wrong).difference(part.functions):
            return Cause(repair_first(min(guilty, key=self._order.index)))
        if case.outcome == "failed" and (cause := self._own(part, case)) is not None:
            return cause
        guilty = (upstream & self._wrong).difference(case.asked, self._judged(part, case))
        return Cause(repair_first(min(guilty, key=self._order.index))) if guilty else None

    def _own(self, part: Part, case: Case) -> Cause | None:
        """What is wrong with the functions of `part` themselves, by their numbers or by what the test has seen."""
        judged = self._judged(part, case)
        causes = {cause for function in judged if (cause := self._among(function, judged)) is not None}
        if len(causes) == 1:
            return causes.pop()
        if case.hint is None:
            return None
        named = {f"{m.function}: {m.name}" for m in self._mistakes if m.hint == case.hint and m.function in judged}
        return Cause(case.hint, named.pop() if len(named) == 1 else None)

    def _judged(self, part: Part, case: Case) -> set[str]:
        """The functions of `part` that a case asked for, itself or through a helper that the course gave."""
        helpers = [name for name in case.asked if name not in self._order]
        asked = set(case.asked).union(*(reached(name, self._used) for name in helpers))
        return asked.intersection(part.functions)

    def _among(self, function: str, judged: set[str]) -> Cause | None:
        """The cause of a function. A general slip does not say whose it is, if several functions are judged at once."""
        cause = self._of(function)
        if cause is None or len(judged) == 1:
            return cause
        return replace(cause, hint=cause.hint.replace("Your result", f"The result of your `{function}`"))

    def _of(self, function: str) -> Cause | None:
        if function not in self._causes:
            calls = [call for call in self._calls if call.function == function]
            mistakes = [mistake for mistake in self._mistakes if mistake.function == function]
            self._causes[function] = diagnose(calls, getattr(self._problem.reference(), function), mistakes)
        return self._causes[function]


def _blamed(part: Part, case: Case) -> list[str]:
    """The function of `part` that a case found wrong: the last one that it called before it stopped."""
    failed = case.part == part.id and case.outcome in NOT_PASSED
    return [name for name in case.asked if name in part.functions][-1:] if failed else []

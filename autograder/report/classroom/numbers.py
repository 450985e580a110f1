"""What a class did in one problem, in numbers. None is what is not defined: nothing here divides by zero."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from autograder.grading.record import Outcome, PartResult, Record


@dataclass(frozen=True)
class PartNumbers:
    """One part, over the students for whom it could be judged.

    `difficulty` is the mean share of the points (so 1 is easy). `discrimination` is Pearson's correlation of that share
    with the points in the rest of the problem, over the students who could be judged in every part: for a part that is
    all or nothing, the point-biserial. `full`, `some` and `none` count students by their points. Difficulty and
    discrimination are about the `tested`, in whose notebook something was: a few blank ones, which have no points
    anywhere, would correlate every part with every other.
    """

    title: str
    max_score: float
    judged: int
    tested: int
    difficulty: float | None
    discrimination: float | None
    full: int
    some: int
    none: int


@dataclass(frozen=True)
class TestNumbers:
    """One hidden test, and how often it ended how, of `of` students."""

    part: str
    tested: str
    outcomes: Counter[Outcome]
    of: int

    @property
    def not_passed(self) -> int:
        return self.of - self.outcomes["passed"]


@dataclass(frozen=True)
class CauseNumbers:
    """A likely cause that students were told, the name of the mistake if it is a typical one, and how many got it."""

    mistake: str | None
    hint: str
    students: int


@dataclass(frozen=True)
class ProblemNumbers:
    """One problem, over the students whose notebook was graded.

    `scores` are the points that the hidden tests gave, of those students for whom every part could be judged.
    """

    name: str
    graded: int
    max_score: float
    scores: tuple[float, ...]
    parts: tuple[PartNumbers, ...]
    tests: tuple[TestNumbers, ...]
    causes: tuple[CauseNumbers, ...]
    alike: bool
    """Whether all were graded by the same parts with the same points."""

    @property
    def mean(self) -> float | None:
        return fmean(self.scores) if self.scores else None

    @property
    def median(self) -> float | None:
        return median(self.scores) if self.scores else None


def numbers_of(name: str, records: Sequence[Record]) -> ProblemNumbers:
    """The numbers of the problem `name`, in a time that is proportional to the size of the class."""
    judged = [record for record in records if not record.needs_a_person]
    return ProblemNumbers(
        name=name,
        graded=len(records),
        max_score=max((record.max_score for record in records), default=0.0),
        scores=tuple(record.score for record in judged),
        parts=_parts(records, judged),
        tests=_tests(records),
        causes=_causes(records),
        alike=len({tuple((part.id, part.max_score) for part in record.parts) for record in records}) <= 1,
    )


def _parts(records: Sequence[Record], judged: Sequence[Record]) -> tuple[PartNumbers, ...]:
    results: dict[str, list[tuple[PartResult, bool]]] = defaultdict(list)
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record in records:
        for part in record.parts:
            results[part.id].append((part, record.tested))
    for record in judged:
        for part in record.parts if record.tested else ():
            pairs[part.id].append((_share(part), record.score - part.score))
    return tuple(_part(own, correlation(pairs[id])) for id, own in results.items())


def _part(results: list[tuple[PartResult, bool]], discrimination: float | None) -> PartNumbers:
    """The results of one part, each with whether anything of its notebook was tested."""
    shares = [_share(part) for part, _ in results if not part.needs_a_person]
    tested = [_share(part) for part, tested in results if tested and not part.needs_a_person]
    full, none = shares.count(1.0), shares.count(0.0)
    return PartNumbers(
        title=results[0][0].title,
        max_score=results[0][0].max_score,
        judged=len(shares),
        tested=len(tested),
        difficulty=fmean(tested) if tested else None,
        discrimination=discrimination,
        full=full,
        some=len(shares) - full - none,
        none=none,
    )


def _share(part: PartResult) -> float:
    return part.score / part.max_score if part.max_score else 0.0


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's correlation; None where one of the two is the same for all, as among fewer than two."""
    x, y = np.array(pairs, dtype=float).reshape(-1, 2).T
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _tests(records: Sequence[Record]) -> tuple[TestNumbers, ...]:
    """Those that not all have passed; the one that fails most comes first."""
    outcomes: dict[tuple[str, str], Counter[Outcome]] = defaultdict(Counter)
    words: dict[tuple[str, str], tuple[str, str]] = {}
    for record in records:
        for part in record.parts:
            for test in part.tests:
                outcomes[part.id, test.name][test.outcome] += 1
                words[part.id, test.name] = part.title, test.message.split("\n")[0].removeprefix("Tested: ")
    tests = [TestNumbers(*words[key], found, found.total()) for key, found in outcomes.items()]
    return tuple(sorted((test for test in tests if test.not_passed), key=lambda test: -test.not_passed / test.of))


def _causes(records: Sequence[Record]) -> tuple[CauseNumbers, ...]:
    """Each counted once for a student; typical mistakes first, and of these the most frequent."""
    counts = Counter(cause for record in records for cause in _told(record))
    found = [CauseNumbers(mistake, hint, students) for (mistake, hint), students in counts.items()]
    return tuple(sorted(found, key=lambda cause: (cause.mistake is None, -cause.students, cause.hint)))


def _told(record: Record) -> set[tuple[str | None, str]]:
    return {(test.mistake, test.hint) for test in record.tests if test.hint is not None}

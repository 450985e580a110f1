"""The result record: what grading one submission found, as plain data with a versioned schema."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from autograder.grading.picture import Picture, picture_of

SCHEMA = 3
Outcome = Literal["passed", "failed", "error", "timeout", "untested", "grader_error"]


@dataclass(frozen=True)
class TestResult:
    """One hidden test: its points, and for the student what was wrong and perhaps why.

    It is "untested" where nothing is there to be tested: the function is not written, or missing, or all of the file.
    `mistake` names the typical mistake that `hint` is about, as "grad_batch: summed_over_batch", if it is about one.
    """

    name: str
    outcome: Outcome
    points: float
    max_points: float
    message: str
    hint: str | None
    mistake: str | None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class PartResult:
    """One part of the problem; `score` is the sum of its tests' points."""

    id: str
    title: str
    score: float
    max_score: float
    tests: tuple[TestResult, ...]

    @property
    def needs_a_person(self) -> bool:
        """Whether the grader itself failed, so that this score is not the student's fault and not final."""
        return any(test.outcome == "grader_error" for test in self.tests)


@dataclass(frozen=True)
class Record:
    """The grade of one notebook. All but `seconds` is the same to the bit when the same notebook is graded again.

    `by_hand` is what a person may give for written answers; it is in neither score, and 0 if nothing was written.
    """

    problem: str
    isolation: str
    score: float
    max_score: float
    seconds: float
    parts: tuple[PartResult, ...]
    warnings: tuple[str, ...]
    by_hand: float = 0

    def part(self, id: str) -> PartResult:
        return next(part for part in self.parts if part.id == id)

    @property
    def needs_a_person(self) -> bool:
        """Whether a part does, so that the score is not final."""
        return any(part.needs_a_person for part in self.parts)

    @property
    def tested(self) -> bool:
        """Whether anything was there to be tested: not so of a blank notebook, nor of a file that cannot be read."""
        return any(test.outcome != "untested" for test in self.tests)

    @property
    def tests(self) -> list[TestResult]:
        """The tests of all parts."""
        return [test for part in self.parts for test in part.tests]

    @property
    def mistakes(self) -> list[str]:
        """The names of the typical mistakes that were recognised, each once."""
        return list(dict.fromkeys(test.mistake for test in self.tests if test.mistake is not None))

    def count(self, outcome: Outcome) -> int:
        """How many tests ended like this."""
        return sum(test.outcome == outcome for test in self.tests)

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_dict(data: Any) -> Record:
    """The record that `to_dict` wrote; raises ValueError for another schema, and for what is no record at all."""
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"This result record has schema {data['schema']!r}; this version reads {SCHEMA}.")
        parts = tuple(PartResult(**{**part, "tests": tuple(map(_test, part["tests"]))}) for part in data["parts"])
        fields = {key: value for key, value in data.items() if key != "schema"}
        return Record(**{**fields, "parts": parts, "warnings": tuple(data["warnings"])})
    except (TypeError, KeyError) as error:
        raise ValueError("This does not have the form of a result record.") from error


def _test(data: dict[str, Any]) -> TestResult:
    return TestResult(**{**data, "pictures": tuple(map(picture_of, data["pictures"]))})

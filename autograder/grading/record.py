"""The result record: what grading one submission found, as plain data with a versioned schema."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

SCHEMA = 1
Outcome = Literal["passed", "failed", "error", "timeout", "grader_error"]


@dataclass(frozen=True)
class TestResult:
    """One hidden test: its points, and for the student what was wrong and perhaps why."""

    name: str
    outcome: Outcome
    points: float
    max_points: float
    message: str
    hint: str | None


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
    """The grade of one notebook. All but `seconds` is the same to the bit when the same notebook is graded again."""

    problem: str
    isolation: str
    score: float
    max_score: float
    seconds: float
    parts: tuple[PartResult, ...]
    warnings: tuple[str, ...]

    def part(self, id: str) -> PartResult:
        return next(part for part in self.parts if part.id == id)

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_dict(data: dict[str, Any]) -> Record:
    """The record that `to_dict` wrote; raises ValueError for another schema."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"This result record has schema {data.get('schema')!r}; this version reads {SCHEMA}.")
    parts = tuple(
        PartResult(**{**part, "tests": tuple(TestResult(**test) for test in part["tests"])}) for part in data["parts"]
    )
    fields = {key: value for key, value in data.items() if key != "schema"}
    return Record(**{**fields, "parts": parts, "warnings": tuple(data["warnings"])})

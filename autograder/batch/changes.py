"""Whose score a new grading changed, and by which test."""

from __future__ import annotations

from autograder.grading.record import Record


def changes(before: Record, after: Record) -> list[str]:
    """A line for each test whose points differ between two records of a problem, and for each that only one has."""
    old, new = _points(before), _points(after)
    lines = []
    for test in dict.fromkeys([*old, *new]):
        if old.get(test) != new.get(test):
            lines.append(f"{'/'.join(test)} {_said(old.get(test))} → {_said(new.get(test))}")
    return lines


def _points(record: Record) -> dict[tuple[str, str], float]:
    return {(part.id, test.name): test.points for part in record.parts for test in part.tests}


def _said(points: float | None) -> str:
    return "none" if points is None else f"{points:g}"

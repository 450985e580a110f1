"""The first lines of a report: how many handed in, who did not, who was late, and how long grading took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from autograder.report.classroom.gather import Entry, Gathered
from autograder.report.classroom.waiting import reasons


@dataclass(frozen=True)
class Summary:
    """Students by what is to be said of them, each once; `graded` counts the notebooks of each problem."""

    students: tuple[str, ...]
    handed_in: tuple[str, ...]
    nothing: tuple[str, ...]
    late: tuple[str, ...]
    timeouts: tuple[str, ...]
    errors: tuple[str, ...]
    untested: tuple[str, ...]
    waiting: tuple[str, ...]
    graded: dict[str, int]
    seconds: float | None
    slowest: Entry | None
    has_names: bool

    @classmethod
    def of(cls, found: Gathered) -> Summary:
        entries = found.entries
        times = sorted((entry.record.seconds, number) for number, entry in enumerate(entries) if entry.record)
        students = _students(entries)
        handed_in = _students(entry for entry in entries if entry.status != "missing")
        there = set(handed_in)
        return cls(
            students=students,
            handed_in=handed_in,
            nothing=tuple(student for student in students if student not in there),
            late=_students(entry for entry in entries if entry.marks and entry.marks.seconds_late > 0),
            timeouts=_students(entry for entry in entries if entry.record and entry.record.count("timeout")),
            errors=_students(entry for entry in entries if entry.record and entry.record.count("error")),
            untested=_students(entry for entry in entries if entry.record and entry.record.count("untested")),
            waiting=_students(entry for entry in entries if any(reasons(entry))),
            graded={problem: len(found.records(problem)) for problem in found.problems},
            seconds=median(seconds for seconds, _ in times) if times else None,
            slowest=entries[times[-1][1]] if times else None,
            has_names=any(entry.last_name or entry.first_name for entry in entries),
        )


def _students(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.student for entry in entries))

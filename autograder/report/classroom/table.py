"""The class report as a table for a spreadsheet or for pandas: a row for each student and problem."""

from __future__ import annotations

import csv
import io

from autograder.report.classroom.gather import Entry, Gathered
from autograder.report.classroom.waiting import reasons
from autograder.report.sheets import safe

NAMES = ("last_name", "first_name")
COLUMNS = (
    *("student", *NAMES, "problem", "status", "points", "max_points", "gradebook_score", "gradebook_max_score"),
    *("seconds_late", "needs_a_person", "errors", "timeouts", "untested", "mistakes", "grading_seconds"),
)
Row = dict[str, str | float | None]


def table_of(found: Gathered) -> str:
    """CSV. What is not known is empty, never 0; a column `problem/part` is empty in the rows of other problems."""
    parts: dict[str, dict[str, None]] = {problem: {} for problem in found.problems}
    for entry in found.entries:
        parts[entry.problem] |= dict.fromkeys(_points(entry))
    columns = [column for column in COLUMNS if not (found.anonymous and column in NAMES)]
    columns += [column for own in parts.values() for column in own]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    for entry in found.entries:
        row = _row(entry) | _points(entry)
        writer.writerow({key: safe(value) if isinstance(value, str) else value for key, value in row.items()})
    return text.getvalue()


def _row(entry: Entry) -> Row:
    row: Row = {
        "student": entry.student,
        "last_name": entry.last_name,
        "first_name": entry.first_name,
        "problem": entry.problem,
        "status": entry.status,
        "needs_a_person": "; ".join(f"{what}: {why}" for what, why in reasons(entry)),
    }
    if entry.marks is not None:
        row |= {
            "gradebook_score": entry.marks.score,
            "gradebook_max_score": entry.marks.max_score,
            "seconds_late": entry.marks.seconds_late,
        }
    if entry.record is not None:
        row |= {
            "points": None if entry.record.needs_a_person else entry.record.score,
            "max_points": entry.record.max_score,
            "errors": entry.record.count("error"),
            "timeouts": entry.record.count("timeout"),
            "untested": entry.record.count("untested"),
            "mistakes": "; ".join(entry.record.mistakes),
            "grading_seconds": entry.record.seconds,
        }
    return row


def _points(entry: Entry) -> Row:
    """The points of each part; none where the grader could not judge it."""
    parts = entry.record.parts if entry.record is not None else ()
    return {f"{entry.problem}/{part.id}": None if part.needs_a_person else part.score for part in parts}

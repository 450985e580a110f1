"""Two plain tables: a row for each part of each student, and a row for each hidden test."""

from __future__ import annotations

from collections.abc import Iterator

from nbgrader.api import Gradebook

from autograder.gradebook.exports.plugin import Entry, Scores
from autograder.gradebook.exports.records import Records
from autograder.gradebook.exports.rows import Row
from autograder.grading.record import PartResult, Record

WHOSE = ("assignment", "problem", "part", "student_id", "last_name", "first_name")


class ScoresByPart(Scores):
    """A table of the score of each part and student, as nbgrader has it, but empty where nobody has judged it yet.

    The scores of an assignment less its penalties are nbgrader's own (not less than 0). `late_penalty` is that of the
    whole notebook, and stands in each of its rows. `needs_manual_grade` is 1 where a person must look. `handed_in`
    is about the notebook: nbgrader gives 0 points for one that is missing from a set.
    """

    def export(self, gradebook: Gradebook) -> None:
        columns = (*WHOSE, "handed_in", "timestamp", "auto_score", "manual_score", "extra_credit", "score", "max_score")
        records = Records(self.parent.coursedir, self.log)
        entries = (_part(row, records.handed_in(row)) for row in self.rows(gradebook))
        self.write("parts.csv", (*columns, "late_penalty", "needs_manual_grade"), entries)


class ScoresByTest(Scores):
    """A table of the outcome and points of each hidden test, from the result records.

    What has no tests has one row with an empty `test`: an answer that a person grades, a notebook that was not handed
    in, one whose record is lost. `points` is empty where a test failed by our own fault. `part_score` is nbgrader's
    score of the whole part, and differs from the sum of its points where a person has set it.
    """

    def export(self, gradebook: Gradebook) -> None:
        columns = (*WHOSE, "test", "outcome", "points", "max_points", "hint", "part_score", "needs_manual_grade")
        records = Records(self.parent.coursedir, self.log)
        entries = (entry for row in self.rows(gradebook) for entry in _tests(row, records.of(row)))
        self.write("tests.csv", columns, entries)


def _whose(row: Row) -> list[Entry]:
    student, cell = row.student, row.cell
    name = _short(cell.grade_id, cell.problem)
    return [cell.assignment, cell.problem, name, student.id, student.last_name, student.first_name]


def _short(grade_id: str, problem: str) -> str:
    """A part by its own name, without what all grade ids of a problem begin with."""
    return grade_id.removeprefix(f"{problem}-").removeprefix("check-")


def _part(row: Row, handed_in: bool) -> list[Entry]:
    grade = row.grade
    if grade is None:
        return [*_whose(row), False, "", None, None, None, row.score, row.cell.max_score, 0.0, False]
    parts = (grade.auto_score, grade.manual_score, grade.extra_credit, grade.score)
    found = [grade.timestamp, *parts, row.cell.max_score, grade.penalty, grade.needs_a_person]
    return [*_whose(row), handed_in, *found]


def _tests(row: Row, record: Record | None) -> Iterator[list[Entry]]:
    part = part_in(record, row)
    if part is None:
        yield [*_whose(row), "", "", row.score, row.cell.max_score, "", row.score, row.needs_a_person]
        return
    for test in part.tests:
        ours = test.outcome == "grader_error"
        found = [test.name, test.outcome, None if ours else test.points, test.max_points, test.hint or ""]
        yield [*_whose(row), *found, row.score, row.needs_a_person]


def part_in(record: Record | None, row: Row) -> PartResult | None:
    """What the hidden tests found for the row's cell; None for a cell without tests, or without a record of them."""
    parts = () if record is None else record.parts
    return next((part for part in parts if row.cell.grade_id == f"{row.cell.problem}-check-{part.id}"), None)

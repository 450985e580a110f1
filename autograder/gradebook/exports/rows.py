"""The gradebook as rows: one for each student and graded cell, read in four queries however large the class is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbgrader import api
from sqlalchemy import func, text


@dataclass(frozen=True)
class Student:
    """A student of the gradebook; those who were removed from it are in no export."""

    id: str
    first_name: str
    last_name: str
    lms_id: str

    @property
    def name(self) -> str:
        """Last name first, as registers sort; empty if nbgrader was told of no name."""
        return ", ".join(filter(None, [self.last_name, self.first_name]))


@dataclass(frozen=True)
class Cell:
    """A cell of an assignment that has points: the check of a part, or an answer that a person grades."""

    id: str
    assignment: str
    problem: str
    grade_id: str
    max_score: float


@dataclass(frozen=True)
class Grade:
    """What the gradebook has for one cell of a notebook that was handed in; `penalty` is that of the whole notebook."""

    timestamp: str
    auto_score: float | None
    manual_score: float | None
    extra_credit: float | None
    flagged: bool
    penalty: float

    @property
    def score(self) -> float | None:
        """nbgrader's own score of the cell, but None where nobody has judged it yet: nbgrader counts that as 0."""
        judged = self.auto_score if self.manual_score is None else self.manual_score
        return None if judged is None else judged + (self.extra_credit or 0.0)

    @property
    def needs_a_person(self) -> bool:
        return self.flagged or self.score is None

    @property
    def by_hand(self) -> bool:
        """Whether a person had a part in the score, so that it is not the sum of the tests' points."""
        return self.manual_score is not None or bool(self.extra_credit)


@dataclass(frozen=True)
class Row:
    """One student and one cell; no grade if the student handed in no such notebook, which is 0 points."""

    student: Student
    cell: Cell
    grade: Grade | None

    @property
    def score(self) -> float | None:
        return 0.0 if self.grade is None else self.grade.score

    @property
    def needs_a_person(self) -> bool:
        return self.grade is not None and self.grade.needs_a_person


# As many names as one reads in a sentence.
SHOWN = 10


class Unknown(LookupError):
    """The gradebook has no assignment or student of that name."""


def rows(gradebook: api.Gradebook, assignments: list[str], students: list[str]) -> Iterator[Row]:
    """A row for each student and cell, sorted by assignment, name of the student, problem and place in the notebook.

    Only for `assignments` and `students`, where they are given; raises Unknown for one that the gradebook lacks.
    """
    cells = _cells(gradebook)
    people = _students(gradebook)
    wanted = _chosen("assignment", assignments, _names(gradebook))
    chosen = _chosen("student", students, [student.id for student in people])
    grades = _grades(gradebook)
    for assignment in wanted:
        own = [cell for cell in cells if cell.assignment == assignment]
        for student in people:
            if student.id in chosen:
                yield from (Row(student, cell, grades.get((student.id, cell.id))) for cell in own)


def _names(gradebook: api.Gradebook) -> list[str]:
    return [name for (name,) in gradebook.db.query(api.Assignment.name).order_by(api.Assignment.name)]


def _chosen(kind: str, asked: list[str], known: list[str]) -> dict[str, None]:
    """The names that are asked for, or all; a dict, since a class is large and each is looked up in it."""
    if unknown := [name for name in asked if name not in known]:
        some = ", ".join(known[:SHOWN]) + (", …" if len(known) > SHOWN else "")
        raise Unknown(f"There is no {kind} {unknown[0]!r} in the gradebook. It has {some or 'none'}.")
    return dict.fromkeys(name for name in known if name in asked or not asked)


def _students(gradebook: api.Gradebook) -> list[Student]:
    order = (api.Student.last_name, api.Student.first_name, api.Student.id)
    found = gradebook.db.query(api.Student.id, api.Student.first_name, api.Student.last_name, api.Student.lms_user_id)
    return [Student(id, first or "", last or "", lms or "") for id, first, last, lms in found.order_by(*order)]


def _cells(gradebook: api.Gradebook) -> list[Cell]:
    auto, task = api.GradeCell.__table__, api.TaskCell.__table__
    most = func.coalesce(auto.c.max_score, task.c.max_score)
    cell = api.BaseCell.__table__
    found = (
        gradebook.db.query(cell.c.id, api.Assignment.name, api.Notebook.name, cell.c.name, most)
        .select_from(cell)
        .outerjoin(auto, auto.c.id == cell.c.id)
        .outerjoin(task, task.c.id == cell.c.id)
        .join(api.Notebook, api.Notebook.id == cell.c.notebook_id)
        .join(api.Assignment, api.Assignment.id == api.Notebook.assignment_id)
        .filter(most.is_not(None))
        # nbgrader adds the cells of a notebook in their order; their ids are random. (rowid is SQLite's.)
        .order_by(api.Assignment.name, api.Notebook.name, text("base_cell.rowid"))
    )
    return [Cell(*values) for values in found]


def _grades(gradebook: api.Gradebook) -> dict[tuple[str, str], Grade]:
    """By student and cell."""
    found = (
        gradebook.db.query(
            api.SubmittedAssignment.student_id,
            api.Grade.cell_id,
            api.SubmittedAssignment.timestamp,
            api.Grade.auto_score,
            api.Grade.manual_score,
            api.Grade.extra_credit,
            api.Grade.needs_manual_grade,
            api.SubmittedNotebook.late_submission_penalty,
        )
        .select_from(api.Grade)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
    )
    return {(student, cell): _grade(*values) for student, cell, *values in found}


def _grade(timestamp: Any, auto: Any, manual: Any, extra: Any, flagged: bool, penalty: float | None) -> Grade:
    when = "" if timestamp is None else f"{timestamp} UTC"
    return Grade(when, auto, manual, extra, flagged, penalty or 0.0)

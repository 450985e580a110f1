"""What nbgrader's gradebook knows of an assignment: who is enrolled, scores, lateness, and what waits for a person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session


class NoGradebook(Exception):
    """There is no gradebook, or it cannot be read; the message is a sentence."""


@dataclass(frozen=True)
class Marks:
    """nbgrader's own numbers for one notebook.

    `score` has manual scores and extra credit in it, and the penalty for being late taken off; what waits for a person
    counts 0 so far. `pending` has the grade ids of the cells that wait, and whether a person gave them a score before.
    """

    score: float
    max_score: float
    seconds_late: float
    pending: dict[str, bool]


@dataclass(frozen=True)
class Gradebook:
    """Last and first names by student id, and the marks by student id and notebook."""

    students: dict[str, tuple[str, str]]
    marks: dict[tuple[str, str], Marks]


def read_gradebook(db_url: str, assignment: str) -> Gradebook:
    """The gradebook, read only, by four queries whatever the size of the class; raises NoGradebook."""
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NoGradebook(f"There is no gradebook at {url.database}.")
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            names = session.execute(select(Student.id, Student.last_name, Student.first_name))
            students = {id: (last or "", first or "") for id, last, first in names}
            return Gradebook(students, _marks(session, assignment))
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        advice = "If it was made by an older nbgrader, `nbgrader db upgrade` helps."
        raise NoGradebook(f"The gradebook cannot be read ({reason}). {advice}") from error
    finally:
        engine.dispose()


def _marks(session: Session, assignment: str) -> dict[tuple[str, str], Marks]:
    in_assignment = Assignment.name == assignment
    most = dict(session.execute(select(Notebook.name, Notebook.max_score).join(Assignment).where(in_assignment)).all())
    scores: dict[str, float] = defaultdict(float)
    pending: dict[str, dict[str, bool]] = defaultdict(dict)
    grades = (
        select(Grade.notebook_id, BaseCell.name, Grade.score, Grade.needs_manual_grade, Grade.manual_score)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .join(Notebook, BaseCell.notebook_id == Notebook.id)
        .join(Assignment)
        .where(in_assignment)
        .order_by(BaseCell.name)
    )
    for notebook, cell, score, waits, by_hand in session.execute(grades):
        scores[notebook] += score
        if waits:
            pending[notebook][cell] = by_hand is not None
    submitted = (
        select(
            *(SubmittedNotebook.id, SubmittedAssignment.student_id, Notebook.name),
            *(SubmittedNotebook.late_submission_penalty, SubmittedAssignment.timestamp),
            *(Assignment.duedate, SubmittedAssignment.extension),
        )
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(in_assignment)
    )
    return {
        (student, name): Marks(
            max(0.0, scores[id] - (penalty or 0.0)), most[name], _late(handed_in, due, extension), pending[id]
        )
        for id, student, name, penalty, handed_in, due, extension in session.execute(submitted)
    }


def _late(handed_in: datetime | None, due: datetime | None, extension: timedelta | None) -> float:
    """Seconds, as nbgrader counts them."""
    if handed_in is None or due is None:
        return 0.0
    return max(0.0, (handed_in - due - (extension or timedelta())).total_seconds())

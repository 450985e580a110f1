"""What of the records of an assignment is in `autograded` and in the gradebook: a run may have ended between them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory

from autograder.course import Problem
from autograder.gradebook.page import SUMMARY
from autograder.gradebook.scores import scores_of
from autograder.grading.record import Record


class Written:
    """Looked up once, for all of `records`."""

    def __init__(
        self,
        directory: CourseDirectory,
        gradebook: Gradebook,
        assignment: str,
        records: Mapping[tuple[str, Problem], Record],
    ) -> None:
        self.unfiled = {
            (student, problem)
            for (student, problem), record in records.items()
            if not is_filed(directory, student, record)
        }
        """Whose record, or the notebook that shows it, is not in `autograded`."""
        scores, self.waiting = _scores(gradebook, assignment)
        """In `waiting`, the notebooks of the gradebook that have something that a person must look at."""
        self.unscored = {
            (student, problem)
            for (student, problem), record in records.items()
            if not scores[student, problem.name].items() >= scores_of(record, problem.name).items()
        }
        """Whose scores are not those in the gradebook, as they should be."""


def is_filed(directory: CourseDirectory, student: str, record: Record) -> bool:
    """Whether both files are there and whole.

    nbgrader writes the notebook last, and without our summary before it is graded.
    """
    assignment, name = record.problem.split("/")
    folder = Path(directory.format_path(directory.autograded_directory, student, assignment))
    try:
        if (folder / f"{name}.json").read_text(encoding="utf-8") != record.to_json():
            return False
        cells = json.loads((folder / f"{name}.ipynb").read_bytes())["cells"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return any(cell.get("id") == SUMMARY for cell in cells)


def _scores(
    gradebook: Gradebook, assignment: str
) -> tuple[dict[tuple[str, str], dict[str, float | None]], set[tuple[str, str]]]:
    """The automatic scores in the gradebook, of a student and a problem, by cell; and where a person must look."""
    found: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
    waiting = set()
    rows = (
        gradebook.db.query(
            SubmittedAssignment.student_id, Notebook.name, BaseCell.name, Grade.auto_score, Grade.needs_manual_grade
        )
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .filter(Assignment.name == assignment)
    )
    for student, problem, cell, score, waits in rows:
        found[student, problem][cell] = score
        if waits:
            waiting.add((student, problem))
    return found, waiting

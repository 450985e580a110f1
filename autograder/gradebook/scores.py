"""Scores for the gradebook: finite numbers from the record, never from a cell's outputs."""

from __future__ import annotations

import math
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import is_solution

from autograder.grading.record import PartResult, Record

# Where GradeSubmission leaves the record for the preprocessors after it.
RECORD = "mlphys_record"


def flag(gradebook: Gradebook, names: dict[str, str]) -> None:
    """Leave every score of one submitted notebook to a person, until a new score replaces it."""
    notebook = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
    for grade in notebook.grades:
        grade.auto_score = None
        grade.needs_manual_grade = True
    gradebook.db.commit()


class SaveScores(SaveAutoGrades):
    """Writes each part's score into the row of its check cell.

    A written answer is left to a person, as nbgrader does it: the row says so, unless the cell is as it was released.
    """

    def _add_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        if is_solution(cell):
            super()._add_score(cell, resources)
            return
        grade_id = cell.metadata.nbgrader.grade_id
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        part = part_of(grade_id, self.notebook_id, resources[RECORD])
        if part.max_score != grade.max_score:
            raise ValueError(
                f"The graders give {part.max_score} points to {grade_id}, the gradebook {grade.max_score}. "
                f"Run `mlphys build` and `nbgrader generate_assignment {self.assignment_id} --force`, then grade again."
            )
        grade.auto_score = score_of(part)
        grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None
        self.gradebook.db.commit()


def scores_of(record: Record, problem: str) -> dict[str, float | None]:
    """The automatic score of each check cell of a notebook."""
    return {f"{problem}-check-{part.id}": score_of(part) for part in record.parts}


def part_of(grade_id: str, problem: str, record: Record) -> PartResult:
    """The part that the check cell `grade_id` stands for; raises LookupError if the graders have no such part."""
    for part in record.parts:
        if grade_id == f"{problem}-check-{part.id}":
            return part
    raise LookupError(f"The graders of {record.problem} have no part for the cell {grade_id}. Run `mlphys build`.")


def score_of(part: PartResult) -> float | None:
    """A part's score, or None if a test of it failed by our own fault, so that a person must look."""
    if part.needs_a_person:
        return None
    score = float(part.score)
    if not math.isfinite(score) or not 0 <= score <= part.max_score:
        raise ValueError(f"The score {score} of part {part.id} is not between 0 and {part.max_score}.")
    return score

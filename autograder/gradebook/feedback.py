"""The page that `nbgrader generate_feedback` makes of a graded notebook: one file, no script, nothing to be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades

from autograder.gradebook.notebook import KEY
from autograder.grading.coursecells import answer_title

# For `c.FeedbackExporter.extra_template_basedirs`: the folder of the template `feedback_page`.
TEMPLATES = str(Path(__file__).parent / "templates")


class FeedbackExporter(HTMLExporter):
    """A class of its own so that it has a section of its own in nbgrader_config.py: Formgrader's is HTMLExporter."""


@dataclass(frozen=True)
class Line:
    """One line of the table at the top: a part, or an answer that a person grades."""

    grade_id: str
    title: str
    score: float
    points: float
    open: bool


class ScoresByPart(GetGrades):
    """nbgrader's scores, those of Formgrader among them, as the lines of a table, in the order of the notebook."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        nb, resources = super().preprocess(nb, resources)
        told = nb.cells[0].metadata.get(KEY, {})
        resources["lines"] = {
            marks.grade_id: Line(
                marks.grade_id,
                told.get("titles", {}).get(marks.grade_id) or answer_title(marks.grade_id),
                marks.score,
                marks.points,
                marks.needs_manual_grade,
            )
            for cell in nb.cells
            if "score" in (marks := cell.metadata.get("nbgrader", {}))
        }
        resources["notes"] = told.get("notes", [])
        return nb, resources

    def _get_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        super()._get_score(cell, resources)
        marks = cell.metadata.nbgrader
        grade = self.gradebook.find_grade(marks.grade_id, self.notebook_id, self.assignment_id, self.student_id)
        marks.needs_manual_grade = grade.needs_manual_grade

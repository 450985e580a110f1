"""Canvas's gradebook import.

The format is that of Canvas's own gradebook export, which its importer reads back, as Canvas itself defines them:
`lib/gradebook_exporter.rb` and `lib/gradebook_importer.rb` of github.com/instructure/canvas-lms. A header with Student,
ID, SIS User ID, SIS Login ID and Section in this order, then a column for each assignment; a row "Points Possible"; a
row for each student, who is found by ID, or else by SIS Login ID, or else by name. An empty score is no score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbgrader.api import Gradebook
from traitlets import Dict, Unicode

from autograder.gradebook.exports.plugin import Entry, Scores
from autograder.gradebook.exports.rows import Row, Student

COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
# Canvas takes a row for the one of the points if this stands anywhere in its first cell, the student's name.
POINTS = "Points Possible"


class CanvasScores(Scores):
    """A file for Canvas's gradebook: a column for each assignment that anybody handed in, a row for each student.

    The score is nbgrader's: less the penalty for being late, and 0 for who handed in nothing. It stays empty while a
    part of it needs a person. The ID is the LMS user id that nbgrader's gradebook has, the SIS Login ID nbgrader's own.
    """

    # No mark: the importer knows the first column by its name, and is not documented to skip one before it.
    encoding = "utf-8"

    columns = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Canvas's name of an assignment, as its own export has it: {'ps01_linear_algebra': 'Set 1 (98765)'}. "
        "Without one, Canvas takes nbgrader's name for a title, and offers to make a new assignment if there is none.",
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        found = self.rows(gradebook)
        names = dict.fromkeys(row.cell.assignment for row in found if row.grade is not None)
        totals = {name: _totals(row for row in found if row.cell.assignment == name) for name in names}
        cells = dict.fromkeys(row.cell for row in found)
        most = [sum(cell.max_score for cell in cells if cell.assignment == name) for name in names]
        students = self._without_mistakable(dict.fromkeys(row.student for row in found))
        header = [*COLUMNS, *(self.columns.get(name, name) for name in names)]
        points: list[Entry] = [f"    {POINTS}", "", "", "", "", *most]
        scores = ([*_who(student), *(totals[name][student] for name in names)] for student in students)
        self.write("canvas.csv", header, [points, *scores])
        for name in names:
            self._warn(name, [student.id for student, total in totals[name].items() if total is None])

    def _without_mistakable(self, students: Iterable[Student]) -> list[Student]:
        """Less those whose row Canvas would take for the one of the points; who gets an account may choose the id."""
        mistakable = [student for student in students if POINTS in _name(student)]
        if mistakable:
            self.log.warning(
                "%s: left out of the file, since Canvas would take this name for the row of the points. Enter these "
                "scores in Canvas by hand.",
                ", ".join(repr(student.id) for student in mistakable),
            )
        return [student for student in students if student not in mistakable]

    def _warn(self, assignment: str, unjudged: list[str]) -> None:
        if unjudged:
            self.log.warning(
                "%s: %d of the scores are left empty, since parts of them need a person: %s. Grade those in "
                "Formgrader, and export again.",
                *(assignment, len(unjudged), ", ".join(unjudged)),
            )


def _who(student: Student) -> list[Entry]:
    return [_name(student), student.lms_id, "", student.id, ""]


def _name(student: Student) -> str:
    """The id for who has no name, or one that Canvas would misread: it finds by the ids first."""
    name = student.name or student.id
    return student.id if POINTS in name else name


def _totals(own: Iterator[Row]) -> dict[Student, float | None]:
    """nbgrader's score of one assignment for each student; None while a part of it needs a person."""
    points: dict[Student, float] = {}
    penalties: dict[Student, dict[str, float]] = {}
    waiting: set[Student] = set()
    for row in own:
        points[row.student] = points.get(row.student, 0.0) + (row.score or 0.0)
        if row.grade is not None:
            penalties.setdefault(row.student, {})[row.cell.problem] = row.grade.penalty
        if row.needs_a_person:
            waiting.add(row.student)
    return {
        student: None if student in waiting else max(0.0, score - sum(penalties.get(student, {}).values()))
        for student, score in points.items()
    }

"""Gradescope's results.json for what the gradebook has: what its own autograder would have made, and then a person."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.gradebook.exports.plugin import Scores
from autograder.gradebook.exports.records import Records
from autograder.gradebook.exports.rows import Row
from autograder.gradebook.exports.tables import part_in
from autograder.gradescope.results import Graded, Judged, results


class GradescopeResults(Scores):
    """A folder <assignment>/<student>/results.json for each submission of the gradebook, with nbgrader's scores."""

    def export(self, gradebook: Gradebook) -> None:
        directory = Path(self.to or "gradescope")
        records = Records(self.parent.coursedir, self.log)
        handed_in = (row for row in self.rows(gradebook) if row.grade is not None)
        for (assignment, student), own in groupby(handed_in, key=lambda row: (row.cell.assignment, row.student.id)):
            if student in {".", ".."} or "/" in student:
                self.log.warning("The student %r has no results: no folder can have that name.", student)
                continue
            self._write(directory / assignment / student, _results(list(own), records))
        self.log.info("Wrote %s", directory)

    def _write(self, folder: Path, text: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "results.json").write_text(text, encoding="utf-8")
        except OSError as error:
            raise SystemExit(f"{folder} cannot be written ({error.strerror}). Name another folder with --to.") from None


def _results(own: list[Row], records: Records) -> str:
    notebooks, penalty = [], 0.0
    for problem, group in groupby(own, key=lambda row: row.cell.problem):
        rows = list(group)
        judged = tuple(_judged(row, records) for row in rows)
        notebooks.append(Graded(problem, records.of(rows[0]), judged, records.handed_in(rows[0])))
        penalty += rows[0].grade.penalty if rows[0].grade else 0.0
    return json.dumps(results(notebooks, penalty), indent=1, allow_nan=False) + "\n"


def _judged(row: Row, records: Records) -> Judged:
    # A score that is flagged is one that a person gave to an earlier submission: it is not final.
    score = None if row.needs_a_person else row.score
    by_hand = row.grade is not None and row.grade.by_hand
    return Judged(row.cell.grade_id, part_in(records.of(row), row), score, row.cell.max_score, by_hand)

"""The result records that `nbgrader autograde` leaves beside the graded notebooks."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.gradebook.exports.rows import Row
from autograder.grading.record import Record, from_dict


class Records:
    """Reads the record of a row's notebook, one notebook at a time: rows come sorted by student and notebook."""

    def __init__(self, coursedir: CourseDirectory, log: logging.Logger) -> None:
        self._coursedir, self._log = coursedir, log
        self._last: tuple[Path, Record | None] | None = None

    def of(self, row: Row) -> Record | None:
        """None, and a warning, if there is none that can be read: then the tests behind the score are not known."""
        if row.grade is None:
            return None
        folder = self._coursedir.format_path(self._coursedir.autograded_directory, row.student.id, row.cell.assignment)
        path = Path(folder) / f"{row.cell.problem}.json"
        if self._last is None or self._last[0] != path:
            self._last = path, self._read(path)
        return self._last[1]

    def _read(self, path: Path) -> Record | None:
        try:
            return from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.warning("%s cannot be read (%s); its tests are left out. Grade the notebook again.", path, error)
            return None

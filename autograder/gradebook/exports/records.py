"""What nbgrader's folders have of a notebook: whether it was handed in, and the result record that grading left."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.gradebook.exports.rows import Row
from autograder.grading.record import Record, from_dict


class Records:
    """Reads the record of a row's notebook, one notebook at a time: rows come sorted by student and notebook."""

    def __init__(self, coursedir: CourseDirectory, log: logging.Logger) -> None:
        self._coursedir, self._log = coursedir, log
        self._last: tuple[Path, Record | None] | None = None
        self._seen: tuple[tuple[str, str, str], bool] | None = None

    def handed_in(self, row: Row) -> bool:
        """Whether the row's notebook lies there: nbgrader has rows, at 0 points, for those missing from a set too."""
        notebook = (row.student.id, row.cell.assignment, row.cell.problem)
        if self._seen is None or self._seen[0] != notebook:
            self._seen = notebook, self._exists(row)
        return row.grade is not None and self._seen[1]

    def _exists(self, row: Row) -> bool:
        directories = (self._coursedir.autograded_directory, self._coursedir.submitted_directory)
        name = f"{row.cell.problem}.ipynb"
        return any(os.path.lexists(self._folder(directory, row) / name) for directory in directories)

    def of(self, row: Row) -> Record | None:
        """None where nothing was handed in; None, and a warning, where the tests behind a score cannot be read."""
        if not self.handed_in(row):
            return None
        path = self._folder(self._coursedir.autograded_directory, row) / f"{row.cell.problem}.json"
        if self._last is None or self._last[0] != path:
            self._last = path, self._read(path)
        return self._last[1]

    def _folder(self, directory: str, row: Row) -> Path:
        return Path(self._coursedir.format_path(directory, row.student.id, row.cell.assignment))

    def _read(self, path: Path) -> Record | None:
        try:
            return from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.warning("%s cannot be read (%s); its tests are left out. Grade the notebook again.", path, error)
            return None

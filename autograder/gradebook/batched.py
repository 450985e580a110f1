"""nbgrader's gradebook for one writer who writes a whole class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, MissingEntry
from sqlalchemy.orm import Session, scoped_session, sessionmaker


class _Waiting(Session):
    """A session whose commits wait for `save`: nbgrader commits after every cell, and each takes the disk its time."""

    def commit(self) -> None:
        """Nothing yet. What is not written is written before the next query, as ever."""

    def save(self) -> None:
        super().commit()


class BatchedGradebook(Gradebook):
    """A gradebook on one connection, written when it is told to `save`, that reads all cells of a notebook at once.

    nbgrader opens its gradebook nine times for a submission, and asks it for each cell by itself.
    """

    def __init__(self, url: str, course: str) -> None:
        super().__init__(url, course)
        self.db.remove()
        # Nobody else writes meanwhile, so that what is read stays true.
        self.db: scoped_session[_Waiting] = scoped_session(
            sessionmaker(class_=_Waiting, bind=self.engine, expire_on_commit=False)
        )
        self._course_cells: dict[tuple[str, ...], Any] = {}
        self._submission: tuple[str, ...] = ()
        self._rows: dict[tuple[type, str], Any] = {}

    def save(self) -> None:
        self.db().save()

    def find_source_cell(self, *names: str) -> Any:
        return self._course_cell(super().find_source_cell, *names)

    def find_graded_cell(self, *names: str) -> Any:
        return self._course_cell(super().find_graded_cell, *names)

    def find_grade(self, name: str, *submission: str) -> Any:
        return self._row(Grade, name, *submission)

    def find_comment(self, name: str, *submission: str) -> Any:
        return self._row(Comment, name, *submission)

    def _course_cell(self, find: Callable[..., Any], *names: str) -> Any:
        """A cell of the course's own, which is the same for all students."""
        key = (find.__name__, *names)
        if key not in self._course_cells:
            self._course_cells[key] = find(*names)
        return self._course_cells[key]

    def _row(self, kind: type[Grade | Comment], name: str, *submission: str) -> Any:
        """What belongs to the cell `name` of one submitted notebook; all of its rows are read at once."""
        if submission != self._submission:
            own = self.find_submission_notebook(*submission).id
            self._rows, self._submission = {}, submission
            for each in (Grade, Comment):
                rows = self.db.query(BaseCell.name, each).join(each.cell).filter(each.notebook_id == own)
                self._rows |= {(each, cell): row for cell, row in rows}
        if (kind, name) not in self._rows:
            raise MissingEntry(f"The gradebook has no {kind.__name__.lower()} for {name} of {'/'.join(submission)}.")
        return self._rows[kind, name]

"""An assignment of a course as nbgrader knows it: its configuration, its gradebook, and what was handed in."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NoReturn

from alembic.script import ScriptDirectory
from nbgrader.api import Assignment as AssignmentRow
from nbgrader.api import BaseCell, Grade, Gradebook, MissingEntry, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps import NbGrader
from nbgrader.converters.base import NbGraderException
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from autograder.course import Problem, problems
from autograder.gradebook.fill import FillGradebook, Grading
from autograder.gradebook.folder import SubmissionsDirectory
from autograder.gradebook.grade import GradeSubmission
from autograder.gradebook.kept import store_of
from autograder.gradebook.names import unusable
from autograder.gradebook.scores import scores_of
from autograder.grading.record import Record
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits


class Unusable(Exception):
    """This assignment cannot be graded as things are; the message says why and what to do."""


class Assignment:
    """The assignment `name` of the course in the current directory. Raises Unusable if it cannot be graded."""

    def __init__(self, name: str) -> None:
        self.name = name
        known = {problem.assignment for problem in problems()}
        if name not in known:
            raise Unusable(f"There is no assignment {name!r} in this course. There are {', '.join(sorted(known))}.")
        self._app = NbGrader()
        self._app.initialize([])
        # Its line for every student would stand between those of the progress.
        self._app.log_level = logging.CRITICAL
        self.log = self._app.log
        self._app.coursedir.assignment_id = name
        self.directory = SubmissionsDirectory.like(self._app.coursedir)
        self.store = store_of(self.directory)
        self.left_out: dict[str, str] = {}
        """Folders of submissions that no student can have, as `handed_in` found them, and what to say of each."""
        settings = GradeSubmission(parent=self._app)
        self.least, self.limits = Isolation[settings.isolation.upper()], Limits(**settings.limits)
        self._check_gradebook()

    def handed_in(self, students: Collection[str]) -> dict[str, list[tuple[Problem, Path]]]:
        """The notebooks of problems that the gradebook knows, by student: of `students`, or of all if none is named.

        Those whom nbgrader is configured to leave out (`student_id_exclude`) are left out.
        """
        loop = self._loop(_none, (), ())
        try:
            loop.init_notebooks()
        except NbGraderException:
            raise Unusable(
                f"Nobody has handed in {self.name}: there is no notebook in "
                f"{self.directory.format_path(self.directory.submitted_directory, '<student>', self.name)}."
            ) from None
        self.left_out = unusable(loop)
        own = {p.name: p for p in problems() if p.assignment == self.name and p.name in self._released}
        found = {
            self._student(folder): [(own[path.stem], path) for path in map(Path, sorted(paths)) if path.stem in own]
            for folder, paths in sorted(loop.assignments.items())
            if folder not in self.left_out
        }
        if missing := sorted(set(students) - found.keys()):
            raise Unusable(f"{', '.join(missing)} handed in no {self.name}. Those who did are named in `submitted`.")
        left_out = self.directory.student_id_exclude.split(",")
        return {
            student: notebooks
            for student, notebooks in found.items()
            if student not in left_out and (not students or student in students)
        }

    def fill(
        self, grading: Grading, students: Collection[str], overdue: Collection[str]
    ) -> list[tuple[str, Problem, str]]:
        """Have nbgrader's own loop write the gradebook and `autograded`, as FillGradebook; what did not come out."""
        loop = self._loop(grading, students, overdue)
        with contextlib.suppress(NbGraderException):
            loop.start()
        return loop.failed

    def unwritten(self, records: Mapping[tuple[str, Problem], Record]) -> set[tuple[str, Problem]]:
        """Whose record is not the one in `autograded`, or whose scores are not those in the gradebook."""
        scores = self._scores()
        return {
            (student, problem)
            for (student, problem), record in records.items()
            if self._autograded(student, problem) != record.to_json()
            or not scores[student, problem.name].items() >= scores_of(record, problem.name).items()
        }

    def _autograded(self, student: str, problem: Problem) -> str:
        folder = self.directory.format_path(self.directory.autograded_directory, student, self.name)
        path = Path(folder) / f"{problem.name}.json"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def _scores(self) -> dict[tuple[str, str], dict[str, float | None]]:
        """The automatic scores in the gradebook: of a student and a problem, by cell."""
        found: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
        with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
            rows = (
                gradebook.db.query(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, Grade.auto_score)
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
                .join(AssignmentRow, AssignmentRow.id == SubmittedAssignment.assignment_id)
                .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
                .join(BaseCell, BaseCell.id == Grade.cell_id)
                .filter(AssignmentRow.name == self.name)
            )
            for student, problem, cell, score in rows:
                found[student, problem][cell] = score
        return found

    def _loop(self, grading: Grading, students: Collection[str], overdue: Collection[str]) -> FillGradebook:
        return FillGradebook(grading, students, overdue, coursedir=self.directory, parent=self._app)

    def _student(self, folder: str) -> str:
        pattern = self.directory.format_path(
            self.directory.submitted_directory, "(?P<student>.*)", "(?P<assignment>.*)", escape=True
        )
        match = re.match(pattern, folder)
        if match is None:
            raise Unusable(
                f"{folder} does not stand where nbgrader looks for it; see c.CourseDirectory.directory_structure."
            )
        return match["student"]

    def _check_gradebook(self) -> None:
        url = make_url(self.directory.db_url)
        make = f"Run `nbgrader generate_assignment {self.name}`."
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            raise Unusable(f"There is no gradebook {url.database}. {make}")
        try:
            self._check_version()
            with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
                self._released = {notebook.name for notebook in gradebook.find_assignment(self.name).notebooks}
        except MissingEntry:
            raise Unusable(f"The gradebook does not know {self.name}. {make}") from None
        except SQLAlchemyError as error:
            raise Unusable(
                f"The gradebook {self.directory.db_url} cannot be written ({error.__cause__ or error}). "
                "Is another program at work on it? Close it, and try again."
            ) from None

    def _check_version(self) -> None:
        engine = create_engine(self.directory.db_url)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":
                    connection.execute(text("BEGIN IMMEDIATE"))
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        finally:
            engine.dispose()
        if found != (own := ScriptDirectory(ALEMBIC_DIR).get_current_head()):
            raise Unusable(
                f"The gradebook {self.directory.db_url} was made by another version of nbgrader (its schema is "
                f"{found}, not {own}). Keep a copy, and run `nbgrader db upgrade`."
            )


def _none(student: str, problem: Problem, submission: Submission) -> NoReturn:
    raise LookupError(f"{student} has no grade for {problem}.")

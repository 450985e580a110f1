"""An assignment of a course as nbgrader knows it: its configuration, its gradebook, and what was handed in."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from alembic.script import ScriptDirectory
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.converters.base import NbGraderException
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from traitlets import TraitError

from autograder.batch.written import Written, is_filed
from autograder.course import Problem, problems
from autograder.gradebook.fill import FillGradebook, Grading
from autograder.gradebook.folder import SubmissionsDirectory
from autograder.gradebook.grade import GradeSubmission
from autograder.gradebook.kept import STEP, store_of
from autograder.gradebook.names import unusable
from autograder.grading.record import Record
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits

# By a word of what SQLite says; the last for all else.
GRADEBOOK_ADVICE = {
    "locked": "Another program is at work on it: close that, and give the same command again.",
    "disk is full": "Make room there, and give the same command again.",
    "": "Is it nbgrader's, and may you write it? If not, put it elsewhere, and make another.",
}


class Unusable(Exception):
    """This assignment cannot be graded as things are; the message says why and what to do."""


class Assignment:
    """The assignment `name` of the course in the current directory. Raises Unusable if it cannot be graded."""

    def __init__(self, name: str) -> None:
        self.name = name
        known = {problem.assignment for problem in problems()}
        if name not in known:
            raise Unusable(f"There is no assignment {name!r} in this course. There are {', '.join(sorted(known))}.")
        # nbgrader would go on without a file that it cannot load, and so would we with what it configures.
        self._app = NbGrader(raise_config_file_errors=True)
        try:
            self._app.initialize([])
        except Exception as error:
            raise Unusable(
                f"nbgrader_config.py cannot be loaded ({type(error).__name__}: {error}). Mend it, and grade again."
            ) from None
        # Its line for every student would stand between those of the progress.
        self._app.log_level = logging.CRITICAL
        self.log = self._app.log
        self._app.coursedir.assignment_id = name
        self.directory = SubmissionsDirectory.like(self._app.coursedir)
        self.store = store_of(self.directory)
        self.left_out: list[str] = []
        """What `handed_in` found that cannot be graded because of a name, in sentences."""
        try:
            settings = GradeSubmission(parent=self._app)
        except TraitError as error:
            raise Unusable(f"In nbgrader_config.py: {error}") from None
        self.least, self.limits = Isolation[settings.isolation.upper()], Limits(**settings.limits)
        self._check_gradebook()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other run over this assignment meanwhile; raises Unusable if there is one."""
        path = Path(self.directory.format_path(STEP, ".", ".")) / f".{self.name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unusable(f"Another `mlphys grade {self.name}` is at work in this course. Wait for it.") from None
            yield

    def handed_in(self, students: Collection[str]) -> dict[str, list[tuple[Problem, Path]]]:
        """The notebooks of problems that the gradebook knows, by student: of `students`, or of all if none is named.

        Those whom nbgrader is configured to leave out (`student_id_exclude`) are left out.
        """
        excluded = {name for name in self.directory.student_id_exclude.split(",") if name}
        if asked := sorted(excluded.intersection(students)):
            raise Unusable(f"{', '.join(map(repr, asked))} is left out by c.CourseDirectory.student_id_exclude.")
        loop = self._loop(_none, (), ())
        try:
            loop.init_notebooks()
        except NbGraderException:
            raise Unusable(
                f"Nobody has handed in {self.name}: there is no notebook in "
                f"{self.directory.format_path(self.directory.submitted_directory, '<student>', self.name)}."
            ) from None
        odd = unusable(loop)
        self.left_out = [] if students else list(odd.values())
        own = {p.name: p for p in problems() if p.assignment == self.name and p.name in self._released}
        found = {self._student(folder): files for folder, files in loop.assignments.items() if folder not in odd}
        if missing := sorted(set(students) - found.keys()):
            names = ", ".join(map(repr, missing))
            raise Unusable(f"{names} handed in no {self.name}. Those who did are named in `submitted`.")
        chosen = sorted(found.keys() & set(students) if students else found.keys() - excluded)
        notebooks = {student: self._known(student, map(Path, sorted(found[student])), own) for student in chosen}
        return {student: known for student, known in notebooks.items() if known}

    def _known(self, student: str, paths: Iterable[Path], own: dict[str, Problem]) -> list[tuple[Problem, Path]]:
        """Of a student's notebooks those of the assignment; where one is missing, it may have another name."""
        known, others = [], []
        for path in paths:
            if path.stem in own:
                known.append((own[path.stem], path))
            else:
                others.append(path.name)
        if others and len(known) < len(own):
            self.left_out.append(
                f"{student} handed in {', '.join(others)}; the notebooks of {self.name} are called {', '.join(own)}. "
                "If it is one of these, rename it, and grade again."
            )
        return known

    def fill(
        self, grading: Grading, students: Collection[str], overdue: Collection[str]
    ) -> list[tuple[str, Problem, str]]:
        """Have nbgrader's own loop write the gradebook and `autograded`, as FillGradebook; what did not come out."""
        loop = self._loop(grading, students, overdue)
        with self._gradebook_at_hand():
            try:
                loop.start()
            except NbGraderException as error:
                if isinstance(error.__context__, SQLAlchemyError):
                    raise error.__context__ from None
        return loop.failed

    def enrolled(self, students: Collection[str]) -> set[str]:
        """Of `students`, those in the gradebook; all of them where it has nobody, since it is a new one then."""
        with self._gradebook_at_hand() as gradebook:
            known = {student.id for student in gradebook.students}
        return known.intersection(students) if known else set(students)

    def is_filed(self, student: str, record: Record) -> bool:
        """Whether `record`, and the notebook that shows it, are in `autograded`."""
        return is_filed(self.directory, student, record)

    def written(self, records: Mapping[tuple[str, Problem], Record]) -> Written:
        """What is written of `records`, in `autograded` and in the gradebook."""
        with self._gradebook_at_hand() as gradebook:
            return Written(self.directory, gradebook, self.name, records)

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
            with self._gradebook_at_hand() as gradebook:
                self._check_version()
                self._released = {notebook.name for notebook in gradebook.find_assignment(self.name).notebooks}
        except MissingEntry:
            raise Unusable(f"The gradebook does not know {self.name}. {make}") from None

    @contextlib.contextmanager
    def _gradebook_at_hand(self) -> Iterator[Gradebook]:
        """The gradebook, opened; raises Unusable where it cannot be read or written."""
        try:
            with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
                yield gradebook
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", error))
            advice = next((advice for word, advice in GRADEBOOK_ADVICE.items() if word in said), GRADEBOOK_ADVICE[""])
            raise Unusable(f"The gradebook {self.directory.db_url} cannot be used ({said}). {advice}") from None

    def _check_version(self) -> None:
        engine = create_engine(self.directory.db_url)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":
                    connection.execute(text("BEGIN IMMEDIATE"))
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        finally:
            engine.dispose()
        schemas = ScriptDirectory(ALEMBIC_DIR)
        if found != (own := schemas.get_current_head()):
            older = found in {schema.revision for schema in schemas.walk_revisions()}
            advice = "Keep a copy, and run `nbgrader db upgrade`."
            if not older:
                advice = "This one does not know that schema: install the nbgrader that made it, or a newer one."
            raise Unusable(
                f"The gradebook {self.directory.db_url} was made by another version of nbgrader (its schema is "
                f"{found}, not {own}). {advice}"
            )


def _none(student: str, problem: Problem, submission: Submission) -> NoReturn:
    raise LookupError(f"{student} has no grade for {problem}.")

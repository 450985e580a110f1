"""nbgrader's own loop over an assignment, for a class that is graded already, on one connection to the gradebook."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import Autograde
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
)
from traitlets import import_item

from autograder.course import Problem, find
from autograder.gradebook.batched import BatchedGradebook
from autograder.gradebook.exporter import small_files_in, submission_in
from autograder.gradebook.grade import GradeSubmission, show
from autograder.gradebook.notebook import notebook_of
from autograder.gradebook.scores import RECORD, SaveScores, flag
from autograder.grading.run import Graded
from autograder.grading.submission import Submission

Grading = Callable[[str, Problem, Submission], Graded]


class FillGradebook(Autograde):
    """`nbgrader autograde` with grades that are at hand. Rows and files come out as without it.

    `grading` gives the grade of a student's submission, and may raise where there is none. Of the students, those in
    `overdue` are written although nbgrader would leave them as they are, and all others are left alone.
    """

    def __init__(self, grading: Grading, students: Collection[str], overdue: Collection[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._grading, self._students, self._overdue = grading, students, overdue
        self.notebooks: list[str]
        self._checked: set[str] = set()
        self.failed: list[tuple[str, Problem, str]] = []
        """Students and problems whose scores are left to a person, and why."""

    def start(self) -> None:
        with BatchedGradebook(self.coursedir.db_url, self.coursedir.course_id) as self._gradebook:
            super().start()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        self.force = student_id in self._overdue
        return student_id in self._students and bool(super().init_destination(assignment_id, student_id))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """The student, the submission and its time in the gradebook, and 0 points for what was not handed in."""
        gradebook = self._gradebook
        gradebook.db.rollback()  # what the last submission may have left half done
        if self.create_student:
            gradebook.update_or_create_student(student_id)
        time = self.coursedir.get_existing_timestamp(self._format_source(assignment_id, student_id))
        own = {} if time is None else {"timestamp": time}
        submission = gradebook.update_or_create_submission(assignment_id, student_id, **own)
        handed_in = {Path(path).stem for path in self.notebooks}
        known = {notebook.name for notebook in gradebook.find_assignment(assignment_id).notebooks}
        self.notebooks = [path for path in self.notebooks if Path(path).stem in known]
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                missing = notebook.name not in handed_in
                # If anything fails from here on, no old score is left to be believed.
                grade.auto_score, grade.needs_manual_grade = (0, False) if missing else (None, True)
        gradebook.save()

    def convert_single_notebook(self, notebook_filename: str) -> None:
        resources = self.init_single_notebook_resources(notebook_filename)
        names = resources["nbgrader"]
        problem = find(f"{names['assignment']}/{names['notebook']}")
        try:
            self._convert(Path(notebook_filename), problem, resources)
            # What fails in the student's next notebook costs this one nothing.
            self._gradebook.save()
        except Exception as error:
            self.failed.append((names["student"], problem, str(error) or type(error).__name__))
            self._gradebook.db.rollback()
            flag(self._gradebook, names)
            self._gradebook.save()
            raise

    def _convert(self, path: Path, problem: Problem, resources: dict[str, Any]) -> None:
        submission = submission_in(path, problem, self.log)
        graded = self._grading(resources["nbgrader"]["student"], problem, submission)
        resources[RECORD] = graded.record
        nb = notebook_of(submission, problem)
        self._apply(OverwriteCells(parent=self.exporter), nb, resources)
        if any("grade_id" not in cell.metadata.get("nbgrader", {"grade_id": ""}) for cell in nb.cells):
            again = f"nbgrader generate_assignment {problem.assignment} --force"
            raise LookupError(f"The gradebook does not know all cells of {problem}. Run `{again}`, then grade again.")
        for step in self.autograde_preprocessors:
            nb, resources = self._step(step, nb, resources, problem, graded)
        self._write(nb, resources, problem, path.parent)

    def _step(
        self, step: Any, nb: NotebookNode, resources: dict[str, Any], problem: Problem, graded: Graded
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """One of the configured preprocessors; those that this class knows, on its own connection."""
        kind = import_item(step) if isinstance(step, str) else step
        instance = kind(parent=self.exporter)
        if kind is GradeSubmission:
            show(nb, problem, graded)
        elif kind is SaveScores:
            self._apply(instance, nb, resources)
        elif kind is AssignLatePenalties:
            self._note_lateness(instance, nb, resources)
        elif kind is CheckCellMetadata:
            self._check_once(instance, nb, resources)
        else:
            if kind is not LimitOutput:
                self._gradebook.save()  # it may have a connection of its own
            return instance(nb, resources)  # type: ignore[no-any-return]
        return nb, resources

    def _apply(self, step: NbGraderPreprocessor, nb: NotebookNode, resources: dict[str, Any]) -> None:
        """A step of nbgrader's on every cell, with this gradebook in the place of one that the step would open."""
        names = resources["nbgrader"]
        step.gradebook = self._gradebook
        step.notebook_id, step.assignment_id, step.student_id = (
            names[kind] for kind in ("notebook", "assignment", "student")
        )
        for index, cell in enumerate(nb.cells):
            step.preprocess_cell(cell, resources, index)

    def _note_lateness(self, step: AssignLatePenalties, nb: NotebookNode, resources: dict[str, Any]) -> None:
        if not step.enabled:
            return
        names = resources["nbgrader"]
        notebook = self._gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
        notebook.late_submission_penalty = None
        if notebook.assignment.total_seconds_late > 0:
            # This step has a connection of its own.
            self._gradebook.save()
            step(nb, resources)

    def _check_once(self, step: CheckCellMetadata, nb: NotebookNode, resources: dict[str, Any]) -> None:
        """What nbgrader knows of the cells is the course's, the same for all students: to read it takes 15 ms."""
        marks = json.dumps([(cell.cell_type, cell.metadata.get("nbgrader")) for cell in nb.cells])
        if marks not in self._checked:
            step(nb, resources)
            self._checked.add(marks)

    def _write(self, nb: NotebookNode, resources: dict[str, Any], problem: Problem, folder: Path) -> None:
        record = resources[RECORD].to_json().encode()
        small = small_files_in(folder, resources["nbgrader"], self.coursedir)
        resources["outputs"] = {f"{problem.name}.json": record, **small}
        resources["output_extension"] = ".ipynb"
        try:
            self.write_single_notebook(nbformat.writes(nb, version=4) + "\n", resources)
        except OSError as error:
            names = resources["nbgrader"]
            where = self._format_dest(names["assignment"], names["student"])
            advice = "Make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "See that it can be"
            raise OSError(
                f"{where} could not be written ({error.strerror}). {advice}, and give the same command again."
            ) from None

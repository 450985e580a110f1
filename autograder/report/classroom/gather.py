"""A class as it lies in the course directory: result records, submissions and the gradebook, brought together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory

from autograder.course import problems
from autograder.grading.record import Record
from autograder.report.classroom.folders import NotARecord, folders, read_record
from autograder.report.classroom.gradebook import Gradebook, Marks, NoGradebook, read_gradebook
from autograder.report.classroom.people import pseudonym

Status = Literal["graded", "unreadable", "not graded", "missing"]


class NothingToReport(Exception):
    """There is no such assignment, or no course here; the message is a sentence."""


@dataclass(frozen=True)
class Entry:
    """What is known of one student's answer to one problem.

    There is a `record` if the status is "graded" and only then, and `marks` if the gradebook has some. `note` says why
    a record cannot be used.
    """

    student: str
    last_name: str
    first_name: str
    problem: str
    status: Status
    record: Record | None = None
    marks: Marks | None = None
    note: str = ""


@dataclass(frozen=True)
class Gathered:
    """A class: an entry for every student and problem, and in sentences what could not be taken in.

    Without a gradebook nobody knows of students who handed in nothing.
    """

    assignment: str
    problems: tuple[str, ...]
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    anonymous: bool
    has_gradebook: bool

    def records(self, problem: str) -> list[Record]:
        return [entry.record for entry in self.entries if entry.problem == problem and entry.record is not None]

    def finished(self, problem: str) -> list[Marks]:
        """The gradebook's marks of the graded notebooks in which nothing waits for a person."""
        graded = (entry for entry in self.entries if entry.problem == problem and entry.record is not None)
        return [entry.marks for entry in graded if entry.marks is not None and not entry.marks.pending]


@dataclass(frozen=True)
class _Course:
    """Where an assignment's notebooks lie, by student id, its gradebook if there is one, and what to say of that."""

    assignment: str
    graded: dict[str, Path]
    handed_in: dict[str, Path]
    book: Gradebook | None
    notes: tuple[str, ...]

    @property
    def students(self) -> set[str]:
        """Who is enrolled or handed in; not who was graded once and left."""
        if self.book is None:
            return {*self.graded, *self.handed_in}
        return {*self.handed_in, *self.book.students} - self.gone

    @property
    def gone(self) -> set[str]:
        return set() if self.book is None else {*self.graded}.difference(self.book.students)


def course_directory() -> CourseDirectory:
    """nbgrader's course directory, as the configuration in the current directory has it."""
    app = NbGrader()
    app.initialize([])
    return app.coursedir


def gather(directory: CourseDirectory, assignment: str, anonymous: bool = False) -> Gathered:
    """Everything about `assignment`; raises NothingToReport if there is no such assignment or no course."""
    names = tuple(problem.name for problem in problems() if problem.assignment == assignment)
    if not names:
        known = ", ".join(dict.fromkeys(problem.assignment for problem in problems()))
        raise NothingToReport(f"There is no assignment {assignment!r} in this course. Assignments: {known}.")
    course = _course(directory, assignment)
    entries = [entry for student in course.students for entry in _entries(course, student, names, anonymous)]
    entries.sort(key=lambda entry: (entry.last_name.casefold(), entry.first_name.casefold(), entry.student))
    notes = (*course.notes, *(entry.note for entry in entries if entry.note))
    return Gathered(assignment, names, tuple(entries), notes, anonymous, course.book is not None)


def _course(directory: CourseDirectory, assignment: str) -> _Course:
    graded = folders(directory, directory.autograded_directory, assignment)
    handed_in = folders(directory, directory.submitted_directory, assignment)
    for student in directory.student_id_exclude.split(","):  # nbgrader will not grade these
        handed_in.pop(student.strip(), None)
    try:
        course = _Course(assignment, graded, handed_in, read_gradebook(directory.db_url, assignment), ())
    except NoGradebook as error:
        if not graded and not handed_in:
            raise NothingToReport(
                f"{error} Nor was anything handed in for {assignment} in {directory.root}. "
                "Go to the directory of your course, and grade the assignment first."
            ) from error
        note = f"{error} So late submissions, scores by hand and who handed in nothing are not known here."
        return _Course(assignment, graded, handed_in, None, (note,))
    if not course.gone:
        return course
    return replace(course, notes=(f"Left out, as graded but not in the gradebook any more: {len(course.gone)}.",))


def _entries(course: _Course, student: str, names: tuple[str, ...], anonymous: bool) -> Iterator[Entry]:
    label = pseudonym(student) if anonymous else student
    book = course.book or Gradebook({}, {})
    last, first = ("", "") if anonymous else book.students.get(student, ("", ""))
    for name in names:
        status, record, note = _status(course, student, name)
        note = note and f"The record of {label} for {name} cannot be used: {note}. Grade that notebook again."
        yield Entry(label, last, first, name, status, record, book.marks.get((student, name)), note)


def _status(course: _Course, student: str, name: str) -> tuple[Status, Record | None, str]:
    """What became of one notebook, its record, and why that cannot be used."""
    try:
        if student in course.graded:
            record = read_record(course.graded[student] / f"{name}.json", f"{course.assignment}/{name}")
            if record is not None:
                return "graded", record, ""
    except NotARecord as reason:
        return "unreadable", None, str(reason)
    if student in course.handed_in and os.path.lexists(course.handed_in[student] / f"{name}.ipynb"):
        return "not graded", None, ""
    return "missing", None, ""

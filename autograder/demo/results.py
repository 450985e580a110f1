"""What grading left behind: the result records, checked against the gradebook."""

from __future__ import annotations

import json
from dataclasses import dataclass

from nbgrader.api import Gradebook

from autograder.course import Problem
from autograder.demo.course import DemoCourse, DemoError
from autograder.demo.students import Student
from autograder.gradebook.scores import score_of
from autograder.grading.record import Record, from_dict
from autograder.grading.submission import Unreadable, read


@dataclass(frozen=True)
class Result:
    """A student's record for one problem, and why the file could not be read (empty if it could)."""

    student: Student
    problem: Problem
    record: Record
    unreadable: str


def results_of(course: DemoCourse, problem: Problem, students: list[Student]) -> list[Result]:
    """Every student's result; raises DemoError where one is missing or the gradebook has another score."""
    results = []
    with Gradebook(f"sqlite:///{course.gradebook}") as gradebook:
        for student in students:
            path = course.record(problem, student.id)
            if not path.is_file():
                raise DemoError(f"Grading left no result for {student.id}: there is no {path}.")
            record = from_dict(json.loads(path.read_text(encoding="utf-8")))
            _agree(gradebook, problem, student.id, record)
            results.append(Result(student, problem, record, _unreadable(course, problem, student.id)))
    return results


def _agree(gradebook: Gradebook, problem: Problem, student: str, record: Record) -> None:
    """Both have the same scores of the tests, and the same number of points waits for a person."""
    grades = gradebook.find_submission_notebook(problem.name, problem.assignment, student).grades
    rows = {grade.name: (grade.auto_score, grade.max_score) for grade in grades}
    parts = {f"{problem.name}-check-{part.id}": (score_of(part), part.max_score) for part in record.parts}
    tested = {name: row for name, row in rows.items() if name in parts}
    by_hand = sum(most for name, (score, most) in rows.items() if name not in parts and score is None)
    if tested != parts or by_hand != record.by_hand:
        raise DemoError(f"The gradebook and the result record of {student} disagree: {rows} and {parts}.")


def _unreadable(course: DemoCourse, problem: Problem, student: str) -> str:
    try:
        read(course.submission(problem, student), problem)
    except Unreadable as reason:
        return str(reason)
    return ""

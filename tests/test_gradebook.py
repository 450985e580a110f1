"""From a record to the rows of the gradebook, also where a grader or nbgrader fails half-way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Course, Grade
from nbgrader.api import Gradebook

from autograder.course import Problem

PROBLEM = Problem("ps01_linear_algebra", "backprop")

# Stands in the place of GradeSubmission, and takes the record from a file; without one, it crashes.
FABRICATED = """
import json
from pathlib import Path

from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.gradebook.scores import RECORD
from autograder.grading.record import from_dict


class Fabricated(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        record = Path(resources["nbgrader"]["student"] + ".json").read_text()
        resources[RECORD] = from_dict(json.loads(record))
        return nb, resources
"""
CONFIGURED = """
c.Autograde.autograde_preprocessors = ["fabricated.Fabricated", *c.Autograde.autograde_preprocessors[1:]]
"""


def record(**changes: Any) -> dict[str, Any]:
    """A record of full marks, with `changes` to its first part."""
    cells = json.loads(PROBLEM.source_notebook.read_text())["cells"]
    marks = [cell["metadata"]["nbgrader"] for cell in cells if "nbgrader" in cell["metadata"]]
    marks = [mark for mark in marks if mark["grade"] and not mark["solution"]]
    parts = [_part(mark["grade_id"].removeprefix(f"{PROBLEM.name}-check-"), mark["points"]) for mark in marks]
    parts[0].update(changes)
    total = sum(mark["points"] for mark in marks)
    whole = {"problem": PROBLEM.slug, "isolation": "none", "score": total, "max_score": total, "seconds": 0.1}
    return {"schema": 3, **whole, "parts": parts, "warnings": []}


def _part(id: str, points: float, outcome: str = "passed") -> dict[str, Any]:
    test = {"name": "test_it", "outcome": outcome, "points": points, "max_points": points, "message": ""}
    test |= {"hint": None, "mistake": None, "pictures": []}
    return {"id": id, "title": id, "score": points, "max_score": points, "tests": [test]}


def failed_by_us() -> dict[str, Any]:
    first = record()["parts"][0]
    return record(score=0, tests=_part(first["id"], first["max_score"], "grader_error")["tests"])


RECORDS = {
    "a_negative": record(score=-1),
    "b_nan": record(score=float("nan")),
    "c_too_many": record(score=1000),
    "d_other_points": record(max_score=1000),
    "e_other_part": record(id="unknown"),
    "f_failed_by_us": failed_by_us(),
    "g_half": record(score=0.5),
}
# What may stand in timestamp.txt of a folder that somebody else filled.
STAMPS = {
    "h_empty": "",
    "i_words": "yesterday",
    "j_long": "9" * 10_000,
    "k_not_ascii": "\u0663",
    "l_hours": "9" * 29 + "h",
    "m_minutes": "9" * 30 + ".5m",
    "n_first_year": "0001-01-01",
    "o_last_year": "9999-12-31 23:59:59",
}
REFUSED = [student for student in RECORDS if student[0] in "abcde"]


def grade(course: Course, student: str, record: dict[str, Any] | None, *more: str, fails: bool = False) -> list[Grade]:
    """Autograde one student, whose record is fabricated (or missing: then ours crashes); the rows."""
    path = course.root / f"{student}.json"
    path.unlink(missing_ok=True)
    if record is not None:
        path.write_text(json.dumps(record))
    course.nbgrader("autograde", PROBLEM.assignment, "--student", student, *more, fails=fails)
    return list(course.grades(student).values())


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("course"), PROBLEM)
    (course.root / "fabricated.py").write_text(FABRICATED)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(CONFIGURED)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    for student, fabricated in RECORDS.items():
        course.submit(student, PROBLEM.source_notebook.read_text())
        (course.root / f"{student}.json").write_text(json.dumps(fabricated))
    for student, stamp in STAMPS.items():
        (course.submit(student, PROBLEM.source_notebook.read_text()) / "timestamp.txt").write_text(stamp)
        (course.root / f"{student}.json").write_text(json.dumps(record()))
    course.nbgrader("autograde", PROBLEM.assignment, fails=True)
    return course


@pytest.mark.parametrize("student", REFUSED)
def test_what_cannot_be_a_score_is_flagged_and_not_written(course: Course, student: str) -> None:
    first = next(iter(course.grades(student).values()))
    assert first.auto_score is None
    assert first.needs_manual_grade


def test_the_next_student_is_graded(course: Course) -> None:
    rows = list(course.grades("g_half").values())
    assert [row.auto_score for row in rows] == [0.5, *(row.max_score for row in rows[1:])]
    assert not any(row.needs_manual_grade for row in rows)


def test_a_fault_of_the_grader_is_left_to_a_person(course: Course) -> None:
    first, *others = course.grades("f_failed_by_us").values()
    assert (first.auto_score, first.needs_manual_grade) == (None, True)
    assert all((row.auto_score, row.needs_manual_grade) == (row.max_score, False) for row in others)


def test_a_crash_on_resubmission_leaves_no_old_score_unflagged(course: Course) -> None:
    course.submit("resubmitted", PROBLEM.source_notebook.read_text())
    assert all(row.auto_score == row.max_score for row in grade(course, "resubmitted", record()))
    rows = grade(course, "resubmitted", None, "--force", fails=True)
    assert all((row.auto_score, row.needs_manual_grade) == (None, True) for row in rows)
    assert course.written("resubmitted").needs_manual_grade
    assert not course.folder("autograded", "resubmitted").exists()
    rows = grade(course, "resubmitted", record(), "--force")
    assert all((row.auto_score, row.needs_manual_grade) == (row.max_score, False) for row in rows)


def test_a_score_given_by_hand_is_kept_and_looked_at_again(course: Course) -> None:
    course.submit("by_hand", PROBLEM.source_notebook.read_text())
    grade(course, "by_hand", failed_by_us())
    course.grade_by_hand("by_hand", next(iter(course.grades("by_hand"))), 0.5)
    course.grade_by_hand("by_hand", f"{PROBLEM.name}-written-conserved", 3)
    first, *others = grade(course, "by_hand", record(), "--force")
    assert (first.manual_score, first.needs_manual_grade) == (0.5, True)
    assert course.written("by_hand") == Grade(None, 3, True, 4)
    assert not any(row.needs_manual_grade for row in others)


def test_a_newer_submission_is_graded_without_being_forced(course: Course) -> None:
    folder = course.submit("newer", PROBLEM.source_notebook.read_text())
    (folder / "timestamp.txt").write_text("2026-02-01 12:00:00.000000 UTC")
    assert grade(course, "newer", record(score=0.5))[0].auto_score == 0.5
    assert grade(course, "newer", record(score=1))[0].auto_score == 0.5
    (folder / "timestamp.txt").write_text("2026-02-01 13:00:00.000000 UTC")
    assert grade(course, "newer", record(score=1))[0].auto_score == 1


@pytest.mark.parametrize("student", STAMPS)
def test_a_time_stamp_that_is_no_time_does_not_stop_grading(course: Course, student: str) -> None:
    assert all(row.auto_score == row.max_score for row in course.grades(student).values())
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "mlphys") as gradebook:
        assert gradebook.find_submission(PROBLEM.assignment, student).timestamp is None


def test_one_notebook_of_an_assignment_can_be_graded_again(course: Course) -> None:
    """nbgrader leaves the folder in place then, with our record in it, which it has made read-only."""
    course.submit("again", PROBLEM.source_notebook.read_text())
    grade(course, "again", record(score=0.5))
    stale = Path(course.folder("autograded", "again") / f"{PROBLEM.name}.json")
    stale.write_text("{}")
    rows = grade(course, "again", record(), "--force", "--notebook", PROBLEM.name)
    assert rows[0].auto_score == rows[0].max_score
    assert not stale.exists()

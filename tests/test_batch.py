"""`mlphys grade` on a real course: the same rows as nbgrader's own command, and nothing twice."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from class_of_a_test import PROBLEM, Said, copied, files, grade, grade_each, rows, wrong
from conftest import Course, solved
from nbgrader.api import Gradebook


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "seconds": None}


def test_a_class_is_graded_and_told_of(graded_class: tuple[Course, Said]) -> None:
    course, said = graded_class
    assert (said.code, said.graded) == (0, ["ada", "bob", "cyd", "dan"])
    assert "4 notebooks were graded now" in said.out
    assert "4 done, 0 failed" in said.err
    assert [student for student in ("ada", "bob", "dan") if course.written(student).needs_manual_grade] == [
        "ada",
        "bob",
    ]
    assert "Notebooks in which something waits for a person in Formgrader: 2." in said.out
    assert [course.record(student)["score"] for student in ("ada", "cyd", "dan")] == [26, 0, 0]
    assert 0 < course.record("bob")["score"] < 26
    assert "could not be read" in course.record("cyd")["warnings"][0]


def test_rows_and_files_are_those_of_nbgraders_own_command(
    handed_in: Course, graded_class: tuple[Course, Said], tmp_path: Path
) -> None:
    """Which takes the kept records here, so that all is the same to the byte, seconds and late penalties too."""
    course = copied(handed_in, tmp_path / "course")
    shutil.copytree(graded_class[0].root / "records", course.root / "records")
    course.nbgrader("autograde", PROBLEM.assignment)
    assert rows(course) == rows(graded_class[0])
    assert files(course) == files(graded_class[0])


def test_nbgraders_own_command_gives_the_same_scores_on_the_spot(
    handed_in: Course, graded_class: tuple[Course, Said], tmp_path: Path
) -> None:
    course = copied(handed_in, tmp_path / "course")
    course.nbgrader("autograde", PROBLEM.assignment, "--student", "bob")
    assert without_seconds(course.record("bob")) == without_seconds(graded_class[0].record("bob"))
    assert course.grades("bob") == graded_class[0].grades("bob")
    kept = json.loads((course.root / "records" / "bob" / PROBLEM.assignment / "backprop.json").read_text())
    assert kept["record"] == course.record("bob")


def test_nothing_is_graded_twice_and_only_what_changed_is_graded_again(course: Course) -> None:
    before = rows(course), files(course)
    assert grade(course).graded == []
    assert (rows(course), files(course)) == before
    course.submit("bob", solved(PROBLEM))
    course.submit("eve", "no notebook")
    said = grade(course)
    assert said.graded == ["bob", "eve"]
    assert "bob, ps01_linear_algebra/backprop" in said.out.split("Other points than before:")[1]
    assert course.record("bob")["score"] == sum(grade.auto_score or 0 for grade in course.grades("bob").values()) == 26


def test_a_folder_that_can_be_no_student_s_is_left_out(course: Course) -> None:
    """A newline, and a pattern that stands for bob; ada's next submission is graded all the same."""
    before = rows(course)
    for name in ("a\nb", "b*"):
        course.submit(name, solved(PROBLEM))
    said = grade(course)
    assert (said.code, said.graded) == (4, [])
    assert rows(course) == before
    for name in ("a\nb", "b*"):
        assert f"no student can be called {name!r}" in said.out
        assert not course.folder("autograded", name).exists()
    course.submit("ada", wrong())
    said = grade(course, "--student", "ada")
    assert (said.code, said.graded) == (0, ["ada"])


def test_a_gradebook_that_was_lost_is_filled_again(
    course: Course, handed_in: Course, graded_class: tuple[Course, Said]
) -> None:
    shutil.copy(handed_in.root / "gradebook.db", course.root)
    assert grade(course).graded == []
    assert rows(course) == rows(graded_class[0])


def test_who_was_removed_from_the_gradebook_stays_so_until_there_is_something_new(course: Course) -> None:
    for student in ("cyd", "dan"):
        course.nbgrader("db", "student", "remove", student, "--force")
    before = rows(course)
    course.submit("dan", "no notebook")
    said = grade(course)
    assert (said.code, said.graded) == (0, ["dan"])
    assert "Not in the gradebook any more, and left so unless you --force it:\n  cyd\n" in said.out
    assert re.search(r"backprop +3 ", said.out)
    assert (course.grades("cyd"), len(course.grades("dan"))) == ({}, len(course.grades("ada")))
    assert set(before) < set(rows(course))
    # What has nothing to do with the student is nothing new.
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.GradeSubmission.limits = {'cell': 61}\n")
    said = grade(course)
    assert (said.code, said.graded) == (0, ["ada", "bob", "dan"])
    assert "left so unless you --force it:\n  cyd\n" in said.out
    assert course.grades("cyd") == {}


def test_only_who_is_asked_for_is_graded(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    assert grade(course, "--student", "cyd", "--student", "dan").graded == ["cyd", "dan"]
    assert sorted(path.name for path in (course.root / "autograded").iterdir()) == ["cyd", "dan"]
    [said] = grade_each(course, "grade('ps01_linear_algebra', ['cyd', 'zoe', ''])")
    assert said == "2: '', 'zoe' handed in no ps01_linear_algebra. Those who did are named in `submitted`."
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.CourseDirectory.student_id_exclude = 'ada,bob'\n")
    assert grade(course).graded == []
    assert (course.grades("ada"), len(course.grades("cyd"))) == ({}, len(course.grades("dan")))
    [said] = grade_each(course, "grade('ps01_linear_algebra', ['ada', 'cyd'])")
    assert said == "2: 'ada' is left out by c.CourseDirectory.student_id_exclude."


# What is configured in the place of the late penalty, and a plugin that fails for one student.
STEPS = """
from nbgrader.plugins import LateSubmissionPlugin

class Penalty(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        if student_id == "dan":
            raise RuntimeError("no such student")
        return total_seconds_late / 3600
"""


def test_the_configured_steps_are_taken_and_what_fails_is_flagged(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "steps.py").write_text(STEPS)
    for student in ("ada", "dan"):
        (course.folder("submitted", student) / "timestamp.txt").write_text("2026-01-01 13:00:00 UTC")
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.AssignLatePenalties.plugin_class = 'steps.Penalty'\n")
    said = grade(course, "--student", "ada", "--student", "dan")
    assert said.code == 4
    assert "dan, ps01_linear_algebra/backprop: no such student" in said.out
    # ada's written answers, and all of dan.
    assert "Notebooks in which something waits for a person in Formgrader: 2." in said.out
    assert all(row.needs_manual_grade and row.auto_score is None for row in course.grades("dan").values())
    assert penalty(course, "ada") == 1
    # Handed in again, later still; then two hours and a half are granted.
    (course.folder("submitted", "ada") / "timestamp.txt").write_text("2026-01-01 14:00:00 UTC")
    assert grade(course, "--student", "ada").code == 0
    assert penalty(course, "ada") == 2
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.grant_extension(PROBLEM.assignment, "ada", minutes=150)
    assert grade(course, "--student", "ada", "--force").code == 0
    assert penalty(course, "ada") is None
    config.write_text(config.read_text() + "\nc.AssignLatePenalties.enabled = False\n")
    assert grade(course, "--student", "ada", "--student", "dan").code == 0
    assert not any(row.needs_manual_grade for row in course.grades("dan").values())


def penalty(course: Course, student: str) -> float | None:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(PROBLEM.name, PROBLEM.assignment, student)
        points: float | None = notebook.late_submission_penalty
        return points

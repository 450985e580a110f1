"""One notebook of two is handed in: what each way of grading leaves of the other, and what the exports say of it."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from typing import Any

import pytest
from scaffolding import NewCourse
from test_exports import PLUGINS, RUN, assert_absent, assert_specified, total

from autograder.scaffold import scaffold

pytestmark = pytest.mark.level2
SET = "ps98_statistics"
# Who handed in which of the two, and is graded by which command.
BY_US, BY_NBGRADER, ALL = "ada", "emmy", "lise"


class Half(NewCourse):
    said = ""

    def hand_in(self, student: str, *names: str) -> None:
        folder = self.root / "submitted" / student / SET
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(self.root / "source" / SET / f"{name}.ipynb", folder)

    def table(self, name: str, student: str, problem: str) -> list[dict[str, str]]:
        with (self.root / name).open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.DictReader(file) if (row["student_id"], row["problem"]) == (student, problem)]

    def results(self, student: str) -> dict[str, Any]:
        return dict(json.loads((self.root / "gradescope" / SET / student / "results.json").read_text()))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Half:
    course = Half(tmp_path_factory.mktemp("course"))
    for name in ("means", "medians"):
        scaffold(course.root, f"{SET}/{name}")
    course.mlphys("build")
    course.run(sys.executable, "-m", "nbgrader", "generate_assignment", SET)
    course.hand_in(BY_US, "means")
    course.hand_in(ALL, "means", "medians")
    course.mlphys("grade", SET)
    course.hand_in(BY_NBGRADER, "means")
    course.run(sys.executable, "-m", "nbgrader", "autograde", SET, "--student", BY_NBGRADER)
    exporters = (f"--exporter {PLUGINS}.{name}" for name in ("ScoresByPart", "ScoresByTest", "GradescopeResults"))
    course.said = course.run(sys.executable, "-c", RUN, *exporters)
    return course


def test_nobody_is_warned_of_what_was_not_handed_in(course: Half) -> None:
    assert "cannot be read" not in course.said


def test_whose_notebook_is_lost_can_be_graded_again(course: Half) -> None:
    """It was handed in, so its tests are missed."""
    record = course.root / "autograded" / ALL / SET / "medians.json"
    lost = record.rename(record.with_suffix(".lost"))
    said = course.run(sys.executable, "-c", RUN, f"--exporter {PLUGINS}.ScoresByTest --to lost.csv")
    lost.rename(record)
    [warning] = [line for line in said.splitlines() if "cannot be read" in line]
    assert f"{record} cannot be read" in warning
    assert "Grade the notebook again." in warning


@pytest.mark.parametrize("student", [BY_US, BY_NBGRADER])
def test_a_notebook_is_handed_in_by_itself(course: Half, student: str) -> None:
    assert [row["handed_in"] for row in course.table("parts.csv", student, "means")] == ["1", "1"]
    absent = course.table("parts.csv", student, "medians")
    assert [(row["handed_in"], row["score"], row["needs_manual_grade"]) for row in absent] == [("0", "0", "0")] * 2
    assert [row["test"] for row in course.table("tests.csv", student, "means")][:2] == [
        "test_equals_reference",
        "test_other_units",
    ]
    assert [(row["test"], row["points"]) for row in course.table("tests.csv", student, "medians")] == [("", "0")] * 2
    assert {row["handed_in"] for row in course.table("parts.csv", ALL, "medians")} == {"1"}


@pytest.mark.parametrize("student", [BY_US, BY_NBGRADER])
def test_gradescope_says_so(course: Half, student: str) -> None:
    results = course.results(student)
    assert_specified(results)
    assert_absent(results, "medians", "2", 7)
    assert total(results) == 3
    assert "not handed in" not in json.dumps(course.results(ALL))

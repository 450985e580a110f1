"""`mlphys grade` in a tree of two problems, one of whose graders is edited."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from class_of_a_test import MLPHYS, PROBLEM
from conftest import Course, solved

from autograder.course import ROOT, Problem

# A process that lives on while a reference, what students are given and the grader are edited, as Jupyter lives on.
EDITED_MEANWHILE = """
import subprocess
import sys
from autograder.audit.variants import blank, solved
from autograder.course import find, problems
from pathlib import Path
from autograder.grading import compare
from autograder.grading.shared import grade_in_shared
from autograder.grading.version import version_of
from autograder.sandbox import Limits
from autograder.sandbox.isolation import best

problem = find("ps01_linear_algebra/backprop")
submission = solved(problem)
first = grade_in_shared(problem, submission, best(), Limits()).record.score
source = problem.reference_source.read_text()
assert (right := "return float(np.mean") in source
problem.reference_source.write_text(source.replace(right, "return 2 * float(np.mean"))
print(f"{first}, then {grade_in_shared(problem, submission, best(), Limits()).record.score} points")

def add(path):
    with path.open("a") as file:
        file.write("EDITED = True\\n")

woodbury = find("ps01_linear_algebra/woodbury")
grade_in_shared(woodbury, blank(woodbury), best(), Limits())
add(woodbury.source_notebook.with_name("proof_checker.py"))
grade_in_shared(woodbury, blank(woodbury), best(), Limits())
import proof_checker
print("the checker that is there now", proof_checker.EDITED)
before = version_of(problem)
add(Path(compare.__file__))
print("the grader that this process has", version_of(problem) == before)
new = "from autograder.course import *; from autograder.grading.version import *; print(version_of(problems()[0]))"
new = subprocess.check_output([sys.executable, "-c", new], text=True).strip()
print("another process has another", problems()[0] == problem, new != before)
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the whole tree, where ada is graded in an assignment of two problems."""

    root: Path

    @property
    def records(self) -> Path:
        return self.root / "records" / "ada" / PROBLEM.assignment

    def run(self, *command: str, code: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200"}
        environment["PATH"] = f"{MLPHYS.parent}{os.pathsep}{environment['PATH']}"
        out, err = subprocess.PIPE, subprocess.STDOUT
        done = subprocess.run(command, cwd=self.root, env=environment, stdout=out, stderr=err, text=True, check=False)
        assert done.returncode == code, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("tree"))
    for name in ("autograder", "solutions", "source"):
        shutil.copytree(ROOT / name, tree.root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", tree.root)
    tree.run(sys.executable, "-m", "nbgrader", "generate_assignment", PROBLEM.assignment)
    folder = tree.root / "submitted" / "ada" / PROBLEM.assignment
    folder.mkdir(parents=True)
    for problem in (PROBLEM, Problem(PROBLEM.assignment, "woodbury")):
        (folder / f"{problem.name}.ipynb").write_text(json.dumps(solved(problem)))
    assert "2 notebooks were graded now" in tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    return tree


def test_what_fails_in_one_notebook_costs_the_students_other_one_nothing(tree: Tree) -> None:
    """The gradebook has other points for a part of woodbury, the last that nbgrader takes of a student."""
    shutil.rmtree(tree.root / "autograded")
    told = "UPDATE grade_cells SET max_score = max_score {} 1 WHERE id IN (SELECT id FROM base_cell WHERE name = ?)"
    course = Course.__new__(Course)
    course.root, course.problem = tree.root, Problem(PROBLEM.assignment, "woodbury")
    part = next(iter(course.grades("ada")))
    with sqlite3.connect(tree.root / "gradebook.db") as database:
        assert database.execute(told.format("+"), [part]).rowcount == 1
    said = tree.run(str(MLPHYS), "grade", PROBLEM.assignment, code=4)
    assert f"ada, ps01_linear_algebra/woodbury: Inconsistent checksums for cell {part}" in said
    assert said.count("ada, ps01") == 1
    assert all((row.auto_score, row.needs_manual_grade) == (None, True) for row in course.grades("ada").values())
    course.problem = PROBLEM
    assert sum(row.auto_score or 0 for row in course.grades("ada").values()) == 26
    with database:
        database.execute(told.format("-"), [part])
    database.close()
    assert "0 notebooks were graded now; 2 had been" in tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    assert not any(row.needs_manual_grade for row in course.grades("ada").values())


def test_what_a_student_did_not_hand_in_has_no_points(tree: Tree) -> None:
    """As nbgrader has it: 0, and nothing for a person to look at."""
    folder = tree.root / "submitted" / "eve" / PROBLEM.assignment
    folder.mkdir(parents=True)
    (folder / "woodbury.ipynb").write_text(json.dumps(solved(Problem(PROBLEM.assignment, "woodbury"))))
    course = Course.__new__(Course)
    course.root, course.problem = tree.root, PROBLEM
    for command in ([str(MLPHYS), "grade"], [sys.executable, "-m", "nbgrader", "autograde", "--force"]):
        tree.run(*command, PROBLEM.assignment, "--student", "eve")
        assert {(row.auto_score, row.needs_manual_grade) for row in course.grades("eve").values()} == {(0, False)}
    shutil.rmtree(tree.root / "submitted" / "eve")


def test_an_edited_grader_is_used_for_its_own_problem_only(tree: Tree) -> None:
    graders = tree.root / "autograder" / "graders" / PROBLEM.assignment / "backprop" / "test_backprop.py"
    start = r'(class TestLoss:.*?def test_equals_reference\(self, student, reference, rng\):\n +""".*?""")'
    edited = re.sub(
        start,
        r'\1\n        check(False, measured="0", allowed="more", next_step="Ask.")',
        graders.read_text(),
        flags=re.DOTALL,
    )
    graders.write_text(edited)
    for name in (".test_woodbury.py.swp", "test_woodbury.py~"):  # somebody's editor is open
        (graders.parent.parent / "woodbury" / name).write_text("anything")
    kept = {path.name: path.read_bytes() for path in tree.records.iterdir()}
    assert tree.run(str(MLPHYS), "grade", PROBLEM.assignment, "--quiet") == ""
    assert {path.name for path in tree.records.iterdir() if path.read_bytes() != kept.get(path.name)} == {
        "backprop.json",
        ".backprop.before.json",
    }
    # Nobody has been told of it yet.
    said = tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    assert "0 notebooks were graded now; 2 had been" in said
    assert "ada, ps01_linear_algebra/backprop: 26 → 25.5 (loss/test_equals_reference 0.5 → 0)" in said
    said = tree.run(sys.executable, "-c", EDITED_MEANWHILE)
    assert "25.5, then 24.0 points" in said
    assert "the checker that is there now True" in said
    assert "the grader that this process has True" in said
    assert "another process has another True True" in said

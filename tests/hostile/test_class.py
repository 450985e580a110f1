"""One bad submission never stops a class: nbgrader's own commands on honest students among hostile ones."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import conftest
import pytest
from conftest import Course

from autograder.course import Problem
from autograder.gradebook.names import is_usable
from autograder.grading.run import grade
from autograder.grading.submission import read
from autograder.sandbox import Limits, Sandbox
from autograder.sandbox.isolation import best

PROBLEM = Problem("ps01_linear_algebra", "backprop")
FUNCTION = "loss"
# Honest cells take a tenth of a second, and ten times that on a busy machine.
SMALL: dict[str, Any] = {"cell": 10.0, "call": 2.0, "memory": 300 * 2**20, "processes": 16, "disk": 4 * 2**20}
CONFIGURED = f"\nc.GradeSubmission.limits = {SMALL}\n"

Notebook = dict[str, Any]


def solved(*own: str) -> Notebook:
    """The reference, and then cells of one's own."""
    notebook = conftest.solved(PROBLEM)
    for number, source in enumerate(own):
        cell: Notebook = {
            "cell_type": "code",
            "id": f"own-{number}",
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        notebook["cells"].append({**cell, "metadata": {}})
    return notebook


def tampered() -> Notebook:
    notebook = solved(f"def {FUNCTION}(y, yhat): return 0.0")
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"].update(points=1000, schema_version=99, locked=False, checksum="0")
    return {**notebook, "metadata": {"kernelspec": {"name": "../sh"}}, "nbformat_minor": 99}


HONEST: dict[str, Callable[[], Notebook]] = {
    "c_solved": lambda: solved("import matplotlib.pyplot as plt\nplt.plot([1, 2])", "print('a good day')"),
    "h_twice": lambda: solved(f"right = {FUNCTION}\ndef {FUNCTION}(y, yhat): return 2 * right(y, yhat)"),
    "k_random": lambda: solved(f"import random\ndef {FUNCTION}(y, yhat): return np.random.rand() + random.random()"),
    "q_blank": lambda: dict(json.loads(PROBLEM.release_notebook.read_text())),
}
# The cells that each adds to the reference, and a word of the reason in its record.
RUN: dict[str, tuple[tuple[str, ...], str]] = {
    "a_loop": ((f"def {FUNCTION}(y, yhat):\n    while True: pass",), "did not return within 2 seconds"),
    "b_exit": ((f"import os\ndef {FUNCTION}(y, yhat): os._exit(0)",), "it ended by itself"),
    "d_cell": (("import os\nos._exit(0)", f"del {FUNCTION}"), "was left out"),
    "f_forks": (
        ("import os\nfor _ in range(5): os.fork()\nimport time\ntime.sleep(9)", f"del {FUNCTION}"),
        "more than 16 processes",
    ),
    "g_memory": (
        (f"import time\ndef {FUNCTION}(y, yhat):\n    kept = b'1' * 400_000_000\n    time.sleep(9)",),
        "more than 300 MB of memory",
    ),
    "j_kills": ((f"import os\ndef {FUNCTION}(y, yhat): os.kill(os.getppid(), 9)",), ""),
}


def _pipe(path: Path, course: Course) -> None:
    for name in (path, path.with_name("timestamp.txt")):
        os.mkfifo(name)


def _link(path: Path, course: Course) -> None:
    path.symlink_to(course.root / "source" / PROBLEM.assignment / f"{PROBLEM.name}.ipynb")


def _linked_folder(path: Path, course: Course) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(course.root / "source" / PROBLEM.assignment)


def _large(path: Path, course: Course) -> None:
    path.write_text("{}")
    os.truncate(path, 50 * 2**20)


UNREAD: dict[str, tuple[Callable[[Path, Course], object], str]] = {
    "m_broken": (lambda path, course: path.write_text('{"cells": ['), "it stops being valid JSON at line 1"),
    "o_deep": (lambda path, course: path.write_text("[" * 10**6), "nested deeper"),
    "p_pipe": (_pipe, "not a regular file"),
    "r_link": (_link, "a link is not followed"),
    "s_folder": (lambda path, course: path.mkdir(), "could not be opened"),
    "t_large": (_large, "larger than 32 MB"),
    "u_linked": (_linked_folder, "The folder of the submission is a link"),
}
ODD = ("a\nb.py", "a\nb.ipynb", "\x1b[2J.ipynb", "\u202egnp.ipynb", "..ipynb", "-rf", "x" * 249 + ".ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("course"), PROBLEM)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(CONFIGURED)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    for student, make in HONEST.items():
        course.submit(student, make())
    for student, (own, _) in RUN.items():
        course.submit(student, solved(*own))
    course.submit("v_tampered", tampered())
    for student, (put, _) in UNREAD.items():
        folder = course.folder("submitted", student)
        folder.mkdir(parents=True)
        put(folder / f"{PROBLEM.name}.ipynb", course)
    beside = course.folder("submitted", "c_solved")
    for name in ODD:
        (beside / name).write_text(f"open({str(course.root / 'picked-up')!r}, 'w')")
    for name in ("torch", "numpy", "conftest", "sitecustomize"):
        (beside / f"{name}.py").write_text(f"open({str(course.root / 'picked-up')!r}, 'w')")
    (course.root / "said").write_text(course.nbgrader("autograde", PROBLEM.assignment))
    return course


def total(course: Course, student: str) -> float:
    return sum(grade.auto_score or 0 for grade in course.grades(student).values())


EVERYBODY = [*HONEST, *RUN, *UNREAD, "v_tampered"]


@pytest.mark.parametrize("student", EVERYBODY)
def test_every_student_has_a_record_with_its_reasons(course: Course, student: str) -> None:
    record = course.record(student)
    assert record["score"] == total(course, student)
    assert not any(grade.needs_manual_grade for grade in course.grades(student).values())
    tests = [test for part in record["parts"] for test in part["tests"]]
    assert {test["outcome"] for test in tests} <= {"passed", "failed", "error", "timeout", "untested"}
    assert all(test["message"].startswith("Tested: ") for test in tests)


@pytest.mark.parametrize("student", RUN)
def test_what_was_run_costs_its_part_and_says_why(course: Course, student: str) -> None:
    record = course.record(student)
    lost = [test for part in record["parts"] if part["id"] == FUNCTION for test in part["tests"]]
    told = RUN[student][1]
    assert {test["points"] for test in lost} == {0}
    assert told in json.dumps(lost) + json.dumps(record["warnings"])


@pytest.mark.parametrize("student", UNREAD)
def test_what_could_not_be_read_has_no_points_and_says_why(course: Course, student: str) -> None:
    record = course.record(student)
    assert record["score"] == 0
    assert UNREAD[student][1] in record["warnings"][0]


def test_an_honest_student_has_the_same_record_without_the_others(course: Course) -> None:
    alone: dict[str, Any] = {}
    with Sandbox(best(), Limits(**SMALL)) as sandbox:
        for student in HONEST:
            path = course.folder("submitted", student) / f"{PROBLEM.name}.ipynb"
            alone[student] = json.loads(grade(PROBLEM, read(path, PROBLEM), sandbox).record.to_json())
    among = {student: course.record(student) for student in HONEST}
    for record in (*alone.values(), *among.values()):
        assert record.pop("seconds") > 0
    assert among == alone
    assert total(course, "c_solved") == among["c_solved"]["max_score"]
    assert 0 == total(course, "q_blank") < total(course, "h_twice") < total(course, "c_solved")


def test_claims_earn_nothing(course: Course) -> None:
    assert total(course, "v_tampered") == total(course, "h_twice")


def test_what_lies_beside_a_notebook_takes_no_part(course: Course) -> None:
    assert not (course.root / "picked-up").exists()
    kept = {path.name for path in course.folder("autograded", "c_solved").iterdir()}
    assert kept == {f"{PROBLEM.name}.ipynb", f"{PROBLEM.name}.json", "timestamp.txt", "submission_secret.txt"}


def test_what_the_instructor_reads_disturbs_no_terminal(course: Course) -> None:
    assert not set("\x1b\x07\u202e") & set((course.root / "said").read_text())


def test_what_cannot_be_read_replaces_an_earlier_score(course: Course) -> None:
    """It is 0 with a reason: neither the old score, nor a grade that waits for a person."""
    path = course.folder("submitted", "v_tampered") / f"{PROBLEM.name}.ipynb"
    assert total(course, "v_tampered") > 0
    path.unlink()
    os.mkfifo(path)
    course.nbgrader("autograde", PROBLEM.assignment, "--student", "v_tampered", "--force")
    assert total(course, "v_tampered") == 0
    assert not any(grade.needs_manual_grade for grade in course.grades("v_tampered").values())
    assert "not a regular file" in course.record("v_tampered")["warnings"][0]


NAMES = ("ada", "Ada Lovelace", "a.l+ml@uni-x.edu", "12345", "x_1", "Zoë", "Zoe\u0308", "王小明", "हिन्दी", "أحمد", "Ⅻ")
NO_NAMES = (
    *("", ".", "..", ".ada", "-rf", "=1+1", "+1", "@x", "_x", " ada", "ada ", "\u0308x"),
    *("a*", "a?", "[ab]", "a\nb", "a\rb", "a\tb", "a\0b", "\x1b[2J", "a\u202eb", "a\u200bb", "a\u00a0b", "a\udce9"),
    *("a\u3164", "\u3164", "a\ufe0f", "a\u034fb", "\u115fa", "a\u1160", "a\uffa0", "a\u180bb", "a\U000e0100"),
    *("a/b", "a\\b", "a,b", "a'b", 'a"b', "a&b", "<b>", "a%2e", "a#b", "{a}", "$a", "a`b", "a;b", "a|b", "😀"),
)
# How nbgrader took them: the end of its command, other students, or none.
LEFT_OUT = ("wb\nx", "w*", "w[a-z]", "w?", "w[", "w\udce9", "w\x1b[2Jx")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_one(name: str) -> None:
    assert is_usable(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_means_something_else_somewhere_is_no_name(name: str) -> None:
    assert not is_usable(name)


def test_a_folder_that_can_be_no_student_s_is_left_out_and_named(course: Course) -> None:
    for name in (*LEFT_OUT, "wa"):
        course.submit(name, solved())
    said = course.nbgrader("autograde", PROBLEM.assignment, "--student", "w*", fails=True)
    assert total(course, "wa") == course.record("wa")["max_score"]
    for name in LEFT_OUT:
        assert f"no student can be called {name!r}" in said
        assert not course.folder("autograded", name).exists()
    assert "Traceback" not in said
    assert not set("\x1b\udce9") & set(said)
    with sqlite3.connect(course.root / "gradebook.db") as database:
        assert database.execute("SELECT id FROM student WHERE id LIKE 'w%'").fetchall() == [("wa",)]
    database.close()

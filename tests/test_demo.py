"""The demo, run once for real: what each simulated student gets in the gradebook, in the record and in the feedback."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import Course
from rich.console import Console

from autograder.course import Problem, problems
from autograder.demo.course import CONFIG, MARKER, DemoCourse, DemoError, NotADemo
from autograder.demo.students import DILIGENT, class_of, typical_mistakes
from autograder.grading.marks import parts_of
from autograder.grading.record import Record, from_dict
from autograder.sandbox import Isolation

# The demo takes some minutes on two idle cores, and three times as long on two that also run the other tests.
pytestmark = pytest.mark.timeout(900)

PROBLEM = Problem("ps01_linear_algebra", "backprop")
POINTS = {
    **dict.fromkeys(("activations", "linear_layer", "train"), 3),
    **dict.fromkeys(("grad_single", "grad_batch"), 5),
    "forward": 2,
    "loss": 1,
    "gradcheck": 4,
}
# The parts in which a student loses points. The network of greta is trained with her own wrong gradient.
LOSES = {
    **dict.fromkeys(("amira", "bruno", "chloe"), ()),
    **dict.fromkeys(("dario", "elena", "felix"), ("grad_single",)),
    "greta": ("grad_batch", "train"),
    "hugo": ("gradcheck",),
    "ines": ("grad_single", "gradcheck"),
    "jonas": ("gradcheck",),
    "karim": ("train",),
    **dict.fromkeys(("lotte", "milan"), ("linear_layer",)),
    "nadia": ("grad_batch", "linear_layer", "gradcheck", "train"),
    **dict.fromkeys(("oskar", "paula"), tuple(POINTS)),
}
# The mistakes that went in, by their place among the typical ones.
MADE = {**dict.fromkeys(("dario", "elena", "felix"), (0,)), "greta": (1,), "hugo": (2,), "ines": (0, 2)}


class Graded(Course):
    """The course that the demo made, and what the demo printed."""

    def __init__(self, root: Path) -> None:
        self.root, self.problem = root, PROBLEM
        # Wide enough that no line of the table is broken.
        environment = {**os.environ, "COLUMNS": "250"}
        done = subprocess.run(
            [Path(sys.executable).parent / "mlphys", "demo", str(root)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.printed = done.stdout

    def records(self, problem: Problem) -> list[Path]:
        return sorted((self.root / "autograded").glob(f"*/{problem.assignment}/{problem.name}.json"))

    def outcomes(self, student: str) -> dict[str, set[str]]:
        return {part["id"]: {test["outcome"] for test in part["tests"]} for part in self.record(student)["parts"]}

    def page(self, student: str) -> str:
        """The feedback as text, with all white space alike."""
        return " ".join(BeautifulSoup(self.feedback(student), "html.parser").get_text(" ").split())


def outcomes_of(record: Record) -> set[str]:
    return {test.outcome for part in record.parts for test in part.tests}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    return Graded(tmp_path_factory.mktemp("class") / "demo")


@pytest.mark.parametrize("student", LOSES)
def test_each_student_loses_points_where_something_is_wrong_and_nowhere_else(demo: Graded, student: str) -> None:
    grades = demo.grades(student)
    scores = {name.removeprefix("backprop-check-"): grade.auto_score for name, grade in grades.items()}
    assert {part for part, points in POINTS.items() if scores[part] != points} == set(LOSES[student])
    assert {part["id"]: part["score"] for part in demo.record(student)["parts"]} == scores
    assert not any(grade.needs_manual_grade for grade in grades.values())


def test_whoever_wrote_an_answer_waits_for_a_person(demo: Graded) -> None:
    waiting = {student for student in LOSES if demo.written(student).needs_manual_grade}
    assert waiting == set(LOSES) - {"nadia", "oskar", "paula"}


def test_the_ends_of_the_scale(demo: Graded) -> None:
    scores = {student: demo.record(student)["score"] for student in LOSES}
    assert {student for student, score in scores.items() if score == 26} == {"amira", "bruno", "chloe"}
    assert {student for student, score in scores.items() if score == 0} == {"oskar", "paula"}


@pytest.mark.parametrize("student", MADE)
def test_a_mistake_is_named_in_the_feedback(demo: Graded, student: str) -> None:
    mistakes = typical_mistakes(PROBLEM)
    page = demo.page(student)
    for number in MADE[student]:
        hint = mistakes[number].hint
        assert hint is not None
        assert f"Likely cause: {hint}" in page


def test_accidents_have_their_own_outcome(demo: Graded) -> None:
    assert demo.outcomes("karim")["train"] == {"timeout"}
    assert "took too long" in demo.page("karim")
    assert demo.outcomes("jonas")["gradcheck"] == {"error"}
    assert "name 'reslut' is not defined" in demo.page("jonas")
    assert demo.outcomes("lotte")["linear_layer"] == {"untested"}
    assert "with `linear_jacobian`, `linear_vjp` is missing" in demo.page("lotte")
    assert "no function `linear_vjp`" in demo.page("milan")
    assert not [student for student in LOSES if "grader_error" in set().union(*demo.outcomes(student).values())]


def test_a_broken_file_has_its_reason_in_the_feedback(demo: Graded) -> None:
    assert "it stops being valid JSON at line" in demo.page("paula")


def test_the_class_spans_all_problems(demo: Graded) -> None:
    for problem in problems():
        records = {path.parts[-3]: from_dict(json.loads(path.read_text())) for path in demo.records(problem)}
        assert set(records) == set(LOSES if problem == PROBLEM else DILIGENT)
        part_of = {function: part.id for part in parts_of(problem.test_module) for function in part.functions}
        first = part_of[typical_mistakes(problem)[0].function]
        for student, wrong in {"amira": (), "dario": (first,)}.items():
            lost = {part.id for part in records[student].parts if part.score < part.max_score}
            assert lost >= set(wrong), (problem, student)
            assert wrong or not lost, (problem, student)
        assert not any("grader_error" in outcomes_of(record) for record in records.values())


def test_the_export_has_the_class(demo: Graded) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for problem in problems():
        for path in demo.records(problem):
            expected[path.parts[-3], problem.assignment] += json.loads(path.read_text())["score"]
    with (demo.root / "scores.csv").open() as file:
        exported = {(row["student_id"], row["assignment"]): float(row["score"]) for row in csv.DictReader(file)}
    assert {key: score for key, score in exported.items() if score} == {k: v for k, v in expected.items() if v}


def test_what_is_printed_is_true(demo: Graded) -> None:
    scores = {student: demo.record(student)["score"] for student in LOSES}
    of_problem = demo.printed.split(PROBLEM.slug)[1].split("The scores of the class")[0]
    for student, score in scores.items():
        row = re.findall(rf"^ *{student} +(.+)$", of_problem, re.MULTILINE)[0]
        assert row.split()[len(POINTS)] == f"{score:g}"
    assert f"Mean of the class: {sum(scores.values()) / len(scores):.1f} of 26 points." in demo.printed
    assert demo.printed.count("Isolation: ") == 1
    hints = [mistake.hint for mistake in typical_mistakes(PROBLEM)]
    assert f"4 x  {hints[0]}" in demo.printed
    assert f"2 x  {hints[2]}" in demo.printed
    files = [Path(name) for name in re.findall(r"(/\S+\.(?:html|csv))\b", demo.printed)]
    assert len(files) == 4 + 2 * (len(problems()) - 1) + 2
    assert [file for file in files if not file.is_file()] == []


def test_the_class_report_has_the_class(demo: Graded) -> None:
    page = BeautifulSoup((demo.root / "reports" / f"{PROBLEM.assignment}.html").read_text(), "html.parser")
    text = " ".join(page.get_text(" ").split())
    assert f"{len(LOSES)} of {len(LOSES)} students handed in." in text
    first = typical_mistakes(PROBLEM)[0]
    assert f"4 of {len(LOSES)} {first.function}: {first.name} {first.hint}" in text
    with (demo.root / "reports" / f"{PROBLEM.assignment}.csv").open(encoding="utf-8-sig") as file:
        points = {row["student"]: row["points"] for row in csv.DictReader(file) if row["problem"] == PROBLEM.name}
    assert {student: float(score) for student, score in points.items()} == {
        student: demo.record(student)["score"] for student in LOSES
    }


def test_the_class_is_always_the_same() -> None:
    released = PROBLEM.release_notebook.read_text()
    assert class_of(PROBLEM, released) == class_of(PROBLEM, released)
    assert {student.id for student in class_of(PROBLEM, released)} == set(LOSES)


def test_a_disagreement_of_gradebook_and_record_is_noticed(demo: Graded, tmp_path: Path) -> None:
    """In a process of its own, because nbgrader's libraries warn about each other."""
    shutil.copytree(demo.root, tmp_path / "demo")
    path = tmp_path / "demo" / "autograded" / "hugo" / PROBLEM.assignment / f"{PROBLEM.name}.json"
    path.write_text(re.sub(r'"score": 3(?:\.0)?,', '"score": 2,', path.read_text(), count=1))
    course = f"DemoCourse(Path({str(tmp_path / 'demo')!r}), Isolation.NONE)"
    code = (
        "from pathlib import Path; from autograder.course import find; from autograder.sandbox import Isolation\n"
        "from autograder.demo.course import DemoCourse; from autograder.demo.results import results_of\n"
        "from autograder.demo.students import class_of\n"
        f"course, problem = {course}, find({PROBLEM.slug!r})\n"
        "results_of(course, problem, class_of(problem, course.released(problem)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "DemoError: The gradebook and the result record of hugo disagree" in done.stderr


def test_only_a_demo_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep me")
    with pytest.raises(NotADemo, match=r"holds files that the demo did not make"):
        DemoCourse.create(mine)
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]
    with pytest.raises(NotADemo, match=r"is not a directory"):
        DemoCourse.create(mine / "notes.txt")
    (tmp_path / "link").symlink_to(mine)
    with pytest.raises(NotADemo, match=r"is not a directory"):
        DemoCourse.create(tmp_path / "link")

    old = DemoCourse.create(tmp_path / "demo")
    (old.root / "gradebook.db").touch()
    new = DemoCourse.create(tmp_path / "demo")
    assert {path.name for path in new.root.iterdir()} == {MARKER, CONFIG, "source"}


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    course = DemoCourse.create(tmp_path / "demo")
    with pytest.raises(DemoError, match=r"(?s)`nbgrader autograde nothing` failed. It says:\n.*nothing"):
        course.nbgrader(Console(quiet=True), "autograde", "nothing")


@pytest.mark.level2
def test_without_bubblewrap_the_class_is_graded_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    course = DemoCourse.create(tmp_path / "demo")
    assert course.level is Isolation.LANDLOCK
    quiet = Console(quiet=True)
    course.nbgrader(quiet, "generate_assignment", PROBLEM.assignment)
    course.submit(PROBLEM, "oskar", course.released(PROBLEM))
    course.nbgrader(quiet, "autograde", PROBLEM.assignment)
    assert '"isolation": "landlock"' in course.record(PROBLEM, "oskar").read_text()

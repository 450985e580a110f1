"""The class report: its numbers, what it makes of odd classes and broken files, and how it looks in a real browser."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import insert

from autograder.grading import record as records
from autograder.grading.record import Outcome, PartResult, Record
from autograder.report.classroom import NothingToReport, write
from autograder.report.classroom.numbers import numbers_of
from autograder.report.classroom.people import pseudonym
from autograder.report.classroom.plots import scores_plot
from autograder.report.sheets import safe

ASSIGNMENT, PROBLEM, OTHER = "ps01_linear_algebra", "backprop", "woodbury"
HINT, MISTAKE = "`B` < N points are in a batch: divide by their number.", "loss: summed"
# Right to left, combining, an emoji of three people, markup, a formula of a spreadsheet, dollars, and short ones.
NAMES = ["يوسف", "Zoe\u0308", "👩‍👩‍👧", "<img src=x onerror=alert(1)>", "=HYPERLINK(1)", '$x_1$ & "q"', "李小龙", "'"]
DUE = datetime(2026, 3, 1)

PASSED: Outcome = "passed"
FAILED: Outcome = "failed"
ERROR: Outcome = "error"
TIMEOUT: Outcome = "timeout"
UNTESTED: Outcome = "untested"
OURS: Outcome = "grader_error"


def result(name: str, outcome: Outcome, points: float = 2) -> records.TestResult:
    score = points if outcome == PASSED else 0
    known = outcome == FAILED
    message = f"Tested: {name} equals the reference.\nMeasured: …\nAllowed: …\nNext: …"
    return records.TestResult(
        f"test_{name}", outcome, score, points, message, HINT if known else None, MISTAKE if known else None
    )


def part(id: str, *outcomes: Outcome) -> PartResult:
    tests = tuple(result(f"{id}_{number}", outcome) for number, outcome in enumerate(outcomes))
    score, most = (sum(getattr(test, name) for test in tests) for name in ("points", "max_points"))
    return PartResult(id, f"The {id} of the gas, as the statement has it", score, most, tests)


def record(*parts: PartResult, problem: str = PROBLEM, seconds: float = 1.5) -> Record:
    score, most = (sum(getattr(part, name) for part in parts) for name in ("score", "max_score"))
    return Record(f"{ASSIGNMENT}/{problem}", "bubblewrap", score, most, seconds, parts, ("A cell was missing.",))


def answer(*outcomes: Outcome, problem: str = PROBLEM) -> Record:
    """A record of parts with one test each."""
    return record(*(part(f"part{number}", outcome) for number, outcome in enumerate(outcomes)), problem=problem)


class Class:
    """A course directory whose records and gradebook are made as data."""

    def __init__(self, root: Path, empty_gradebook: Path) -> None:
        self.root, self._empty_gradebook = root, empty_gradebook
        self.directory = CourseDirectory(root=str(root))

    def hand_in(self, student: str, problem: str = PROBLEM) -> None:
        folder = self.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{problem}.ipynb").touch()

    def grade(self, student: str, record: Record) -> Path:
        folder = self.root / "autograded" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{record.problem.split('/')[1]}.json"
        path.write_text(record.to_json())
        return path

    @contextmanager
    def gradebook(self, *students: str, named: bool = False) -> Iterator[Gradebook]:
        """The course's gradebook with these students enrolled; `named` after their ids. What is entered is kept."""
        shutil.copy(self._empty_gradebook, self.root)
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as book:
            names = {"last_name": "Last {}", "first_name": "{} First"} if named else {}
            book.db.add_all(Student(id=id, **{key: name.format(id) for key, name in names.items()}) for id in students)
            yield book
            book.db.commit()

    def report(self, anonymous: bool = False) -> tuple[str, list[dict[str, str]]]:
        """The text of the page, and the rows of the table."""
        written = write(self.directory, ASSIGNMENT, anonymous)
        return shown(written.page.read_text()), list(
            csv.DictReader(written.table.read_text(encoding="utf-8-sig").splitlines())
        )


def shown(html: str) -> str:
    page = BeautifulSoup(html, "html.parser")
    for tag in page.select("script, style"):
        tag.decompose()
    return " ".join(page.get_text(" ").split())


WRITTEN = "backprop-written-why"


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nbgrader's own, with two notebooks of a part each and an answer in words; it takes seconds to make."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with Gradebook(f"sqlite:///{path}") as book:
        book.add_assignment(ASSIGNMENT, duedate=DUE)
        for problem in (PROBLEM, OTHER):
            book.add_notebook(problem, ASSIGNMENT)
            book.add_grade_cell(f"{problem}-check-part0", problem, ASSIGNMENT, max_score=2, cell_type="code")
        book.add_grade_cell(WRITTEN, PROBLEM, ASSIGNMENT, max_score=3, cell_type="markdown")
    return path


def enter(book: Gradebook, student: str, cell: str, **scores: float | None) -> None:
    """What autograding and Formgrader write: `auto`, `manual` and `extra`; with neither of the first two it waits."""
    grade = book.find_grade(cell, cell.split("-")[0], ASSIGNMENT, student)
    grade.auto_score, grade.manual_score = scores.get("auto"), scores.get("manual")
    grade.extra_credit = scores.get("extra")
    grade.needs_manual_grade = grade.auto_score is None and grade.manual_score is None


def enter_all(book: Gradebook, students: list[str]) -> None:
    """A submission of the first notebook for each student, with a point for its part and an answer that waits."""
    notebook = book.find_notebook(PROBLEM, ASSIGNMENT)
    own = [{"id": student, "student_id": student, "assignment_id": notebook.assignment.id} for student in students]
    book.db.execute(insert(SubmittedAssignment), own)
    own = [{"id": student, "assignment_id": student, "notebook_id": notebook.id} for student in students]
    book.db.execute(insert(SubmittedNotebook), own)
    for cell in notebook.grade_cells:
        score = None if cell.name == WRITTEN else 1.0
        grade = {"cell_id": cell.id, "auto_score": score, "needs_manual_grade": score is None}
        book.db.execute(insert(Grade), [{**grade, "notebook_id": student} for student in students])


@pytest.fixture
def course(tmp_path: Path, empty_gradebook: Path) -> Class:
    return Class(tmp_path, empty_gradebook)


# nbgrader 0.9.6 adds rows in an order that SQLAlchemy 2.1 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted:sqlalchemy.exc.SAWarning")

# Numbers


def test_difficulty_is_the_mean_share_and_discrimination_the_correlation_with_the_rest() -> None:
    class_ = [
        record(part("a", PASSED, PASSED), part("b", PASSED), part("c", PASSED, FAILED)),
        record(part("a", PASSED, FAILED), part("b", FAILED), part("c", FAILED, FAILED)),
        record(part("a", FAILED, FAILED), part("b", PASSED), part("c", PASSED, PASSED)),
        record(part("a", PASSED, FAILED), part("b", FAILED), part("c", FAILED, FAILED)),
    ]
    a, b, c = numbers_of(PROBLEM, class_).parts
    assert (a.difficulty, a.full, a.some, a.none) == (0.5, 1, 2, 1)
    assert (b.difficulty, c.difficulty) == (0.5, 0.375)
    # b against a + c = 6, 2, 4, 2: the point-biserial (M1 - M0) / s √(pq), where s divides by n.
    rest = np.array([6, 2, 4, 2])
    assert b.discrimination == pytest.approx((5 - 2) / rest.std() * math.sqrt(0.25))
    # a = 1, ½, 0, ½ against b + c = 4, 0, 6, 0
    assert a.discrimination == pytest.approx(-1 / math.sqrt(0.5 * 27))


def test_blank_notebooks_say_nothing_of_how_hard_a_part_is_or_what_it_tells_apart() -> None:
    class_ = [answer(PASSED, FAILED, PASSED), answer(FAILED, PASSED, PASSED), answer(FAILED, FAILED, UNTESTED)]
    blank = [answer(*[UNTESTED] * 3)] * 5
    alone, among = (numbers_of(PROBLEM, own) for own in (class_, class_ + blank))
    for before, after in zip(alone.parts, among.parts, strict=True):
        assert (after.difficulty, after.discrimination) == (before.difficulty, before.discrimination)
        assert (after.tested, after.judged) == (3, 8)
    assert among.median == 0


@pytest.mark.parametrize("answers", [[], [(PASSED, FAILED)], [(PASSED, PASSED)] * 5, [(FAILED, FAILED)] * 5])
def test_a_class_without_differences_has_no_discrimination(answers: list[tuple[Outcome, ...]]) -> None:
    parts = numbers_of(PROBLEM, [answer(*outcomes) for outcomes in answers]).parts
    assert {part.discrimination for part in parts} <= {None}


outcomes_ = st.sampled_from((PASSED, FAILED, ERROR, TIMEOUT, UNTESTED, OURS))
# Parts may differ from record to record, as after the graders were edited in the middle of grading.
classes = st.lists(st.lists(outcomes_, max_size=4).map(lambda own: answer(*own)), max_size=12)


@given(classes)
def test_any_class_has_numbers_or_none(class_: list[Record]) -> None:
    numbers = numbers_of(PROBLEM, class_)
    for part in numbers.parts:
        assert part.full + part.some + part.none == part.judged <= numbers.graded
        assert part.tested <= part.judged
        assert part.difficulty is None or 0 <= part.difficulty <= 1
        assert part.discrimination is None or abs(part.discrimination) <= 1 + 1e-9
    for test in numbers.tests:
        assert 0 < test.not_passed <= test.of == test.outcomes.total()
    assert all(0 < cause.students <= numbers.graded for cause in numbers.causes)
    assert len(numbers.scores) == sum(not record.needs_a_person for record in class_)


def test_mistakes_are_counted_by_name_once_for_a_student() -> None:
    other = replace(result("x", FAILED), hint="Your result is twice the right one.", mistake=None)
    class_ = [answer(FAILED, FAILED)] * 3 + [answer(PASSED)] * 2
    class_ += [record(PartResult("x", "x", 0, 2, (other,)))] * 4
    causes = numbers_of(PROBLEM, class_).causes
    assert [(cause.mistake, cause.hint, cause.students) for cause in causes] == [
        (MISTAKE, HINT, 3),
        (None, other.hint, 4),
    ]


def test_what_the_grader_could_not_judge_counts_nowhere() -> None:
    class_ = [answer(PASSED, PASSED), answer(FAILED, OURS), answer(FAILED, FAILED)]
    numbers = numbers_of(PROBLEM, class_)
    assert list(numbers.scores) == [4, 0]
    assert [part.judged for part in numbers.parts] == [3, 2]
    assert numbers.parts[1].difficulty == 0.5


@pytest.mark.parametrize("most", [12, 12.5, 100])
def test_no_bar_of_the_scores_lies_over_the_next(most: float) -> None:
    class_ = [
        record(PartResult("a", "a", score, most, (result("a", FAILED),))) for score in (0, most - 2, most - 0.5, most)
    ]
    svg = BeautifulSoup(scores_plot(numbers_of(PROBLEM, class_)), "html.parser")
    bars = [
        [float(x) for x in re.findall(r"[ML] (\S+) ", str(bar["d"]))]
        for bar in svg.select('path[style*="--some"], path[style*="--full"]')
    ]
    assert len(bars) > 12
    assert all(max(bar) < min(following) for bar, following in itertools.pairwise(bars))


# Odd classes


def test_an_assignment_without_submissions_is_said_to_have_none(course: Class) -> None:
    with course.gradebook("ada"):
        pass
    text, rows = course.report()
    assert "Nobody has handed in anything yet." in text
    assert [(row["problem"], row["status"], row["points"]) for row in rows] == [
        (PROBLEM, "missing", ""),
        (OTHER, "missing", ""),
    ]


@pytest.mark.parametrize("outcome", [PASSED, FAILED])
@pytest.mark.parametrize("size", [1, 5])
def test_one_student_and_a_class_that_is_all_alike(course: Class, size: int, outcome: Outcome) -> None:
    for number in range(size):
        course.grade(f"s{number}", answer(outcome, outcome))
    text, rows = course.report()
    points = 4 if outcome == PASSED else 0
    assert f"{size} student{'s' if size > 1 else ''} handed in." in text
    assert f"gave {points}.0 of 4 points in the mean" in text
    assert ("Everybody passed every test." in text) == (outcome == PASSED)
    told = HINT.replace("`", "")
    assert (f"{size} of {size} {MISTAKE} {told}" in text) == (outcome == FAILED)
    assert [row["points"] for row in rows if row["problem"] == PROBLEM] == [f"{points}"] * size
    assert "nan" not in text.split()


def test_names_in_any_script_are_text_in_the_page_and_in_the_table(course: Class) -> None:
    with course.gradebook(*NAMES, named=True):
        for name in NAMES:
            course.grade(name, answer(FAILED))
    written = write(course.directory, ASSIGNMENT)
    page = BeautifulSoup(written.page.read_text(), "html.parser")
    assert {cell.get_text() for cell in page.select("#students-table ~ .scroll th[scope=row]")} == set(NAMES)
    assert {f"Last {name}, {name} First" for name in NAMES} <= {bdi.get_text() for bdi in page.select("td bdi")}
    assert not page.select("img")
    assert len(page.select("script")) == 1
    with written.table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["student"] for row in rows} == {safe(name) for name in NAMES}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠SUM(A1)"]
)
def test_no_spreadsheet_runs_a_text(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe(f"x{text}") == f"x{text}"


def test_who_had_nothing_to_test_is_not_said_to_have_raised_an_error(course: Class) -> None:
    course.grade("blank", answer(UNTESTED, UNTESTED))
    course.grade("broken", answer(ERROR, PASSED))
    text, rows = course.report()
    assert "Have a test in which their code raised an error: 1 student broken" in text
    assert "Have a test with nothing to test, as the function or the whole file is not there: 1 student blank" in text
    counts = {row["student"]: (row["errors"], row["untested"]) for row in rows if row["problem"] == PROBLEM}
    assert counts == {"blank": ("0", "2"), "broken": ("1", "0")}


def test_a_folder_whose_name_is_no_text_is_reported(course: Class) -> None:
    student = os.fsdecode(b"caf\xe9")
    course.grade(student, answer(PASSED))
    assert r"caf\udce9" in course.report()[0]


def test_records_that_cannot_be_used_are_named_and_the_rest_is_reported(course: Class) -> None:
    course.grade("fine", answer(PASSED))
    text = answer(PASSED).to_json()
    broken = ("old", "half", "other", "no", "dir")
    old, half, other, none, folder = (course.grade(name, answer(PASSED)) for name in broken)
    old.write_text(json.dumps({**json.loads(text), "schema": 1}))
    half.write_text(text[: len(text) // 2])
    other.write_text(text.replace(PROBLEM, OTHER))
    none.write_text("[1, 2]")
    folder.unlink()
    folder.mkdir()
    text, rows = course.report()
    assert (
        "The record of old for backprop cannot be used: This result record has schema 1; this version reads 3." in text
    )
    assert "The record of half for backprop cannot be used: This is not a whole JSON file." in text
    assert f"The record of other for backprop cannot be used: This is about {ASSIGNMENT}/{OTHER}." in text
    assert "The record of no for backprop cannot be used: This does not have the form of a result record." in text
    assert "The record of dir for backprop cannot be used: Is a directory." in text
    assert "1 notebook graded. The hidden tests gave 2.0 of 2 points" in text
    assert {row["student"]: row["status"] for row in rows if row["problem"] == PROBLEM} == {
        "fine": "graded",
        **dict.fromkeys(broken, "unreadable"),
    }


def test_numbers_of_problems_are_about_those_who_handed_them_in(course: Class) -> None:
    for number in range(3):
        course.grade(f"s{number}", answer(PASSED))
    course.grade("s0", answer(FAILED, problem=OTHER))
    course.hand_in("s1", OTHER)
    course.hand_in("tester")
    course.directory.student_id_exclude = "teacher,tester"
    text, rows = course.report()
    assert "3 of backprop, 1 of woodbury" in text
    assert "different problems are about different students" in text
    assert "woodbury the whole notebook was handed in and not graded yet 1 student s1" in text
    assert {row["student"]: row["status"] for row in rows if row["problem"] == OTHER} == {
        "s0": "graded",
        "s1": "not graded",
        "s2": "missing",
    }
    assert {row["points"] for row in rows if row["status"] != "graded"} == {""}


def test_a_class_of_two_thousand_is_whole(course: Class) -> None:
    ids = [f"s{number}" for number in range(2000)]
    for number, student in enumerate(ids):
        course.grade(student, answer(*[PASSED] * (number % 10), *[FAILED] * (9 - number % 10)))
    with course.gradebook(*ids) as book:
        enter_all(book, ids)
    text, rows = course.report()
    assert "2000 of 2000 students handed in." in text
    assert "is graded by hand 2000 students" in text
    assert "2000 notebooks graded. The hidden tests gave 9.0 of 18 points" in text
    assert f"1800 of 2000 {MISTAKE}" in text
    graded = [row for row in rows if row["status"] == "graded"]
    assert len(graded) == 2000
    assert {row["gradebook_score"] for row in graded} == {"1.0"}


# The gradebook


def test_lateness_scores_by_hand_and_the_missing_are_as_in_the_gradebook(course: Class) -> None:
    with course.gradebook("punctual", "late", "absent") as book:
        for student, timestamp in {"punctual": DUE, "late": DUE + timedelta(days=2, hours=3, minutes=5)}.items():
            course.grade(student, answer(FAILED))
            book.add_submission(ASSIGNMENT, student, timestamp=timestamp)
            enter(book, student, "woodbury-check-part0", auto=0)
        book.grant_extension(ASSIGNMENT, "late", hours=3)
        enter(book, "punctual", "backprop-check-part0", auto=0, manual=1.5)
        enter(book, "punctual", WRITTEN, manual=3, extra=0.5)
        enter(book, "late", "backprop-check-part0", auto=2)
        enter(book, "late", WRITTEN)
        book.find_submission_notebook(PROBLEM, ASSIGNMENT, "late").late_submission_penalty = 0.5
        book.db.commit()
        own = {student: book.find_submission(ASSIGNMENT, student) for student in ("punctual", "late")}
        theirs = {
            student: (submission.score - submission.late_submission_penalty, submission.total_seconds_late)
            for student, submission in own.items()
        }
    course.grade("withdrawn", answer(PASSED))
    text, rows = course.report()
    found = {
        row["student"]: (float(row["gradebook_score"]), float(row["seconds_late"]))
        for row in rows
        if row["problem"] == PROBLEM and row["status"] == "graded"
    }
    assert found == theirs == {"punctual": (5, 0), "late": (1.5, 2 * 86400 + 300)}
    assert "2 of 3 students handed in." in text
    assert "Handed in nothing: 1 student absent" in text
    assert "Were late: 1 student late" in text
    assert "1.5 so far 2 d 5 min" in text
    assert "those with nothing left to grade (1 notebook) have 5.0 of 5 in the mean" in text
    assert "Left out, as graded but not in the gradebook any more: 1." in text
    assert not [row for row in rows if row["student"] == "withdrawn"]


def test_who_needs_a_person_and_why(course: Class) -> None:
    students = ("words", "failed", "again", "done")
    with course.gradebook(*students) as book:
        for student in students:
            course.grade(student, answer(OURS if student in ("failed", "done") else PASSED))
            book.add_submission(ASSIGNMENT, student)
            enter(book, student, "backprop-check-part0", auto=2)
            enter(book, student, "woodbury-check-part0", auto=0)
            enter(book, student, WRITTEN, manual=1)
        enter(book, "words", WRITTEN)
        enter(book, "failed", "backprop-check-part0")
        enter(book, "done", "backprop-check-part0", manual=2)
        enter(book, "again", "backprop-check-part0", auto=2, manual=1)
        book.find_grade("backprop-check-part0", PROBLEM, ASSIGNMENT, "again").needs_manual_grade = True
    text, rows = course.report()
    reasons = {row["student"]: row["needs_a_person"] for row in rows if row["needs_a_person"]}
    title = part("part0").title
    assert reasons == {
        "words": "In writing: why: is graded by hand",
        "failed": f"{title}: the grader itself failed here: grade it by hand",
        "again": f"{title}: was graded by hand, and by the grader again since: see whether your score still holds",
    }
    assert "Wait for a person: 3 students" in text
    assert [row["points"] for row in rows if row["student"] == "done" and row["problem"] == PROBLEM] == [""]


def test_without_a_gradebook_the_records_are_reported_and_it_is_said(course: Class) -> None:
    course.grade("ada", answer(PASSED))
    text, rows = course.report()
    assert f"There is no gradebook at {course.root / 'gradebook.db'}." in text
    assert not (course.root / "gradebook.db").exists()
    assert "1 student handed in." in text
    assert {row["gradebook_score"] for row in rows} == {""}


def test_a_gradebook_that_is_none_is_said_to_be_unreadable(course: Class) -> None:
    course.grade("ada", answer(PASSED))
    (course.root / "gradebook.db").write_text(
        "this is no database, but a text that is long enough to be taken for one" * 9
    )
    assert "The gradebook cannot be read (file is not a database)." in course.report()[0]


# Without names


def test_an_anonymous_report_names_nobody(course: Class) -> None:
    people = [f"id{number}of" for number in range(8)]
    with course.gradebook(*people, "idabsent", named=True) as book:
        for number, student in enumerate(people):
            notice = replace(answer(FAILED, OURS), warnings=(f"{student} wrote this.",), seconds=number)
            course.grade(student, notice)
            book.add_submission(ASSIGNMENT, student, timestamp=DUE + timedelta(hours=1))
    course.grade(people[0], answer(PASSED)).write_text("{")
    course.hand_in("idunknown")
    written = write(course.directory, ASSIGNMENT, anonymous=True)
    for path in (written.page, written.table):
        hidden = ("id0of", "id1of", "idabsent", "idunknown", "Last ", " First")
        assert not [word for word in hidden if word in path.read_text()]
    assert not [note for note in written.notes if "id0of" in note]
    _, rows = course.report(anonymous=True)
    names = list(dict.fromkeys(row["student"] for row in rows))
    assert len(names) == len(people) + 2
    assert "last_name" not in rows[0]
    assert [row["student"] for row in course.report(anonymous=True)[1]] == [row["student"] for row in rows]


def test_pseudonyms_are_in_no_order_and_need_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"s{number:03d}" for number in range(50)]
    names = [pseudonym(id) for id in ids]
    assert len(set(names)) == 50
    assert names != sorted(names)
    monkeypatch.setattr("autograder.report.classroom.people.own_secret", lambda: "another")
    assert not {pseudonym(id) for id in ids} & set(names)


# The command


def mlphys(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "no-configuration-of-the-user")}
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_finds_what_the_configuration_names(course: Class) -> None:
    course.grade("ada", answer(PASSED))
    (course.root / "autograded").rename(course.root / "results")
    with course.gradebook("ada", "bob"):
        pass
    (course.root / "gradebook.db").rename(course.root / "book.db")
    (course.root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.autograded_directory = 'results'\n"
        f"c.CourseDirectory.db_url = 'sqlite:///{course.root}/book.db'\n"
    )
    done = mlphys(course.root, "report", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    page = course.root / "reports" / f"{ASSIGNMENT}.html"
    assert f"Class report: {page}" in done.stdout
    assert "1 of 2 students handed in." in shown(page.read_text())


def test_what_cannot_be_reported_is_said_in_a_sentence(course: Class) -> None:
    with pytest.raises(NothingToReport, match=r"Go to the directory of your course, and grade the assignment first\."):
        write(course.directory, ASSIGNMENT)
    done = mlphys(course.root, "report", "ps99_nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"There is no assignment 'ps99_nothing' in this course. Assignments: {ASSIGNMENT}, " in done.stderr
    assert not (course.root / "reports").exists()


# In a browser

# A4, landscape, with Chromium's own margins.
PAPER: ViewportSize = {"width": 1047, "height": 718}
TOO_WIDE = """() => [...document.querySelectorAll("table")].map(table => table.getBoundingClientRect().right)
    .filter(right => right > innerWidth)"""
FITS = "document.documentElement.scrollWidth <= innerWidth"
# The words of a plot that stick out of it.
CUT_OFF = """() => [...document.querySelectorAll("svg text")].filter(text => {
    const [a, b] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
    return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
}).map(text => text.textContent)"""


@pytest.fixture
def page_file(course: Class) -> Path:
    """A class with everything that a report can show."""
    with course.gradebook(*NAMES, "absent", named=True) as book:
        for number, student in enumerate(NAMES):
            rest: list[Outcome] = [PASSED if number % 3 else FAILED, ERROR, TIMEOUT, OURS if number == 1 else UNTESTED]
            course.grade(student, answer(PASSED if number % 2 else FAILED, *rest[number % 4 :]))
            book.add_submission(ASSIGNMENT, student, timestamp=DUE + timedelta(hours=number))
    course.grade("'", answer(PASSED)).write_text("{")
    return write(course.directory, ASSIGNMENT).page


def sorted_by(page: Page, heading: str) -> list[str]:
    """Sort the table of students with the keyboard; the cells of that column."""
    button = page.locator("#students-table + .scroll").get_by_role("button", name=heading, exact=True)
    button.focus()
    page.keyboard.press("Enter")
    script = """button => { const heading = button.closest("th");
        return [...heading.closest("table").tBodies[0].rows].map(row => row.cells[heading.cellIndex].innerText) }"""
    return list(button.evaluate(script))


def test_the_page_in_a_browser(page_file: Path) -> None:
    trouble: list[str] = []
    with chromium() as browser:
        for width, scheme in ((375, "dark"), (1280, "light")):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.on("console", lambda message: trouble.append(message.text))
            page.on("pageerror", lambda error: trouble.append(error.message))
            page.on("dialog", lambda dialog: trouble.append(dialog.message))
            page.on(
                "request", lambda request: trouble.append(request.url) if request.url != page_file.as_uri() else None
            )
            page.goto(page_file.as_uri())
            assert page.evaluate(FITS), (width, scheme)
            assert page.evaluate(CUT_OFF) == []
            found = Axe().run(page).response["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == []
            points = sorted_by(page, "Points")
            numbers = [float(point) for point in points if point.isdigit()]
            assert numbers == sorted(numbers)
            assert not points[-1].isdigit()
            assert sorted_by(page, "Points")[0] == f"{max(numbers):g}"
            assert "descending" in page.get_by_role("status").inner_text()
            # Nothing is cut off on paper, where nobody can scroll.
            page.emulate_media(media="print")
            page.set_viewport_size(PAPER)
            assert page.evaluate(TOO_WIDE) == []
            context.close()
    assert trouble == []


def test_a_column_of_words_is_sorted_as_words_with_numbers_in_them(page_file: Path) -> None:
    source = page_file.read_text()
    script = source[source.index("<script>") + 8 : source.rindex("</script>")]
    ids = ["10", "9", "1a", "2", "1e3"]
    rows = "".join(f"<tr><th>{name}</th></tr>" for name in ids)
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(f"<table><thead><tr><th>Student</th></tr></thead><tbody>{rows}</tbody></table><p id=sorted>")
        page.add_script_tag(content=script)
        page.get_by_role("button", name="Student").click()
        assert page.locator("tbody th").all_inner_texts() == ["1a", "1e3", "2", "9", "10"]

"""Exports: nbgrader's own numbers in the formats of others, nothing ungraded as 0, nothing that a spreadsheet runs."""

from __future__ import annotations

import codecs
import csv
import json
import re
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from conftest import Course
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import event, text

from autograder.course import Problem
from autograder.gradebook.exports import CanvasScores, ScoresByPart
from autograder.gradebook.exports.rows import rows
from autograder.grading import record as records
from autograder.grading.record import Outcome, PartResult, Record
from autograder.report.sheets import safe

SET = "ps01_linear_algebra"
# The course of these tests: two notebooks of one set, and a second set that nobody has handed in.
CHECKS = {"backprop": ("forward", "loss"), "woodbury": ("inverse",)}
MOST = 4.0
WRITTEN = "woodbury-written-argument"
CELLS = ["backprop-check-forward", "backprop-check-loss", "woodbury-check-inverse", WRITTEN]
# Whose scores are not final, and what of them a person must look at.
NOT_FINAL = {
    "dirac": ["The forward of backprop"],
    "emmy": ["In writing: argument"],
    "hooke": ["The forward of backprop"],
}
# Their ids, with first and last name: any script, and what a spreadsheet would run.
CLASS = {
    "ada": ("Ada", "Lovelace"),
    "brahe": ("Tycho", "Brahe"),
    "celsius": ("Anders", "Celsius"),
    "dirac": ("Paul", "Dirac"),
    "emmy": ("Emmy", "Noether"),
    "fermi": ("Enrico", "Fermi"),
    "galois": (None, None),
    "hooke": ("Robert", "Hooke"),
    "hertz": ("Points Possible", "Hertz"),
    "kepler": ("Johannes", "Kepler"),
    "my Points Possible": ("Max", "Points Possible"),
    "=1+1": ("@SUM(1)", "-2+3"),
    "a/b": ("\tTab", "\rReturn"),
    "θεόφιλος": ("Θεόφιλος", "Καΐρης"),
    "أحمد": ("أحمد", "زويل"),
    "李 雷": ("雷, \"小\"", "李"),
    "zoe\u0308": ("Zoe\u0308", "🦊"),
}  # fmt: skip
RUN = """
import shlex
import sys

from nbgrader.apps import ExportApp

for arguments in sys.argv[1:]:
    ExportApp.clear_instance()
    ExportApp.launch_instance(shlex.split(arguments))
"""
PLUGINS = "autograder.gradebook.exports"


def part(problem: str, id: str, outcome: Outcome = "passed") -> PartResult:
    earned = MOST - 1 if outcome == "passed" else 0.0
    values = found("test_values", outcome, earned, MOST - 1, hint="=Divide by <b>.")
    return PartResult(id, f"The {id} of {problem}", earned + 1, MOST, (values, found("test_law", "passed", 1.0, 1.0)))


def found(name: str, outcome: Outcome, points: float, most: float, hint: str | None = None) -> records.TestResult:
    known = {"name": name, "outcome": outcome, "points": points, "max_points": most, "hint": hint}
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(records.TestResult))
    return records.TestResult(**{**nothing, "pictures": (), **known, "message": f"Tested: {name}.\nMeasured: <script>"})


def record(problem: str, outcome: Outcome = "passed") -> Record:
    parts = tuple(part(problem, id, outcome if id == "forward" else "passed") for id in CHECKS[problem])
    score = sum(one.score for one in parts)
    return Record(f"{SET}/{problem}", "bubblewrap", score, MOST * len(parts), 1.5, parts, ("Cell 3 was changed.",))


class Exported(Course):
    """A gradebook and records as data, and what each exporter made of them."""

    said = ""

    def __init__(self, root: Path) -> None:
        super().__init__(root, Problem(SET, "backprop"))
        with Gradebook(f"sqlite:///{root}/gradebook.db", "mlphys") as gradebook:
            self.fill(gradebook)

    def fill(self, gradebook: Gradebook) -> None:
        for name, checks in ((SET, CHECKS), ("ps02_pytorch", {"tensors": ("shapes",)})):
            gradebook.add_assignment(name)
            for problem, parts in checks.items():
                gradebook.add_notebook(problem, name)
                for id in parts:
                    self.add_cell(gradebook, f"{problem}-check-{id}", problem, name, "code")
        self.add_cell(gradebook, WRITTEN, "woodbury", SET, "markdown")
        for id, (first, last) in CLASS.items():
            gradebook.add_student(id, first_name=first, last_name=last, lms_user_id="1815" if id == "ada" else None)
            if id != "brahe":
                self.hand_in(gradebook, id)
        with_grades = {id: self.rows(gradebook, id) for id in CLASS if id != "brahe"}
        with_grades["celsius"][CELLS[0]].manual_score = 0.5
        with_grades["celsius"][CELLS[1]].extra_credit = 0.75
        with_grades["dirac"][CELLS[0]].auto_score = None
        with_grades["dirac"][CELLS[0]].needs_manual_grade = True
        with_grades["emmy"][WRITTEN].manual_score = None
        with_grades["emmy"][WRITTEN].needs_manual_grade = True
        # What nbgrader gives to an answer that is as it was released.
        with_grades["kepler"][WRITTEN].auto_score, with_grades["kepler"][WRITTEN].manual_score = 0.0, None
        # What a person gave to an earlier submission is theirs to look at again.
        with_grades["hooke"][CELLS[0]].manual_score = 2.0
        with_grades["hooke"][CELLS[0]].needs_manual_grade = True
        for notebook in gradebook.find_submission(SET, "fermi").notebooks:
            notebook.late_submission_penalty = 1.25
        gradebook.db.commit()
        self.write("dirac", record("backprop", "grader_error"))
        self.hand_in(gradebook, gradebook.add_student("withdrawn").id)
        gradebook.remove_student("withdrawn")
        gradebook.remove_submission_notebook("woodbury", SET, "galois")
        (self.folder("autograded", "galois") / "woodbury.ipynb").unlink()
        (self.folder("autograded", "hertz") / "woodbury.json").write_text('{"schema": 0}')

    def add_cell(self, gradebook: Gradebook, grade_id: str, problem: str, assignment: str, kind: str) -> None:
        gradebook.add_grade_cell(grade_id, problem, assignment, max_score=MOST, cell_type=kind)

    def hand_in(self, gradebook: Gradebook, student: str) -> None:
        """Everything right, and the written answer judged by a person."""
        # nbgrader adds rows in an order that SQLAlchemy warns of.
        with gradebook.db.no_autoflush:
            gradebook.add_submission(SET, student, timestamp="2026-01-29 10:00:00 UTC")
        for grade_id, grade in self.rows(gradebook, student).items():
            grade.needs_manual_grade = False
            grade.auto_score, grade.manual_score = (None, 3.0) if grade_id == WRITTEN else (MOST, None)
        for problem in CHECKS:
            self.write(student, record(problem))

    def rows(self, gradebook: Gradebook, student: str) -> dict[str, Any]:
        notebooks = gradebook.find_submission(SET, student).notebooks
        return {grade.cell.name: grade for notebook in notebooks for grade in notebook.grades}

    def write(self, student: str, record: Record) -> None:
        folder = self.folder("autograded", student)
        folder.mkdir(parents=True, exist_ok=True)
        problem = record.problem.split("/")[1]
        (folder / f"{problem}.json").write_text(record.to_json())
        (folder / f"{problem}.ipynb").touch()

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.root / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def results(self, student: str) -> dict[str, Any]:
        return dict(json.loads((self.root / "gradescope" / SET / student / "results.json").read_text()))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    course = Exported(tmp_path_factory.mktemp("course"))
    exporters = ["--to stock.csv", *(f"--exporter {PLUGINS}.{name}" for name in ("ScoresByPart", "ScoresByTest"))]
    exporters += [f"--exporter {PLUGINS}.GradescopeResults"]
    exporters += [f"--exporter {PLUGINS}.CanvasScores --CanvasScores.columns='{SET}=Set 1, algebra (98765)'"]
    course.said = course.python("-c", RUN, *exporters)
    return course


def scores(table: list[dict[str, str]], student: str, column: str) -> dict[str, str]:
    return {f"{row['problem']}-{row['part']}": row[column] for row in table if row["student_id"] == student}


def handed_in(exported: Exported) -> dict[str, float]:
    """nbgrader's own score of each student."""
    lines = (exported.root / "stock.csv").read_bytes().decode().split("\n")
    # nbgrader quotes nothing: names may have commas in them, numbers have none.
    return {line.split(",")[3]: float(line.split(",")[-2]) for line in lines if line.startswith(SET)}


def test_the_scores_of_the_parts_are_nbgrader_s_own(exported: Exported) -> None:
    """Late, by hand, with extra credit, without a submission or a part of one: the sums are the same."""
    expected = handed_in(exported)
    assert len(expected) == len(CLASS)
    in_set = [row for row in exported.table("parts.csv") if row["assignment"] == SET]
    for student in CLASS:
        own = [row for row in in_set if row["student_id"].lstrip("'") == student]
        assert len(own) == len(CELLS)
        penalties = {row["problem"]: float(row["late_penalty"]) for row in own}
        assert sum(float(row["score"] or 0) for row in own) - sum(penalties.values()) == expected[student]
        assert sum(float(row["max_score"]) for row in own) == 4 * MOST
    assert expected["fermi"] == expected["ada"] - 2.5
    assert expected["celsius"] == expected["ada"] - 3.5 + 0.75
    assert (expected["brahe"], expected["galois"]) == (0, 8)
    absent = {(row["student_id"], row["problem"]) for row in in_set if row["handed_in"] == "0"}
    assert absent == {("brahe", "backprop"), ("brahe", "woodbury"), ("galois", "woodbury")}


def test_what_nobody_has_judged_is_empty_and_flagged(exported: Exported) -> None:
    parts, tests = exported.table("parts.csv"), exported.table("tests.csv")
    flagged = {(row["student_id"], row["part"]) for row in parts if row["needs_manual_grade"] == "1"}
    empty = {("dirac", "forward"), ("emmy", "written-argument")}
    assert flagged == empty | {("hooke", "forward")}
    assert {(row["student_id"], row["part"]) for row in tests if row["needs_manual_grade"] == "1"} == flagged
    assert {(row["student_id"], row["part"]) for row in parts if row["score"] == ""} == empty
    assert {(row["student_id"], row["part"]) for row in tests if row["part_score"] == ""} == empty
    assert scores(parts, "hooke", "score")["backprop-forward"] == "2"
    [ours] = [row for row in tests if row["outcome"] == "grader_error"]
    assert (ours["student_id"], ours["test"], ours["points"], ours["max_points"]) == ("dirac", "test_values", "", "3")


def test_each_hidden_test_has_its_row(exported: Exported) -> None:
    rows = [row for row in exported.table("tests.csv") if (row["student_id"], row["assignment"]) == ("ada", SET)]
    assert [(row["part"], row["test"], row["points"]) for row in rows] == [
        *(("forward", "test_values", "3"), ("forward", "test_law", "1"), ("loss", "test_values", "3")),
        *(("loss", "test_law", "1"), ("inverse", "test_values", "3"), ("inverse", "test_law", "1")),
        ("written-argument", "", "3"),
    ]
    assert "schema 0" in exported.said
    assert scores(exported.table("tests.csv"), "hertz", "part_score")["woodbury-inverse"] == "4"
    assert scores(exported.table("tests.csv"), "hertz", "test")["woodbury-inverse"] == ""


def test_who_was_removed_is_nowhere(exported: Exported) -> None:
    assert exported.folder("autograded", "withdrawn").is_dir()
    for path in exported.root.glob("*.csv"):
        assert "withdrawn" not in path.read_text()
    assert not (exported.root / "gradescope" / SET / "withdrawn").exists()


def test_no_cell_is_a_formula(exported: Exported) -> None:
    for name in ("parts.csv", "tests.csv", "canvas.csv"):
        with (exported.root / name).open(encoding="utf-8-sig", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert "'=1+1" in cells
    assert safe("a = b") == "a = b"


def test_tables_that_people_open_are_marked_as_utf_8_and_canvas_s_begins_with_its_header(exported: Exported) -> None:
    for name in ("parts.csv", "tests.csv"):
        assert (exported.root / name).read_bytes().startswith(codecs.BOM_UTF8 + b"assignment,")
    assert (exported.root / "canvas.csv").read_bytes().startswith(b"Student,")


def imported(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What Canvas's importer finds: the points of each assignment by its id, and the entries of each student's row.

    The rules are those of its `header?`, `update_column_count`, `parse_assignments` and `check_for_non_student_row`.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert {len(line) for line in lines} == {len(header)}
    ids = [re.fullmatch(r"(.*)\s\((\d+)\)", title) for title in header[5:]]
    [points] = [line for line in lines if "Points Possible" in line[0]]
    students = {line[3]: line for line in lines if line is not points}
    return {found[2]: entry for found, entry in zip(ids, points[5:], strict=True) if found}, students


def test_canvas_reads_every_student_with_nbgrader_s_score(exported: Exported) -> None:
    points, students = imported(exported.root / "canvas.csv")
    assert points == {"98765": "16"}, "a set that nobody has handed in has no column"
    assert {student.lstrip("'") for student in students} == set(CLASS) - {"my Points Possible"}
    assert "'my Points Possible': left out of the file, since Canvas" in exported.said
    for student, score in handed_in(exported).items():
        if student == "my Points Possible":
            continue
        entry = students.get(student, students.get(f"'{student}", []))[5]
        assert entry == "" if student in NOT_FINAL else float(entry) == score
    assert students["ada"][:2] == ["Lovelace, Ada", "1815"]
    assert students["أحمد"][0] == "زويل, أحمد"
    assert "3 of the scores are left empty, since parts of them need a person: dirac, hooke, emmy." in exported.said


# "Autograder Specifications" of Gradescope: what results.json may have in it.
Kinds = dict[str, type | tuple[type, ...]]
NUMBER = (int, float)
TOP: Kinds = {
    **dict.fromkeys(("score", "execution_time"), NUMBER),
    **dict.fromkeys(("output", "output_format", "test_output_format", "test_name_format"), str),
    **dict.fromkeys(("visibility", "stdout_visibility"), str),
    "tests": list,
    "leaderboard": list,
    "extra_data": dict,
}
CASE: Kinds = {
    **dict.fromkeys(("score", "max_score"), NUMBER),
    **dict.fromkeys(("status", "name", "name_format", "number", "output", "output_format", "visibility"), str),
    "tags": list,
    "extra_data": dict,
}
VISIBLE = {"hidden", "after_due_date", "after_published", "visible"}


def assert_specified(results: dict[str, Any]) -> None:
    for found, known in ((results, TOP), *((case, CASE) for case in results["tests"])):
        assert {key for key, value in found.items() if key not in known or not isinstance(value, known[key])} == set()
        assert found.get("status", "passed") in {"passed", "failed"}
        assert {found.get("visibility", "visible"), found.get("stdout_visibility", "visible")} <= VISIBLE
    assert {results[key] for key in results if key.endswith("_format")} == {"text"}
    assert len({case["number"] for case in results["tests"]}) == len(results["tests"])


def assert_absent(results: dict[str, Any], problem: str, number: str, most: float) -> None:
    """The zip that Gradescope runs and the export say the same: one case, and the name that the file must have."""
    missing = f"{problem}.ipynb was not handed in: there is no file of this name in the submission."
    assert missing in results["output"].splitlines()
    [absent] = [case for case in results["tests"] if case["number"].startswith(number)]
    said = {"output": "This notebook was not handed in.", "score": 0, "max_score": most}
    assert absent == {"name": problem, "number": number, **said}


def assert_unwritten(case: dict[str, Any], most: float) -> None:
    """Final, and also the same from both."""
    assert "tags" not in case
    assert (case["output"], case["score"], case["max_score"]) == ("Nothing was written here.", 0, most)


def total(results: dict[str, Any]) -> float:
    """What Gradescope makes of it: the score, or else the sum of the test cases."""
    return float(results.get("score", sum(case.get("score", 0) for case in results["tests"])))


def test_gradescope_has_nbgrader_s_score_or_says_that_it_is_not_final(exported: Exported) -> None:
    for student, score in handed_in(exported).items():
        if student in {"brahe", "a/b"}:
            continue
        results = exported.results(student)
        assert_specified(results)
        waiting = NOT_FINAL.get(student, [])
        assert waiting or total(results) == score
        assert results["extra_data"]["needs_manual_grade"] == waiting
        assert ("not final" in results["output"]) == bool(waiting)
        for case in results["tests"]:
            if case["name"].startswith(tuple(waiting)):
                assert "score" not in case
    assert not (exported.root / "gradescope" / SET / "brahe").exists()
    assert "'a/b' has no results" in exported.said


def test_gradescope_shows_each_test_and_what_a_person_gave(exported: Exported) -> None:
    cases = {case["name"]: case for case in exported.results("celsius")["tests"]}
    assert cases["The inverse of woodbury: values"]["score"] == 3
    assert "Likely cause: " in cases["The inverse of woodbury: values"]["output"]
    assert "score" not in cases["The forward of backprop: values"]
    assert cases["The forward of backprop"]["score"] == 0.5
    assert cases["The loss of backprop"]["score"] == MOST + 0.75
    assert cases["In writing: argument"]["output"] == "A person has graded this."
    unwritten = {case["name"]: case for case in exported.results("kepler")["tests"]}
    assert_unwritten(unwritten["In writing: argument"], MOST)
    assert "A penalty of 2.5 points for being late is taken off." in exported.results("fermi")["output"]


def test_only_what_is_asked_for(exported: Exported, tmp_path: Path) -> None:
    app = ExportApp(coursedir=CourseDirectory(root=str(exported.root)))
    asked = ScoresByPart(to=str(tmp_path / "some.csv"), assignment=[SET], student=["ada", "李 雷"], parent=app)
    with Gradebook(f"sqlite:///{exported.root}/gradebook.db", "mlphys") as gradebook:
        asked.export(gradebook)
        with (tmp_path / "some.csv").open(encoding="utf-8-sig", newline="") as file:
            found = {(row["assignment"], row["student_id"]) for row in csv.DictReader(file)}
        assert found == {(SET, "ada"), (SET, "李 雷")}
        with pytest.raises(SystemExit, match="There is no student 'nobody' in the gradebook"):
            ScoresByPart(student=["nobody"], parent=app).export(gradebook)
        with pytest.raises(SystemExit, match=rf"There is no assignment 'ps99'.* It has {SET}, ps02_pytorch\."):
            ScoresByPart(assignment=["ps99"], parent=app).export(gradebook)
        with pytest.raises(SystemExit, match=r"cannot be written .* Name another file with --to\."):
            ScoresByPart(to=str(tmp_path / "nowhere" / "some.csv"), parent=app).export(gradebook)


def test_a_large_class_takes_no_more_queries_than_one_student(exported: Exported) -> None:
    with Gradebook(f"sqlite:///{exported.root}/gradebook.db", "mlphys") as gradebook:
        asked: list[str] = []
        event.listen(gradebook.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        everyone = list(rows(gradebook, [SET], []))
        queries = len(asked)
        assert list(rows(gradebook, [SET], ["ada"])) == [row for row in everyone if row.student.id == "ada"]
        assert len(asked) == 2 * queries == 8


def test_a_gradebook_without_anything_gives_tables_without_rows(exported: Exported, tmp_path: Path) -> None:
    shutil.copy(exported.root / "gradebook.db", tmp_path)
    app = ExportApp(coursedir=CourseDirectory(root=str(tmp_path)))
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "mlphys") as gradebook:
        for table in ("student", "assignment", "notebook", "base_cell", "grade_cells"):
            gradebook.db.execute(text(f"DELETE FROM {table}"))
        ScoresByPart(to=str(tmp_path / "parts.csv"), parent=app).export(gradebook)
        CanvasScores(to=str(tmp_path / "canvas.csv")).export(gradebook)
    assert len((tmp_path / "parts.csv").read_text().splitlines()) == 1
    assert len((tmp_path / "canvas.csv").read_text().splitlines()) == 2

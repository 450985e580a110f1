"""nbgrader's own commands on a class of good, odd and hostile submissions, and the rows that end in the gradebook."""

from __future__ import annotations

import copy
import csv
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import conftest
import pytest
from bs4 import BeautifulSoup
from conftest import Course, Grade
from nbconvert.exporters import HTMLExporter
from nbformat import v4
from nbgrader.utils import notebook_hash

from autograder.course import Problem
from autograder.gradebook.allowed import AllowedOutputs, markdown_to_html
from autograder.grading.coursecells import UNANSWERED

Notebook = dict[str, Any]
PROBLEM = Problem("ps01_linear_algebra", "backprop")
# One function of the problem that the other parts can do without, and the check cell that it is judged by.
FUNCTION, CHECK = "loss", "backprop-check-loss"
WRITTEN = "backprop-written-conserved"
SCRIPT = "alert(1)"
# What Formgrader's server does to show a submission, without the server.
FORMGRADER = """
import sys
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

extension = FormgradeExtension()
extension.root_dir = "."
extension.initialize([])
resources = {"base_url": "", "index": 0, "total": 1, "mathjax_url": ""}
html, _ = HTMLExporter(config=extension.config).from_filename(sys.argv[1], resources=resources)
open(sys.argv[2], "w").write(html)
"""


def solved() -> Notebook:
    return conftest.solved(PROBLEM)


def cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": "new", "metadata": {}, "source": source, **outputs, **more}


def checks(notebook: Notebook) -> list[dict[str, Any]]:
    marked = [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]
    return [cell for cell in marked if cell["cell_type"] == "code"]


def full_marks() -> dict[str, float]:
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["metadata"]["nbgrader"]["points"] for cell in checks(solved())
    }


def after_function(source: str) -> Notebook:
    """The solved notebook with `source` below the definition of FUNCTION."""
    notebook = solved()
    place = next(i for i, c in enumerate(notebook["cells"]) if f"def {FUNCTION}(" in "".join(c["source"]))
    notebook["cells"].insert(place + 1, cell(source))
    return notebook


def wrong() -> Notebook:
    return after_function(f"right = {FUNCTION}\n\n\ndef {FUNCTION}(*args):\n    return 2 * right(*args)")


def loud() -> Notebook:
    complaint = "print('a warning', file=sys.stderr)"
    return after_function(
        f"import sys\n\nquiet = {FUNCTION}\n\n\ndef {FUNCTION}(*a):\n    {complaint}\n    return quiet(*a)"
    )


def claiming() -> Notebook:
    """A wrong answer whose check cells, metadata and outputs say that it is right."""
    notebook = wrong()
    claims = itertools.cycle(["nan", "None", "-1", "np.float64(99)", "inf", "'full'", "1e9", "5"])
    for check, value in zip(checks(notebook), claims, strict=False):
        check["source"] = f"import numpy as np\n{value}"
        check["metadata"]["nbgrader"]["points"] = 1000
        data = {"text/plain": value}
        check["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}]
    return notebook


def from_the_future() -> Notebook:
    notebook = solved()
    for check in checks(notebook):
        check["metadata"]["nbgrader"]["schema_version"] = 99
    return notebook


def doubled() -> Notebook:
    notebook = solved()
    notebook["cells"] += copy.deepcopy(checks(notebook))
    return notebook


def without_graded_cells() -> Notebook:
    """Right functions, but no check cells and no cell for the written answer."""
    notebook = solved()
    gone = [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")]
    return {**notebook, "cells": [cell for cell in notebook["cells"] if cell not in gone]}


def scripted() -> Notebook:
    notebook = loud()
    markdown = [
        f"<script>{SCRIPT}</script>",
        f'<img src="x" onerror="{SCRIPT}"> <svg onload="{SCRIPT}"><script>{SCRIPT}</script></svg>',
        f"[one](javascript:{SCRIPT}) [two](files/files/javascript:{SCRIPT}) <a href=' java\tscript:{SCRIPT}'>three</a>",
        f"<iframe srcdoc='<script>{SCRIPT}</script>'></iframe><style>* {{ display: none }}</style>",
        "![pasted](attachment:picture.png) ![missing][1]\n\n[1]: attachment:other.png",
        '<div class="panel">Result: 26 of 26 points</div> <textarea> <!-- ',
    ]
    picture = {"picture.png": {"image/svg+xml": f"<svg onload={SCRIPT}>"}}
    notebook["cells"] += [cell(text, "markdown", attachments=picture) for text in markdown]
    [written] = [cell for cell in notebook["cells"] if cell["id"] == WRITTEN]
    written["source"] = "\n\n".join(markdown)
    html = f"<script>{SCRIPT}</script>"
    notebook["cells"].append(
        cell(f"from IPython.display import HTML, display\ndisplay(HTML({html!r}))\nprint({html!r})")
    )
    notebook["cells"].append(cell(f"raise ValueError({html!r})"))
    notebook["metadata"]["title"] = f"</title>{html}"
    return notebook


CLASS: dict[str, Callable[[], Notebook | str]] = {
    "claiming": claiming,
    "deleted": without_graded_cells,
    "doubled": doubled,
    "future": from_the_future,
    "garbage": lambda: '{"cells": [',
    "scripted": scripted,
    "solved": solved,
    "wrong": wrong,
}

# What `nbgrader submit` and `collect` put beside a notebook.
BY_EXCHANGE = {"timestamp.txt": "2026-01-29 10:00:00.000000 UTC", "submission_secret.txt": "5ec2e7" * 21 + "00"}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class that was released to, graded and given feedback once."""
    course = Course(tmp_path_factory.mktemp("course"), PROBLEM)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    for student, notebook in CLASS.items():
        course.submit(student, notebook())
    course.submit("blank", (course.root / "release" / PROBLEM.assignment / f"{PROBLEM.name}.ipynb").read_text())
    plant(course.folder("submitted", "solved"), course.root)
    for name, text in BY_EXCHANGE.items():
        (course.folder("submitted", "wrong") / name).write_text(text)
    pipes = course.folder("submitted", "pipes")
    pipes.mkdir(parents=True)
    for name in (f"{PROBLEM.name}.ipynb", "timestamp.txt", "data.csv"):
        os.mkfifo(pipes / name)
    course.nbgrader("autograde", PROBLEM.assignment)
    course.nbgrader("generate_feedback", PROBLEM.assignment)
    return course


def plant(folder: Path, root: Path) -> None:
    """Files beside the notebook that would take part in grading if anything looked there."""
    for name in ("torch.py", "numpy.py", "conftest.py", "sitecustomize.py", "json.py", f"test_{PROBLEM.name}.py"):
        (folder / name).write_text(f"open({str(root / 'picked-up')!r}, 'a').write({name!r})\nraise SystemExit(1)\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (folder / f"{PROBLEM.name}.json").write_text('{"score": 26}')
    (folder / "secret.txt").symlink_to(root / "gradebook.db")
    (folder / "timestamp.txt").symlink_to("/dev/zero")
    (folder / "submission_secret.txt").write_text("../../elsewhere")


def scores(course: Course, student: str) -> dict[str, float | None]:
    return {name: grade.auto_score for name, grade in course.grades(student).items()}


def test_feedback_can_be_released_through_the_exchange(course: Course) -> None:
    """To the whole class, most of which came without a secret or with none that is one: to these by secrets unknown."""
    exchange = course.root / "exchange"
    exchange.mkdir()
    # As its users need them: whoever hands in writes there.
    exchange.chmod(0o777)
    course.nbgrader("release_feedback", PROBLEM.assignment, f"--Exchange.root={exchange}", "--course", "mlphys")
    pages = {page.name: page.read_text() for page in (exchange / "mlphys" / "feedback").iterdir()}
    hers = notebook_hash(secret=BY_EXCHANGE["submission_secret.txt"], notebook_id=PROBLEM.name) + ".html"
    assert pages[hers] == course.feedback("wrong")
    everybody = [*CLASS, "blank", "pipes"]
    assert sorted(pages.values()) == sorted(map(course.feedback, everybody))
    secrets = {(course.folder("autograded", student) / "submission_secret.txt").read_text() for student in everybody}
    assert {len(secret) for secret in secrets} == {128}
    assert len(secrets) == len(everybody)


@pytest.mark.parametrize("student", ["solved", "future", "doubled", "deleted", "scripted"])
def test_a_right_answer_has_full_marks(course: Course, student: str) -> None:
    """Whatever it prints to stderr (scripted), whatever its metadata say, whatever check cells are missing."""
    assert scores(course, student) == full_marks()
    assert not any(grade.needs_manual_grade for grade in course.grades(student).values())


@pytest.mark.parametrize("student", ["blank", "garbage", "pipes"])
def test_nothing_that_can_be_graded_is_zero_points(course: Course, student: str) -> None:
    assert scores(course, student) == dict.fromkeys(full_marks(), 0)
    assert not any(grade.needs_manual_grade for grade in course.grades(student).values())


@pytest.mark.parametrize("student", ["solved", "wrong", "scripted"])
def test_a_written_answer_waits_for_a_person(course: Course, student: str) -> None:
    assert course.written(student) == Grade(None, None, True, 4)
    assert "In writing: conserved – of 4 a person will look at it" in words(course.feedback(student))


@pytest.mark.parametrize("student", ["blank", "deleted", "garbage", "pipes"])
def test_no_written_answer_is_zero_points_and_waits_for_nobody(course: Course, student: str) -> None:
    assert course.written(student) == Grade(0, None, False, 4)
    [cell] = [cell for cell in course.autograded(student)["cells"] if cell["id"] == WRITTEN]
    assert "".join(cell["source"]) == UNANSWERED
    assert "In writing: conserved 0 of 4" in words(course.feedback(student))
    assert "a person will look at it" not in words(course.feedback(student))


def test_who_deletes_the_written_answer_is_told_so(course: Course) -> None:
    told = f"The cell `{WRITTEN}` with your written answer is missing, so it cannot earn points."
    assert course.record("deleted")["warnings"] == [told]
    assert told in words(course.feedback("deleted"))


def words(page: str) -> str:
    return " ".join(BeautifulSoup(page, "html.parser").get_text(" ").split())


def test_partial_credit_is_in_the_gradebook(course: Course) -> None:
    graded = scores(course, "wrong")
    assert graded[CHECK] == 0
    assert 0 < sum(score or 0 for score in graded.values()) < sum(full_marks().values())
    record = course.record("wrong")
    assert list(graded.values()) == [part["score"] for part in record["parts"]]


def test_what_check_cells_and_outputs_claim_is_no_score(course: Course) -> None:
    assert scores(course, "claiming") == scores(course, "wrong")
    assert {grade.max_score for grade in course.grades("claiming").values()} == set(full_marks().values())


def test_an_unreadable_file_has_its_reason_in_the_feedback(course: Course) -> None:
    assert "it stops being valid JSON at line 1" in course.feedback("garbage")
    assert "This was not tested, because your file could not be read." in course.feedback("garbage")
    assert "NotImplementedError" not in course.feedback("garbage")
    assert "not a regular file" in course.feedback("pipes")


def test_nothing_beside_the_notebook_is_picked_up_or_copied(course: Course) -> None:
    assert not (course.root / "picked-up").exists()
    expected = {f"{PROBLEM.name}.ipynb", f"{PROBLEM.name}.json", *BY_EXCHANGE}
    assert {path.name for path in course.folder("autograded", "solved").iterdir()} == expected
    assert course.record("solved")["problem"] == PROBLEM.slug
    assert {path.suffix for path in course.folder("feedback", "solved").iterdir()} == {".html", ".json", ".txt"}


def test_students_do_not_get_the_statement_s_source(course: Course) -> None:
    released = {path.name for path in (course.root / "release" / PROBLEM.assignment).rglob("*")}
    assert f"{PROBLEM.name}.ipynb" in released
    assert not [name for name in released if name.endswith(".md")]


def test_the_autograded_notebook_has_nothing_of_the_student_but_texts(course: Course) -> None:
    notebook = course.autograded("claiming")
    marks = [cell["metadata"]["nbgrader"] for cell in checks(notebook)]
    assert {mark["grade_id"]: mark["points"] for mark in marks} == full_marks()
    assert {mark["schema_version"] for mark in marks} == {3}
    assert notebook["metadata"]["kernelspec"] == solved()["metadata"]["kernelspec"]
    assert "np.float64(99)" not in json.dumps(notebook)


def test_each_check_ends_with_the_table_of_its_hidden_tests(course: Course) -> None:
    record = course.record("wrong")
    for check, part in zip(checks(course.autograded("wrong")), record["parts"], strict=True):
        data = check["outputs"][-1]["data"]
        for kind in ("text/html", "text/plain"):
            shown = BeautifulSoup("".join(data[kind]), "html.parser").get_text(" ")
            for test in part["tests"]:
                words = {"passed": "passed", "failed": "failed", "error": "raised an error"}[test["outcome"]]
                assert words in shown
                assert all(line in shown for line in test["message"].splitlines())


def test_the_summary_stands_first_and_is_no_grade_cell(course: Course) -> None:
    first = course.autograded("wrong")["cells"][0]
    assert "nbgrader" not in first["metadata"]
    assert "Result: " in "".join(first["outputs"][0]["data"]["text/plain"])
    most = sum(full_marks().values())
    assert f"Result: {most:g} of {most + 4:g} points" in words(course.feedback("deleted"))


def assert_harmless(page: BeautifulSoup, ours: BeautifulSoup) -> None:
    """Nothing in `page` runs or hides that is not in `ours` as well."""
    for name in ("script", "style", "iframe", "svg", "textarea", "form", "object", "embed"):
        assert {str(tag) for tag in page(name)} <= {str(tag) for tag in ours(name)}
    known = {str(tag) for tag in ours(True)}
    for tag in page(True):
        if str(tag) not in known:
            assert not [name for name in tag.attrs if name.startswith("on") or name in ("style", "srcdoc")], tag
        for address in (str(tag.get("href", "")), str(tag.get("src", ""))):
            assert "script:" not in address.replace("\t", ""), tag


def test_no_script_of_a_student_is_in_the_feedback(course: Course) -> None:
    page = BeautifulSoup(course.feedback("scripted"), "html.parser")
    assert_harmless(page, BeautifulSoup(course.feedback("solved"), "html.parser"))
    # The result stands in the header, which is ours, and a student's text cannot become one.
    assert ["Result" in header.get_text() for header in page("header")] == [True]
    assert not page(class_="panel-heading", string=lambda text: "Result" in (text or ""))


def test_no_script_of_a_student_is_in_formgrader(course: Course) -> None:
    pages = {}
    for student in ("scripted", "solved"):
        notebook = course.folder("autograded", student) / f"{PROBLEM.name}.ipynb"
        course.python("-c", FORMGRADER, str(notebook), f"{student}.html")
        pages[student] = BeautifulSoup((course.root / f"{student}.html").read_text(), "html.parser")
    assert "Hidden tests: " in pages["scripted"].get_text()
    assert_harmless(pages["scripted"], pages["solved"])


def test_no_hidden_test_is_in_the_feedback(course: Course) -> None:
    shown = {"".join(cell["source"]) for cell in solved()["cells"]}
    lines = {line.strip() for line in PROBLEM.test_module.read_text().splitlines()}
    # Lines that compare or call are what makes a hidden test; the sentences about them are shown on purpose.
    hidden = {line for line in lines if any(word in line for word in ("student.", "reference.", "agree(", "check("))}
    assert hidden
    for student in ("wrong", "blank", "scripted"):
        page = BeautifulSoup(course.feedback(student), "html.parser").get_text()
        assert not [line for line in hidden if line in page and not any(line in source for source in shown)]


def test_scores_can_be_exported(course: Course) -> None:
    course.nbgrader("export", "--to", "scores.csv")
    with (course.root / "scores.csv").open() as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert exported == {student: sum(score or 0 for score in scores(course, student).values()) for student in exported}
    assert len(exported) == len(CLASS) + 2


def test_every_score_says_how_its_code_was_isolated(course: Course) -> None:
    assert {course.record(student)["isolation"] for student in CLASS} == {"bubblewrap"}


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("$a<b$ and $$\\frac{1}{2}$$", "$a&lt;b$ and $$\\frac{1}{2}$$"),
        ("\\begin{align}a &= b\\end{align}", "\\begin{align}a &amp;= b\\end{align}"),
        ("**b** `x < y`", "<strong>b</strong> <code>x &lt; y</code>"),
        ("| a |\n|---|\n| 1 |", "<td>1</td>"),
        ("```python\nreturn 1\n```", '<span class="k">return</span>'),
        ("![a plot](figures/plot.png)", '<img src="figures/plot.png" alt="a plot">'),
        ("[QR](https://en.wikipedia.org/wiki/QR_decomposition)", '<a href="https://en.wikipedia.org/wiki/QR'),
        ("![pasted](attachment:a.png)", "[picture: pasted]"),
    ],
)
def test_what_prose_needs_is_shown(markdown: str, shown: str) -> None:
    assert shown in markdown_to_html(markdown)


# Blank lines take Pygments a time that grows with their square; ten cells of code are more than a notebook has.
SLOW = "slow = 1\n" + " \n" * 20_000 + "slow = 2"
LONG = "long = 1\n" * 1_000


@pytest.mark.parametrize(("first", "coloured"), [(["a = 1"], True), ([SLOW], True), ([LONG] * 12, False)])
def test_code_is_coloured_where_that_is_quick(first: list[str], coloured: bool) -> None:
    cells = [v4.new_code_cell(source) for source in (*first, "mine = 1")]
    html, _ = HTMLExporter(preprocessors=[AllowedOutputs]).from_notebook_node(v4.new_notebook(cells=cells))
    assert ('<span class="n">mine</span>' in html) == coloured
    assert '<span class="n">slow</span>' not in html
    assert ("slow = 2" in html) == (SLOW in first)

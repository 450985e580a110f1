"""The feedback page as a student opens it: on a phone and on a desk, in light and in dark, without a network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium
from conftest import Course
from nbformat import NotebookNode, v4
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from autograder.course import Problem, problems
from autograder.gradebook.page import part_output, summary_cell
from autograder.grading import record
from autograder.grading.failure import Mismatch
from autograder.grading.picture import coverage

BACKPROP = Problem("ps01_linear_algebra", "backprop")
Mode = Literal["light", "dark"]
# The narrowest that is still in use, which is also a page of 1280 pixels at four times its size.
PHONE: ViewportSize = {"width": 320, "height": 568}
DESK: ViewportSize = {"width": 1280, "height": 800}
# Check cells: of a test that failed, of one where the code raised an error, of a fault of ours, and graded by hand.
HALVED, RAISING, OPEN = "backprop-check-loss", "backprop-check-linear_layer", "backprop-check-forward"
BY_HAND = "backprop-check-train"
# An answer in words, which a person grades.
ANSWER, WORDS = "backprop-written-conserved", "Because $\\mathbf F = -\\nabla V$."
FAULT = "The grader itself failed here, not through your fault."
NOTES = ("Your notebook had no cell <x>.",)
SUM = " + ".join(rf"\frac{{x_{{{i}}}}}{{y_{{{i}}}}}" for i in range(60))
WIDE = f"""
# My own heading

A word that does not end: {"n" * 300}, and `{"code_" * 60}`.

| {" | ".join(f"column {i}" for i in range(30))} |
|{"---|" * 30}
| {" | ".join(str(i) for i in range(30))} |

$$ {SUM} $$

    {"indented = 1; " * 40}
"""


MISTAKE, HINT = "loss: half_the_square", "There is no ½ in front of the square, eq. (1.20)."
TESTED = "loss is the mean square residual, as one number, for batches of several sizes."
FAILED = Mismatch("the loss is off by 0.5 times the largest expected magnitude", "1e-09 of each entry", "Look again.")
RAISED = Mismatch(
    f"your code raised ValueError: {'x' * 500}, at line 2 of its cell: {'y' * 100}", "a result", "Read it."
)


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 100), "blue").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


OUTPUTS: list[dict[str, Any]] = [
    {"output_type": "stream", "name": "stdout", "text": "a long line: " + " ".join(map(str, range(200)))},
    {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": ["z" * 300]},
    {"output_type": "display_data", "data": {"image/png": picture()}, "metadata": {}},
]


SHARES = coverage(
    "New observations within your intervals", "probability", np.array([0.5, 0.9]), np.array([99, 360]), 400
)


def part(name: str, points: float, wrong: bool) -> record.PartResult:
    """What the hidden tests of one part found: that all is right, or some of what can go wrong."""
    tests = [record.TestResult("test_it", "passed", points, points, f"Tested: {TESTED}", None, None)]
    if wrong and name == HALVED:
        late = Mismatch("it took more than 10 s", "a result in time", "Look for a loop.")
        tests = [
            record.TestResult(
                "test_equals_reference", "failed", 0, 0.5, FAILED.sentences(TESTED), HINT, MISTAKE, (SHARES,)
            ),
            record.TestResult("test_time", "timeout", 0, points - 0.5, late.sentences(TESTED), None, None),
        ]
    elif wrong and name == RAISING:
        long = "test_of" + "_many_words" * 9
        tests = [record.TestResult(long, "error", 0, points, RAISED.sentences(TESTED), None, None)]
    elif wrong and name == OPEN:
        tests = [record.TestResult("test_it", "grader_error", 0, points, f"Tested: {TESTED}\n{FAULT}", None, None)]
    id = name.partition("-check-")[2]
    return record.PartResult(id, f"Part {id}", sum(test.points for test in tests), points, tuple(tests))


def graded(parts: dict[str, record.PartResult], wrong: bool) -> NotebookNode:
    """The reference's notebook as grading leaves it, with the first cell of its prose."""
    notebook = nbformat.read(BACKPROP.source_notebook, as_version=4)
    notebook.cells[1:] = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade_id") == ANSWER:
            cell.source = WORDS
        elif marks.get("grade"):
            cell.outputs = [part_output(parts[marks.grade_id])]
    if wrong:
        code = v4.new_code_cell("plot()  # " + "x" * 300, outputs=list(map(nbformat.from_dict, OUTPUTS)))
        notebook.cells += [code, v4.new_markdown_cell(WIDE)]
        # The words and formulas of all statements.
        for problem in problems():
            cells = nbformat.read(problem.source_notebook, as_version=4).cells
            notebook.cells += [v4.new_markdown_cell(cell.source) for cell in cells if cell.cell_type == "markdown"]
    total, most = sum(part.score for part in parts.values()), sum(part.max_score for part in parts.values())
    whole = record.Record(BACKPROP.slug, "none", total, most, 0.1, tuple(parts.values()), NOTES if wrong else ())
    notebook.cells.insert(0, summary_cell(whole))
    return notebook


# What grading leaves in the gradebook, and what Formgrader's button for feedback does; other tests use the command.
GRADEBOOK = """
import json, sys
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

assignment, name, answers, points, students, by_hand = json.loads(sys.argv[1])
with Gradebook("sqlite:///gradebook.db") as gradebook:
    gradebook.add_assignment(assignment)
    gradebook.add_notebook(name, assignment)
    for cell in points:
        gradebook.add_grade_cell(cell, name, assignment, max_score=points[cell], cell_type="code")
    for cell in answers:
        gradebook.add_solution_cell(cell, name, assignment)
    for student, scores in students.items():
        gradebook.add_student(student)
        gradebook.add_submission(assignment, student)
        gradebook.find_comment(answers[0], name, assignment, student).manual_comment = "**Nearly**: $b^2$."
        for cell, score in scores.items():
            grade = gradebook.find_grade(cell, name, assignment, student)
            grade.auto_score, grade.needs_manual_grade = score, score is None
    gradebook.find_grade(by_hand, name, assignment, "wrong").manual_score = 0.5
    gradebook.db.commit()
extension = FormgradeExtension()
extension.root_dir = "."
extension.initialize([])
done = NbGraderAPI(CourseDirectory(parent=extension), parent=extension).generate_feedback(assignment)
assert done["success"], done
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("course"), BACKPROP)
    cells = nbformat.read(BACKPROP.source_notebook, as_version=4).cells
    marks = [cell.metadata.nbgrader for cell in cells if "nbgrader" in cell.metadata]
    answers = [mark.grade_id for mark in marks if mark.solution]
    points = {mark.grade_id: mark.points for mark in marks if mark.grade}
    tested = [name for name in points if "-check-" in name]
    scores: dict[str, dict[str, float | None]] = {}
    for student in ("right", "wrong"):
        parts = {name: part(name, points[name], student == "wrong") for name in tested}
        scores[student] = {name: None if part.needs_a_person else part.score for name, part in parts.items()}
        scores[student][ANSWER] = None
        folder = course.folder("autograded", student)
        folder.mkdir(parents=True)
        nbformat.write(graded(parts, student == "wrong"), folder / f"{BACKPROP.name}.ipynb")
    given = [BACKPROP.assignment, BACKPROP.name, answers, points, scores, BY_HAND]
    course.python("-c", GRADEBOOK, json.dumps(given))
    return course


@dataclass
class Opened:
    """A page, and what opening it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, course: Course, student: str, size: ViewportSize, mode: Mode) -> Iterator[Opened]:
    with browser.new_context(viewport=size, color_scheme=mode, offline=True) as context:
        found = Opened(context.new_page())
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto((course.folder("feedback", student) / f"{BACKPROP.name}.html").as_uri())
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def wrong(browser: Browser, course: Course) -> Iterator[Page]:
    with opened(browser, course, "wrong", DESK, "light") as found:
        yield found.page


@pytest.mark.parametrize("student", ["wrong", "right"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_page_fits_asks_for_nothing_and_has_no_errors(
    browser: Browser, course: Course, student: str, size: ViewportSize, mode: Mode
) -> None:
    with opened(browser, course, student, size, mode) as found:
        assert found.complaints == []
        assert [address for address in found.requests if not address.startswith("data:")] == [found.page.url]
        assert found.page.evaluate("document.documentElement.scrollWidth") == size["width"]
        # What is ours fits; what a student made wide scrolls inside itself.
        assert found.page.locator(".panel").evaluate_all(WIDER_THAN_ITS_PLACE) == []
        # A formula scrolls to the side alone: else a desk's browser puts a bar for two pixels beside it.
        assert found.page.locator("math[tabindex], .wide").evaluate_all(TALLER_THAN_ITS_PLACE) == []
        light = found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert light == (mode == "light")


WIDER_THAN_ITS_PLACE = """panels => panels.map(panel => panel.closest('.output_area'))
    .filter(place => place.scrollWidth > place.clientWidth).map(place => place.innerText)"""

TALLER_THAN_ITS_PLACE = """places => places.filter(place => place.scrollHeight > place.clientHeight)
    .map(place => [place.scrollHeight, place.clientHeight, place.textContent])"""


@pytest.mark.parametrize(("size", "mode"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def test_nobody_is_kept_out(browser: Browser, course: Course, size: ViewportSize, mode: Mode) -> None:
    with opened(browser, course, "wrong", size, mode) as found:
        # The parts of formulas are thousands of elements, in the colours of the text around them.
        checked = Axe().run(found.page, context={"exclude": [["math > *"]]}).response
    assert len(checked["passes"]) > 20
    assert [rule for rule in checked["violations"] if rule["impact"] in ("serious", "critical")] == []


def test_what_is_wide_is_there_to_be_scrolled(browser: Browser, course: Course) -> None:
    """By the keyboard as well."""
    with opened(browser, course, "wrong", PHONE, "light") as found:
        for place in (".output_area:has(.output_stdout)", "math[display=block]", ".text_cell_render > pre", "table"):
            wide = found.page.locator(f"#notebook {place}").last
            wide.focus()
            found.page.evaluate(AWAIT_SCROLLING)
            found.page.keyboard.press("ArrowRight")
            assert found.page.evaluate("scrolled.then(place => place.scrollLeft > 0)")


AWAIT_SCROLLING = """() => {
    const place = document.activeElement;
    window.scrolled = new Promise(done => place.addEventListener('scroll', () => done(place), {once: true}));
}"""


def test_the_scores_at_the_top_are_those_of_the_gradebook(course: Course, wrong: Page) -> None:
    shown = wrong.locator("nav tbody tr").evaluate_all(
        "rows => rows.map(row => [row.querySelector('a').hash.slice(1), row.cells[1].innerText])"
    )
    scores = {
        name: f"{grade.manual_score or grade.auto_score or 0:g} of {grade.max_score:g}"
        for name, grade in course.grades("wrong").items()
    }
    assert scores[BY_HAND] == "0.5 of 3"
    waiting = {name: f"– of {points}\na person will look at it" for name, points in ((OPEN, 2), (ANSWER, 4))}
    assert dict(shown) == {**scores, **waiting}
    points = sum(float(score.split()[0]) for score in scores.values())
    total = f"Result: {points:g} of 30 points, before a person has looked at it all"
    assert wrong.locator(".result").inner_text() == total
    assert "waiting for a person" in wrong.locator(f"[id={OPEN}] h2").inner_text()


def test_a_part_is_one_click_away_and_so_are_the_scores(wrong: Page) -> None:
    wrong.get_by_role("navigation").get_by_role("link", name="Part loss").click()
    part = wrong.get_by_role("region", name="Part loss: 0 of 1 points")
    assert part.get_attribute("id") == HALVED == wrong.evaluate("document.activeElement.id")
    assert abs(part.evaluate("part => part.getBoundingClientRect().top")) < 1  # pixels: it is at the top of the window
    part.get_by_role("link", name="Back to all scores").click()
    assert wrong.evaluate("scrollY") < DESK["height"] / 2
    assert "Test cell" not in wrong.locator("body").inner_text()


def test_the_keyboard_reaches_the_notebook_first(browser: Browser, course: Course) -> None:
    with opened(browser, course, "right", PHONE, "light") as found:
        found.page.keyboard.press("Tab")
        found.page.keyboard.press("Enter")
        assert found.page.evaluate("document.activeElement.tagName") == "MAIN"


def test_who_hears_the_page_knows_which_code_it_is(wrong: Page) -> None:
    names = wrong.locator("#notebook .input_area").evaluate_all("places => places.map(place => place.ariaLabel)")
    assert len(set(names)) == len(names) > 20
    assert wrong.get_by_role("group", name="Output: plot()").count() == len(OUTPUTS)


def test_a_message_says_four_things_and_the_likely_cause_apart(wrong: Page) -> None:
    told = wrong.locator(f"[id={HALVED}] td[colspan]").first
    names = told.locator("dt, .alert strong").all_inner_texts()
    assert names == ["Tested:", "Measured:", "Allowed:", "Likely cause:", "Next:"]
    assert (
        told.locator("dd").first.inner_text()
        == "loss is the mean square residual, as one number, for batches of several sizes."
    )
    assert HINT in told.locator(".alert").inner_text()
    row = wrong.get_by_role("row", name="equals reference failed 0 / 0.5")
    assert row.get_by_role("rowheader").inner_text() == "equals reference"


def test_a_cause_is_told_whole_once_in_a_part() -> None:
    hints = (HINT, "Another cause.", HINT, None)
    tests = tuple(
        record.TestResult(f"test_case_{number}", "failed", 0, 1, FAILED.sentences(TESTED), hint, None)
        for number, hint in enumerate(hints)
    )
    data = part_output(record.PartResult("loss", "Part loss", 0, 4, tests)).data
    for text in data.values():
        assert text.count(HINT) == text.count("Another cause.") == 1
        assert text.count("as above, under “case 0”") == 1
        assert text.count("Likely cause:") == 3


def test_a_picture_stands_with_its_message_and_fits(browser: Browser, course: Course) -> None:
    with opened(browser, course, "wrong", PHONE, "dark") as found:
        shown = found.page.locator(f"[id={HALVED}] td[colspan] img")
        assert shown.get_attribute("alt") == (
            "New observations within your intervals: 1 of 2 points lie outside of the band of right answers."
        )
        assert shown.evaluate("image => image.complete && image.naturalWidth > 400")
        box = shown.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]


def test_a_fault_of_ours_and_a_note_are_told(wrong: Page) -> None:
    part = wrong.locator(f"[id={OPEN}]")
    assert "could not be judged" in part.inner_text()
    assert part.locator("dd").inner_text() == f"{TESTED}\n{FAULT}"
    assert NOTES[0] in wrong.locator("header .alert").inner_text()


def test_an_answer_in_words_stands_under_its_score(wrong: Page) -> None:
    answer = wrong.get_by_role("region", name="In writing: conserved: waiting for a person")
    assert "Your answer" in answer.inner_text()
    assert answer.locator("math").count() == 1


def test_a_comment_of_the_instructor_stands_with_the_answer(wrong: Page) -> None:
    assert wrong.locator(".comment").inner_text().startswith("A comment for you\n\nNearly: ")
    assert wrong.locator(".comment msup").count() == 1


def test_a_script_would_not_run_if_there_were_one(browser: Browser, course: Course) -> None:
    with opened(browser, course, "right", DESK, "light") as found:
        found.page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'ran = 1'}))")
        assert found.page.evaluate("typeof ran") == "undefined"
        assert "Content Security Policy" in found.complaints[0]


def test_paper_is_white_and_has_all_of_the_code(browser: Browser, course: Course) -> None:
    with opened(browser, course, "wrong", DESK, "dark") as found:
        found.page.emulate_media(media="print")
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert found.page.locator("pre").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth)") == []
        assert not found.page.get_by_text("Back to all scores").first.is_visible()

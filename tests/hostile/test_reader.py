"""The reader as the target: what a student wrote, in a real browser and in a terminal, runs and hides nothing."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import url2pathname

import pytest
from browsing import chromium, jupyter, offline, typeset
from conftest import Course, Start
from forging_helpers import LEVELS, LIMITS, assert_earned, hand_in, springs, unconfined
from jinja2 import Environment, FileSystemLoader
from nbgrader.server_extensions.formgrader.handlers import template_path
from playwright.sync_api import BrowserContext
from reader_helpers import (
    BACK,
    FORMULAS,
    INERT,
    LINKS_BACK,
    LOADS,
    MARKDOWN,
    MARKUP,
    Watched,
    as_nbgrader_shows,
    called,
    numbered,
    watched,
)
from rich.console import Console
from typer.testing import CliRunner

from autograder.cli import UNUSABLE, app
from autograder.course import Problem
from autograder.grading.outputs import plain
from autograder.report.terminal import show
from autograder.sandbox import Sandbox

BACKPROP = Problem("ps01_linear_algebra", "backprop")
ALIVE = [*MARKUP.values(), *MARKDOWN.values()]
TEXTS = [*ALIVE, *INERT.values(), *FORMULAS.values(), *LOADS.values()]
# Clears the screen, renames the window, writes the clipboard, turns the line around, and the same in single bytes.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;b3du\x1b\\\u202egnorw\u2066\x9b31m\x08\r\x7f\u200f"
# Ids of students that leave a text, a string of a program and an attribute. No folder brings them in.
IDS = [
    "<img src=x onerror=ran(1)>",
    '";ran(2);"',
    '"><svg onload=ran(3)>',
    "evil\x1bc\x1b]0;a\x07\u202eb\u2066\x9b31mc",
]
NAMES = ("<img src=x onerror=ran(4)>", '"><svg onload=ran(5)>')
# Numbers of the same texts in different places, and of those that show that the page could have run them.
MARKDOWN_CELLS, PRINTED, DISPLAYED, RAISED, CONTROL = 1000, 2000, 3000, 4000, 9000
EXCEPTION = called("<img src=x onerror=RAN><script>RAN</script>", RAISED) + ESCAPES

GIVEN = f"EXCEPTION = {EXCEPTION!r}\n"

# Where a student's words come through: outputs of every kind, names of errors, of functions and of files, messages.
OUTPUTS = """
from IPython.display import display
for text in PRINTED:
    print(text)
"""
DISPLAYS = """
for text in DISPLAYED[:95]:
    kinds = ("text/html", "text/plain", "text/markdown", "text/latex", "image/svg+xml", "application/javascript")
    display(dict.fromkeys(kinds, text), raw=True, metadata={kind: {"isolated": True} for kind in kinds})
"""
OBJECTS = """
class Odd:
    _repr_html_ = _repr_svg_ = _repr_javascript_ = _repr_markdown_ = _repr_latex_ = __repr__ = lambda self: EXCEPTION
Odd.__name__ = Odd.__qualname__ = EXCEPTION
class Wrong(Exception):
    pass
Wrong.__name__ = Wrong.__qualname__ = EXCEPTION
def failing(*arguments):
    raise Wrong(EXCEPTION)
failing.__name__ = EXCEPTION
failing.__code__ = failing.__code__.replace(co_name=EXCEPTION, co_filename=EXCEPTION)
Odd()
"""
RAISES = "failing()  # <script>ran(4000)</script>"
ANSWERS = """
act = failing
def dact(*arguments): exec(compile("raise ValueError(" + repr(EXCEPTION) + ")", EXCEPTION, "exec"))
def forward(*arguments): return EXCEPTION
def loss(*arguments): return Odd()
def grad_single(*arguments): return {EXCEPTION: EXCEPTION}
def grad_batch(*arguments): print(EXCEPTION); return [EXCEPTION]
def grad_input(*arguments): raise SystemExit(EXCEPTION)
def linear_jacobian(*arguments): raise KeyError(EXCEPTION)
def linear_vjp(*arguments): raise Wrong(Odd())
def gradcheck(*arguments): raise SyntaxError(EXCEPTION, (EXCEPTION, 1, 1, EXCEPTION))
def train(*arguments): raise UnicodeDecodeError("utf-8", b"x", 0, 1, EXCEPTION)
"""
SPRINGS = [
    "def energy(x, k): raise Wrong(EXCEPTION)",
    "def force(x, k): return EXCEPTION",
    "def work(f, x): return {EXCEPTION: Odd()}",
    "def step(state, dt): exec(compile('raise ValueError(EXCEPTION)', EXCEPTION, 'exec'))",
]
PLOT = """
import matplotlib.pyplot as plt
print("a < b & c, σ = ½")
plt.figure(facecolor=(0, 0, 1))
plt.axis("off")
plt.show()
"""


def cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **outputs, **more}


def solved(*own: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """The reference's notebook with the student's own cells."""
    notebook = dict(json.loads(BACKPROP.source_notebook.read_text()))
    cells = [*notebook["cells"], *({**cell, "id": f"own-{number}"} for number, cell in enumerate(own))]
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], **metadata}}


def hostile() -> dict[str, Any]:
    """Every text in every place that a page shows, and in those that it should not."""
    mark, texts = EXCEPTION, numbered(TEXTS, MARKDOWN_CELLS)
    back = BACK.format(student="hostile", assignment=BACKPROP.assignment)
    texts = [text.replace("BACK", back) for text in [*texts, *LINKS_BACK]]
    picture = {"image/svg+xml": f"<svg onload={mark}>", "image/png": f'x"onerror="{mark}'}
    metadata = {"tags": [f'"{mark}'], "name": mark, "collapsed": mark, "nbgrader": {"grade_id": mark, "comment": mark}}
    prose = [cell(text, "markdown", attachments={mark: picture, "a.png": picture}, metadata=metadata) for text in texts]
    given = f"{GIVEN}PRINTED, DISPLAYED = {numbered(TEXTS, PRINTED)!r}, {numbered(TEXTS, DISPLAYED)!r}"
    outputs = [{"output_type": "display_data", "data": {"text/html": mark}, "metadata": {}}]
    code = [
        cell(source, metadata=metadata, outputs=outputs) for source in (OUTPUTS, DISPLAYS, OBJECTS, RAISES, ANSWERS)
    ]
    shown = {"language_info": {"name": mark, "pygments_lexer": mark}, "title": f"</title>{mark}", "authors": [mark]}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": f"</script>{mark}"}}
    notebook = solved(cell(given, metadata=metadata), *code, *prose, cell("# x", "raw"), **shown, widgets=widgets)
    # The reference's experiments take their time.
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"] or cell["cell_type"] != "code"]
    return notebook


def right() -> dict[str, Any]:
    link = "[QR](https://en.wikipedia.org/wiki/QR_decomposition) is **bold**, $\\frac{1}{2}$ and `a < b`."
    table = "\\begin{align}a &= b\\end{align}"
    return solved(cell(PLOT), cell(link, "markdown"), cell(table, "markdown"))


@dataclass(frozen=True)
class Class:
    """A graded class, and what was said to the terminal on the way."""

    course: Course
    autograded: str
    fed_back: str

    def submission(self, student: str) -> str:
        """The number by which Formgrader knows a student's notebook."""
        query = (
            "SELECT submitted_notebook.id FROM submitted_notebook JOIN submitted_assignment "
            "ON submitted_assignment.id = submitted_notebook.assignment_id WHERE student_id = ?"
        )
        with closing(sqlite3.connect(self.course.root / "gradebook.db")) as database:
            return str(database.execute(query, [student]).fetchone()[0])


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    course = Course(tmp_path_factory.mktemp("course"), BACKPROP)
    course.nbgrader("generate_assignment", BACKPROP.assignment)
    folder = course.submit("hostile", hostile())
    (folder / "evil.html").write_text("<script>ran(0)</script>")
    (folder / f"{ESCAPES}.ipynb").write_text("{}")
    course.submit("right", right())
    for number in range(len(IDS)):
        course.submit(f"id{number}", '{"cells": [')
    autograded = course.nbgrader("autograde", BACKPROP.assignment)
    for number, student in enumerate(IDS):
        rename(course, f"id{number}", student)
    fed_back = course.nbgrader("generate_feedback", BACKPROP.assignment)
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database, database:
        database.execute("UPDATE student SET first_name = ?, last_name = ? WHERE id = 'hostile'", NAMES)
    return Class(course, autograded, fed_back)


def rename(course: Course, student: str, name: str) -> None:
    """Give a student an id that a gradebook may have from elsewhere: a list of students, or another grader."""
    for step in ("submitted", "autograded"):
        (course.root / step / student).rename(course.root / step / name)
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database, database:
        database.execute("UPDATE student SET id = ? WHERE id = ?", (name, student))
        database.execute("UPDATE submitted_assignment SET student_id = ? WHERE student_id = ?", (name, student))


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with chromium() as browser, offline(browser) as context:
        yield context


@pytest.fixture(scope="module")
def formgrader(graded: Class) -> Iterator[str]:
    with jupyter(graded.course) as address:
        yield f"{address}formgrader"


def address(request: pytest.FixtureRequest, graded: Class, place: str, student: str) -> str:
    """Where a student's notebook is shown."""
    if place == "feedback":
        return (graded.course.folder("feedback", student) / f"{BACKPROP.name}.html").as_uri()
    return f"{request.getfixturevalue('formgrader')}/submissions/{graded.submission(student)}/"


@pytest.fixture(params=["feedback", "formgrader"])
def addresses(request: pytest.FixtureRequest, graded: Class) -> dict[str, str]:
    return {student: address(request, graded, request.param, student) for student in ("hostile", "right")}


@pytest.fixture
def watch(browser: BrowserContext) -> Iterator[Watched]:
    with watched(browser) as page:
        yield page


# Pages

FORMULA = "#notebook :is(.mjx-chtml, math)"


@pytest.fixture(scope="module", params=["feedback", "formgrader"])
def hostile_page(request: pytest.FixtureRequest, graded: Class, browser: BrowserContext) -> Iterator[Watched]:
    """The page of all these texts, with its formulas set, and touched everywhere."""
    with watched(browser) as watch:
        watch.page.goto(address(request, graded, request.param, "hostile"))
        typeset(watch.page)
        watch.provoke("#notebook .text_cell_render *, #notebook .output *, #notebook .input_area > *, .breadcrumb *")
        yield watch


def test_links_lead_elsewhere_and_formulas_have_none(hostile_page: Watched) -> None:
    page = hostile_page.page
    assert page.locator(FORMULA).count() > 30
    assert page.locator(FORMULA).locator("a").count() == 0
    links = page.eval_on_selector_all("#notebook .text_cell_render a", "all => all.map(a => a.getAttribute('href'))")
    assert not [link for link in links if link and not re.match(r"https?://\w|mailto:|#", link)]
    pictures = page.eval_on_selector_all("#notebook img", "all => all.map(img => img.getAttribute('src'))")
    assert not [source for source in pictures if source and not re.match(r"data:image/png;|[\w.-]+$", source)]


def test_nothing_that_a_student_wrote_runs(hostile_page: Watched) -> None:
    assert not hostile_page.ran
    assert not [address for address in hostile_page.requests if "evil" in address]
    # The same page would run each of them, shown as nbgrader alone shows it.
    control = numbered(ALIVE, CONTROL)
    hostile_page.unprotected(map(as_nbgrader_shows, control))
    numbers = set(range(CONTROL, CONTROL + len(control)))
    hostile_page.wait(numbers)
    assert hostile_page.ran == numbers, [ALIVE[number - CONTROL] for number in numbers - hostile_page.ran]


def test_no_markup_of_a_student_is_in_a_page(addresses: dict[str, str], watch: Watched) -> None:
    """The page is read by the browser's own parser, and holds what the page of a right answer holds."""
    found = {}
    for student, address in addresses.items():
        if address.startswith("file:"):
            html = Path(url2pathname(address.removeprefix("file:"))).read_text()
        else:
            html = watch.page.request.get(address).text()
        html = re.sub(r"[0-9a-f]{32}|Submission #?\d", "", html)
        found[student] = {str(tag) for tag in watch.page.evaluate(MARKS, html)}
    assert len(found["right"]) > 3
    assert found["hostile"] - found["right"] == set()


# Tags and attributes that run, load, send or hide something.
MARKS = """html => {
    const kinds = 'script, style, link, meta, base, title, iframe, frame, object, embed, form, input, button, select, '
        + 'textarea, template, noscript, svg, audio, video, map, area, marquee, dialog';
    const page = new DOMParser().parseFromString(html, 'text/html');
    const found = [...page.querySelectorAll(kinds)].map(tag => tag.outerHTML);
    for (const tag of page.querySelectorAll('math, math *')) if (tag.namespaceURI.endsWith('MathML'))
        found.push(`math: ${tag.localName}`, ...tag.getAttributeNames().map(name => `math: ${name}`));
    for (const tag of page.querySelectorAll('*')) for (const {name, value} of tag.attributes)
        if (/^on|^style$|^srcdoc$|action$|^name$/.test(name)
            || name !== 'title' && name !== 'alt' && /script:|data:(?!image.png)/i.test(value.replace(/[^!-~]/g, '')))
            found.push(`${tag.localName} ${name}=${value}`);
    return found;
}"""


def test_where_mathjax_is_not_safe_a_formula_runs(watch: Watched) -> None:
    numbers = {CONTROL + number for number, name in enumerate(FORMULAS) if "back" not in name}
    texts = [text for text in numbered(FORMULAS.values(), CONTROL) if "BACK" not in text]
    watch.page.set_content(MATHJAX_PAGE.replace("TEXT", "<br><b></b>".join(texts)))
    typeset(watch.page)
    watch.provoke(".mjx-chtml a")
    watch.wait(numbers)
    assert watch.ran == numbers


MATHJAX_PAGE = """
<script src="https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/latest.js?config=TeX-AMS_CHTML-full"></script>
<script type="text/x-mathjax-config">MathJax.Hub.Config({tex2jax: {inlineMath: [["$", "$"]]}})</script>TEXT
"""


def test_a_link_back_would_open_what_was_handed_in(graded: Class, formgrader: str, watch: Watched) -> None:
    """This is why no link leads back: nbgrader serves every file of the course, as a page of Jupyter's own server."""
    back = BACK.format(student="hostile", assignment=BACKPROP.assignment)
    watch.page.goto(f"{formgrader}/submissions/{graded.submission('hostile')}/{back}")
    watch.wait({0})
    assert watch.ran == {0}


# Ids and names in Formgrader

LISTS = [
    "manage_assignments",
    "manage_students",
    "manage_submissions/SET",
    "gradebook",
    "gradebook/SET",
    "gradebook/SET/backprop",
]
TEMPLATES = {
    "manage_students/ID": "manage_students_assignments",
    "manage_students/ID/SET": "manage_students_notebook_submissions",
    "manage_submissions/ID": "manage_submissions",
    "gradebook/ID": "gradebook_notebooks",
    "gradebook/SET/ID": "gradebook_notebook_submissions",
}


def test_no_id_runs_in_a_list(graded: Class, formgrader: str, watch: Watched) -> None:
    for path in LISTS:
        watch.page.goto(f"{formgrader}/{path.replace('SET', BACKPROP.assignment)}")
        watch.page.wait_for_function("models && models.loaded")
        if path.startswith("manage_submissions"):
            assert watch.page.get_by_text(IDS[0], exact=True).is_visible()
        watch.provoke("#main-table td, .name-hidden")
    assert not watch.ran
    watch.unprotected(IDS[:1])
    watch.wait({1})
    assert watch.ran == {1}


@pytest.mark.parametrize("kind", ["a pipe", "no time"])
def test_a_time_that_is_none_holds_no_list_up(graded: Class, formgrader: str, watch: Watched, kind: str) -> None:
    """Jupyter's server reads it for the list of submissions; of a pipe it would read for ever."""
    stamp = graded.course.folder("submitted", "right") / "timestamp.txt"
    os.mkfifo(stamp) if kind == "a pipe" else stamp.write_text("yesterday\x1b[2J")
    try:
        watch.page.goto(f"{formgrader}/manage_submissions/{BACKPROP.assignment}")
        watch.page.wait_for_function("models && models.loaded")
        assert watch.page.get_by_text("right", exact=True).is_visible()
    finally:
        stamp.unlink()


def test_no_id_runs_in_its_own_page(graded: Class, formgrader: str, watch: Watched) -> None:
    """Neither that of a student, nor one that only an address has."""
    for student in IDS[:3]:
        for path in TEMPLATES:
            watch.page.goto(f"{formgrader}/{path.replace('SET', BACKPROP.assignment).replace('ID', quote(student))}")
            assert watch.page.locator(".breadcrumb").get_by_text(student, exact=True).count() == 1
        watch.page.goto(f"{formgrader}/submissions/{graded.submission(student)}/", wait_until="domcontentloaded")
        assert watch.page.locator(".breadcrumb .name-shown").first.text_content() == student
        watch.provoke(".breadcrumb *")
    assert not watch.ran


def test_where_nothing_escapes_it_an_id_runs(watch: Watched) -> None:
    environment = Environment(loader=FileSystemLoader(template_path))
    for template in TEMPLATES.values():
        for number, student in enumerate(IDS[:2], start=1):
            names = dict.fromkeys(("student_id", "assignment_id", "notebook_id"), student)
            watch.ran.clear()
            watch.page.set_content(environment.get_template(f"{template}.tpl").render(base_url="", **names))
            watch.wait({number})
            assert number in watch.ran, template


def test_formgrader_s_buttons_show_ids_as_text(graded: Class, formgrader: str, watch: Watched) -> None:
    """What autograding by a click says is shown in the page, and in the terminal where Jupyter's server was started.

    Here it says that no student can be called like this.
    """
    watch.page.goto(f"{formgrader}/manage_submissions/{BACKPROP.assignment}")
    for student in (IDS[0], "evil"):
        watch.page.locator("#main-table tr", has_text=student).locator(".autograde a").click()
        watch.page.locator(".modal-title", has_text="Error").wait_for()
        assert student in watch.page.locator(".modal-body pre").first.inner_text()
        watch.page.locator(".modal-footer button").click()
        watch.page.locator(".modal").wait_for(state="detached")
    assert not watch.ran
    log = (graded.course.root / "jupyter.log").read_text()
    assert repr(IDS[-1]) in log
    assert_plain(log)


def test_a_course_that_is_opened_later_is_shown_by_its_own_rules(graded: Class, watch: Watched) -> None:
    """Jupyter was started in another directory, and has read no configuration of the course."""
    with jupyter(graded.course, graded.course.root.parent) as address:
        watch.page.goto(f"{address}formgrader?path={quote(str(graded.course.root))}")
        shown = watch.page.request.get(f"{address}formgrader/submissions/{graded.submission('hostile')}/").text()
        named = watch.page.request.get(f"{address}formgrader/manage_students/{quote(IDS[0])}").text()
    marks = {str(tag) for tag in watch.page.evaluate(MARKS, shown)}
    assert marks
    assert not [tag for tag in marks if "ran(" in tag]
    assert escape(IDS[0]) in named
    assert IDS[0] not in named


# Right answers


def test_right_answers_keep_their_plots_and_text(addresses: dict[str, str], watch: Watched) -> None:
    watch.page.goto(addresses["right"])
    typeset(watch.page)
    text = watch.page.locator("body").inner_text()
    # Feedback counts the answer in words, which a person has not read yet.
    assert f"Result: 26 of {30 if watch.page.url.startswith('file:') else 26} points" in text
    assert "a < b & c, σ = ½" in text
    assert "QR is bold" in text
    assert watch.page.locator(FORMULA).count() > 50
    assert (
        watch.page.get_by_role("link", name="QR").get_attribute("href")
        == "https://en.wikipedia.org/wiki/QR_decomposition"
    )
    pictures = watch.page.locator("#notebook .output_png img")
    assert pictures.count() >= 5
    assert pictures.last.evaluate(MIDDLE) == [0, 0, 255, 255]
    assert (
        min(watch.page.locator("#notebook .output_png img").evaluate_all("all => all.map(img => img.naturalWidth)"))
        > 100
    )


MIDDLE = """picture => {
    const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight), drawn = canvas.getContext('2d');
    drawn.drawImage(picture, 0, 0);
    return [...drawn.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
}"""


# The terminal


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, LIMITS)


def assert_plain(text: str) -> None:
    """No control characters and no direction marks, and nothing but the words is left of what had them."""
    assert {c for c in text if c not in "\n\t" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} == set()


def test_nbgrader_s_log_is_plain(graded: Class) -> None:
    assert plain(IDS[-1]) in graded.fed_back
    assert_plain(graded.fed_back)
    assert_plain(graded.autograded)
    assert f"Skipping unknown notebook: {graded.course.folder('submitted', 'hostile')}" in graded.autograded


def test_what_score_prints_is_plain(problem: Problem, sandbox: Sandbox) -> None:
    graded = hand_in(problem, sandbox, GIVEN, OBJECTS, RAISES, *SPRINGS)
    with io.StringIO() as file:
        show(graded.record, Console(file=file, force_terminal=True, color_system=None))
        text = file.getvalue()
    assert text.count("gnorw") >= 2
    assert_plain(text)
    assert_plain(graded.record.to_json())
    assert_plain(str(graded.outputs))
    assert_earned(graded, 0)


def test_where_nothing_confines_it_the_terminal_gets_all(tmp_path: Path) -> None:
    shown = unconfined({"objects": [GIVEN, OBJECTS, "print(EXCEPTION)", RAISES]}, tmp_path)["objects"]
    assert shown.count("\x1b]52;c;b3du\x1b\\\u202egnorw\u2066\x9b31m") >= 3


def test_the_command_says_nothing_but_words(graded: Class) -> None:
    notebook = graded.course.folder("submitted", "hostile") / f"{BACKPROP.name}.ipynb"
    command = [str(Path(sys.executable).parent / "mlphys"), "score", str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "gnorw" in done.stdout
    assert_plain(done.stdout + done.stderr)


@pytest.mark.parametrize("kind", ["missing", "directory", "unknown"])
def test_a_file_s_name_is_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"evil{ESCAPES}.ipynb"
    if kind == "directory":
        path.mkdir()
    elif kind == "unknown":
        path.touch()
    done = CliRunner().invoke(app, ["score", str(path)])
    assert done.exit_code == UNUSABLE
    assert plain(path.name) in done.output
    assert_plain(done.output)

"""An instructor in JupyterLab: Formgrader opened, a student autograded, a written answer read, the total changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from browsing import PATIENCE, chromium, jupyter, offline
from conftest import Course, Grade
from playwright.sync_api import ConsoleMessage, FrameLocator, Locator, Page, expect

from autograder.course import Problem

PROBLEM = Problem("ps01_linear_algebra", "backprop")
WRITTEN = "backprop-written-conserved"
ANSWER = "The stretch leaves the field as it is, so that $a\\,\\partial_a L = b\\,\\partial_b L + w\\,\\partial_w L$."
COMMENT = "And a *finite* step? $O(\\eta^2)$."


def handed_in() -> dict[str, Any]:
    """Right functions, and an answer of three of the four points; the experiments, which take a while, are left out."""
    notebook = dict(json.loads(PROBLEM.source_notebook.read_text()))
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"] or cell["cell_type"] != "code"]
    [written] = [cell for cell in notebook["cells"] if cell["id"] == WRITTEN]
    written["source"] = ANSWER
    return notebook


@dataclass
class Lab:
    """JupyterLab with Formgrader open in it, and what the browser complained of."""

    course: Course
    page: Page
    complaints: list[str] = field(default_factory=list)

    @property
    def formgrader(self) -> FrameLocator:
        return self.page.frame_locator("iframe").first

    def open_formgrader(self, address: str) -> None:
        self.page.goto(f"{address}lab")
        # JupyterLab asks a new user whether to fetch news.
        self.page.get_by_role("button", name="No", exact=True).click()
        self.page.get_by_role("menuitem", name="Nbgrader").click()
        self.page.get_by_role("menuitem", name="Formgrader").click()

    def row(self, text: str) -> Locator:
        return self.formgrader.locator("#main-table tr", has_text=text)

    def press(self, button: str, student: str) -> None:
        """Press a button in the student's row, and read that it went well."""
        self.row(student).locator(f"{button} a").click()
        expect(self.formgrader.locator(".modal-title")).to_have_text("Success")
        self.formgrader.locator(".modal-footer button").click()
        expect(self.formgrader.locator(".modal")).to_have_count(0)

    def go(self, *links: str) -> None:
        for link in links:
            self.formgrader.get_by_role("link", name=link, exact=True).first.click()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a course with one submission, which nobody has looked at."""
    course = Course(tmp_path_factory.mktemp("course"), PROBLEM)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    course.submit("ada", handed_in())
    expect.set_options(timeout=PATIENCE)
    with jupyter(course) as address, chromium() as browser, offline(browser) as context:
        lab = Lab(course, context.new_page())
        lab.page.on("console", lambda message: _hear(lab, message))
        lab.page.on("pageerror", lambda error: lab.complaints.append(str(error)))
        lab.open_formgrader(address)
        yield lab


def _hear(lab: Lab, message: ConsoleMessage) -> None:
    """JupyterLab's own complaints are not ours to judge."""
    if message.type == "error" and "/formgrader" in message.location["url"]:
        lab.complaints.append(f"{message.text} ({message.location['url']})")


def test_from_start_to_a_changed_score(lab: Lab) -> None:
    # The assignment, and the student to be graded by the button.
    expect(lab.row(PROBLEM.assignment)).to_contain_text("draft")
    lab.row(PROBLEM.assignment).locator(".num-submissions a").click()
    expect(lab.row("ada").locator(".status")).to_have_text("needs autograding")
    lab.press(".autograde", "ada")
    expect(lab.row("ada").locator(".status")).to_have_text("needs manual grading")
    expect(lab.row("ada").locator(".score")).to_have_text("26 / 30")

    # The notebook with its scores by part, and the answer to be read.
    lab.go("Manual Grading", PROBLEM.assignment, PROBLEM.name, "Submission #1")
    tested = {name: grade.auto_score for name, grade in lab.course.grades("ada").items()}
    for name, score in tested.items():
        expect(lab.formgrader.locator(f"#{name}")).to_have_attribute("placeholder", f"{score:g}")
    expect(lab.formgrader.locator("input.score")).to_have_count(len(tested) + 1)
    answer = lab.formgrader.locator(".nbgrader_cell", has=lab.formgrader.locator(f"#{WRITTEN}"))
    expect(answer).to_contain_text("The stretch leaves the field as it is")

    answer.locator("input.score").fill("3")
    answer.locator("input.score").press("Tab")
    expect(answer.locator("input.needs_manual_grade")).to_have_count(0)
    answer.locator("textarea.comment").fill(COMMENT)
    with lab.page.expect_response("**/formgrader/api/comment/*"):
        answer.locator("textarea.comment").press("Escape")

    # The total, in Formgrader, in the gradebook and in the page that the student gets.
    lab.go(PROBLEM.name)
    row = lab.row("Submission #1")
    expect(row.locator("td.score")).to_have_text("29 / 30")
    expect(row.locator(".written-score")).to_have_text("3 / 4")
    expect(row.locator(".needs-manual-grade span")).to_have_count(0)
    assert lab.course.written("ada") == Grade(None, 3, False, 4)
    lab.go("Manage Assignments")
    lab.row(PROBLEM.assignment).locator(".num-submissions a").click()
    expect(lab.row("ada").locator(".status")).to_have_text("graded")
    lab.press(".generate-feedback", "ada")
    page = lab.course.feedback("ada")
    assert "Result: <strong>29</strong> of 30 points" in page
    assert "And a <em>finite</em> step? <math" in page
    assert lab.complaints == []

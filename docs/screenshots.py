"""Makes the pictures of the README from a demo: a feedback page, a class report, and a written answer in Formgrader.

Usage: .venv/bin/python docs/screenshots.py [DEMO_DIRECTORY]. Needs chromium, fonts-dejavu-core and libjs-mathjax.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))
from browsing import chromium, jupyter, offline, typeset  # noqa: E402 - the tests drive the same browser

ASSIGNMENT, PROBLEM = "ps01_linear_algebra", "backprop"
# A student of the demo with one mistake, and the part where it is.
STUDENT, PART = "hugo", "backprop-check-gradcheck"
QUESTION, ANSWER = "In writing: what the gas conserves", "backprop-written-conserved"
# Of a feedback page, the scores at the top and the tests that failed in that part: between them is the notebook.
EXCERPT = """part => {
    for (const place of document.querySelectorAll('main > *')) if (place.id !== part) place.remove();
    for (const code of document.querySelectorAll('main .input, .output_area:not(:has(.panel))')) code.remove();
    for (const row of document.querySelectorAll('tr:has(.label-success)')) { row.nextSibling.remove(); row.remove(); }
}"""
# Of a class report, the scores of one problem and its mistakes: without the tables of its parts and tests.
MISTAKES = """problem => {
    const main = document.querySelector('main'), first = document.getElementById(problem);
    const table = document.getElementById(problem + '-mistakes').nextElementSibling;
    let shown = false, within = true;
    for (const part of [...main.children]) {
        if (part === first) shown = true;
        if (part.matches('h3')) within = part.innerText.startsWith('Mistakes');
        if (!shown || !within) part.remove();
        if (part === table) shown = false;
    }
    for (const row of [...table.querySelectorAll('tbody tr')].slice(5)) row.remove();
}"""
# Wide enough for Formgrader's tables, and taller than any excerpt: what is left blank is cut off.
WIDTH, HEIGHT, MARGIN = 1040, 3000, 16


def photograph_feedback(browser: Browser, demo: Path) -> None:
    source = demo / "feedback" / STUDENT / ASSIGNMENT / f"{PROBLEM}.html"
    for name, width, mode in (("feedback.png", 880, "light"), ("feedback-phone.png", 375, "dark")):
        page = browser.new_page(viewport={"width": width, "height": 600}, color_scheme=mode, device_scale_factor=1.25)
        page.goto(source.as_uri())
        page.evaluate(EXCERPT, PART)
        with Image.open(io.BytesIO(page.screenshot(full_page=True))) as image:
            image.convert("RGB").quantize(256).save(HERE / name, optimize=True)  # half the size of all colours
        page.close()


def photograph_report(browser: Browser, demo: Path) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 100}, color_scheme="light", device_scale_factor=1.25)
    page.goto((demo / "reports" / f"{ASSIGNMENT}.html").as_uri())
    page.evaluate(MISTAKES, PROBLEM)
    with Image.open(io.BytesIO(page.screenshot(full_page=True))) as image:
        image.convert("RGB").quantize(64).save(HERE / "report.png", optimize=True)
    page.close()


def show_grading(page: Page, address: str) -> None:
    """The question and the student's answer, as Formgrader shows them to who grades."""
    page.goto(f"{address}formgrader/gradebook/{ASSIGNMENT}/{PROBLEM}")
    page.get_by_role("link", name="Submission #1", exact=True).wait_for()
    page.get_by_role("button", name="Show All Names").click()
    page.get_by_role("link", name=STUDENT, exact=True).click()
    page.locator(f"#{ANSWER}.needs_manual_grade").wait_for()
    typeset(page)
    page.evaluate(
        """([question, answer]) => {
            for (const cell of document.querySelectorAll('#notebook .cell'))
                if (!cell.innerText.includes(question) && !cell.querySelector('#' + answer)) cell.remove();
            document.querySelectorAll('nav, .help, .prompt, .panel-heading:has(.panel-title)').forEach(e => e.remove());
            document.activeElement.blur();
        }""",
        [QUESTION, ANSWER],
    )


def photograph_grading(page: Page) -> None:
    """What the page shows, without the blank space around it."""
    with Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled"))) as image:
        whole = image.convert("RGB")
    left, top, right, bottom = ImageChops.difference(whole, Image.new("RGB", whole.size, "white")).getbbox() or (0,) * 4
    box = (max(0, left - MARGIN), max(0, top - MARGIN), min(WIDTH, right + MARGIN), bottom + MARGIN)
    whole.crop(box).quantize(64).save(HERE / "formgrader.png", optimize=True)


def main() -> None:
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").resolve()
    if not (demo / "feedback" / STUDENT).is_dir():
        sys.exit(f"There is no feedback for {STUDENT} in {demo}. Run `make demo` first.")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        photograph_feedback(browser, demo)
        photograph_report(browser, demo)
        with jupyter(SimpleNamespace(root=Path(folder)), demo) as address, offline(browser) as context:
            page = context.new_page()
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            show_grading(page, address)
            photograph_grading(page)


if __name__ == "__main__":
    main()

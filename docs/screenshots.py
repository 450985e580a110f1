"""Makes the pictures of the README from a demo: a feedback page, and a written answer in Formgrader.

Usage: .venv/bin/python docs/screenshots.py [DEMO_DIRECTORY]. Needs chromium, fonts-dejavu-core and libjs-mathjax.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from bs4 import BeautifulSoup
from PIL import Image, ImageChops
from playwright.sync_api import BrowserContext, Page

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))
from browsing import chromium, jupyter, offline, typeset  # noqa: E402 - the tests drive the same browser

ASSIGNMENT, PROBLEM = "ps01_linear_algebra", "backprop"
# A student of the demo with one mistake, and the part where it is.
STUDENT, PART = "hugo", "backprop-check-gradcheck"
QUESTION, ANSWER = "In writing: what the gas conserves", "backprop-written-conserved"
# Wide enough for the tables, and taller than any excerpt: what is left blank is cut off.
WIDTH, HEIGHT, MARGIN = 1040, 3000, 16


def excerpt(html: str) -> str:
    """The page with two cells only, the summary and the part's check, and of the check only its outputs."""
    page = BeautifulSoup(html, "html.parser")
    for cell in page.select("#notebook .cell"):
        if PART in cell.get_text():
            for code in cell.select(".input"):
                code.decompose()
        elif "mlphys-result" not in str(cell.get("id")):
            cell.decompose()
    for tag in page.select("script, .container > .panel > .panel-heading, .prompt"):
        tag.decompose()
    return str(page)


def show_feedback(page: Page, demo: Path) -> None:
    source = demo / "feedback" / STUDENT / ASSIGNMENT / f"{PROBLEM}.html"
    page.set_content(excerpt(source.read_text(encoding="utf-8")))


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


def photograph(page: Page, picture: Path) -> None:
    """What the page shows, without the blank space around it, in 64 colours."""
    page.screenshot(path=picture, full_page=True, animations="disabled")
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    left, top, right, bottom = ImageChops.difference(whole, Image.new("RGB", whole.size, "white")).getbbox() or (0,) * 4
    box = (max(0, left - MARGIN), max(0, top - MARGIN), min(WIDTH, right + MARGIN), bottom + MARGIN)
    whole.crop(box).quantize(64).save(picture, optimize=True)


def new_page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return page


def main() -> None:
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").resolve()
    if not (demo / "feedback" / STUDENT).is_dir():
        sys.exit(f"There is no feedback for {STUDENT} in {demo}. Run `make demo` first.")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, offline(browser) as context:
        page = new_page(context)
        show_feedback(page, demo)
        photograph(page, HERE / "feedback.png")
        with jupyter(SimpleNamespace(root=Path(folder)), demo) as address:
            page = new_page(context)
            show_grading(page, address)
            photograph(page, HERE / "formgrader.png")


if __name__ == "__main__":
    main()

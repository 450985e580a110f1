"""Makes docs/feedback.png: the top of a feedback page, and what it says about one part. Needs chromium and a demo.

Usage: .venv/bin/python docs/screenshots.py [DEMO_DIRECTORY]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bs4 import BeautifulSoup
from PIL import Image, ImageChops

HERE = Path(__file__).parent
# A student of the demo with one mistake, and the part where it is.
STUDENT, PAGE, PART = "hugo", "ps01_linear_algebra/backprop.html", "backprop-check-gradcheck"
# Wide enough for the table, and taller than any excerpt: what is left blank is cut off.
WIDTH, HEIGHT, MARGIN = 1040, 3000, 16
# Root needs --no-sandbox, as in a container; the page is our own. The others keep the browser from calling home.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


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


def photograph(html: str, picture: Path) -> None:
    """What chromium shows of `html`, without the blank space around it."""
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "page.html"
        page.write_text(html, encoding="utf-8")
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            sys.exit("There is no chromium here. Try: sudo apt install chromium fonts-dejavu-core")
        subprocess.run(
            [
                *(browser, *FLAGS, f"--user-data-dir={directory}/profile", f"--screenshot={picture}"),
                *(f"--window-size={WIDTH},{HEIGHT}", page.as_uri()),
            ],
            check=True,
            capture_output=True,
            timeout=120,  # seconds; it takes three
        )
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    left, top, right, bottom = ImageChops.difference(whole, Image.new("RGB", whole.size, "white")).getbbox() or (0,) * 4
    box = (max(0, left - MARGIN), max(0, top - MARGIN), min(WIDTH, right + MARGIN), bottom + MARGIN)
    whole.crop(box).quantize(64).save(picture, optimize=True)


def main() -> None:
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    source = demo / "feedback" / STUDENT / PAGE
    if not source.is_file():
        sys.exit(f"There is no {source}. Run `make demo` first.")
    photograph(excerpt(source.read_text(encoding="utf-8")), HERE / "feedback.png")


if __name__ == "__main__":
    main()

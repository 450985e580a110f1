"""`make bench`: measures, prints, and writes BENCHMARKS.md. It asserts nothing."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown

from autograder.bench import thousand, versus, warm
from autograder.bench.page import page
from autograder.course import ROOT

if __name__ == "__main__":
    # The machine is described as it is before the work begins.
    head = page(())
    sections = (warm.solved_notebooks(), warm.isolation(), versus.with_nbgrader(), thousand.large_class())
    text = head + "\n".join(section.markdown() for section in sections)
    (ROOT / "BENCHMARKS.md").write_text(text, encoding="utf-8")
    Console().print(Markdown(text))

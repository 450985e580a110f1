"""The class report as a page: one file that needs nothing else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.gradebook.page import coded
from autograder.report.classroom.gather import Gathered
from autograder.report.classroom.numbers import numbers_of
from autograder.report.classroom.plots import parts_plot, scores_plot
from autograder.report.classroom.summary import Summary
from autograder.report.classroom.waiting import waiting

# What is not defined or not known.
DASH = "–"


def page_of(found: Gathered) -> str:
    """HTML. Every text is escaped by the template, whatever students call themselves."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "duration": duration, "coded": _coded}
    records = {problem: found.records(problem) for problem in found.problems}
    return environment.get_template("page.html.jinja").render(
        found=found,
        summary=Summary.of(found),
        problems=[numbers_of(problem, own) for problem, own in records.items()],
        waiting=waiting(found.entries),
        scores_plot=scores_plot,
        parts_plot=parts_plot,
        made=datetime.now().astimezone(),
    )


def _coded(hint: str) -> Markup:
    return Markup(coded(str(escape(hint))))


def number(value: float | None, digits: int = 2) -> str:
    """With so many digits after the point; a typographer's minus."""
    return DASH if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def percent(count: float, of: float) -> str:
    return f"{100 * count / of:.0f} %" if of else DASH


def duration(seconds: float) -> str:
    """The two largest units: 2 d 3 h, 4 min 10 s."""
    rest, words = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2])

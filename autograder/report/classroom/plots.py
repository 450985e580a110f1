"""Plots of a problem as SVG that stands in a page: in the page's own colours, light and dark."""

from __future__ import annotations

import io
import re
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autograder.report.classroom.numbers import ProblemNumbers

# matplotlib writes colours as numbers; these stand for the page's.
TEXT, FULL, SOME, NONE = "#010101", "#020202", "#030303", "#040404"
COLOURS = {TEXT: "currentColor", FULL: "var(--full)", SOME: "var(--some)", NONE: "var(--none)"}
STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), TEXT),
    "svg.fonttype": "none",  # words stay words, in the page's font
    "text.parse_math": False,  # a dollar sign in a title is one
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# Inches. Not wider, so that the words can still be read where a phone shows it at two thirds of its size.
WIDTH, HEIGHT, BAR = 5.0, 2.6, 0.42
# More than these bars are too thin to be told from each other.
MOST_BARS = 40
LEGEND = {"full": "all points", "some": "some", "none": "none"}
# Letters of a title on one line beside its bar.
TITLE = 26


def scores_plot(numbers: ProblemNumbers) -> Markup:
    """How many students have how many points; those with all points have a bar of their own."""
    most = numbers.max_score
    step = max(1.0, np.ceil(most / MOST_BARS))
    edges = np.array([*np.arange(0, most, step), most, most + step])
    counts, _ = np.histogram(numbers.scores, edges)
    words = f"Points of the hidden tests of {numbers.name}, for {len(numbers.scores)} students"
    if numbers.mean is not None:
        words += f": the mean is {numbers.mean:.1f} of {most:g}, {counts[-1]} have all, {counts[0]} less than {step:g}"
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        # From edge to edge: the last bar before all points is a narrow one if the maximum is no multiple of the step.
        colours = [SOME] * (len(counts) - 1) + [FULL]
        axes.bar(edges[:-1], counts, width=0.9 * np.diff(edges), align="edge", color=colours)
        axes.set_xlabel(f"points of the hidden tests (of {most:g})")
        axes.set_ylabel("students")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return _svg(figure, f"{numbers.name}-scores", f"{words}.")


def parts_plot(numbers: ProblemNumbers) -> Markup:
    """For each part the shares of students with all, some and none of its points."""
    titles = [fill(part.title, TITLE) for part in numbers.parts]
    lines = sum(title.count("\n") + 2 for title in titles)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1 + BAR * lines / 2), layout="constrained")
        axes = figure.subplots()
        left = np.zeros(len(titles))
        for name, colour in (("full", FULL), ("some", SOME), ("none", NONE)):
            shares = np.array([100 * getattr(part, name) / max(part.judged, 1) for part in numbers.parts])
            axes.barh(range(len(titles)), shares, left=left, color=colour, label=LEGEND[name])
            left += shares
        axes.set_yticks(range(len(titles)), titles)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("students (%)")
        figure.legend(loc="outside upper right", ncols=3, frameon=False)
        words = f"Students with all, some and none of the points of each part of {numbers.name}, as in the table below."
        return _svg(figure, f"{numbers.name}-parts", words)


def _svg(figure: Figure, name: str, words: str) -> Markup:
    """The figure as an element of a page, with `words` for those who do not see it; `name` keeps its ids apart."""
    buffer = io.StringIO()
    metadata: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, own in COLOURS.items():
        svg = svg.replace(colour, own)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(words)}" ', 1))

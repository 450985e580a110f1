"""Draws the pictures of failed tests, here and not where the student's code runs."""

from __future__ import annotations

import base64
import io
from html import escape

from autograder.grading.picture import Picture

# Inches, and dots for each: as wide as a phone, and sharp there.
SIZE, DPI = (4.5, 2.6), 120


def drawn(picture: Picture) -> str:
    """The picture as an element of HTML, with what it shows in words."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.add_subplot(xlabel=picture.axis, ylabel=picture.value, title=picture.title)
    axes.fill_between(picture.at, picture.low, picture.high, color="0.8", label="a right answer")
    axes.plot(picture.at, picture.found, "o-", color="tab:red", markersize=3, linewidth=1, label="yours")
    axes.legend()
    with io.BytesIO() as file:
        figure.savefig(file, format="png", metadata={"Software": None})
        data = base64.b64encode(file.getvalue()).decode()
    words = f"{picture.title}: {picture.outside} of {len(picture.at)} points lie outside of the band of right answers."
    return f'<p><img src="data:image/png;base64,{data}" alt="{escape(words)}"></p>'

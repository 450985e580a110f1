"""What a statement says and shows, for the tests that hold it to its words."""

from __future__ import annotations

import re
from typing import Any

import jupytext
from matplotlib import pyplot as plt

from autograder.course import Problem


def names_after(problem: Problem) -> dict[str, Any]:
    """The statement, run from top to bottom as it stands: with the reference, since its solution cells import it."""
    plt.switch_backend("agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(jupytext.read(problem.statement).cells):
        if cell.cell_type == "code":
            exec(compile(cell.source, f"cell {number}", "exec"), names)
    plt.close("all")
    return names


def road_map(problem: Problem) -> list[tuple[str, float]]:
    """The parts and their points in the table at the start."""
    text = problem.statement.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \w\. `(\w+)` \|.*\| (\d+) \|$", text, flags=re.MULTILINE)
    return [(name, float(points)) for name, points in rows]

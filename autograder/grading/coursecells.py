"""The cells of a problem that have a name, as the course's own notebook has them."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any, Literal

from autograder.course import Problem

# What nbgrader releases in the place of a model answer.
UNANSWERED = "YOUR ANSWER HERE"


@dataclass(frozen=True)
class CourseCell:
    """A cell with a grade id: what it is, what it says, and who may change it.

    A cell for a written answer is worth `by_hand` points, which a person gives; all others are worth none by hand.
    """

    grade_id: str
    kind: Literal["code", "markdown"]
    source: str
    locked: bool
    check: bool
    functions: tuple[str, ...]
    by_hand: float


def course_cells(problem: Problem) -> list[CourseCell]:
    """The named cells of the built notebook of `problem`, in order; raises FileNotFoundError if it is not built."""
    path = problem.source_notebook
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. Run `mlphys build` to make it from the statement.")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [_course_cell(cell) for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id")]


def given_functions(problem: Problem) -> dict[str, str]:
    """The functions and classes that the locked cells of `problem` define: the source of each by its name."""
    given = [cell.source for cell in course_cells(problem) if cell.kind == "code" and cell.locked and not cell.check]
    nodes = [node for source in given for node in ast.parse(source).body]
    return {node.name: ast.unparse(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def in_words(grade_id: str) -> bool:
    """Whether it is a written answer: the build names those `backprop-written-energy`."""
    return "-written-" in grade_id


def answer_title(grade_id: str) -> str:
    """What people read of a written answer: "In writing: energy" for `backprop-written-energy`; other ids stay."""
    _, written, name = grade_id.partition("-written-")
    return f"In writing: {name.replace('-', ' ').replace('_', ' ')}" if written else grade_id


def _course_cell(cell: dict[str, Any]) -> CourseCell:
    marks = cell["metadata"]["nbgrader"]
    source = "".join(cell["source"])
    answer = bool(marks["solution"])
    return CourseCell(
        grade_id=marks["grade_id"],
        kind="code" if cell["cell_type"] == "code" else "markdown",
        source=source,
        locked=not answer,
        check=bool(marks["grade"]) and not answer,
        functions=_functions(source) if answer and cell["cell_type"] == "code" else (),
        by_hand=float(marks["points"]) if answer and marks["grade"] else 0,
    )


def _functions(source: str) -> tuple[str, ...]:
    return tuple(node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))

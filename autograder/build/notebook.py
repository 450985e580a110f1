"""The cells of a statement as the instructor's notebook, in nbgrader's source format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import v4

from autograder.build.faults import BuildError
from autograder.build.functions import Function
from autograder.build.statement import Cell
from autograder.course import Problem
from autograder.grading.marks import Part

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# nbformat's own limit; an id is also the place where feedback points to.
LONGEST_ID = 64


def notebook_of(
    problem: Problem, cells: Sequence[Cell], functions: dict[str, Function], parts: Sequence[Part]
) -> bytes:
    """The source notebook as bytes: no outputs, and every id derived from the problem, its functions and its parts."""
    points = {part.id: part.points for part in parts}
    built = []
    last_graded, free_since = problem.name, 0
    for cell in cells:
        node = _node(cell, functions)
        if cell.role in ("text", "free"):
            free_since += 1
            node.id = f"{last_graded}-{free_since}"
        else:
            node.metadata["nbgrader"] = _nbgrader(cell, _grade_id(problem, cell), points)
            node.id = last_graded = _grade_id(problem, cell)
            free_since = 0
        built.append(node)
    long = [node.id for node in built if len(node.id) > LONGEST_ID]
    if long:
        raise BuildError([f"{problem.statement}: the cell id {long[0]!r} is longer than {LONGEST_ID}. Shorten a name."])
    notebook = v4.new_notebook(cells=built, metadata=METADATA)
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return f"{text}\n".encode()


def _node(cell: Cell, functions: dict[str, Function]) -> Any:
    if cell.role in ("text", "written"):
        return v4.new_markdown_cell(cell.source)
    source = cell.source
    if cell.role == "solution":
        source = "\n\n\n".join(functions[name].source for name in cell.functions)
    node = v4.new_code_cell(source)
    if cell.tags:
        node.metadata["tags"] = list(cell.tags)
    return node


def _grade_id(problem: Problem, cell: Cell) -> str:
    if cell.role == "solution":
        return f"{problem.name}-{cell.functions[0]}"
    return f"{problem.name}-{cell.role}-{cell.name}"


def _nbgrader(cell: Cell, grade_id: str, points: dict[str, float]) -> dict[str, Any]:
    """nbgrader's metadata, complete: it refuses a notebook where a key is missing."""
    metadata = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": cell.role in ("check", "written"),
        "solution": cell.role in ("solution", "written"),
        "locked": cell.role in ("check", "given"),
        "task": False,
    }
    if metadata["grade"]:
        total = points[cell.name] if cell.role == "check" else cell.points
        metadata["points"] = int(total) if total == int(total) else total
    return metadata

"""Which of a student's functions call which, read from the text of the cells and never by running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from autograder.grading.submission import Cell


def callers(cells: Iterable[Cell]) -> dict[str, set[str]]:
    """For every function that the cells define, the names that its body uses; the last definition of a name counts."""
    used: dict[str, set[str]] = {}
    for cell in cells:
        for node in _statements(cell):
            if isinstance(node, ast.FunctionDef):
                used[node.name] = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return used


def reached(function: str, used: dict[str, set[str]]) -> set[str]:
    """The functions of the notebook that `function` calls, itself or through others; not itself."""
    found: set[str] = set()
    waiting = [function]
    while waiting:
        new = {name for name in used.get(waiting.pop(), set()) if name in used} - found
        found |= new
        waiting += new
    return found - {function}


def _statements(cell: Cell) -> list[ast.stmt]:
    if cell.kind != "code":
        return []
    try:
        return ast.parse(cell.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # it defines nothing, or has a magic in it; then the student gets no word about calls

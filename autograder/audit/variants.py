"""Notebooks made of a problem's own: solved, and with one function written otherwise."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.course import Problem
from autograder.grading.coursecells import course_cells
from autograder.grading.marks import Variant
from autograder.grading.submission import Cell, Submission, unanswered

# What a stub answers, as code about `args` and `right`, the reference's own result.
STUBS = {
    "not written": "raise NotImplementedError",
    "None": "return None",
    "zeros": "return filled(right(*args, **kwargs), 0)",
    "ones": "return filled(right(*args, **kwargs), 1)",
    "NaN": "return filled(right(*args, **kwargs), float('nan'))",
    "its input": "return args[0]",
    "an object": "return object()",
}
# Of these a function by itself is given two: a part that does not look at its result takes these as well as any other,
# and a law may hold for zeros, or for what came in. (A function that gives nothing, or NaN, is refused on reading it.)
ALONE = ("zeros", "its input")
_FILLED = """
def filled(value, number):
    import numpy
    if isinstance(value, dict):
        return {key: filled(item, number) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(filled(item, number) for item in value)
    return bool(number) if isinstance(value, bool) else numpy.full(numpy.shape(value), float(number))
"""


@dataclass(frozen=True)
class Edit:
    """A function of the notebook in other words: `code` defines it, as text."""

    function: str
    code: str


def solved(problem: Problem, *edits: Edit) -> Submission:
    """The course's own cells with the reference solutions, but for what `edits` change.

    Cells without a name (plots and play) are left out: no test depends on them, and they take most of the time.
    """
    written = answers(problem, *edits)
    cells = course_cells(problem)
    return Submission([Cell(cell.kind, written.get(cell.grade_id, cell.source), cell.grade_id) for cell in cells])


def without_checks(problem: Problem, *edits: Edit) -> Submission:
    """As `solved`, without the checks that students see: they define nothing, and take a fifth of the time."""
    checks = {cell.grade_id for cell in course_cells(problem) if cell.check}
    return Submission([cell for cell in solved(problem, *edits).cells if cell.grade_id not in checks])


def answers(problem: Problem, *edits: Edit) -> dict[str, str]:
    """What solves each answer cell of `problem`, by grade id, but for what `edits` change.

    Raises LookupError for an edit of a function that no cell defines.
    """
    changes = {edit.function: edit for edit in edits}
    written = {}
    for cell in course_cells(problem):
        source = cell.source
        for name in cell.functions:
            if name in changes:
                source = _replaced(source, changes.pop(name))
        if not cell.locked:
            written[cell.grade_id] = source
    if changes:
        raise LookupError(
            f"No cell of {problem} defines {', '.join(changes)}, which a mistake or alternative is about."
        )
    return written


def blank(problem: Problem) -> Submission:
    """What a student has who writes nothing."""
    return unanswered(problem)


def functions(problem: Problem) -> list[str]:
    """The functions that students write, in the order of the notebook."""
    return [name for cell in course_cells(problem) for name in cell.functions]


def variant(problem: Problem, item: Variant) -> Edit:
    """A mistake or an alternative under the name of the function that it stands for.

    Where it calls that function itself, it means the reference, which then goes along inside.
    """
    definition = _definition(item.code)
    name, definition.decorator_list = definition.name, []
    if not any(isinstance(node, ast.Name) and node.id == item.function for node in ast.walk(definition)):
        definition.name = item.function
        return Edit(item.function, ast.unparse(definition))
    return _with_reference(problem, item.function, f"{ast.unparse(definition)}\nreturn {name}(*args, **kwargs)")


def stub(problem: Problem, function: str, answer: str) -> Edit:
    """A function that answers without having worked anything out; `answer` is a key of STUBS."""
    return _with_reference(problem, function, f"right = {function}\n{_FILLED}{STUBS[answer]}")


def reference_definition(problem: Problem, function: str) -> ast.FunctionDef:
    """The reference's own code for `function`."""
    return _definition(getattr(problem.reference(), function))


def _with_reference(problem: Problem, function: str, body: str) -> Edit:
    """A function of any arguments whose `body` may call the reference under its own name."""
    reference = ast.unparse(reference_definition(problem, function))
    inner = textwrap.indent(f"{reference}\n{body}", "    ")
    return Edit(function, f"def {function}(*args, **kwargs):\n{inner}\n")


def _definition(code: Callable[..., Any]) -> ast.FunctionDef:
    [node] = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    if not isinstance(node, ast.FunctionDef):
        raise TypeError(f"{code} is not written as a function, so it cannot be put into a notebook.")
    return node


def _replaced(source: str, edit: Edit) -> str:
    """The source of a cell with one function exchanged; the rest keeps its meaning, though not its comments."""
    tree = ast.parse(source)
    new = ast.parse(edit.code).body
    body: list[ast.stmt] = []
    for node in tree.body:
        body += new if isinstance(node, ast.FunctionDef) and node.name == edit.function else [node]
    return ast.unparse(ast.Module(body, []))

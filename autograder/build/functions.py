"""A reference module, cut into the functions that its problem's notebook asks for."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from autograder.build import names
from autograder.build.faults import BuildError

# nbgrader replaces what stands between these two by a stub that raises NotImplementedError.
BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"


@dataclass(frozen=True)
class Function:
    """A public function of the reference: source with the solution marked, and the names it needs around it."""

    name: str
    source: str
    needs: frozenset[str]


def functions_of(path: Path) -> dict[str, Function]:
    """The public functions of the reference at `path`, in order; each must have a docstring and a body (BuildError)."""
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise BuildError(
            [f"{path}, line {error.lineno}: the reference is not Python ({error.msg}). Repair it."]
        ) from None
    nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    faults = [_incomplete(path, node) for node in nodes if ast.get_docstring(node) is None or len(node.body) == 1]
    if faults:
        raise BuildError(faults)
    return {node.name: _function(text.splitlines(), node) for node in nodes}


def _incomplete(path: Path, node: ast.FunctionDef) -> str:
    lacks = "docstring" if ast.get_docstring(node) is None else "body"
    return (
        f"{path}, line {node.lineno}: `{node.name}` has no {lacks}. "
        "Students are given its signature and docstring, and write its body: write both."
    )


def _function(lines: list[str], node: ast.FunctionDef) -> Function:
    """The solution is the whole body, unless the reference itself marks a part of it."""
    docstring = node.body[0]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = docstring.end_lineno or docstring.lineno
    indent = " " * docstring.col_offset
    public, body = lines[first - 1 : last], lines[last : _end(lines, node, indent)]
    while not body[0].strip():
        body = body[1:]
    if not any(BEGIN in line for line in body):
        body = [indent + BEGIN, *body, indent + END]
    source = "\n".join([*public, *body])
    return Function(node.name, source, names.needed(source))


def _end(lines: list[str], node: ast.FunctionDef, indent: str) -> int:
    """The number of the function's last line, with the comments that close its body: Python's parser drops them."""
    end = node.end_lineno or node.lineno
    while end < len(lines) and lines[end].startswith(f"{indent}#"):
        end += 1
    return end

"""A statement, read into cells that know what they are for."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, Literal

import jupytext
from IPython.core.inputtransformer2 import TransformerManager

from autograder.build.faults import BuildError
from autograder.course import Problem

Role = Literal["text", "free", "given", "solution", "check"]

OPTIONS = {"part": "check", "given": "given"}


@dataclass(frozen=True)
class Cell:
    """One cell of a statement; `code` is its source as Python sees it, with magics translated."""

    role: Role
    source: str
    code: str = ""
    name: str = ""
    functions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def cells_of(problem: Problem) -> list[Cell]:
    """The cells of the problem's statement, in order; raises BuildError with a sentence for every wrong cell."""
    text = problem.statement.read_text(encoding="utf-8")
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except ValueError as error:
        raise BuildError([f"{problem.statement}: this is not a MyST notebook: {error}"]) from error
    cells, faults = [], []
    for raw in notebook.cells:
        try:
            cells.append(_cell(raw, problem))
        except _WrongCell as wrong:
            first_line = raw.source.split("\n", 1)[0]
            faults.append(f"{problem.statement}, the cell that begins {first_line!r}: {wrong}")
    if faults:
        raise BuildError(faults)
    return cells


class _WrongCell(ValueError):
    """One cell breaks a rule of statements; the message is the sentence about it."""


def _cell(raw: Any, problem: Problem) -> Cell:
    if raw.cell_type != "code":
        return Cell("text", raw.source)
    code = TransformerManager().transform_cell(raw.source)
    functions = _solution_import(code, problem)
    role, name = _option(raw.metadata)
    if functions and role != "free":
        raise _WrongCell(f"it is a solution cell, so it cannot be a {role} cell too. Remove the option.")
    tags = tuple(raw.metadata.get("tags", ()))
    return Cell("solution" if functions else role, raw.source, code, name, functions, tags)


def _option(metadata: dict[str, Any]) -> tuple[Role, str]:
    """Role and name that the `:key: value` lines above a cell give it."""
    unknown = set(metadata) - set(OPTIONS) - {"tags"}
    if unknown:
        allowed = ", ".join(f":{key}:" for key in [*OPTIONS, "tags"])
        raise _WrongCell(f"it has the option :{min(unknown)}:, which means nothing here. Options are {allowed}.")
    given = [key for key in OPTIONS if key in metadata]
    if not given:
        return "free", ""
    if len(given) == 2:
        raise _WrongCell("it has both :part: and :given:. Make two cells of it.")
    name = str(metadata[given[0]])
    # Names become part of the cell's id, where a hyphen separates them.
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise _WrongCell(f"its :{given[0]}: is {name!r}; use lower-case letters, digits and underscores.")
    return OPTIONS[given[0]], name  # type: ignore[return-value]


def _solution_import(code: str, problem: Problem) -> tuple[str, ...]:
    """The functions that a solution cell imports from the reference; empty for any other cell."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise _WrongCell(f"it is not Python ({error.msg}, line {error.lineno}). Repair it.") from None
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) and _of_solutions(node)]
    if not imports:
        return ()
    statement = imports[0]
    wanted = f"from {problem.reference_module} import f, g"
    if len(tree.body) > 1 or tree.body[0] is not statement:
        raise _WrongCell(f"students have no `solutions`. A solution cell is only `{wanted}`; move the rest elsewhere.")
    if not isinstance(statement, ast.ImportFrom) or statement.module != problem.reference_module:
        raise _WrongCell(f"a solution cell of this problem reads `{wanted}`.")
    if any(alias.name == "*" or alias.asname for alias in statement.names):
        raise _WrongCell("a solution cell names its functions one by one, without `as` and `*`.")
    return tuple(alias.name for alias in statement.names)


def _of_solutions(node: ast.Import | ast.ImportFrom) -> bool:
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return any(module.split(".")[0] == "solutions" for module in modules)

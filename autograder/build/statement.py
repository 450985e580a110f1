"""A statement, read into cells that know what they are for."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, Literal

import jupytext
from IPython.core.inputtransformer2 import TransformerManager
from jupytext.myst import MystMetadataParsingError

from autograder.build.faults import BuildError
from autograder.course import Problem

Role = Literal["text", "written", "free", "given", "solution", "check"]

OPTIONS = {"part": "check", "given": "given"}
WRITTEN = re.compile(r'^\+\+\+ *\{.*"written"', re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """One cell of a statement; `code` is its source as Python sees it, with magics translated.

    The source of a written cell is the model answer, and `points` is what a person may give for another one.
    """

    role: Role
    source: str
    code: str = ""
    name: str = ""
    functions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    points: float = 0


def cells_of(problem: Problem) -> list[Cell]:
    """The cells of the problem's statement, in order; raises BuildError with a sentence for every wrong cell."""
    text = problem.statement.read_text(encoding="utf-8")
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except (ValueError, MystMetadataParsingError) as error:
        raise BuildError([f"{problem.statement}: this is not a MyST notebook: {error}. Repair it."]) from error
    cells, faults = [], []
    for raw in notebook.cells:
        try:
            cells.append(_cell(raw, problem))
        except _WrongCell as wrong:
            first_line = raw.source.split("\n", 1)[0]
            faults.append(f"{problem.statement}, the cell that begins {first_line!r}: {wrong}")
    # jupytext drops a cell without text.
    if not faults and len(WRITTEN.findall(text)) != sum(cell.role == "written" for cell in cells):
        faults.append(f'{problem.statement}: a line +++ {{"written": …}} has no model answer below it. Write one.')
    if faults:
        raise BuildError(faults)
    return cells


class _WrongCell(ValueError):
    """One cell breaks a rule of statements; the message is the sentence about it."""


def _cell(raw: Any, problem: Problem) -> Cell:
    if raw.cell_type != "code":
        return _written(raw) if raw.metadata else Cell("text", raw.source)
    code = TransformerManager().transform_cell(raw.source)
    functions = _solution_import(code, problem)
    role, name = _option(raw.metadata)
    if functions and role != "free":
        raise _WrongCell(f"it is a solution cell, so it cannot be a {role} cell too. Remove the option.")
    tags = tuple(raw.metadata.get("tags", ()))
    return Cell("solution" if functions else role, raw.source, code, name, functions, tags)


def _written(raw: Any) -> Cell:
    """The model answer to a question that a person grades."""
    if set(raw.metadata) != {"written", "points"}:
        raise _WrongCell('prose has no options but +++ {"written": "name", "points": 4}, above a model answer.')
    points = raw.metadata["points"]
    if type(points) not in (int, float) or points <= 0 or points % 0.5:
        raise _WrongCell(f'its "points" is {points!r}; use a positive multiple of 0.5.')
    return Cell("written", raw.source, name=_name(raw.metadata, "written"), points=points)


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
    return OPTIONS[given[0]], _name(metadata, given[0])  # type: ignore[return-value]


def _name(metadata: dict[str, Any], option: str) -> str:
    name = str(metadata[option])
    # Names become part of the cell's id, where a hyphen separates them.
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise _WrongCell(f"its :{option}: is {name!r}; use lower-case letters, digits and underscores.")
    return name


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

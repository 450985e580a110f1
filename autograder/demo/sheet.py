"""A released notebook, filled in as a student would: by writing into its answer cells."""

from __future__ import annotations

import ast
import copy
import json
import re
from typing import Any

from autograder.audit.variants import Edit, answers, reference_definition
from autograder.course import Problem

# They tell nbgrader what to leave out of a release; no student has them.
MARKERS = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n", re.MULTILINE)


class Sheet:
    """The released notebook `text` of `problem`."""

    def __init__(self, problem: Problem, text: str) -> None:
        self.problem, self._text = problem, text
        self._notebook: dict[str, Any] = json.loads(text)

    def blank(self) -> str:
        return self._text

    def filled(self, *edits: Edit) -> str:
        """Every answer cell as the reference has it, but for what `edits` change."""
        return self._pasted(answers(self.problem, *edits))

    def half_filled(self) -> str:
        """The first half of the answer cells; the others as they were released."""
        written = answers(self.problem)
        return self._pasted(dict(list(written.items())[: len(written) // 2]))

    def without_cell_of(self, function: str) -> str:
        """Filled in, and then the cell that defines `function` was deleted."""
        gone = next(id for id, source in answers(self.problem).items() if f"def {function}(" in source)
        notebook = json.loads(self.filled())
        notebook["cells"] = [cell for cell in notebook["cells"] if _grade_id(cell) != gone]
        return _text_of(notebook)

    def _pasted(self, written: dict[str, str]) -> str:
        notebook = copy.deepcopy(self._notebook)
        for cell in notebook["cells"]:
            if _grade_id(cell) in written:
                cell["source"] = MARKERS.sub("", written[_grade_id(cell)])
        return _text_of(notebook)


def renamed(problem: Problem, function: str) -> Edit:
    """`function`, right in all but its name."""
    node = reference_definition(problem, function)
    node.name = f"my_{function}"
    return Edit(function, ast.unparse(node))


def with_body(problem: Problem, function: str, body: str) -> Edit:
    """`function` with its own signature and docstring, and another `body`."""
    node = reference_definition(problem, function)
    node.body = [node.body[0], *ast.parse(body).body]
    return Edit(function, ast.unparse(node))


def _grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def _text_of(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"

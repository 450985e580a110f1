"""The course itself: complete, built, and nothing of its answers in what students get."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.build import build
from autograder.build.functions import BEGIN, END, functions_of
from autograder.course import ROOT, Problem, find, problems
from autograder.grading.coursecells import UNANSWERED, course_cells

EVERY = pytest.mark.parametrize("slug", [problem.slug for problem in problems()])
# `return dW`, `else:`, `N, d = 5, 3`: shorter lines fit nearly any function and tell no answer.
TELLING = 12


def test_the_course_is_built() -> None:
    assert build(check=True) == []


def test_one_slug_names_statement_reference_and_graders() -> None:
    statements = {problem.slug for problem in problems()}
    references = {slug_of(path) for path in ROOT.glob("solutions/*/*.py") if path.name != "__init__.py"}
    graders = {slug_of(path) for path in ROOT.glob("autograder/graders/*/*") if (path / "__init__.py").exists()}
    assert statements == references == graders
    for problem in problems():
        assert {path.name for path in problem.graders.glob("*.py")} >= {
            f"test_{problem.name}.py",
            "mistakes.py",
            "alternatives.py",
        }


def slug_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON document; the lines of a source are joined."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        yield "".join(value) if value and all(isinstance(line, str) for line in value) else ""
        for inner in value:
            yield from strings(inner)


def public_part(problem: Problem) -> str:
    """What students may read of the reference: imports, signatures, docstrings, what no solution marks enclose."""
    tree = ast.parse(problem.reference_source.read_text())
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    sources = [function.source for function in functions_of(problem.reference_source).values()]
    return "\n".join(imports + [re.sub(f"{BEGIN}.*?{END}", "", source, flags=re.DOTALL) for source in sources])


def leaked(problem: Problem, notebook: Path) -> set[str]:
    """Telling lines of the reference and the graders that `notebook` has and the statement does not show anyway."""
    authored = [problem.reference_source, *problem.graders.glob("*.py")]
    lines = {line.strip() for path in authored for line in path.read_text().splitlines()}
    visible = problem.statement.read_text() + public_part(problem)
    text = "\n".join(strings(json.loads(notebook.read_text())))
    return {line for line in lines if len(line) >= TELLING and line in text and line not in visible}


@EVERY
def test_the_scan_sees_the_answers_of_the_solved_notebook(slug: str) -> None:
    problem = find(slug)
    assert leaked(problem, problem.source_notebook)


@EVERY
def test_no_line_of_an_answer_is_released(slug: str) -> None:
    problem = find(slug)
    assert leaked(problem, problem.release_notebook) == set()
    released = [path for path in problem.release_notebook.parent.rglob("*") if path.is_file()]
    assert all(b"from solutions" not in path.read_bytes() for path in released)
    assert all(END.encode() not in path.read_bytes() for path in released)
    assert not [path.name for path in released if path.suffix in {".md", ".db", ".pyc"}]


@EVERY
def test_written_answers_are_released_empty(slug: str) -> None:
    problem = find(slug)
    answers = {cell.grade_id: cell.source for cell in course_cells(problem) if cell.by_hand}
    assert answers
    cells = json.loads(problem.release_notebook.read_text())["cells"]
    released = {cell["id"]: "".join(cell["source"]) for cell in cells}
    assert {name: released[name] for name in answers} == dict.fromkeys(answers, UNANSWERED)
    texts = [path.read_text() for path in problem.release_notebook.parent.rglob("*") if path.is_file()]
    shown = "\n".join([*texts, *released.values()])
    lines = {line for answer in answers.values() for line in answer.splitlines() if len(line) >= TELLING}
    assert not [line for line in lines if line in shown]


def run(notebook: nbformat.NotebookNode, where: Path, *, allow_errors: bool) -> list[Any]:
    """Its cells after a run in a real kernel, in an empty directory: nothing beside it, as where it is uploaded."""
    assert not list(where.iterdir())
    # The solved notebook is meant to run in seconds; two minutes for a cell mean that it hangs.
    client = NotebookClient(notebook, timeout=120, allow_errors=allow_errors, resources={"metadata": {"path": where}})
    ran: list[Any] = client.execute().cells
    return ran


@EVERY
def test_the_solved_notebook_runs(slug: str, tmp_path: Path) -> None:
    problem = find(slug)
    ran = run(nbformat.read(problem.source_notebook, as_version=4), tmp_path, allow_errors=False)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.py")}.items() <= problem.support_files().items()
    assert not [output for cell in ran for output in cell.get("outputs", ()) if output.get("name") == "stderr"]


@EVERY
def test_the_blank_notebook_stops_where_students_begin(slug: str, tmp_path: Path) -> None:
    """Every answer and visible check of the released notebook raises NotImplementedError, and nothing else does."""
    problem = find(slug)
    notebook = nbformat.read(problem.release_notebook, as_version=4)
    calls = []
    for function in functions_of(problem.reference_source).values():
        signature = ast.parse(function.source).body[0]
        assert isinstance(signature, ast.FunctionDef)
        required = len(signature.args.posonlyargs + signature.args.args) - len(signature.args.defaults)
        calls.append(nbformat.v4.new_code_cell(f"{function.name}({', '.join(['None'] * required)})"))
    notebook.cells += calls
    ran = run(notebook, tmp_path, allow_errors=True)
    errors = [output for cell in ran for output in cell.get("outputs", ()) if output.output_type == "error"]
    assert [error.evalue for error in errors if error.ename != "NotImplementedError"] == []
    checks = [cell for cell in ran if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in checks + ran[-len(calls) :]:
        raised = [output.ename for output in cell.outputs if output.output_type == "error"]
        assert raised == ["NotImplementedError"], cell.source

"""`mlphys new`: a problem to begin with. It is small and whole: it builds, stands its audit, and grades."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from autograder.course import Problem

TEMPLATES = Path(__file__).parent / "templates"
# The name is one of a Python module, of a folder and of a notebook on every file system, and nbgrader's too.
NAME = re.compile(r"[a-z][a-z0-9_]*")


class CannotScaffold(ValueError):
    """There cannot be a new problem of that name; the message says why and what to do."""


def scaffold(root: Path, slug: str) -> list[Path]:
    """Write the files of the problem `slug` into the course at `root`; the paths of those written.

    Raises CannotScaffold if the name is none, or if a file that would be written exists: nothing is written then.
    """
    problem = _problem(root, slug)
    files = _files(problem)
    for path in files:
        if path.exists():
            raise CannotScaffold(f"{path.relative_to(root)} exists, and nothing is overwritten. Choose another name.")
    files |= {path: text for path, text in _packages(problem).items() if not path.exists()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(files)


def _problem(root: Path, slug: str) -> Problem:
    assignment, _, name = slug.partition("/")
    for part in (assignment, name):
        if not NAME.fullmatch(part) or keyword.iskeyword(part):
            raise CannotScaffold(
                f"{slug!r} cannot be the name of a problem. It is SET/PROBLEM, each of lower-case letters, digits and "
                "underscores that begin with a letter, such as ps05_linear_regression/ridge."
            )
    return Problem(assignment, name, root)


def _files(problem: Problem) -> dict[Path, str]:
    """Each file of the problem with its text: the templates, with the problem's name in them."""
    places = {
        problem.statement: "statement.md",
        problem.reference_source: "reference.py",
        problem.test_module: "tests.py",
        problem.graders / "mistakes.py": "mistakes.py",
        problem.graders / "alternatives.py": "alternatives.py",
    }
    texts = {path: (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8") for path, name in places.items()}
    return {
        path: text.replace("SET", problem.assignment).replace("PROBLEM", problem.name) for path, text in texts.items()
    }


def _packages(problem: Problem) -> dict[Path, str]:
    """An __init__.py for each folder of Python files."""
    assignment = f"problem set {problem.assignment}"
    return {
        problem.reference_source.parent / "__init__.py": f'"""Reference solutions of {assignment}."""\n',
        problem.graders.parent / "__init__.py": f'"""Graders of {assignment}."""\n',
        problem.graders / "__init__.py": f'"""Graders of {problem}."""\n',
    }

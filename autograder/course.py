"""Where a problem lives: one slug, `set/problem`, names its statement, its reference and its graders."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


class UnknownProblem(LookupError):
    """No problem of this course has that name."""


@dataclass(frozen=True, order=True)
class Problem:
    """One problem of the course at `root`, by its slug, for example `ps01_linear_algebra/backprop`."""

    assignment: str
    name: str
    root: Path = field(default=ROOT, repr=False)

    @property
    def slug(self) -> str:
        return f"{self.assignment}/{self.name}"

    @property
    def statement(self) -> Path:
        return self.root / "source" / self.assignment / f"{self.name}.md"

    @property
    def source_notebook(self) -> Path:
        return self.root / "source" / self.assignment / f"{self.name}.ipynb"

    @property
    def release_notebook(self) -> Path:
        return self.root / "release" / self.assignment / f"{self.name}.ipynb"

    @property
    def graders(self) -> Path:
        return self.root / "autograder" / "graders" / self.assignment / self.name

    @property
    def test_module(self) -> Path:
        return self.graders / f"test_{self.name}.py"

    @property
    def reference_source(self) -> Path:
        return self.root / "solutions" / self.assignment / f"{self.name}.py"

    @property
    def reference_module(self) -> str:
        return f"solutions.{self.assignment}.{self.name}"

    def support_files(self) -> dict[str, bytes]:
        """The files that students get beside the notebook, by name."""
        beside = (path for path in self.statement.parent.iterdir() if path.is_file() and not path.name.startswith("."))
        return {path.name: path.read_bytes() for path in beside if path.suffix not in {".md", ".ipynb"}}

    def reference(self) -> ModuleType:
        """The reference solution, imported."""
        return importlib.import_module(self.reference_module)

    def catalogue(self, kind: str) -> ModuleType:
        """The module `mistakes` or `alternatives` of this problem, imported."""
        return importlib.import_module(f"autograder.graders.{self.assignment}.{self.name}.{kind}")

    def __str__(self) -> str:
        return self.slug


def problems(root: Path = ROOT) -> list[Problem]:
    """Every problem that has a statement, in order."""
    return sorted(Problem(path.parent.name, path.stem, root) for path in root.glob("source/*/*.md"))


def find(slug: str) -> Problem:
    """The problem called `slug`; raises UnknownProblem with the names that exist."""
    for problem in problems():
        if problem.slug == slug.strip("/"):
            return problem
    known = ", ".join(str(problem) for problem in problems()) or "none yet"
    raise UnknownProblem(f"There is no problem {slug!r} in this course. Problems: {known}.")

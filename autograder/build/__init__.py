"""Statement + reference + graders -> the instructor's notebook -> the students' notebook."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from autograder.build.drift import drift
from autograder.build.faults import BuildError
from autograder.build.functions import functions_of
from autograder.build.notebook import notebook_of
from autograder.build.release import release_of
from autograder.build.rules import faults
from autograder.build.statement import cells_of
from autograder.build.support import with_files
from autograder.course import ROOT, Problem, problems
from autograder.grading.marks import GraderFault, Part, parts_of

__all__ = ["BuildError", "build", "source_notebook"]

# What Jupyter and Python leave beside the files that they open.
LEAVINGS = {".ipynb_checkpoints", "__pycache__"}


def build(check: bool = False, root: Path = ROOT) -> list[str]:
    """Build every notebook of the course at `root`; returns a sentence for every file that it wrote or removed.

    With `check` nothing is written, and each sentence says how a file differs from what would be.
    Raises BuildError with a sentence for every fault of the authored files.
    """
    wanted = _wanted(root)
    stale = _stale(root, wanted)
    if check:
        return list(drift(root, wanted, stale))
    changed = [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    for path in stale:
        path.unlink()
    built = [f"Built {path.relative_to(root)}." for path in changed]
    return built + [f"Removed {path.relative_to(root)}, which nothing builds any more." for path in stale]


def _wanted(root: Path) -> dict[Path, bytes]:
    """Every built file of the course with its content."""
    notebooks: dict[Problem, bytes] = {}
    sentences = _without_statement(root)
    for problem in problems(root):
        try:
            notebooks[problem] = source_notebook(problem)
        except BuildError as error:
            sentences += error.sentences
    if sentences:
        raise BuildError(sentence.replace(f"{root}/", "") for sentence in sentences)
    wanted = {problem.source_notebook: content for problem, content in notebooks.items()}
    for assignment, group in groupby(notebooks, key=lambda problem: problem.assignment):
        sources = {problem.source_notebook.name: notebooks[problem] for problem in group}
        released = release_of(root, assignment, sources)
        wanted |= {root / "release" / assignment / name: content for name, content in released.items()}
    return wanted


def source_notebook(problem: Problem) -> bytes:
    """The instructor's notebook of `problem`, as bytes; raises BuildError if its three files do not fit together."""
    missing = [path for path in (problem.reference_source, problem.test_module) if not path.is_file()]
    if missing:
        raise BuildError(f"{problem.statement} has no {path}. Write it, or remove the statement." for path in missing)
    functions = functions_of(problem.reference_source)
    cells = with_files(problem, cells_of(problem), functions.values())
    parts = _parts(problem)
    sentences = list(faults(problem, cells, functions, parts))
    if sentences:
        raise BuildError(sentences)
    return notebook_of(problem, cells, functions, parts)


def _parts(problem: Problem) -> list[Part]:
    try:
        return parts_of(problem.test_module)
    except GraderFault as fault:
        raise BuildError([f"{problem.test_module}: {fault}"]) from None
    except Exception as error:
        # Importing runs the author's code, which may raise anything.
        raise BuildError(
            [f"{problem.test_module} cannot be imported: {type(error).__name__}: {error}. Repair it."]
        ) from error


def _without_statement(root: Path) -> list[str]:
    """nbgrader would release every notebook in source/, so one that is not built is a way around the build."""
    return [
        f"{path} has no statement {path.stem}.md beside it. Write one, or remove the notebook."
        for path in sorted(root.glob("source/*/*.ipynb"))
        if not path.with_suffix(".md").exists()
    ]


def _stale(root: Path, wanted: dict[Path, bytes]) -> list[Path]:
    present = (path for path in sorted(root.glob("release/**/*")) if path.is_file())
    return [path for path in present if path not in wanted and not LEAVINGS & set(path.parts)]

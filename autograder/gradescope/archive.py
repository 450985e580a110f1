"""The zip that Gradescope makes an autograder of: two scripts, the grader, and one assignment with its answers.

As "Autograder Specifications" asks (see autograder/gradescope/results.py), the scripts are at its root.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.build import BuildError, source_notebook
from autograder.course import ROOT, Problem, problems
from autograder.gradescope.grade import cells_with_points
from autograder.grading.coursecells import answer_title
from autograder.sandbox import Limits

SCRIPTS = ("setup.sh", "run_autograder")
# What `pip install` of the package reads besides the package.
PACKAGE = ("pyproject.toml", "README.md", "LICENSE")
# The earliest time that a zip can have: the same course gives the same bytes.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


class CannotPack(Exception):
    """There is no autograder to be made of that; the message says why and what to do."""


def pack(assignment: str, path: Path) -> str:
    """Write the autograder for the problem set `assignment` to `path`; what to do with it. Raises CannotPack."""
    own = [problem for problem in problems() if problem.assignment == assignment]
    if not own:
        known = ", ".join(sorted({problem.assignment for problem in problems()}))
        raise CannotPack(f"There is no problem set {assignment!r} in this course; there are {known}.")
    _built(own)
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in SCRIPTS:
                _add(archive, ROOT / "autograder" / "gradescope" / name, name, 0o755)
            for file in _files(assignment):
                _add(archive, file, file.relative_to(ROOT).as_posix(), 0o644)
    except OSError as error:
        raise CannotPack(f"{path} cannot be written ({error.strerror}). Name another file with --to.") from None
    return f"Wrote {path}, which has the answers in it. {_advice(own)}"


def _built(own: list[Problem]) -> None:
    """What is graded there is what the authored files say now."""
    try:
        wanted = {problem.source_notebook: source_notebook(problem) for problem in own}
    except BuildError as error:
        raise CannotPack("\n".join(error.sentences)) from None
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            raise CannotPack(f"{path.relative_to(ROOT)} is not what its sources build. Run `mlphys build`.")


def _advice(own: list[Problem]) -> str:
    """What to choose on Gradescope."""
    cells = [(problem.name, *cell) for problem in own for cell in cells_with_points(problem)]
    tested = sum(points for name, grade_id, points in cells if grade_id.startswith(f"{name}-check-"))
    by_hand = [
        f"“{answer_title(grade_id)}” of {name} ({points:g})"
        for name, grade_id, points in cells
        if not grade_id.startswith(f"{name}-check-")
    ]
    person = f" and manually graded questions for {', '.join(by_hand)}" if by_hand else ""
    files = " and ".join(f"{problem.name}.ipynb" for problem in own)
    # The grader and its fork server take half a gigabyte beside what a submission may, and a minute to start.
    memory = Limits().memory / 2**30 + 1
    minutes = len(own) * (Limits().notebook + Limits().calls) / 60 + 1
    return (
        f"On Gradescope, choose a programming assignment with {tested:g} points for the autograder"
        f"{person}, a container with {memory:.0f} GB of memory or more, and a time-out of {minutes:.0f} minutes. "
        f"Students hand in {files}. Try it with the solved notebooks before you release it: where Gradescope's "
        "container does not let a student's code be confined, nothing is graded, and the autograder's output says why."
    )


def _files(assignment: str) -> Iterator[Path]:
    """The package without the graders of other assignments, and of the course the one assignment."""
    yield from (ROOT / name for name in PACKAGE)
    graders = ROOT / "autograder" / "graders"
    for file in _below(ROOT / "autograder"):
        if not file.is_relative_to(graders) or file.parent == graders or file.is_relative_to(graders / assignment):
            yield file
    yield ROOT / "solutions" / "__init__.py"
    for folder in ("solutions", "source"):
        yield from _below(ROOT / folder / assignment)


def _below(folder: Path) -> Iterator[Path]:
    hidden = ("__pycache__", ".ipynb_checkpoints")
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not set(hidden) & set(path.parts))


def _add(archive: zipfile.ZipFile, file: Path, name: str, mode: int) -> None:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, file.read_bytes())

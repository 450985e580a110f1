"""What a grade depends on besides the submission, as one hash for each problem."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from autograder.course import Problem

PACKAGE = Path(__file__).resolve().parent.parent
# The folders of this package that have a part in a grade; how a report looks, say, has none.
GRADING = ("grading", "sandbox", "proof")
# Another version of these may round otherwise, or word an error otherwise.
LIBRARIES = ("numpy", "torch", "matplotlib", "ipython", "msgpack", "pytest")


def version_of(problem: Problem) -> str:
    """A hash of the graders, the reference, the support files and the cells of `problem`, and of what grades it."""
    return hash_of([code_of(problem).encode(), _libraries()])


def code_of(problem: Problem) -> str:
    """As `version_of`, whatever Python and its libraries."""
    own = [*files_in(problem.graders), problem.reference_source, problem.source_notebook]
    support = [word for name, content in sorted(problem.support_files().items()) for word in (name.encode(), content)]
    return hash_of([_PACKAGE, *contents(own, problem.root), *support])


@functools.cache
def _libraries() -> bytes:
    return " ".join([platform.python_version(), *(f"{name} {version(name)}" for name in LIBRARIES)]).encode()


def files_in(folder: Path) -> list[Path]:
    """The files in `folder` and below, without those that Python and editors leave there."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(map(_is_left_there, path.relative_to(folder).parts)))


def _is_left_there(name: str) -> bool:
    return name == "__pycache__" or name.startswith((".", "#")) or name.endswith("~")


def contents(paths: Iterable[Path], root: Path) -> Iterator[bytes]:
    for path in paths:
        yield str(path.relative_to(root)).encode()
        yield path.read_bytes()


def hash_of(words: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for word in words:
        # Each word by itself, so that none can be taken for two.
        total.update(hashlib.sha256(word).digest())
    return total.hexdigest()


def _package() -> bytes:
    files = [PACKAGE / "course.py", *(path for name in GRADING for path in files_in(PACKAGE / name))]
    return hash_of(contents(files, PACKAGE)).encode()


# As it is when the first module that grades is imported (by the package's __init__): a process that lives for days, as
# Jupyter's does, goes on with the code that it has, whatever becomes of the files.
_PACKAGE = _package()

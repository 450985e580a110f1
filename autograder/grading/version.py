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
    own = [*_files(problem.graders), problem.reference_source, problem.source_notebook]
    support = [word for name, content in sorted(problem.support_files().items()) for word in (name.encode(), content)]
    return _hash([_package().encode(), *_contents(own, problem.root), *support])


@functools.cache
def _package() -> str:
    """The same for as long as the process lives, whose modules are loaded once."""
    files = [PACKAGE / "course.py", *(path for name in GRADING for path in _files(PACKAGE / name))]
    libraries = [f"{name} {version(name)}" for name in LIBRARIES]
    return _hash(
        [platform.python_version().encode(), *(name.encode() for name in libraries), *_contents(files, PACKAGE)]
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _contents(paths: Iterable[Path], root: Path) -> Iterator[bytes]:
    for path in paths:
        yield str(path.relative_to(root)).encode()
        yield path.read_bytes()


def _hash(words: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for word in words:
        # Each word by itself, so that none can be taken for two.
        total.update(hashlib.sha256(word).digest())
    return total.hexdigest()

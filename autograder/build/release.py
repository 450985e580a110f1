"""The students' version of an assignment, made by nbgrader itself in a temporary course directory."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.build.faults import BuildError

CONFIG = "nbgrader_config.py"


def release_of(root: Path, assignment: str, notebooks: dict[str, bytes]) -> dict[Path, bytes]:
    """Every file that students get of `assignment`, by its path in release/<assignment>/.

    `notebooks` are the built source notebooks by file name; support files come from source/<assignment>/.
    The configuration is the course's own nbgrader_config.py; the gradebook is not opened.
    """
    config = _config(root)
    with tempfile.TemporaryDirectory(prefix="mlphys-build-") as directory:
        course = Path(directory).resolve()
        source = course / "source" / assignment
        shutil.copytree(root / "source" / assignment, source, ignore=shutil.ignore_patterns("*.ipynb"))
        for name, content in notebooks.items():
            (source / name).write_bytes(content)
        _generate(course, assignment, config)
        released = course / "release" / assignment
        files = {path.relative_to(released): path for path in sorted(released.rglob("*")) if path.is_file()}
        content_of = {name: path.read_bytes() for name, path in files.items()}
    leaked = [name for name in content_of if name.suffix == ".md"]
    if leaked:
        raise BuildError(
            [
                f"nbgrader would release {leaked[0]}, the statement's source, to students. "
                f'Add "*.md" to c.CourseDirectory.ignore in {CONFIG}.'
            ]
        )
    return content_of


def _config(root: Path) -> Config:
    if not (root / CONFIG).is_file():
        raise BuildError(
            [f"{CONFIG} is missing: without it, nbgrader would release the statements' sources. Restore it."]
        )
    return PyFileConfigLoader(CONFIG, path=str(root)).load_config()


def _generate(course: Path, assignment: str, config: Config) -> None:
    """`nbgrader generate_assignment --no-db`, without a process of its own."""
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.assignment_id = assignment
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    heard = _Heard()
    log = logging.Logger("mlphys.build")
    log.addHandler(heard)
    directory = CourseDirectory(config=config, log=log)
    try:
        GenerateAssignment(coursedir=directory, config=config, log=log).start()
    except NbGraderException:
        said = "\n".join(_last_line(message) for message in heard.errors)
        raise BuildError([f"nbgrader generate_assignment {assignment} failed. It says:\n{said}"]) from None


def _last_line(message: str) -> str:
    return message.strip().splitlines()[-1] if message.startswith("Traceback") else message


class _Heard(logging.Handler):
    """nbgrader logs its reasons and raises without them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())

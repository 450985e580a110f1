"""A course of nothing but what `mlphys new` writes, in a copy of the tree that has none of this course's problems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from autograder.course import ROOT

OF_THE_PACKAGE = ("nbgrader_config.py", "pyproject.toml", "README.md", "LICENSE", "solutions/__init__.py")


class NewCourse:
    """A checkout at `root`, and its command line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        without = shutil.ignore_patterns("__pycache__", "ps[0-9]*")
        shutil.copytree(ROOT / "autograder", root / "autograder", ignore=without)
        for name in OF_THE_PACKAGE:
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / name)

    def mlphys(self, *arguments: object, code: int = 0) -> str:
        """Run a command that is to end with `code`; what it printed."""
        return self.run(Path(sys.executable).parent / "mlphys", *arguments, code=code)

    def run(self, *command: object, code: int = 0) -> str:
        # nbgrader calls alembic by name.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.root,
            # Options of the tests that run this are not those of the tests that it runs.
            env={**os.environ, "PATH": path, "PYTHONPATH": str(self.root), "COLUMNS": "200", "PYTEST_ADDOPTS": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file() and path.suffix != ".pyc"}

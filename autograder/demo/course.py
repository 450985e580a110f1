"""The demo's course directory, and nbgrader's commands in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.course import ROOT, Problem
from autograder.report import REPORTS
from autograder.sandbox import Isolation
from autograder.sandbox.isolation import best

# It says that a directory was made by the demo, so that the next demo may delete it.
MARKER = ".mlphys-demo"
CONFIG = "nbgrader_config.py"
# The class is our own code, so it may run unconfined where a machine has nothing better.
UNCONFINED = """
# This machine cannot confine the class, whose code is the demo's own.
c.GradeSubmission.isolation = "none"
"""
# One of the class never ends. Its cells and calls take a hundredth of these limits when they do end.
IMPATIENT = """
c.GradeSubmission.limits = {"cell": 5.0, "call": 3.0}
"""
# What nbgrader says last is why it stopped; what comes before is a line for each student.
LAST_LINES = 15


class DemoError(Exception):
    """The demo did not come out as it should; the message is a sentence."""


class NotADemo(DemoError):
    """The directory holds something that the demo did not make."""


@dataclass(frozen=True)
class DemoCourse:
    """A course of its own at `root`, graded at the isolation `level`."""

    root: Path
    level: Isolation

    @classmethod
    def create(cls, directory: Path) -> DemoCourse:
        """A new course in `directory`, in the place of an earlier demo; raises NotADemo if it holds anything else."""
        _make_way(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / MARKER).touch()
        level = best()
        config = (ROOT / CONFIG).read_text(encoding="utf-8")
        config += IMPATIENT + (UNCONFINED if level is Isolation.NONE else "")
        (directory / CONFIG).write_text(config, encoding="utf-8")
        shutil.copytree(ROOT / "source", directory / "source")
        return cls(directory, level)

    def nbgrader(self, console: Console, *command: str) -> None:
        """Run a command of nbgrader; as `mlphys`."""
        self._run(console, "nbgrader", "nbgrader", command)

    def mlphys(self, console: Console, *command: str) -> None:
        """Run a command of ours, and say how long it took; raises DemoError with what it said last if it fails."""
        self._run(console, "mlphys", "autograder", command)

    def _run(self, console: Console, program: str, module: str, command: tuple[str, ...]) -> None:
        words = " ".join((program, *command))
        began = time.monotonic()
        with console.status(words):
            done = subprocess.run(
                [sys.executable, "-m", module, *command],
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            said = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
            raise DemoError(f"In {self.root}, `{words}` failed. It says:\n{said}")
        console.print(Text(f"{time.monotonic() - began:6.1f} s  {words}"))

    def _environment(self) -> dict[str, str]:
        """Ours, with what nbgrader calls by name (alembic) on the PATH, and without the user's own configuration."""
        binaries = str(Path(sys.executable).parent)
        path = os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)])
        return {**os.environ, "PATH": path, "JUPYTER_CONFIG_DIR": str((self.root / ".jupyter").resolve())}

    def released(self, problem: Problem) -> str:
        return (self.root / "release" / problem.assignment / f"{problem.name}.ipynb").read_text(encoding="utf-8")

    def submit(self, problem: Problem, student: str, text: str) -> None:
        path = self.submission(problem, student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def submission(self, problem: Problem, student: str) -> Path:
        return self.root / "submitted" / student / problem.assignment / f"{problem.name}.ipynb"

    def record(self, problem: Problem, student: str) -> Path:
        return self.root / "autograded" / student / problem.assignment / f"{problem.name}.json"

    def feedback(self, problem: Problem, student: str) -> Path:
        return self.root / "feedback" / student / problem.assignment / f"{problem.name}.html"

    def report(self, assignment: str) -> Path:
        return self.root / REPORTS / f"{assignment}.html"

    @property
    def gradebook(self) -> Path:
        return (self.root / "gradebook.db").resolve()


def _make_way(directory: Path) -> None:
    if not os.path.lexists(directory):
        return
    if directory.is_symlink() or not directory.is_dir():
        raise NotADemo(f"{directory} is not a directory. Give another name: mlphys demo DIRECTORY.")
    if (directory / MARKER).is_file():
        shutil.rmtree(directory)
    elif any(directory.iterdir()):
        raise NotADemo(
            f"{directory} holds files that the demo did not make, so it is left as it is. "
            "Give another name: mlphys demo DIRECTORY."
        )

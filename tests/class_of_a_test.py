"""A class that hands in, the course that has it, and `mlphys grade` as it is started there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Course, solved
from prepared import run_module

from autograder.course import ROOT, Problem

PROBLEM = Problem("ps01_linear_algebra", "backprop")
MLPHYS = Path(sys.executable).with_name("mlphys")
# More than any of them: on two busy cores the longest run of these takes a minute.
SECONDS = 240


@dataclass(frozen=True)
class Said:
    """What `mlphys grade` printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def graded(self) -> list[str]:
        """Who was graded in this run, by the lines of its log."""
        return sorted(line.split()[1].strip(",") for line in self.err.splitlines() if " points in " in line)


def command(assignment: str, *words: str) -> list[str]:
    """A process for each core would import and start twice what one takes for so few."""
    return ["grade", "--jobs", "1", assignment, *words]


def environment_of(course: Course) -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(course.root / "none"), "COLUMNS": "200"}
    return {**os.environ, **own, "TMPDIR": str(temporary(course))}


def temporary(course: Course) -> Path:
    """Where a run keeps what it needs while it lasts."""
    folder = course.root / "tmp"
    folder.mkdir(exist_ok=True)
    return folder


def started(course: Course, *words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """The command as people start it."""
    return subprocess.Popen(
        [MLPHYS, *command(PROBLEM.assignment, *words)],
        cwd=course.root,
        env=environment_of(course),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        process_group=0,
        # Ctrl-C means something to it, also where a shell in the background has taken that from us.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def grade(course: Course, *words: str) -> Said:
    """The same in a process that need not import so much."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        arguments = ["autograder", *command(PROBLEM.assignment, *words)]
        code = run_module(arguments, course.root, environment_of(course), out, err)
        return Said(out.read_text(), err.read_text(), code)


def wrong() -> dict[str, Any]:
    """Solved, but for a factor in one derivative."""
    text, slip = "return 4.0 * (u / (1.0 + u**2)) ** 2", "return 2.0 * (u / (1.0 + u**2)) ** 2"
    notebook = json.dumps(solved(PROBLEM))
    assert text in notebook
    return dict(json.loads(notebook.replace(text, slip)))


@pytest.fixture(scope="session")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with a class that has handed in, and nothing graded."""
    course = Course(tmp_path_factory.mktemp("class"), PROBLEM)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    course.nbgrader("db", "assignment", "add", PROBLEM.assignment, "--duedate", "2026-01-01 12:00:00 UTC")
    blank = json.loads((course.root / "release" / PROBLEM.assignment / "backprop.ipynb").read_text())
    course.submit("ada", solved(PROBLEM))
    (course.submit("bob", wrong()) / "timestamp.txt").write_text("2026-01-01 13:00:00 UTC")
    course.submit("cyd", "no notebook")
    (course.submit("dan", blank) / "timestamp.txt").write_text("2026-01-01 11:00:00 UTC")
    return course


def copied(course: Course, root: Path) -> Course:
    shutil.copytree(course.root, root)
    twin = Course.__new__(Course)
    twin.root, twin.problem = root, course.problem
    return twin


@pytest.fixture(scope="session")
def graded_class(handed_in: Course, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Said]:
    course = copied(handed_in, tmp_path_factory.mktemp("graded") / "course")
    return course, grade(course)


@pytest.fixture
def course(graded_class: tuple[Course, Said], tmp_path: Path) -> Course:
    """A class that is graded, for a test of its own."""
    return copied(graded_class[0], tmp_path / "course")


def rows(course: Course) -> list[str]:
    """Every row of the gradebook, with what it refers to in the place of random ids."""
    with sqlite3.connect(course.root / "gradebook.db") as database:
        database.row_factory = sqlite3.Row
        tables = [name for [name] in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = [(table, dict(row)) for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    named = {row["id"]: (table, row) for table, row in found if len(str(row.get("id"))) == 32}

    def meaning(value: Any) -> Any:
        if value not in named:
            return value
        table, row = named[value]
        return table, [(key, meaning(inner)) for key, inner in row.items() if key != "id"]

    return sorted(repr((table, [(k, meaning(v)) for k, v in row.items() if k != "id"])) for table, row in found)


def files(course: Course) -> dict[str, bytes]:
    folder = course.root / "autograded"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# `mlphys grade`, several times in one process: it takes two seconds to start.
GRADE = """
import sys
from rich.console import Console
from autograder.batch.command import run

def grade(name, students=(), jobs=None, scheduler=None):
    console = Console(width=2000)
    code = run(name, students, False, jobs, scheduler, True, console, console)
    print(f"exit {code}")

"""


def grade_each(course: Course, *calls: str) -> list[str]:
    """What each call of `grade` says, and its exit code."""
    (course.root / "grades.py").write_text(GRADE + "\n".join(calls))
    printed = course.python("grades.py")
    assert "Traceback" not in printed
    said = printed.split("exit ")
    codes = [part.partition("\n")[0] for part in said[1:]]
    words = [said[0], *(part.partition("\n")[2] for part in said[1:-1])]
    return [f"{code}: {' '.join(word.split())}" for code, word in zip(codes, words, strict=True)]

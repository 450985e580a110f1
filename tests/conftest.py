"""A temporary course: nbgrader's own commands on a copy of an assignment, and the rows that they write.

And the sandbox: real fork servers, each started once for all tests that ask for it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from prepared import run_module

from autograder.audit import variants
from autograder.course import ROOT, Problem
from autograder.gradebook.notebook import notebook_of
from autograder.sandbox import Isolation, Limits, Sandbox, Worker, mechanisms
from autograder.sandbox.isolation import best, lacking

pytest_plugins = ["class_of_a_test"]


@dataclass(frozen=True)
class Grade:
    """One row of the gradebook."""

    auto_score: float | None
    manual_score: float | None
    needs_manual_grade: bool
    max_score: float


class Course:
    """A course directory with one assignment of one problem, driven from outside as an instructor does it."""

    def __init__(self, root: Path, problem: Problem) -> None:
        self.root, self.problem = root, problem
        shutil.copy(ROOT / "nbgrader_config.py", root)
        shutil.copytree(problem.source_notebook.parent, root / "source" / problem.assignment)
        for notebook in (root / "source" / problem.assignment).glob("*.ipynb"):
            if notebook.stem != problem.name:
                notebook.unlink()

    def nbgrader(self, *command: str, fails: bool = False) -> str:
        """Run a command of nbgrader; what it logs."""
        with tempfile.NamedTemporaryFile() as file:
            log = Path(file.name)
            code = run_module(["nbgrader", *command], self.root, self._environment(), log, log)
            said = log.read_text()
        assert (code != 0) == fails, said
        return said

    def python(self, *arguments: str, fails: bool = False) -> str:
        """Run Python in the course directory: nbgrader's libraries warn about each other in a process of their own."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            # nbgrader calls alembic by name, and the crash tests put a preprocessor beside the configuration.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(self.root), str(ROOT)]),
            "JUPYTER_CONFIG_DIR": str(self.root / "no-configuration-of-the-user"),
        }

    def folder(self, step: str, student: str) -> Path:
        return self.root / step / student / self.problem.assignment

    def submit(self, student: str, notebook: dict[str, Any] | str) -> Path:
        """Put a notebook into the student's folder; the folder."""
        folder = self.folder("submitted", student)
        folder.mkdir(parents=True, exist_ok=True)
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        (folder / f"{self.problem.name}.ipynb").write_text(text)
        return folder

    def autograded(self, student: str) -> dict[str, Any]:
        path = self.folder("autograded", student) / f"{self.problem.name}.ipynb"
        return dict(json.loads(path.read_text()))

    def record(self, student: str) -> dict[str, Any]:
        path = self.folder("autograded", student) / f"{self.problem.name}.json"
        return dict(json.loads(path.read_text()))

    def feedback(self, student: str) -> str:
        return (self.folder("feedback", student) / f"{self.problem.name}.html").read_text()

    def grades(self, student: str) -> dict[str, Grade]:
        """The student's rows of the gradebook for what tests give points for, by grade id."""
        return self._rows(student, "check")

    def written(self, student: str) -> Grade:
        """The student's row of the gradebook for the written answer."""
        [row] = self._rows(student, "written").values()
        return row

    def _rows(self, student: str, role: str) -> dict[str, Grade]:
        query = (
            "SELECT base_cell.name, auto_score, manual_score, needs_manual_grade, grade_cells.max_score "
            "FROM grade JOIN base_cell ON base_cell.id = grade.cell_id "
            "JOIN grade_cells ON grade_cells.id = base_cell.id "
            "JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id "
            "JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id "
            "WHERE submitted_assignment.student_id = ? AND base_cell.name LIKE ? ORDER BY base_cell.rowid"
        )
        with sqlite3.connect(self.root / "gradebook.db") as database:
            rows = database.execute(query, [student, f"{self.problem.name}-{role}-%"]).fetchall()
        database.close()
        return {name: Grade(auto, manual, bool(needs), most) for name, auto, manual, needs, most in rows}

    def grade_by_hand(self, student: str, grade_id: str, score: float) -> None:
        """What Formgrader writes when an instructor enters a score."""
        query = (
            "UPDATE grade SET manual_score = ?, needs_manual_grade = 0 WHERE cell_id IN "
            "(SELECT id FROM base_cell WHERE name = ?) AND notebook_id IN (SELECT submitted_notebook.id "
            "FROM submitted_notebook JOIN submitted_assignment "
            "ON submitted_assignment.id = submitted_notebook.assignment_id WHERE student_id = ?)"
        )
        with sqlite3.connect(self.root / "gradebook.db") as database:
            assert database.execute(query, [score, grade_id, student]).rowcount == 1
        database.close()


@pytest.fixture(scope="session", autouse=True)
def _known_secret(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Random inputs are the same here on every machine and at every run."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mlphys").mkdir()
    (folder / "mlphys" / "secret").write_text("known to the tests")
    os.environ["JUPYTER_DATA_DIR"] = str(folder)


def solved(problem: Problem) -> dict[str, Any]:
    """The course's notebook with the reference solutions, without the plots, which take most of the time."""
    return dict(json.loads(nbformat.writes(notebook_of(variants.solved(problem), problem))))


LEVELS = {"level1": Isolation.BUBBLEWRAP, "level2": Isolation.LANDLOCK}


@functools.cache
def missing(level: Isolation) -> str:
    """What this machine lacks for `level`, in the words of `mlphys doctor`; empty if nothing."""
    found = lacking(level, mechanisms())
    return f"{level.label} needs {found[0].name} ({found[0].why}); try: {found[0].remedy}" if found else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "make each attack that is made at two levels at one of them: root at the one, any other user at the other"
    parser.addoption("--crossed", action="store_true", help=words)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --crossed, leave out the other level of each attack.

    Two runs, as root and as an ordinary user, then make every attack as both, at both levels, and half of the attacks
    in each of the four ways, in the time of one run.
    """
    if not config.getoption("--crossed"):
        return
    attacks: dict[str, list[pytest.Item]] = {}
    for item in items:
        given = item.callspec.params.values() if isinstance(item, pytest.Function) and "[" in item.name else ()
        for level in given if "hostile" in item.path.parts else ():
            if isinstance(level, Isolation):
                attacks.setdefault(item.nodeid.replace(level.label, ""), []).append(item)
    left_out = set()
    for number, attack in enumerate(sorted(attacks)):
        by_level = sorted(attacks[attack], key=lambda item: item.nodeid)
        left_out.update(by_level[(number + (os.geteuid() == 0)) % 2 :: 2])
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, level in LEVELS.items():
        if item.get_closest_marker(mark) is not None and missing(level):
            pytest.skip(missing(level))


# Functions of the sandbox that need no isolation are tested with and without it.
EVERY_LEVEL = pytest.mark.parametrize(
    "sandbox",
    [
        Isolation.NONE,
        pytest.param(Isolation.LANDLOCK, marks=pytest.mark.level2),
        pytest.param(Isolation.BUBBLEWRAP, marks=pytest.mark.level1),
    ],
    indirect=True,
    ids=lambda level: level.label,
)
Start = Callable[[Isolation, Limits], Sandbox]


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Starts fork servers, and the same one for the same question: each costs two seconds."""
    started: dict[tuple[Isolation, Limits], Sandbox] = {}

    def start(level: Isolation, limits: Limits) -> Sandbox:
        if (level, limits) not in started:
            started[level, limits] = Sandbox(level, limits)
        return started[level, limits]

    yield start
    for sandbox in started.values():
        sandbox.close()


@pytest.fixture(scope="session")
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    """A sandbox of the level that is asked for by EVERY_LEVEL, or else of the best that this machine gives."""
    return start(getattr(request, "param", best()), Limits())


@pytest.fixture
def impatient(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The same server, with one second for a cell or a call: for tests where something does not end."""
    monkeypatch.setattr(sandbox, "limits", replace(sandbox.limits, cell=1.0, call=1.0))
    return sandbox


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with sandbox.worker() as worker:
        yield worker


def shown(worker: Worker, source: str) -> str:
    """All text that a cell shows, its error included."""
    # Ten seconds: these cells take milliseconds, and a machine under load a hundred times that.
    outputs = worker.run_cell(source, "cell 1", 10)
    text = [output.get("text") or output.get("data", {}).get("text/plain") or output["evalue"] for output in outputs]
    return "".join(text).strip()


def servers(pid: int) -> list[int]:
    """The fork server among the descendants of this process or itself, and then the workers that it has forked."""
    found = []
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            command = process.cmdline()
            if "bwrap" not in command[:1] and any("server.main()" in word for word in command):
                found.append(process.pid)
    return found

"""A class of a thousand: whether the hundredth hundred takes as long as the first, and as much memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil

from autograder.audit.variants import solved
from autograder.batch.course import Assignment
from autograder.batch.job import Task
from autograder.batch.pool import Outcome, Processes
from autograder.batch.progress import Silence
from autograder.batch.run import ClassGrading
from autograder.bench.page import Section
from autograder.course import ROOT, find
from autograder.gradebook.notebook import notebook_of
from autograder.sandbox.isolation import best

STUDENTS, EACH = 1000, 100
PROBLEM = "ps01_linear_algebra/backprop"


class _Measuring(Silence):
    """Notes after every hundred notebooks how long they took, and the memory of all processes."""

    def __init__(self) -> None:
        self.graded: list[float] = []
        self.written: list[float] = []
        self.memory: list[tuple[float, float]] = []
        self._done = self._wrote = 0
        self._began = time.perf_counter()

    @contextlib.contextmanager
    def _phase(self) -> Iterator[None]:
        self._began = time.perf_counter()
        yield

    def grading(self, notebooks: int) -> contextlib.AbstractContextManager[None]:
        return self._phase()

    def writing(self, notebooks: int) -> contextlib.AbstractContextManager[None]:
        return self._phase()

    def ended(self, task: Task, outcome: Outcome) -> None:
        self._done += 1
        if self._done % EACH == 0:
            self._note(self.graded)
            own, *others = _memory()
            self.memory.append((own + sum(others), max(others)))

    def wrote(self) -> None:
        self._wrote += 1
        if self._wrote % EACH == 0:
            self._note(self.written)

    def _note(self, seconds: list[float]) -> None:
        now = time.perf_counter()
        seconds.append(now - self._began)
        self._began = now


def _memory() -> list[float]:
    """PSS in MiB: of this process, and of each of its workers with all that it started."""
    this = psutil.Process()

    def share(process: psutil.Process) -> float:
        with contextlib.suppress(psutil.Error):
            return float(process.memory_full_info().pss) / 2**20
        return 0.0

    workers = [[child, *child.children(recursive=True)] for child in this.children()]
    return [share(this), *(sum(map(share, family)) for family in workers)]


def large_class() -> Section:
    """A thousand solved notebooks of one problem, without the plots that are the student's own to make."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        _hand_in(Path(folder))
        measuring = _Measuring()
        grading = ClassGrading(Assignment(find(PROBLEM).assignment), best(), measuring)
        grading.run(Processes(len(os.sched_getaffinity(0))))
    rows = []
    for hundred, graded in enumerate(measuring.graded):
        rows.append(
            (
                f"{EACH * hundred + 1} to {EACH * (hundred + 1)}",
                f"{60 * EACH / graded:.0f}",
                f"{1000 * measuring.written[hundred] / EACH:.0f}",
                *(f"{size:.0f}" for size in measuring.memory[hundred]),
            )
        )
    return Section(
        f"{STUDENTS} submissions",
        f"Solved notebooks of {PROBLEM} without plots, a process for each core. The gradebook is written after all are "
        "graded, by one process. Memory, looked at once for each hundred while all are at work, is the proportional "
        "share (PSS) of all processes together, and of the largest worker with its server and its notebooks.",
        ("submissions", "graded per minute", "gradebook (ms each)", "all processes (MiB)", "largest worker (MiB)"),
        rows,
    )


def _hand_in(root: Path) -> None:
    problem = find(PROBLEM)
    source = root / "source" / problem.assignment
    source.mkdir(parents=True)
    shutil.copy(problem.source_notebook, source)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", problem.assignment]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})
    text = nbformat.writes(notebook_of(solved(problem), problem))
    for number in range(STUDENTS):
        folder = root / "submitted" / f"student{number:04}" / problem.assignment
        folder.mkdir(parents=True)
        (folder / f"{problem.name}.ipynb").write_text(text, encoding="utf-8")

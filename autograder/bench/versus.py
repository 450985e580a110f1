"""The same submissions graded by nbgrader as it comes, and by us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder.bench.page import Section
from autograder.course import ROOT, Problem, problems
from autograder.demo.students import class_of

# Students of the demo's class whose code ends and whose files can be read, so that nbgrader's own way can grade them.
STUDENTS = ("amira", "bruno", "chloe", "dario", "elena", "felix", "greta", "hugo")


def with_nbgrader() -> Section:
    """`nbgrader autograde` with its own executor and the visible checks, and `mlphys grade` with all hidden tests."""
    seconds = {problem: _seconds(problem) for problem in problems()}
    together = [sum(each) for each in zip(*seconds.values(), strict=True)]
    rows = [(problem.name, *_row(len(STUDENTS), *each)) for problem, each in seconds.items()]
    return Section(
        "Beside nbgrader as it comes",
        f"{len(STUDENTS)} simulated students hand in every problem, {len(STUDENTS) * len(seconds)} notebooks. nbgrader "
        "runs them in a kernel each and gives points for the checks that students see; `mlphys grade --force` runs the "
        "hidden tests besides, with one job and then, in the same course, with two. Wall time of the commands, from "
        "start to end; per submission in brackets.",
        ("problem", "nbgrader (s)", "--jobs 1 (s)", "ratio", "--jobs 2 (s)", "ratio"),
        [*rows, ("all", *_row(len(STUDENTS) * len(seconds), *together))],
    )


def _row(submissions: int, stock: float, one: float, two: float) -> tuple[str, ...]:
    def said(seconds: float) -> str:
        return f"{seconds:.1f} ({seconds / submissions:.2f})"

    return said(stock), said(one), f"{stock / one:.2f}", said(two), f"{stock / two:.2f}"


def _seconds(problem: Problem) -> tuple[float, float, float]:
    """What a class's notebooks of `problem` take: nbgrader as it comes, one process of ours, and two."""
    nbgrader = [sys.executable, "-m", "nbgrader"]
    with tempfile.TemporaryDirectory() as folder:
        stock, ours = Path(folder) / "stock", Path(folder) / "ours"
        for root in (stock, ours):
            source = root / "source" / problem.assignment
            shutil.copytree(problem.statement.parent, source, ignore=shutil.ignore_patterns("*.md", "*.ipynb"))
            shutil.copy(problem.source_notebook, source)
        (stock / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.ignore = ['*.md']\n")
        shutil.copy(ROOT / "nbgrader_config.py", ours)
        for root in (stock, ours):
            _timed(root, *nbgrader, "generate_assignment", problem.assignment, "--force")
            _hand_in(root, problem)
        grade = [str(Path(sys.executable).with_name("mlphys")), "grade", problem.assignment, "--force", "--quiet"]
        return (
            _timed(stock, *nbgrader, "autograde", problem.assignment),
            _timed(ours, *grade, "--jobs", "1"),
            _timed(ours, *grade, "--jobs", "2"),
        )


def _hand_in(root: Path, problem: Problem) -> None:
    released = (root / "release" / problem.assignment / f"{problem.name}.ipynb").read_text(encoding="utf-8")
    for student in class_of(problem, released):
        if student.id in STUDENTS:
            folder = root / "submitted" / student.id / problem.assignment
            shutil.copytree(root / "release" / problem.assignment, folder)
            (folder / f"{problem.name}.ipynb").write_text(student.file, encoding="utf-8")


def _timed(root: Path, *command: str) -> float:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(root / "none"),
    }
    began = time.perf_counter()
    subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True)
    return time.perf_counter() - began

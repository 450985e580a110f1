"""`make bench`: what grading costs, beside what the student's own code costs. Prints figures and asserts nothing."""

from __future__ import annotations

import contextlib
import io
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import psutil
import torch
from rich.console import Console
from rich.table import Table

from autograder.course import Problem, problems
from autograder.grading.execute import execute
from autograder.grading.marks import parts_of
from autograder.grading.run import grade, run_tests
from autograder.grading.student import Call
from autograder.grading.submission import Submission, read
from autograder.sandbox import Isolation, Sandbox, mechanisms
from autograder.sandbox.isolation import lacking

COLUMNS = ("problem", "cells (s)", "calls (s)", "graded (s)", "ratio", "PSS (MiB)", "private (MiB)")
RUNS = 7  # the median of seven is steady to a few percent on a machine that does other things as well


def main() -> None:
    """Time the solved notebook of every problem, through the same code as `mlphys score`, in a warm process.

    Cells and calls are what the student's code costs alone, in this process and without a test; what is left of
    "graded" is the sandbox, the copies of the notebook, and the judging.
    """
    matplotlib.use("agg")
    torch.set_num_threads(1)  # as in the sandbox
    sys.path.insert(0, "")  # as in Jupyter: a notebook imports what lies beside it
    began = time.perf_counter()
    with Sandbox() as sandbox:
        started = time.perf_counter() - began
        table = Table(*COLUMNS, box=None)
        for problem in problems():
            table.add_row(problem.name, *_figures(problem, sandbox))
    console = Console()
    console.print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, isolation {sandbox.level.label}, median of {RUNS} runs"
    )
    console.print(f"Start of the fork server, once per run: {started:.2f} s")
    console.print(table)
    console.print(_cost_of_isolation())


def _cost_of_isolation() -> Table:
    """A worker forked, its first cell run, and all of it ended, at each level: what hardening adds to a plain fork."""
    table = Table("isolation", "worker (ms)", "more than a plain fork (ms)", box=None)
    plain = 0.0
    for level in Isolation:
        if lacking(level, mechanisms()):
            continue
        with Sandbox(level) as sandbox:
            seconds = _median(lambda sandbox=sandbox: _one_worker(sandbox), 10 * RUNS)  # type: ignore[misc]
        plain = plain or seconds
        table.add_row(level.label, f"{1000 * seconds:.1f}", f"{1000 * (seconds - plain):.1f}")
    return table


def _one_worker(sandbox: Sandbox) -> None:
    with sandbox.worker() as worker:
        worker.run_cell("1 + 1", "cell 1", sandbox.limits.cell)


def _figures(problem: Problem, sandbox: Sandbox) -> tuple[str, ...]:
    submission = read(problem.source_notebook, problem)
    calls, memory = _calls(problem, submission, sandbox)
    graded = _median(lambda: grade(problem, submission, sandbox))
    names: dict[str, Any] = {}
    with contextlib.chdir(problem.statement.parent):
        in_cells = _median(lambda: _run(submission, names))
        in_calls = _median(lambda: _answer(calls, names))
    sizes = (f"{size / 2**20:.0f}" for size in (memory.pss, memory.uss))
    ratio = graded / (in_cells + in_calls)
    return f"{in_cells:.2f}", f"{in_calls:.2f}", f"{graded:.2f}", f"{ratio:.2f}", *sizes


def _calls(problem: Problem, submission: Submission, sandbox: Sandbox) -> tuple[list[Call], Any]:
    """The calls that the hidden tests make, and the memory of the notebook's process after its cells have run."""
    execution = execute(submission.cells, problem.support_files(), sandbox)
    with contextlib.closing(execution.worker):
        memory = psutil.Process().children(recursive=True)[-1].memory_full_info()
        cases = run_tests(problem, parts_of(problem.test_module), execution, sandbox, submission.fingerprint())
    return [call for case in cases for call in case.calls], memory


def _run(submission: Submission, names: dict[str, Any]) -> None:
    """The cells in this process, with their plots; `names` is what they define."""
    import matplotlib.pyplot as plt

    names.clear()
    np.random.seed(0)  # noqa: NPY002 - the notebook's own code may use the global generator
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in submission.cells:
            if cell.kind == "code":
                exec(compile(cell.source, "cell", "exec"), names)
                for number in plt.get_fignums():
                    plt.figure(number).savefig(io.BytesIO(), format="png")
                plt.close("all")


def _answer(calls: list[Call], names: dict[str, Any]) -> None:
    for call in calls:
        names[call.function](*call.args, **call.kwargs)


def _median(run: Callable[[], object], runs: int = RUNS) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()

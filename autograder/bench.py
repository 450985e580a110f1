"""`make bench`: what grading costs, beside what the student's own code costs. Prints figures and asserts nothing."""

from __future__ import annotations

import contextlib
import io
import platform
import statistics
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
from autograder.sandbox import Sandbox

RUNS = 7  # the median of seven is steady to a few percent on a machine that does other things as well


def main() -> None:
    """Time the solved notebook of every problem, through the same code as `mlphys score`, in a warm process."""
    matplotlib.use("agg")
    torch.set_num_threads(1)  # as in the sandbox
    began = time.perf_counter()
    with Sandbox() as sandbox:
        started = time.perf_counter() - began
        table = Table("problem", "alone (s)", "graded (s)", "ratio", "PSS (MiB)", "private (MiB)", box=None)
        for problem in problems():
            table.add_row(str(problem), *_figures(problem, sandbox))
    console = Console()
    console.print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, isolation {sandbox.level.label}, median of {RUNS} runs"
    )
    console.print(f"Start of the fork server, once per run: {started:.2f} s")
    console.print(table)


def _figures(problem: Problem, sandbox: Sandbox) -> tuple[str, ...]:
    submission = read(problem.source_notebook, problem)
    calls, memory = _calls(problem, submission, sandbox)
    graded = _median(lambda: grade(problem, submission, sandbox))
    alone = _median(lambda: _alone(submission, calls))
    sizes = (f"{size / 2**20:.0f}" for size in (memory.pss, memory.uss))
    return f"{alone:.3f}", f"{graded:.3f}", f"{graded / alone:.2f}", *sizes


def _calls(problem: Problem, submission: Submission, sandbox: Sandbox) -> tuple[list[Call], Any]:
    """The calls that the hidden tests make, and the memory of the notebook's process after its cells have run."""
    execution = execute(submission.cells, problem.support_files(), sandbox)
    with contextlib.closing(execution.worker):
        memory = psutil.Process().children(recursive=True)[-1].memory_full_info()
        cases = run_tests(problem, parts_of(problem.test_module), execution, sandbox, submission.fingerprint())
    return [call for case in cases for call in case.calls], memory


def _alone(submission: Submission, calls: list[Call]) -> None:
    """The same cells and calls in this process: no sandbox, no tests, no copies."""
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {}
    np.random.seed(0)  # noqa: NPY002 - the notebook's own code may use the global generator
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in submission.cells:
            if cell.kind == "code":
                exec(compile(cell.source, "cell", "exec"), names)
                for number in plt.get_fignums():
                    plt.figure(number).savefig(io.BytesIO(), format="png")
                plt.close("all")
        for call in calls:
            names[call.function](*call.args, **call.kwargs)


def _median(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()

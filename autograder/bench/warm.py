"""One submission at a time in a warm process: what grading costs, beside what the student's own code costs."""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import psutil
import torch

from autograder.bench.page import Section
from autograder.course import Problem, problems
from autograder.grading.execute import execute
from autograder.grading.marks import parts_of
from autograder.grading.run import grade, run_tests
from autograder.grading.student import Call
from autograder.grading.submission import Submission, read
from autograder.sandbox import Handle, Isolation, Sandbox, mechanisms
from autograder.sandbox.isolation import lacking

RUNS = 7  # the median of seven is steady to a few percent on a machine that does other things as well


def solved_notebooks() -> Section:
    """The solved notebook of every problem, graded as by `mlphys score`."""
    matplotlib.use("agg")
    torch.set_num_threads(1)  # as in the sandbox
    sys.path.insert(0, "")  # as in Jupyter: a notebook imports what lies beside it
    began = time.perf_counter()
    with Sandbox() as sandbox:
        started = time.perf_counter() - began
        rows = [(problem.name, *_figures(problem, sandbox)) for problem in problems()]
    return Section(
        "One right submission, in a warm process",
        "Cells and calls are the floor: what the student's own code costs in a plain process, its plots and training "
        "included, and the calls that the tests make of it, but for those that hand on an object of the student's. "
        "What is left of `graded` is the sandbox, a copy of the notebook for each test, and the judging. Medians of "
        f"{RUNS} runs at isolation {sandbox.level.label}, whose server starts once per process, in {started:.1f} s. "
        "Memory: the notebook's process after its cells.",
        ("problem", "cells (s)", "calls (s)", "graded (s)", "graded / floor", "PSS (MiB)", "private (MiB)"),
        rows,
    )


def isolation() -> Section:
    """A worker forked, its first cell run, and all of it ended, at each level: what hardening adds to a plain fork."""
    rows, plain = [], 0.0
    for level in Isolation:
        if lacking(level, mechanisms()):
            continue
        with Sandbox(level) as sandbox:
            seconds = _median(lambda sandbox=sandbox: _one_worker(sandbox), 10 * RUNS)  # type: ignore[misc]
        plain = plain or seconds
        rows.append((level.label, f"{1000 * seconds:.1f}", f"{1000 * (seconds - plain):.1f}"))
    return Section(
        "What isolation costs",
        f"A worker is forked, runs `1 + 1`, and is ended with all that it started. Medians of {10 * RUNS} runs.",
        ("isolation", "worker (ms)", "more than a plain fork (ms)"),
        rows,
    )


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
    calls = [call for case in cases for call in case.calls]
    # An object that stays in the student's process, such as a model to be trained on, cannot be handed over here.
    return [call for call in calls if not any(isinstance(argument, Handle) for argument in call.args)], memory


def _run(submission: Submission, names: dict[str, Any]) -> None:
    """The cells in this process, with their plots; `names` is what they define."""
    import matplotlib.pyplot as plt

    names.clear()
    names["display"] = print  # which Jupyter gives every notebook
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

"""Runs a submission's cells, and goes on past those that hang or end the process."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.grading.outputs import Output, allowed, note, plain
from autograder.grading.submission import Cell
from autograder.sandbox import Sandbox, StudentBroke, StudentTimeout, Worker

# Each cell that does not end halves what the next ones get, down to this: a thousand times what an ordinary one takes.
FLOOR = 1.0
# Characters that all cells show together: a hundred figures. nbgrader reads and writes them several times.
MOST_SHOWN = 16 * 2**20
TOO_MUCH = "[The cells above show more than 16 MB, which is all that is kept. Show less in each.]"
# Behind these names, torch imports more of itself: better once in the server than in each copy of the notebook.
WHOLE_TORCH = re.compile(r"\b(optim|func|testing)\b")
# Not parsed: a cell that stops with a SyntaxError is no Python.
DEFINES = re.compile(r"^def\s+(\w+)", re.MULTILINE)


@dataclass
class Execution:
    """The notebook as its last cell left it, with the outputs of each cell."""

    worker: Worker
    outputs: list[list[Output]]
    warnings: list[str]
    stopped: dict[str, str]
    """Names that a cell would have defined had it not stopped with an error, and that error."""


def execute(cells: list[Cell], files: Mapping[str, bytes], sandbox: Sandbox) -> Execution:
    """Run the code cells in order, with `files` in the directory where they run.

    A cell that ends the process, or that holds the interpreter so that it cannot be stopped, is left out, and the
    cells before it are run again in a new process: so it costs what it defines, and nothing else.
    """
    outputs: list[list[Output]] = [[] for _ in cells]
    sizes = [0 for _ in cells]
    warnings: list[str] = []
    deadline = time.monotonic() + sandbox.limits.notebook
    seconds, left_out, furthest = sandbox.limits.cell, set[int](), 0
    whole_torch = any(WHOLE_TORCH.search(cell.source) for cell in cells if cell.kind == "code")
    worker, position = sandbox.worker(files, whole_torch), 0
    while position < len(cells):
        cell, index = cells[position], position
        position += 1
        if cell.kind != "code" or index in left_out:
            continue
        if time.monotonic() > deadline:
            warnings.append(
                f"Your notebook ran for {sandbox.limits.notebook:g} seconds, which is all it may; the cell that begins "
                f"`{_beginning(cell)}` and those after it were not run. Look for the cells that take long."
            )
            break
        # A cell that ended in its time before gets the same time when it is run again.
        limit = seconds if index >= furthest else sandbox.limits.cell
        furthest = max(furthest, index + 1)
        began = time.monotonic()
        try:
            displayed = worker.run_cell(cell.source, f"cell {index + 1}", limit)
            outputs[index] = allowed(displayed) if sum(sizes[:index]) <= MOST_SHOWN else [note(TOO_MUCH)]
            sizes[index] = len(json.dumps(outputs[index]))
        except (StudentTimeout, StudentBroke) as error:
            left_out.add(index)
            outputs[index] = [note(f"{error} This cell was left out, and the others were run without it.")]
            warnings.append(f"The cell that begins `{_beginning(cell)}` was left out. {error}")
            worker.close()
            worker, position = sandbox.worker(files, whole_torch), 0
        if time.monotonic() - began >= limit:
            seconds = max(FLOOR, seconds / 2)
    return Execution(worker, outputs, warnings, _stopped(cells, outputs))


def _stopped(cells: list[Cell], outputs: list[list[Output]]) -> dict[str, str]:
    stopped: dict[str, str] = {}
    for cell, shown in zip(cells, outputs, strict=True):
        errors = [output for output in shown if output["output_type"] == "error"]
        for error in errors[-1:]:
            stopped |= dict.fromkeys(DEFINES.findall(cell.source), f"{error['ename']}: {error['evalue'][:300]}")
    return stopped


def _beginning(cell: Cell) -> str:
    """What a student recognises a cell by: its number changes where locked cells were put back."""
    return plain(next(iter(cell.source.strip().splitlines()), ""))[:60]

"""A small problem, notebooks that attack its grading, and plain processes in which the same attacks succeed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from problem_of_a_test import ProblemOfATest

from autograder.course import Problem
from autograder.grading.record import Record
from autograder.grading.run import Graded, grade
from autograder.grading.submission import read
from autograder.sandbox import Isolation, Limits, Sandbox

LEVELS = [
    pytest.param(Isolation.BUBBLEWRAP, marks=pytest.mark.level1, id="bubblewrap"),
    pytest.param(Isolation.LANDLOCK, marks=pytest.mark.level2, id="landlock"),
]
# Honest cells and calls take milliseconds here; what holds on to one is ended after this.
LIMITS = Limits(cell=2.0, call=1.0)
# Stands in every file that a student must not read, and nowhere else.
SECRET = "the quadrature of the parabola"

RIGHT = {
    "energy": "def energy(x, k):\n    return k * np.sum(np.square(x)) / 2",
    "force": "def force(x, k):\n    return -k * np.asarray(x)",
    "work": "def work(f, x):\n    return f(x) * x",
    "step": "def step(state, dt):\n    return {**state, 'x': state['x'] + dt * state['v']}",
}
WRONG = {
    "energy": "def energy(x, k):\n    return 0.0",
    "force": "def force(x, k):\n    return np.zeros(len(x))",
    "work": "def work(f, x):\n    return 0.0",
    "step": "def step(state, dt):\n    return {'x': 0.0 * state['x'], 'v': 0.0 * state['v']}",
}
FULL = 6.0
IMPORTS = "import numpy as np"
CHECKS = {name: f"assert callable({name})" for name in RIGHT}
GRADERS = f'''\
import numpy as np
import pytest

from autograder.grading import ALGEBRA, agree, part, points, same_values, check

# {SECRET}

@part("energy", "The energy", functions=("energy",))
class TestEnergy:
    @points(2)
    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_value(self, student, reference, rng, n):
        """The energy equals k x^2 / 2, summed."""
        x, k = rng.normal(size=n), rng.uniform(1, 2)
        agree(student.energy(x, k), reference.energy(x, k), ALGEBRA, of="the energy")


@part("force", "The force", functions=("force",))
class TestForce:
    @points(2)
    def test_value(self, student, reference, rng):
        """The force equals -kx, and x is left as it was."""
        for n in (3, 5):
            x, k = rng.normal(size=n), rng.uniform(1, 2)
            answer, after = student.force.inputs_after(x, k)
            agree(answer, reference.force(x, k), ALGEBRA, of="the force")
            agree(after[0], x, ALGEBRA, of="x after the call")


@part("work", "The work", functions=("work",))
class TestWork:
    @points(1)
    def test_value(self, student, reference, rng):
        """The work is the force times the way."""
        def force(x, hidden="{SECRET}"):
            if np.any(np.asarray(x) < 0):
                raise ValueError(hidden)
            return 1 + np.asarray(x)
        x = rng.uniform(1, 2)
        agree(student.work(force, x), reference.work(force, x), ALGEBRA, of="the work")


@part("step", "One step", functions=("step",))
class TestStep:
    @points(1)
    def test_value(self, student, reference, rng):
        """A step moves x by v dt, and leaves the old state as it was."""
        state = {{"x": rng.normal(size=2), "v": rng.normal(size=2)}}
        answer, after = student.step.inputs_after(state, 0.1)
        agree(answer, reference.step(state, 0.1), ALGEBRA, of="the new state")
        found = {{**after[0]}}
        unchanged = all(same_values(state[name], found.get(name)) for name in state)
        check(unchanged, measured="another state", allowed="the state as it was", next_step="Make a copy.")
'''


def springs(root: Path) -> Problem:
    """The problem in a course at `root`, with a gradebook and another student's submission beside it."""
    problem = ProblemOfATest("ps00", "springs", root)
    files = {
        problem.statement: "# Springs",
        problem.source_notebook: json.dumps(notebook(RIGHT)),
        problem.reference_source: "\n\n\n".join([f"{IMPORTS}\n# {SECRET}", *RIGHT.values()]),
        problem.test_module: GRADERS,
        problem.graders / "mistakes.py": f"# {SECRET}\n",
        root / "gradebook.db": SECRET,
        root / "nbgrader_config.py": f"# {SECRET}\n",
        root / "submitted" / "honest" / "ps00" / "springs.ipynb": json.dumps(notebook(RIGHT, f"# {SECRET}")),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return problem


# A function of the course's own, which is put back before the tests, and what they ask it; a class before it.
HELPER = "class Kept(dict):\n    pass\n\n\ndef total(x, k):\n    return energy(x, k) + energy(2 * x, k)"
HELPED = '''\
import numpy as np

from autograder.grading import ALGEBRA, agree, check, part, points


@part("energy", "The energy", functions=("energy",))
class TestEnergy:
    @points(4)
    def test_total(self, student, reference, rng):
        """The energies of two springs add up."""
        x, k = rng.normal(size=3), rng.uniform(1, 2)
        agree(student.total(x, k), reference.energy(x, k) + reference.energy(2 * x, k), ALGEBRA, of="the sum")

    @points(2)
    def test_refusal(self, student, rng):
        """A spring that pushes is a ValueError, and no other is."""
        raised = [student.energy.attempt(rng.normal(size=2), k).raised for k in rng.permutation([-1.0, 1.0, 2.0])]
        errors = sum("ValueError" in kinds for kinds in raised)
        check(errors == sum(map(bool, raised)) == 1, measured=f"{errors} errors", allowed="1", next_step="Look at k.")
'''


def with_helper(root: Path) -> Problem:
    """The problem's energy alone, asked through a function of the course's own; worth as much as the whole."""
    problem = springs(root)
    problem.test_module.write_text(HELPED)
    book = notebook(RIGHT)
    book["cells"].insert(1, _cell(HELPER, "springs-given-helper"))
    problem.source_notebook.write_text(json.dumps(book))
    return problem


def notebook(answers: Mapping[str, str], *own: str) -> dict[str, Any]:
    """The problem's notebook with these functions, and the student's `own` cells before the checks."""
    cells = [_cell(IMPORTS, "springs-given-imports")]
    cells += [_cell(source, f"springs-{name}", solution=True) for name, source in answers.items()]
    cells += [_cell(source) for source in own]
    cells += [_cell(source, f"springs-check-{name}", grade=True) for name, source in CHECKS.items()]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def _cell(source: str, grade_id: str | None = None, solution: bool = False, grade: bool = False) -> dict[str, Any]:
    marks = {"grade_id": grade_id, "solution": solution, "grade": grade, "locked": not solution, "schema_version": 3}
    metadata = {"nbgrader": marks} if grade_id else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def hand_in(problem: Problem, sandbox: Sandbox, *own: str, answers: Mapping[str, str] = WRONG) -> Graded:
    """Grade a file with these functions and the student's `own` cells, as `mlphys score` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "springs.ipynb"
        path.write_text(json.dumps(notebook(answers, *own)))
        return grade(problem, read(path, problem), sandbox)


def outcomes(record: Record) -> dict[str, str]:
    return {part.id: test.outcome for part in record.parts for test in part.tests}


def shown(graded: Graded) -> str:
    """All that a student gets to read."""
    return json.dumps(graded.outputs, ensure_ascii=False) + graded.record.to_json()


def assert_earned(graded: Graded, score: float) -> None:
    """It has these points and no more, each other test says why in four lines, and nothing is left to a person."""
    record = graded.record
    assert graded.faults == []
    assert (record.score, record.max_score) == (score, FULL), outcomes(record)
    for test in (test for part in record.parts for test in part.tests):
        assert test.outcome in {"passed", "failed", "error", "timeout", "untested"}
        if test.outcome != "passed":
            lines = [line.split(":")[0] for line in test.message.split("\n")]
            assert lines[:2] + lines[-2:] == ["Tested", "Measured", "Allowed", "Next"], test.message


PLAIN = """
import json, os, sys, tempfile
os.environ["OMP_NUM_THREADS"] = "1"
import numpy, torch
found = {}
for name, code in json.load(sys.stdin).items():
    if (pid := os.fork()) == 0:
        os.chdir(tempfile.mkdtemp(dir="."))
        sys.stdout = sys.stderr = open(os.devnull, "w")
        try: exec(code, {"__name__": "__main__"})
        except SystemExit as error: os._exit(0 if not error.code else 1)
        except BaseException: os._exit(1)
        os._exit(0)
    found[name] = os.waitpid(pid, 0)[1] == 0
print(json.dumps(found))
"""


def plain(programs: Mapping[str, str], folder: Path) -> dict[str, bool]:
    """Which of `programs` end well, each in a process of its own that nothing confines."""
    done = _python(PLAIN, json.dumps(programs), folder)
    return dict(json.loads(done.splitlines()[-1]))


IPYTHON = """
import json, os, sys, tempfile
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
config.InteractiveShell.colors = "nocolor"
found = {}
shell = InteractiveShell.instance(config=config)
for name, cells in json.load(sys.stdin).items():
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.chdir(tempfile.mkdtemp(dir='.'))
        os.dup2(write, 1)
        os.dup2(write, 2)
        for source in cells: shell.run_cell(source, store_history=True)
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    found[name] = open(read, errors="replace").read()
    os.waitpid(pid, 0)
print(json.dumps(found))
"""


def unconfined(notebooks: Mapping[str, list[str]], folder: Path) -> dict[str, str]:
    """What the cells of each of `notebooks` show where nothing confines them."""
    done = _python(IPYTHON, json.dumps(notebooks), folder)
    return dict(json.loads(done.splitlines()[-1]))


def _python(program: str, given: str, folder: Path) -> str:
    environment = {**os.environ, "IPYTHONDIR": str(folder / ".ipython"), "MPLCONFIGDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

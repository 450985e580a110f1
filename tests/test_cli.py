"""The command line: its help, its sentences and exit codes, and the record that `score --json` prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import servers, solved
from nbformat.v4 import new_code_cell

from autograder.course import Problem

PROBLEM = Problem("ps01_linear_algebra", "backprop")
OUTCOMES = {"passed", "failed", "error", "timeout", "untested", "grader_error"}


def mlphys(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "mlphys"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def scored(notebook: Path) -> dict[str, Any]:
    """The record, without what differs between two runs."""
    done = mlphys("score", notebook, "--json")
    assert done.returncode == 0, done.stderr
    record = dict(json.loads(done.stdout))
    assert record.pop("seconds") > 0
    return record


COMMANDS = ("build", "score", "grade", "audit", "doctor", "demo", "report", "gradescope", "new")


def test_the_help_names_each_command() -> None:
    said = mlphys("--help").stdout
    assert [command for command in COMMANDS if f" {command} " not in said] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    done = mlphys(command, "--help")
    assert done.returncode == 0
    assert f"Usage: mlphys {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("audit", "ps01_linear_algebra/forward"), f"Problems: {PROBLEM}"),
        (("score", "backprop.ipynb"), "There is no file backprop.ipynb. Give the path of a notebook."),
        (("score", PROBLEM.source_notebook.parent), "is a directory. Give the path of a notebook."),
        (("score", PROBLEM.source_notebook, "--problem", "nothing"), f"Problems: {PROBLEM}"),
        (("score", PROBLEM.reference_source.parent / "__init__.py"), "Say so with --problem"),
        (("demo", PROBLEM.source_notebook.parent), "holds files that the demo did not make"),
        (("score",), "Missing argument"),
        (("mark", "everything"), "No such command"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    done = mlphys(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_says_by_its_exit_code_whether_level_1_is_here() -> None:
    done = mlphys("doctor")
    assert done.returncode == (0 if "Isolation here: bubblewrap." in done.stdout else 3)


@pytest.mark.level1
def test_the_solved_notebook_has_full_marks_twice_the_same(tmp_path: Path) -> None:
    notebook = tmp_path / "backprop.ipynb"
    notebook.write_text(json.dumps(solved(PROBLEM)))
    record = scored(notebook)
    assert (record["score"], record["max_score"], record["by_hand"]) == (26, 26, 4)
    assert scored(notebook) == record


@pytest.mark.level1
def test_the_released_notebook_has_none_in_the_documented_shape() -> None:
    record = scored(PROBLEM.release_notebook)
    assert list(record) == ["schema", "problem", "isolation", "score", "max_score", "parts", "warnings", "by_hand"]
    assert (record["schema"], record["problem"], record["isolation"]) == (3, PROBLEM.slug, "bubblewrap")
    assert (record["score"], record["max_score"], record["warnings"]) == (0, 26, [])
    assert record["by_hand"] == 0
    for part in record["parts"]:
        assert list(part) == ["id", "title", "score", "max_score", "tests"]
        assert sum(test["points"] for test in part["tests"]) == part["score"] == 0
        assert sum(test["max_points"] for test in part["tests"]) == part["max_score"]
        for test in part["tests"]:
            assert list(test) == ["name", "outcome", "points", "max_points", "message", "hint", "mistake", "pictures"]
            assert test["outcome"] in OUTCOMES
            assert test["message"].startswith("Tested: ")


def test_a_sandbox_that_ends_in_the_middle_is_the_graders_fault(tmp_path: Path) -> None:
    notebook = solved(PROBLEM)
    notebook["cells"][1:1] = [new_code_cell("while True: pass")]
    (tmp_path / "backprop.ipynb").write_text(json.dumps(notebook))
    command = [str(Path(sys.executable).parent / "mlphys"), "score", str(tmp_path / "backprop.ipynb")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while len(found := servers(running.pid)) < 2:
            assert running.poll() is None
        os.kill(found[0], signal.SIGKILL)
        _, said = running.communicate()
    assert running.returncode == 4
    assert "The fork server does not answer" in said
    assert "Traceback" not in said


@pytest.mark.level1
def test_a_file_that_is_no_notebook_has_no_points_and_its_reason(tmp_path: Path) -> None:
    broken = tmp_path / "backprop.ipynb"
    broken.write_text('{"cells": [')
    done = mlphys("score", broken)
    assert done.returncode == 0
    assert f"{PROBLEM}: 0 of 26 points" in done.stdout
    assert "it stops being valid JSON at line 1" in done.stdout

"""The notebook as a weapon: what stands in the file, what the file is, and what lies beside it."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Start
from forging_helpers import (
    CHECKS,
    FULL,
    IMPORTS,
    LEVELS,
    LIMITS,
    RIGHT,
    SECRET,
    WRONG,
    assert_earned,
    hand_in,
    notebook,
    shown,
    springs,
)
from typer.testing import CliRunner

from autograder.cli import UNUSABLE, app
from autograder.course import Problem
from autograder.grading.run import Graded, grade
from autograder.grading.submission import LARGEST_FILE, Unreadable, read, unread
from autograder.sandbox import Sandbox
from autograder.sandbox.isolation import best

Notebook = dict[str, Any]


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return springs(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest, start: Start) -> Sandbox:
    return start(request.param, LIMITS)


@pytest.fixture(scope="module")
def any_level(start: Start) -> Sandbox:
    """For files of which the sandbox gets cells as from any other notebook, or nothing: reading them is the test."""
    return start(best(), LIMITS)


def graded_file(problem: Problem, sandbox: Sandbox, path: Path) -> Graded:
    """What `mlphys score` makes of the file at `path`."""
    try:
        submission = read(path, problem)
    except Unreadable as reason:
        submission = unread(problem, reason)
    return grade(problem, submission, sandbox)


def graded_text(problem: Problem, sandbox: Sandbox, path: Path, text: str) -> Graded:
    path.write_text(text)
    return graded_file(problem, sandbox, path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "springs.ipynb"


# A notebook that can be read: what stands around the cells' sources earns nothing and costs nothing.


def marks(book: Notebook) -> list[dict[str, Any]]:
    return [cell["metadata"]["nbgrader"] for cell in book["cells"] if "nbgrader" in cell["metadata"]]


def _each(book: Notebook, **changes: Any) -> Notebook:
    for mark in marks(book):
        mark.update(changes)
    return book


def _whole(book: Notebook, **metadata: Any) -> Notebook:
    return {**book, "metadata": metadata}


def _renamed(book: Notebook, name: Callable[[str], str]) -> Notebook:
    for mark in marks(book):
        mark["grade_id"] = name(mark["grade_id"])
    return book


def _cells(book: Notebook, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Notebook:
    return {**book, "cells": change(book["cells"])}


def _split(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each function's cell becomes two, of which the first has the mark and the second the function."""
    halves: list[dict[str, Any]] = []
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            halves += [{**cell, "source": "# see below"}, {**cell, "metadata": {}}]
        else:
            halves.append(cell)
    return halves


def _claimed(cell: dict[str, Any]) -> dict[str, Any]:
    data = {"text/plain": "6.0", "text/html": "<b>6 of 6 points</b>"}
    result = {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}
    return {**cell, "outputs": [result] * 3, "execution_count": 9, "attachments": {"a": {"text/html": "<b>6</b>"}}}


KERNEL = {"name": "../../bin/sh", "language": "bash", "argv": ["/bin/sh", "-c", "touch mine"]}
TAMPERED: dict[str, Callable[[Notebook], Notebook]] = {
    "points": lambda book: _each(book, points=1000),
    "negative points": lambda book: _each(book, points=-1),
    "points that are no number": lambda book: _each(book, points={"$gt": 0}),
    "flags": lambda book: _each(book, grade=True, solution=True, locked=False),
    "flags reversed": lambda book: _each(book, grade=False, solution=False, locked=True),
    "flags that are no flags": lambda book: _each(book, grade="yes", solution=[], locked={"a": 1}, task=True),
    "checksums": lambda book: _each(book, checksum="0" * 32),
    "a checksum of 1 MB": lambda book: _each(book, checksum="0" * 2**20),
    "schema_version 99": lambda book: _each(book, schema_version=99),
    "schema_version -1": lambda book: _each(book, schema_version=-1),
    "schema_version of text": lambda book: _each(book, schema_version="3; DROP TABLE grade"),
    "cell_type of the mark": lambda book: _each(book, cell_type="markdown"),
    "kernelspec": lambda book: _whole(book, kernelspec=KERNEL, language_info={"name": "bash", "file_extension": "/"}),
    "a kernelspec that is a list": lambda book: _whole(book, kernelspec=[[]], language_info=3),
    "our own metadata": lambda book: _whole(book, mlphys={"warnings": ["6 of 6 points"], "unread": False}),
    "outputs that claim": lambda book: _cells(book, lambda cells: [*map(_claimed, cells)]),
    "no metadata at all": lambda book: _cells(book, lambda cells: [{**cell, "metadata": {}} for cell in cells]),
    "metadata that is a list": lambda book: _cells(book, lambda cells: [{**cell, "metadata": []} for cell in cells]),
    "a minor format of 99": lambda book: {**book, "nbformat_minor": 99},
    "cells duplicated": lambda book: _cells(book, lambda cells: [*cells, *copy.deepcopy(cells)]),
    "each cell twice": lambda book: _cells(book, lambda cells: [copy.deepcopy(cell) for cell in cells for _ in "12"]),
    "check cells deleted": lambda book: _cells(book, lambda cells: cells[: -len(CHECKS)]),
    "cells split": lambda book: _cells(book, _split),
    "all in one cell": lambda book: _cells(
        book, lambda cells: [{**cells[0], "metadata": {}, "source": "\n".join([cell["source"] for cell in cells])}]
    ),
    "cells reordered": lambda book: _cells(book, lambda cells: [*reversed(cells)]),
    "checks before the functions": lambda book: _cells(book, lambda cells: [*cells[5:], *cells[:5]]),
    "every id the same": lambda book: _renamed(book, lambda name: "springs-check-energy"),
    "ids exchanged": lambda book: _renamed(book, lambda name: name.replace("energy", "e").replace("step", "energy")),
    "ids that are paths": lambda book: _renamed(book, lambda name: f"../../../{name}/../../gradebook.db\0.ipynb"),
    "ids of 1 MB": lambda book: _renamed(book, lambda name: name * 2**16),
    "ids with terminal escapes": lambda book: _renamed(book, lambda name: f"\x1b]0;{name}\x07\u202e\n"),
    "ids that are lists": lambda book: _each(book, grade_id=["springs-energy"]),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_stands_around_the_functions_changes_no_score(
    problem: Problem, any_level: Sandbox, path: Path, name: str
) -> None:
    """Right functions have all points, and wrong ones none."""
    for answers, score in ((RIGHT, FULL), (WRONG, 0)):
        text = json.dumps(TAMPERED[name](notebook(answers)))
        graded = graded_text(problem, any_level, path, text)
        assert_earned(graded, score)
        assert len(graded.record.to_json()) < 50_000
        assert "\x1b" not in "".join(graded.record.warnings)
        assert "gradebook.db" not in shown(graded)


def test_cells_that_are_deleted_cost_what_they_defined(problem: Problem, any_level: Sandbox, path: Path) -> None:
    book = notebook({name: code for name, code in RIGHT.items() if name != "energy"})
    graded = graded_text(problem, any_level, path, json.dumps(book))
    assert "`springs-energy` with `energy` is missing" in str(graded.record.warnings)
    assert_earned(graded, FULL - 2)


def test_a_check_cell_that_was_rewritten_is_the_course_s_again(
    problem: Problem, any_level: Sandbox, path: Path
) -> None:
    book = notebook(WRONG)
    for cell in book["cells"][-len(CHECKS) :]:
        cell["source"] = "\n".join([*RIGHT.values(), "print('rewritten')"])
    book["cells"][0]["source"] = "\n".join([IMPORTS, *RIGHT.values()])
    graded = graded_text(problem, any_level, path, json.dumps(book))
    assert "rewritten" not in str(graded.outputs)
    assert "was changed; it was run as the course wrote it" in str(graded.record.warnings)
    assert_earned(graded, 0)


def test_outputs_of_30_megabytes_are_not_looked_at(problem: Problem, any_level: Sandbox, path: Path) -> None:
    book = notebook(RIGHT)
    book["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (LARGEST_FILE - 2**16)}]
    assert_earned(graded_text(problem, any_level, path, json.dumps(book)), FULL)


# A file that cannot be read: 0 points, with the reason, and nothing of it is run.


def _with(entry: str) -> bytes:
    """A right notebook that has this text as its metadata."""
    return json.dumps({**notebook(RIGHT), "metadata": "HERE"}).replace('"HERE"', entry).encode()


def _twice(entry: str) -> bytes:
    return json.dumps(notebook(RIGHT)).replace(f'"{entry}":', f'"{entry}": [], "{entry}":', 1).encode()


CONTENTS: dict[str, tuple[bytes, str]] = {
    "NaN": (_with('{"points": NaN}'), "NaN, which is not valid"),
    "Infinity": (_with('{"points": -Infinity}'), "-Infinity, which is not valid"),
    "a number of 100 000 digits": (_with("9" * 100_000), "a number that is too long"),
    "two lists of cells": (_twice("cells"), "the same entry twice"),
    "two sources of a cell": (_twice("source"), "the same entry twice"),
    "two grade ids of a cell": (_twice("grade_id"), "the same entry twice"),
    "a depth bomb of lists": (_with("[" * 10**6 + "]" * 10**6), "nested deeper"),
    "a depth bomb of dicts": (_with('{"a":' * 10**5 + "1" + "}" * 10**5), "nested deeper"),
    "a depth bomb without an end": (b"[" * 10**7, "nested deeper"),
    "a million cells": (b'{"nbformat": 4, "cells": [' + b"{}," * 10**6 + b"{}]}", "cells"),
    "a cell of 10 MB": (json.dumps(notebook(RIGHT, "#" * 10**7)).encode(), "characters"),
    "a thousand cells of 100 kB": (json.dumps(notebook(RIGHT, *["#" * 10**5] * 200)).encode(), "characters"),
    "nothing": (b"", "line 1"),
    "half of it": (_with("{}")[:400], "line 1"),
    "UTF-16": (_with("{}").decode().encode("utf-16"), "not UTF-8"),
    "a zip archive": (b"PK\3\4" + bytes(range(256)), "not UTF-8"),
    "a pickle": (pickle.dumps(os.getcwd, protocol=0), "line 1"),
    "a program": (b"#!/bin/sh\ntouch mine\n", "line 1"),
    "format 99": (json.dumps({**notebook(RIGHT), "nbformat": 99}).encode(), "not of format 4"),
}


def assert_unread(graded: Graded, words: str) -> None:
    record = graded.record
    assert (record.score, record.max_score, graded.faults) == (0, FULL, [])
    told = [test.message for part in record.parts for test in part.tests]
    assert all("This was not tested, because your file could not be read." in message for message in told)
    assert record.warnings[0].startswith("Your file could not be read")
    assert words in record.warnings[0]
    assert not any(graded.outputs)
    assert SECRET not in shown(graded)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_notebook_is_told_so(problem: Problem, any_level: Sandbox, path: Path, name: str) -> None:
    content, words = CONTENTS[name]
    path.write_bytes(content)
    assert_unread(graded_file(problem, any_level, path), words)


def test_a_file_of_50_megabytes_is_not_read_to_its_end(problem: Problem, any_level: Sandbox, path: Path) -> None:
    path.write_bytes(_with("{}"))
    os.truncate(path, 50 * 2**20)
    assert_unread(graded_file(problem, any_level, path), "larger than 32 MB")


LINKS: dict[str, Callable[[Problem], Path]] = {
    "/dev/zero": lambda problem: Path("/dev/zero"),
    "/etc/passwd": lambda problem: Path("/etc/passwd"),
    "the course's notebook": lambda problem: problem.source_notebook,
    "another's submission": lambda problem: problem.root / "submitted" / "honest" / "ps00" / "springs.ipynb",
    "nothing": lambda problem: Path("nowhere"),
    "itself": lambda problem: Path("springs.ipynb"),
    "our own memory": lambda problem: Path("/proc/self/mem"),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_not_followed(problem: Problem, any_level: Sandbox, path: Path, name: str) -> None:
    path.symlink_to(LINKS[name](problem))
    assert_unread(graded_file(problem, any_level, path), "a link is not followed")


@pytest.mark.parametrize("kind", ["a pipe", "a folder"])
def test_what_is_no_file_is_not_waited_for(problem: Problem, any_level: Sandbox, path: Path, kind: str) -> None:
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert_unread(graded_file(problem, any_level, path), "not a regular file" if kind == "a pipe" else "could not be")


# What lies beside the notebook, and in the directory where it runs


class Pickled:
    """Runs code where it is loaded: what a malicious .npz or .pt has in it."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return exec, ("open('unpickled', 'a').write('mine')",)


SHADOWS = ("torch", "numpy", "json", "msgpack", "IPython", "pytest", "conftest", "sitecustomize", "inside")
ODD = ("a\nb.py", "\x1b]0;mine\x07.txt", "\u202egnp.exe", "..hidden", "-rf", "$(touch mine)", "x" * 255)
LOADS = "import numpy as np, torch\n"
LOAD = {
    "weights.npz": "np.load('weights.npz', allow_pickle=True)['a']",
    "weights.pt": "torch.load('weights.pt', weights_only=False)",
}


def fill(folder: Path) -> None:
    """Files that would take part if anything looked there."""
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'picked-up')!r}, 'w').write({name!r})\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (folder / "springs.json").write_text(json.dumps({"score": FULL}))
    for name in ODD:
        (folder / name).write_text("mine")
    np.savez(folder / "weights.npz", a=np.array([Pickled()], dtype=object))
    (folder / "weights.pt").write_bytes(pickle.dumps(Pickled()))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submission")
    fill(folder)
    (folder / "springs.ipynb").write_text(json.dumps(notebook(RIGHT, LISTING, LOADS, *LOAD.values())))
    return folder


LISTING = "import os\nprint('beside it:', os.listdir())\nimport numpy, json, conftest"


def test_where_nothing_is_done_about_it_it_is_picked_up(filled: Path) -> None:
    subprocess.run([sys.executable, "-c", "import torch"], cwd=filled, check=True)
    assert (filled / "picked-up").read_text() == "torch"
    (filled / "picked-up").unlink()
    careless = "\n".join(f"try: {code}\nexcept Exception as error: print(error)" for code in LOAD.values())
    subprocess.run([sys.executable, "-P", "-c", LOADS + careless], cwd=filled, check=True)
    assert (filled / "unpickled").read_text() == "mine" * len(LOAD)
    (filled / "unpickled").unlink()


def test_nothing_beside_the_notebook_is_picked_up(
    problem: Problem, sandbox: Sandbox, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(os.listdir(filled))
    monkeypatch.chdir(filled)
    graded = graded_file(problem, sandbox, Path("springs.ipynb"))
    assert_earned(graded, FULL)
    assert "beside it: []" in shown(graded)
    assert "No module named 'conftest'" in shown(graded)
    assert shown(graded).count("FileNotFoundError") >= len(LOAD)
    assert sorted(os.listdir(filled)) == before


def test_the_command_in_that_folder_picks_nothing_up(filled: Path) -> None:
    """Its own start is what has the folder in view."""
    command = [str(Path(sys.executable).with_name("mlphys")), "score", "--problem", "ps01_linear_algebra/backprop"]
    done = subprocess.run([*command, "springs.json"], cwd=filled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Your file could not be read" in done.stdout
    assert not (filled / "picked-up").exists()


def test_libraries_of_their_own_cost_themselves(problem: Problem, sandbox: Sandbox) -> None:
    """Written by a cell, where the notebook's later imports see them, and where no other notebook's do."""
    cells = [
        "import os, subprocess, sys",
        f"for name in {SHADOWS!r}: open(name + '.py', 'w').write('mine = True')",
        "for name in ('numpy', 'json', 'pytest'): sys.modules.pop(name, None)",
        "import numpy, json, conftest\nprint('taken:', numpy.mine, json.mine, conftest.mine)",
        "import numpy as np",
    ]
    graded = hand_in(problem, sandbox, *cells, answers=RIGHT)
    assert "taken: True True True" in shown(graded)
    assert graded.faults == []
    assert graded.record.score < FULL
    assert_earned(hand_in(problem, sandbox, LISTING, answers=RIGHT), FULL)


def test_odd_names_of_files_are_their_own_affair(problem: Problem, sandbox: Sandbox) -> None:
    cells = [
        f"for name in {ODD!r}: open(name, 'w').write('mine')",
        "import os\nos.mkfifo('springs.ipynb')\nos.symlink('/dev/zero', 'numpy.csv')\nos.symlink('..', 'up')",
        "folder = os.getcwd()\nfor _ in range(15):\n    os.mkdir('x' * 200)\n    os.chdir('x' * 200)",
        "os.chdir(folder)\nprint(sorted(os.listdir()))",
    ]
    graded = hand_in(problem, sandbox, *cells, answers=RIGHT)
    assert not set("\x1b\x07\u202e") & set(shown(graded))
    assert_earned(graded, FULL)


NAMES = ("a\nb.ipynb", "\x1b[2J\x1b]0;mine\x07\u202e.ipynb", "--help.ipynb", "[bold]x[red].ipynb")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [(), ("--problem", "ps01_linear_algebra/nothing")])
def test_the_name_of_a_file_disturbs_no_terminal(tmp_path: Path, name: str, more: tuple[str, ...]) -> None:
    (tmp_path / name).write_text("{}")
    done = CliRunner().invoke(app, ["score", *more, str(tmp_path / name)])
    assert done.exit_code == UNUSABLE
    assert not set("\x1b\x07\u202e") & set(done.output)


def test_the_name_of_no_file_disturbs_no_terminal(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["score", str(tmp_path / NAMES[1])])
    assert done.exit_code == UNUSABLE
    assert not set("\x1b\x07\u202e") & set(done.output)

"""The loader: whatever is handed in, it either gives cells that can be run or says why not."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import Problem
from autograder.grading.coursecells import UNANSWERED
from autograder.grading.submission import (
    LARGEST_FILE,
    LONGEST_CELL,
    MOST_CELLS,
    MOST_WARNINGS,
    Cell,
    Submission,
    Unreadable,
    read,
    unread,
)


def marked(kind: str, source: str, grade_id: str, **marks: Any) -> dict[str, Any]:
    nbgrader = {"grade": False, "solution": False, "locked": False, "grade_id": grade_id, "schema_version": 3, **marks}
    return {"cell_type": kind, "source": source, "metadata": {"nbgrader": nbgrader}}


def free(source: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {}}


SETUP = marked("code", "import numpy as np", "spring-given-setup", locked=True)
FORCE = marked(
    "code", "def force(x):\n    return -x\n\n\ndef energy(x):\n    return x**2 / 2", "spring-force", solution=True
)
CHECK = marked("code", "assert force(1) == -1", "spring-check-force", locked=True, grade=True, points=2)
PERIOD = marked("code", "def period(m):\n    return m", "spring-period", solution=True)
LAST = marked("code", "assert period(1)", "spring-check-period", locked=True, grade=True, points=1)
COURSE = [free("# A spring", "markdown"), SETUP, FORCE, CHECK, PERIOD, LAST]
IDS = ["spring-given-setup", "spring-force", "spring-check-force", "spring-period", "spring-check-period"]


def notebook(cells: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more})


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    root = tmp_path_factory.mktemp("course")
    (root / "source" / "ps00").mkdir(parents=True)
    (root / "source" / "ps00" / "spring.ipynb").write_text(notebook(COURSE))
    return Problem("ps00", "spring", root)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spring.ipynb"


Submit = Callable[[list[dict[str, Any]]], Submission]


@pytest.fixture
def submitted(path: Path, problem: Problem) -> Submit:
    def submit(cells: list[dict[str, Any]]) -> Submission:
        path.write_text(notebook(cells))
        return read(path, problem)

    return submit


def ids(submission: Submission) -> list[str | None]:
    return [cell.grade_id for cell in submission.cells]


def test_the_course_s_own_notebook_comes_through_as_it_is(submitted: Submit) -> None:
    submission = submitted(COURSE)
    assert submission.warnings == []
    assert ids(submission) == [None, *IDS]
    assert [cell.source for cell in submission.cells] == [cell["source"] for cell in COURSE]


def test_only_sources_and_grade_ids_are_kept(submitted: Submit) -> None:
    noisy = {**FORCE, "outputs": [{"output_type": "stream"}], "attachments": {"a": 1}, "execution_count": 7, "id": 3}
    assert submitted([SETUP, noisy, CHECK, PERIOD, LAST]).cells[1] == Cell("code", FORCE["source"], IDS[1])


def test_a_source_may_be_a_list_of_lines(submitted: Submit) -> None:
    lines = {**FORCE, "source": ["def force(x):\r\n", "    return x"]}
    assert submitted([SETUP, lines, CHECK, PERIOD, LAST]).cells[1].source == "def force(x):\n    return x"


def test_a_changed_locked_cell_is_the_course_s_again(submitted: Submit) -> None:
    submission = submitted([SETUP, FORCE, {**CHECK, "source": "pass"}, PERIOD, LAST])
    assert submission.cells[2].source == CHECK["source"]
    assert len(submission.warnings) == 1
    assert "spring-check-force" in submission.warnings[0]


def test_the_student_s_own_marks_do_not_unlock_a_cell(submitted: Submit) -> None:
    unlocked = marked("code", "pass", "spring-check-force", locked=False, solution=True)
    assert submitted([SETUP, FORCE, unlocked, PERIOD, LAST]).cells[2].source == CHECK["source"]


@pytest.mark.parametrize("gone", [SETUP, CHECK, LAST])
def test_a_deleted_locked_cell_is_put_back_in_its_place(submitted: Submit, gone: dict[str, Any]) -> None:
    submission = submitted([cell for cell in COURSE if cell is not gone])
    assert [name for name in ids(submission) if name] == IDS
    assert submission.warnings == []


def test_all_locked_cells_deleted_a_check_follows_the_student_s_functions(submitted: Submit) -> None:
    submission = submitted([free("# mine"), free(FORCE["source"]), PERIOD])
    assert ids(submission) == ["spring-given-setup", None, None, "spring-check-force", *IDS[3:]]


def test_a_missing_answer_is_told_with_its_functions(submitted: Submit) -> None:
    (warning,) = submitted([SETUP, CHECK, PERIOD, LAST]).warnings
    assert "`force`, `energy`" in warning


# Answers in writing

ESSAY = marked("markdown", "Because of *Hooke*.", "spring-written-law", solution=True, grade=True, points=3)


@pytest.fixture(scope="module")
def with_essay(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    root = tmp_path_factory.mktemp("course")
    (root / "source" / "ps00").mkdir(parents=True)
    (root / "source" / "ps00" / "spring.ipynb").write_text(notebook([*COURSE[:4], ESSAY, *COURSE[4:]]))
    return Problem("ps00", "spring", root)


@pytest.mark.parametrize("change", [{}, {"cell_type": "code"}, {"cell_type": "raw"}])
def test_a_written_answer_is_the_student_s_text(path: Path, with_essay: Problem, change: dict[str, str]) -> None:
    path.write_text(notebook([*COURSE, {**ESSAY, "source": "$F = -kx$", **change}]))
    assert read(path, with_essay).cells[-1] == Cell("markdown", "$F = -kx$", "spring-written-law")


def test_what_is_written_changes_no_random_input(path: Path, with_essay: Problem) -> None:
    fingerprints = set()
    for text in ("$F = -kx$", "$F = kx$"):
        path.write_text(notebook([*COURSE, {**ESSAY, "source": text}]))
        fingerprints.add(read(path, with_essay).fingerprint())
    assert len(fingerprints) == 1


@pytest.mark.parametrize("text", ["", " \n\t\n", UNANSWERED, f"{UNANSWERED}\n\n"])
def test_white_space_is_no_written_answer(path: Path, with_essay: Problem, text: str) -> None:
    path.write_text(notebook([*COURSE, {**ESSAY, "source": text}]))
    submission = read(path, with_essay)
    assert submission.cells[-1] == Cell("markdown", UNANSWERED, "spring-written-law")
    assert submission.warnings == []


def test_a_deleted_written_answer_is_put_back_empty_and_told(path: Path, with_essay: Problem) -> None:
    path.write_text(notebook(COURSE))
    submission = read(path, with_essay)
    assert ids(submission) == [None, *IDS[:3], "spring-written-law", *IDS[3:]]
    assert submission.cells[4].source == UNANSWERED
    assert submission.warnings == [
        "The cell `spring-written-law` with your written answer is missing, so it cannot earn points."
    ]


def test_an_unread_file_has_no_written_answer(with_essay: Problem) -> None:
    cells = unread(with_essay, Unreadable("It is no notebook.")).cells
    assert Cell("markdown", UNANSWERED, "spring-written-law") in cells


def test_functions_moved_to_other_cells_are_fine(submitted: Submit) -> None:
    moved = [SETUP, free("def force(x):\n    return -x"), free("energy = lambda x: x**2 / 2"), CHECK, PERIOD, LAST]
    assert submitted(moved).warnings == []


def test_the_first_of_two_copies_keeps_the_id(submitted: Submit) -> None:
    submission = submitted([SETUP, FORCE, {**FORCE, "source": "x = 1"}, CHECK, CHECK, PERIOD, LAST])
    assert ids(submission) == [IDS[0], IDS[1], None, IDS[2], None, IDS[3], IDS[4]]
    assert submission.cells[2].source == "x = 1"
    assert len(submission.warnings) == 2


def test_an_unknown_id_is_lost(submitted: Submit) -> None:
    submission = submitted([*COURSE, marked("code", "x = 1", "spring-check-bonus", grade=True, points=99)])
    assert submission.cells[-1] == Cell("code", "x = 1", None)
    assert len(submission.warnings) == 1


def test_a_cell_of_the_wrong_type_has_the_course_s_type(path: Path, submitted: Submit) -> None:
    submission = submitted([SETUP, {**FORCE, "cell_type": "markdown"}, {**CHECK, "cell_type": "raw"}, PERIOD, LAST])
    assert [cell.kind for cell in submission.cells] == ["code"] * 5
    assert submission.cells[1].source == FORCE["source"]


def test_the_order_of_the_student_s_cells_is_kept(submitted: Submit) -> None:
    assert ids(submitted([PERIOD, LAST, SETUP, FORCE, CHECK])) == [*IDS[3:], *IDS[:3]]


def test_the_wrong_notebook_is_noticed(submitted: Submit) -> None:
    assert any("right file" in warning for warning in submitted([free("x = 1")]).warnings)


def test_nul_and_halves_of_surrogate_pairs_are_replaced(path: Path, problem: Problem) -> None:
    path.write_text(notebook([free("a\0b"), free("c\ud800d"), *COURSE]))
    submission = read(path, problem)
    assert [cell.source for cell in submission.cells[:2]] == ["a\ufffdb", "c\ufffdd"]
    assert len(submission.warnings) == 2


def test_warnings_are_few_enough_to_be_read(submitted: Submit) -> None:
    assert len(submitted([*COURSE, *[CHECK] * 500]).warnings) == MOST_WARNINGS + 1


def test_a_byte_order_mark_is_no_reason_to_refuse(path: Path, problem: Problem) -> None:
    path.write_text(notebook(COURSE), encoding="utf-8-sig")
    assert len(read(path, problem).cells) == len(COURSE)


def test_an_unread_file_has_every_locked_cell_and_the_reason(problem: Problem) -> None:
    submission = unread(problem, Unreadable("It is no notebook."))
    assert ids(submission) == [IDS[0], IDS[2], IDS[4]]
    assert submission.unread
    [told] = submission.warnings
    assert told.startswith("Your file could not be read")
    assert told.endswith("It is no notebook.")


def test_a_course_that_is_not_built_is_not_the_student_s_fault(path: Path, problem: Problem) -> None:
    path.write_text(notebook(COURSE))
    with pytest.raises(FileNotFoundError, match="mlphys build"):
        read(path, Problem("ps00", "pendulum", problem.root))


REFUSED = {
    "empty": b"",
    "text": b"hello",
    "not utf-8": b"\xff\xfe{}",
    "truncated": notebook(COURSE).encode()[:-30],
    "a list": b"[]",
    "no cells": b'{"nbformat": 4}',
    "cells no list": b'{"nbformat": 4, "cells": {}}',
    "format 3": b'{"nbformat": 3, "worksheets": [{"cells": []}]}',
    "format 5": notebook(COURSE, nbformat=5).encode(),
    "format true": notebook(COURSE, nbformat=True).encode(),
    "format 4.0": notebook(COURSE, nbformat=4.0).encode(),
    "two lists of cells": b'{"cells": [], "cells": [], "nbformat": 4}',
    "NaN": b'{"cells": [], "nbformat": 4, "metadata": NaN}',
    "deep": b'{"cells": ' + b"[" * 100_000,
    "a long number": b'{"cells": [], "nbformat": ' + b"4" * 5000 + b"}",
    "too many cells": notebook([free("")] * (MOST_CELLS + 1)).encode(),
    "a long cell": notebook([free("#" * (LONGEST_CELL + 1))]).encode(),
    "much text": notebook([free("#" * LONGEST_CELL)] * 6).encode(),
    "a long cell of many lines": notebook([{**FORCE, "source": ["#" * 100] * LONGEST_CELL}]).encode(),
    "a cell that is a number": b'{"cells": [3], "nbformat": 4}',
    "a cell of unknown type": b'{"cells": [{"cell_type": "heading", "source": ""}], "nbformat": 4}',
    "a source of numbers": b'{"cells": [{"cell_type": "code", "source": [1]}], "nbformat": 4}',
    "a cell without source": b'{"cells": [{"cell_type": "code"}], "nbformat": 4}',
    "too large": b" " * (LARGEST_FILE + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_notebook_is_refused_with_what_to_do(path: Path, problem: Problem, name: str) -> None:
    path.write_bytes(REFUSED[name])
    with pytest.raises(Unreadable) as caught:
        read(path, problem)
    assert re.fullmatch(r"[A-Z].+\. [A-Z].+\.", str(caught.value))
    assert len(str(caught.value)) < 200


def test_a_link_is_not_followed(path: Path, tmp_path: Path, problem: Problem) -> None:
    secret = tmp_path / "secret.ipynb"
    secret.write_text(notebook(COURSE))
    path.symlink_to(secret)
    with pytest.raises(Unreadable, match="link"):
        read(path, problem)


def test_a_pipe_is_not_waited_for(path: Path, problem: Problem) -> None:
    os.mkfifo(path)
    with pytest.raises(Unreadable, match="regular file"):
        read(path, problem)


def test_a_socket_a_folder_and_nothing_are_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Problem
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for odd in (Path("socket"), tmp_path, path):
            with pytest.raises(Unreadable):
                read(odd, problem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MARKS = JSON | st.fixed_dictionaries({"grade_id": st.sampled_from([*IDS, "", "other"]) | JSON})
CELL = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": st.text(max_size=20) | st.lists(st.text())},
    optional={"metadata": JSON | st.fixed_dictionaries({"nbgrader": MARKS}), "outputs": JSON},
)


@settings(max_examples=200, deadline=None)
@given(cells=st.lists(CELL | JSON, max_size=8), metadata=JSON)
def test_any_notebook_keeps_the_course_s_text_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, cells: list[Any], metadata: Any, problem: Problem
) -> None:
    path = tmp_path_factory.mktemp("any") / "spring.ipynb"
    path.write_text(notebook(cells, metadata=metadata))
    try:
        submission = read(path, problem)
    except Unreadable:
        return
    own = {cell.grade_id: cell for cell in submission.cells if cell.grade_id}
    assert len(own) == len([cell for cell in submission.cells if cell.grade_id])
    for cell in (SETUP, CHECK, LAST):
        name = cell["metadata"]["nbgrader"]["grade_id"]
        assert own[name] == Cell("code", cell["source"], name)
    json.dumps([cell.source for cell in submission.cells], ensure_ascii=False).encode()


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, problem: Problem) -> None:
    path = tmp_path_factory.mktemp("any") / "spring.ipynb"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        read(path, problem)

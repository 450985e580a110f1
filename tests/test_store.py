"""What grading left is taken again only where grading once more would leave the same."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course import ROOT, Problem
from autograder.grading.record import Record
from autograder.grading.run import Graded
from autograder.grading.secret import own_secret
from autograder.grading.store import Entry, Store, key_of, same_submission
from autograder.grading.submission import Cell, Submission
from autograder.sandbox import Isolation, Limits

PROBLEM = Problem("ps00", "springs")
RECORD = Record(PROBLEM.slug, "bubblewrap", 1.0, 2.0, 0.5, (), ())


def test_what_was_graded_is_taken_again_until_something_changes(tmp_path: Path) -> None:
    store, graded = Store(lambda *names: tmp_path.joinpath(*names)), Graded(RECORD, [[]], [])
    store.keep("ada", PROBLEM, Entry("key", graded))
    assert store.fresh("ada", PROBLEM, "key") == graded
    assert store.fresh("ada", PROBLEM, "another") is None
    assert store.fresh("emmy", PROBLEM, "key") is None


def test_the_key_is_of_all_that_decides_a_grade(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problem, level, limits = Problem("ps01_linear_algebra", "backprop"), Isolation.BUBBLEWRAP, Limits()
    known, other = (Submission([Cell("code", source)]) for source in ("1", "2"))
    key = key_of(problem, known, level, limits)
    assert key_of(problem, known, level, limits) == key
    graded_otherwise = [
        key_of(Problem(problem.assignment, "woodbury"), known, level, limits),
        key_of(problem, known, Isolation.LANDLOCK, limits),
        key_of(problem, known, level, replace(limits, call=11.0)),
    ]
    handed_in_otherwise = key_of(problem, other, level, limits)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("JUPYTER_DATA_DIR", str(tmp_path))
        own_secret.cache_clear()
        graded_otherwise.append(key_of(problem, known, level, limits))
    own_secret.cache_clear()
    assert len({key, *graded_otherwise, handed_in_otherwise}) == 6
    assert all(same_submission(key, each) for each in graded_otherwise)
    assert not same_submission(key, handed_in_otherwise)


def test_another_version_of_a_library_is_another_grading(tmp_path: Path) -> None:
    (tmp_path / "numpy-0.0.dist-info").mkdir()
    (tmp_path / "numpy-0.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0\n")
    ask = "from autograder.course import *; from autograder.grading.version import *; print(version_of(problems()[0]))"

    def version(*paths: Path) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT]))}
        return subprocess.check_output([sys.executable, "-c", ask], env=environment, text=True)

    assert version() == version() != version(tmp_path)


def test_what_changed_is_known_until_somebody_has_been_told(tmp_path: Path) -> None:
    store = Store(lambda *names: tmp_path.joinpath(*names))
    entries = [
        Entry(key, Graded(replace(RECORD, score=score), [], []))
        for key, score in zip("abc", (0.0, 1.0, 2.0), strict=True)
    ]
    for entry in entries:
        store.keep("ada", PROBLEM, entry)
    assert (store.before("ada", PROBLEM), store.last("ada", PROBLEM)) == (entries[0], entries[2])
    store.told("ada", PROBLEM)
    assert store.before("ada", PROBLEM) is None
    store.keep("ada", PROBLEM, entries[1])
    assert store.before("ada", PROBLEM) == entries[2]


def test_a_record_that_somebody_spoiled_is_none(tmp_path: Path) -> None:
    store, entry = Store(lambda *names: tmp_path.joinpath(*names)), Entry("key", Graded(RECORD, [[]], []))
    store.keep("ada", PROBLEM, entry)
    path = store.path("ada", PROBLEM)
    path.write_text(path.read_text().replace('"outputs": [[]]', '"outputs": null'))
    assert store.last("ada", PROBLEM) is None


def test_what_failed_by_our_own_fault_is_graded_again(tmp_path: Path) -> None:
    store, graded = Store(lambda *names: tmp_path.joinpath(*names)), Graded(RECORD, [[]], ["No space is left."])
    store.keep("ada", PROBLEM, Entry("key", graded))
    assert store.last("ada", PROBLEM) == Entry("key", graded)
    assert store.fresh("ada", PROBLEM, "key") is None

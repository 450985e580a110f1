"""What grading left is taken again only where grading once more would leave the same."""

from __future__ import annotations

from pathlib import Path

from autograder.course import Problem
from autograder.grading.record import Record
from autograder.grading.run import Graded
from autograder.grading.store import Entry, Store

PROBLEM = Problem("ps00", "springs")
RECORD = Record(PROBLEM.slug, "bubblewrap", 1.0, 2.0, 0.5, (), ())


def test_what_was_graded_is_taken_again_until_something_changes(tmp_path: Path) -> None:
    store, graded = Store(lambda *names: tmp_path.joinpath(*names)), Graded(RECORD, [[]], [])
    store.keep("ada", PROBLEM, Entry("key", graded))
    assert store.fresh("ada", PROBLEM, "key") == graded
    assert store.fresh("ada", PROBLEM, "another") is None
    assert store.fresh("emmy", PROBLEM, "key") is None


def test_what_failed_by_our_own_fault_is_graded_again(tmp_path: Path) -> None:
    store, graded = Store(lambda *names: tmp_path.joinpath(*names)), Graded(RECORD, [[]], ["No space is left."])
    store.keep("ada", PROBLEM, Entry("key", graded))
    assert store.last("ada", PROBLEM) == Entry("key", graded)
    assert store.fresh("ada", PROBLEM, "key") is None

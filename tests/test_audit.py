"""The graders are graded; and the audit would notice if they were bad."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

import pytest

from autograder.audit import audit, auditors
from autograder.audit.table import verdict
from autograder.course import Problem, problems
from autograder.sandbox import Isolation


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with auditors() as pool:
        yield pool


@pytest.mark.level1
# A whole catalogue, each notebook graded in full: two minutes of two cores, and more on busy ones.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("problem", problems(), ids=str)
def test_the_graders_of_every_problem_stand_their_audit(problem: Problem, pool: Executor) -> None:
    rows = list(audit(problem, Isolation.BUBBLEWRAP, pool))
    assert {row.kind for row in rows} == {"reference", "blank", "alternative", "mistake", "stub"}
    assert not [row for row in rows if row.faults], verdict(rows)

"""The graders are graded; and the audit would notice if they were bad."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from autograder.audit import audit, auditors
from autograder.audit.standing import stands
from autograder.audit.table import verdict
from autograder.course import ROOT, Problem, find, problems
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
    """The whole catalogue where something is new; else an alternative and a mistake of each function."""
    rows = list(audit(problem, Isolation.BUBBLEWRAP, pool, whole=not stands(problem)))
    assert {row.kind for row in rows} >= {"reference", "blank", "alternative", "mistake"}
    assert not [row for row in rows if row.faults], verdict(rows)


@pytest.mark.parametrize(
    "edited", ["autograder/graders/ps09_generative/ddpm/steps.py", "solutions/ps09_generative/ddpm.py"]
)
def test_what_stood_its_audit_must_stand_it_again_once_it_is_edited(tmp_path: Path, edited: str) -> None:
    for folder in ("autograder/graders", "solutions", "source"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    here, copy = find("ps09_generative/ddpm"), Problem("ps09_generative", "ddpm", tmp_path)
    assert stands(copy) == stands(here)
    with (tmp_path / edited).open("a") as file:
        file.write("# A second look.\n")
    assert not stands(copy)

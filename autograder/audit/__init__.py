"""The graders graded: every mistake and stub must fail, every unusual right answer must pass in full."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, zip_longest

from autograder.audit import variants
from autograder.course import Problem
from autograder.grading.hints import repair_first
from autograder.grading.marks import Part, Variant, parts_of, variants_of
from autograder.grading.record import PartResult, Record
from autograder.grading.run import grade
from autograder.grading.shared import sandbox_of
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits


@dataclass(frozen=True)
class Row:
    """One notebook of the audit, what became of it, and what is wrong about that (nothing, if `faults` is empty)."""

    kind: str
    name: str
    record: Record
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Expectation:
    """What must come out for a notebook: full marks, no mark, or a loss in `part` with the hint `hint`.

    What is wrong in one part is graded on that part alone, each in a fraction of the time of a whole grading. For
    the same reason an alternative stands `beside` others in one notebook, and is graded by itself if that is refused.
    """

    kind: str
    name: str
    submission: Submission
    part: Part | None = None
    hint: str | None = None
    beside: Submission | None = None

    @property
    def is_right(self) -> bool:
        return self.kind in {"reference", "alternative"}


def auditors() -> ProcessPoolExecutor:
    """A process for each core, for one audit after another: each has a sandbox, which takes seconds to start."""
    # Not forked: the caller may have threads.
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))


def audit(problem: Problem, level: Isolation, pool: Executor, seeds: int = 1, whole: bool = True) -> Iterator[Row]:
    """Have `pool` grade every notebook of the catalogue: right answers with each of `seeds` seeds, wrong with one.

    Rows come as the notebooks do, and several for a notebook in which several alternatives stand. Unless the `whole`
    catalogue is asked for, the reference, a blank notebook, an alternative and a mistake of each function are graded.
    """
    chosen = expectations(problem) if whole else _sample(expectations(problem))
    notebooks = [list(group) for _, group in groupby(chosen, key=lambda one: id(one.beside or one.submission))]
    jobs = [(group, seed) for group in notebooks for seed in range(seeds if group[0].is_right else 1)]
    for rows in pool.map(partial(_rows, problem, level), *zip(*jobs, strict=True)):
        yield from rows


def _rows(problem: Problem, level: Isolation, group: list[Expectation], seed: int) -> list[Row]:
    """Grade the notebook that the expectations of `group` are about."""
    first = group[0]
    only = None if first.is_right else first.part
    graded = grade(problem, first.beside or first.submission, sandbox_of(level, Limits()), seed, only)
    if first.beside is not None and graded.record.score != graded.record.max_score:
        # One right function may give what another, as right, does not take.
        return [row for one in group for row in _rows(problem, level, [replace(one, beside=None)], seed)]
    rows = []
    for expectation in group:
        name = expectation.name if seed == 0 else f"{expectation.name}, seed {seed}"
        faults = (*_faults(expectation, graded.record), *graded.faults)
        rows.append(Row(expectation.kind, name, graded.record, faults))
    return rows


def expectations(problem: Problem) -> Iterator[Expectation]:
    """The catalogue of `problem` as notebooks."""
    parts = {function: part for part in parts_of(problem.test_module) for function in part.functions}
    names = variants.functions(problem)
    yield Expectation("reference", "the reference", variants.solved(problem))
    yield Expectation("blank", "nothing written", variants.blank(problem))
    for items in _beside_each_other(variants_of(problem.catalogue("alternatives"))):
        edits = [variants.variant(problem, item) for item in items]
        beside = variants.solved(problem, *edits)
        for item, edit in zip(items, edits, strict=True):
            name, alone = f"{item.function}: {item.name}", variants.solved(problem, edit)
            yield Expectation("alternative", name, alone, beside=beside)
    for item in variants_of(problem.catalogue("mistakes")):
        submission = variants.without_checks(problem, variants.variant(problem, item))
        yield Expectation("mistake", f"{item.function}: {item.name}", submission, parts[item.function], item.hint)
    for answer in variants.STUBS:
        everywhere = [variants.stub(problem, name, answer) for name in names]
        yield Expectation("blank", f"every function returns {answer}", variants.solved(problem, *everywhere))
        for name in names if answer in variants.ALONE else ():
            submission = variants.without_checks(problem, variants.stub(problem, name, answer))
            yield Expectation("stub", f"{name}: {answer}", submission, parts[name])


def _sample(every: Iterator[Expectation]) -> Iterator[Expectation]:
    """The reference, the first blank notebook, and the first alternative and mistake of each function."""
    seen = set()
    for one in every:
        function, colon, _ = one.name.partition(": ")
        about = (one.kind, function if colon else "")
        if one.kind != "stub" and about not in seen:
            yield one
        seen.add(about)


def _beside_each_other(alternatives: list[Variant]) -> Iterator[list[Variant]]:
    """One alternative of each function at a time."""
    of_function: dict[str, list[Variant]] = defaultdict(list)
    for item in alternatives:
        of_function[item.function].append(item)
    for together in zip_longest(*of_function.values()):
        yield [item for item in together if item is not None]


def _faults(expectation: Expectation, record: Record) -> Iterator[str]:
    match expectation.kind:
        case "reference" | "alternative" if record.score != record.max_score:
            yield f"It is right, and has {record.score:g} of {record.max_score:g} points."
        case "blank" if record.score != 0:
            yield f"Nothing was worked out, and it has {record.score:g} points."
        case "mistake" | "stub" if expectation.part is not None:
            result = record.part(expectation.part.id)
            if result.score == result.max_score:
                yield f"It is wrong, and has all {result.max_score:g} points of the part {result.id}."
            if expectation.kind == "mistake":
                yield from _wrong_hints(expectation, result)


def _wrong_hints(mistake: Expectation, part: PartResult) -> Iterator[str]:
    """A mistake must be recognised as itself in its own part; one that raises has no numbers to know it by.

    Functions that call it may say so.
    """
    tests = [test for test in part.tests if test.outcome != "passed"]
    hints = {test.hint for test in tests if test.hint is not None} - {repair_first(mistake.name.split(":")[0])}
    if hints - {mistake.hint}:
        yield f"It is taken for something else: {'; '.join(sorted(hints - {mistake.hint}))}"
    elif not hints and any(test.outcome == "failed" for test in tests):
        yield "It is not recognised: another mistake has the same numbers, or too few calls tell it from the reference."

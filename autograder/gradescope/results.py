"""Gradescope's results.json: what it shows a student, and the points that it counts.

The format is that of "Autograder Specifications", gradescope-autograders.readthedocs.io/en/latest/specs/ (source:
docs/specs.md of github.com/gradescope/autograder_samples): a list of test cases, each with its score. One without a
score is information only, and that is what everything is here whose points a person has yet to give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from autograder.grading.coursecells import answer_title, in_words
from autograder.grading.record import PartResult, Record, TestResult

# What stands in the texts comes in part from students: Gradescope renders none of it.
TEXT = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}
# The tag of every test case that waits for a person.
WAITING = "needs_manual_grade"


@dataclass(frozen=True)
class Judged:
    """One cell with points: its score (None until a person has looked), and whether a person has set it.

    A written answer that has a score which no person has set is one that nobody wrote.
    """

    grade_id: str
    part: PartResult | None
    score: float | None
    max_score: float
    by_hand: bool = False

    @property
    def title(self) -> str:
        return self.part.title if self.part else answer_title(self.grade_id)


@dataclass(frozen=True)
class Graded:
    """One notebook: its cells with points, in order, and the record, unless that is lost or nothing was handed in."""

    problem: str
    record: Record | None
    cells: tuple[Judged, ...]
    handed_in: bool = True


def results(notebooks: Iterable[Graded], penalty: float = 0.0) -> dict[str, Any]:
    """The results of one submission, ready for JSON; `penalty` is taken off the points of all notebooks together."""
    notebooks = list(notebooks)
    records = [notebook.record for notebook in notebooks if notebook.record is not None]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    waiting = [cell.title for cell in cells if cell.score is None]
    said = [f"{record.problem}: {warning}" for record in records for warning in record.warnings]
    said += [_missing(notebook.problem) for notebook in notebooks if not notebook.handed_in]
    if waiting:
        said.append(f"These points are not final: a person has yet to grade {', '.join(waiting)}.")
    if penalty:
        said.append(f"A penalty of {penalty:g} points for being late {'will be' if waiting else 'is'} taken off.")
    total = max(0.0, sum(cell.score or 0.0 for cell in cells) - penalty)
    return {
        # It overrides the sum of the test cases, so it is given where it differs, and never for what is not final.
        **({"score": total} if penalty and not waiting else {}),
        "execution_time": sum(record.seconds for record in records),
        "output": "\n".join(said),
        **TEXT,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [case for number, notebook in enumerate(notebooks, 1) for case in _cases(number, notebook)],
        "extra_data": {"isolation": sorted({record.isolation for record in records}), WAITING: waiting},
    }


def _cases(first: int, notebook: Graded) -> Iterator[dict[str, Any]]:
    """A test case for each hidden test; where a person grades, or has graded, one more for the points of the part.

    A notebook that was not handed in is one test case.
    """
    if not notebook.handed_in:
        yield {"name": notebook.problem, "number": f"{first}", **_absent(notebook)}
        return
    for second, cell in enumerate(notebook.cells, 1):
        number = f"{first}.{second}"
        counts = cell.score is not None and not cell.by_hand
        for third, test in enumerate(cell.part.tests if cell.part else (), 1):
            yield {
                "name": f"{cell.title}: {test.name.removeprefix('test_').replace('_', ' ')}",
                "number": f"{number}.{third}",
                "output": _output(test),
                **({"score": test.points, "max_score": test.max_points} if counts else {}),
                **({} if test.outcome == "grader_error" else {"status": _status(test.points, test.max_points)}),
            }
        if not counts or cell.part is None:
            yield {"name": cell.title, "number": number, **_whole(cell)}


def _missing(problem: str) -> str:
    """Who handed it in under another name reads here which one it has to be."""
    return f"{problem}.ipynb was not handed in: there is no file of this name in the submission."


def _absent(notebook: Graded) -> dict[str, Any]:
    score = sum(cell.score or 0.0 for cell in notebook.cells)
    most = sum(cell.max_score for cell in notebook.cells)
    return {"output": "This notebook was not handed in.", "score": score, "max_score": most}


def _whole(cell: Judged) -> dict[str, Any]:
    if cell.score is None:
        worth = f"It is worth {cell.max_score:g} points. A person has yet to grade it; until then it has no score."
        return {"output": worth, "tags": [WAITING]}
    if cell.by_hand:
        told = "A person has graded this."
    else:
        told = "Nothing was written here." if in_words(cell.grade_id) else ""
    return {"output": told, "score": cell.score, "max_score": cell.max_score}


def _output(test: TestResult) -> str:
    return f"{test.message}\nLikely cause: {test.hint}" if test.hint else test.message


def _status(score: float, most: float) -> str:
    return "passed" if score >= most else "failed"

"""What Gradescope runs for each submission: grades it, and writes results.json.

The layout is that of "Autograder Specifications" (see autograder/gradescope/results.py): the student's files are in
submission/, and the results go to results/results.json. A run that cannot confine the student's code, or that fails by
our own fault, leaves no results and an exit code; Gradescope then says that the autograder failed, and gives no score.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from autograder.course import Problem, problems
from autograder.gradescope.results import Graded, Judged, results
from autograder.grading.coursecells import UNANSWERED
from autograder.grading.run import grade
from autograder.grading.submission import Submission, Unreadable, read, unread
from autograder.sandbox import Isolation, NotIsolated, Sandbox
from autograder.sandbox.isolation import require


def run(root: Path) -> None:
    """Grade what is in `root`/submission for every problem of this course; raises NotIsolated where nothing may run."""
    path = root / "results" / "results.json"
    # What an earlier run left is not this submission's.
    path.unlink(missing_ok=True)
    with Sandbox(require(Isolation.LANDLOCK)) as sandbox:
        notebooks = [_graded(problem, root / "submission", sandbox) for problem in problems()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results(notebooks), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _graded(problem: Problem, folder: Path, sandbox: Sandbox) -> Graded:
    """What the tests find; a cell without tests waits for a person, but one without an answer has 0 points."""
    path = folder / f"{problem.name}.ipynb"
    if not os.path.lexists(path):
        absent = tuple(Judged(grade_id, None, 0.0, points) for grade_id, points in cells_with_points(problem))
        return Graded(problem.name, None, absent, handed_in=False)
    submission = _submission(problem, path)
    graded = grade(problem, submission, sandbox)
    for fault in graded.faults:
        print(f"A grader of {problem} failed; its part needs a person.\n{fault}")
    parts = {f"{problem.name}-check-{part.id}": part for part in graded.record.parts}
    scores = {cell.grade_id: 0.0 for cell in submission.cells if cell.source == UNANSWERED}
    scores |= {grade_id: part.score for grade_id, part in parts.items() if not part.needs_a_person}
    cells = [
        Judged(grade_id, parts.get(grade_id), scores.get(grade_id), points)
        for grade_id, points in cells_with_points(problem)
    ]
    return Graded(problem.name, graded.record, tuple(cells))


def _submission(problem: Problem, path: Path) -> Submission:
    try:
        return read(path, problem)
    except Unreadable as reason:
        return unread(problem, reason)


def cells_with_points(problem: Problem) -> list[tuple[str, float]]:
    """The cells of the problem that have points, in order: checks, and answers that a person grades."""
    cells = json.loads(problem.source_notebook.read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return [(mark["grade_id"], float(mark["points"])) for mark in marks if mark.get("grade")]


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]))
    except NotIsolated as error:
        sys.exit(
            "Nothing was graded, and nobody has a score: this container does not let a student's code be confined. "
            f"Download the submissions, and grade them with nbgrader on a machine that does. {error}"
        )

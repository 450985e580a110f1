"""The grading itself, as the step that nbgrader would have spent on running the notebook."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Enum, TraitError, validate

from autograder.course import Problem, find
from autograder.gradebook.kept import best_level, graded, store_of
from autograder.gradebook.notebook import submission_of
from autograder.gradebook.page import part_output, summary_cell
from autograder.gradebook.scores import RECORD, part_of
from autograder.grading.run import Graded
from autograder.sandbox import Isolation, Limits


class GradeSubmission(NbGraderPreprocessor):
    """Runs the hidden graders, and puts what they found into the notebook, the record and `resources`.

    What was graded before, and would come out the same, is not graded again.
    """

    isolation = Enum(
        [level.label for level in Isolation],
        default_value=Isolation.LANDLOCK.label,
        help="The least that must confine a student's code, where a run takes the best that this machine gives: "
        "bubblewrap, landlock, or none, for code of one's own.",
    ).tag(config=True)
    limits = Dict(
        help="What one submission may use, where that is not as in autograder/sandbox/limits.py: {'cell': 60}."
    ).tag(config=True)

    @validate("limits")  # type: ignore[untyped-decorator]
    def _known_limits(self, proposal: dict[str, Any]) -> dict[str, Any]:
        known = asdict(Limits())
        if unknown := set(proposal["value"]) - known.keys():
            raise TraitError(
                f"c.GradeSubmission.limits has no {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}."
            )
        for name, value in proposal["value"].items():
            if type(value) not in (int, type(known[name])) or not value > 0:
                raise TraitError(
                    f"c.GradeSubmission.limits[{name!r}] is {value!r}. Give a positive number, as {known[name]!r} is."
                )
        return dict(proposal["value"])

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        names = resources["nbgrader"]
        problem = find(f"{names['assignment']}/{names['notebook']}")
        level = best_level(Isolation[self.isolation.upper()])
        store = store_of(self.parent.parent.coursedir)
        found = graded(store, names["student"], problem, submission_of(nb), level, Limits(**self.limits))
        for fault in found.faults:
            self.log.error(
                "A grader of %s failed on %s; its part needs a person.\n%s", problem, names["student"], fault
            )
        show(nb, problem, found)
        resources[RECORD] = found.record
        resources["outputs"] = {f"{problem.name}.json": found.record.to_json().encode()}
        return nb, resources


def show(nb: NotebookNode, problem: Problem, graded: Graded) -> None:
    """Put into a submission's notebook what its cells showed and what the hidden tests found."""
    for cell, outputs in zip(nb.cells, graded.outputs, strict=True):
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(output) for output in outputs]
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and not marks["solution"]:
            cell.outputs.append(part_output(part_of(marks.grade_id, problem.name, graded.record)))
    nb.cells.insert(0, summary_cell(graded.record))

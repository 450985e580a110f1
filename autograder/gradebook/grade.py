"""The grading itself, as the step that nbgrader would have spent on running the notebook."""

from __future__ import annotations

import atexit
import functools
from dataclasses import fields
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Enum, TraitError, validate

from autograder.course import find
from autograder.gradebook.notebook import submission_of
from autograder.gradebook.page import part_output, summary_cell
from autograder.gradebook.scores import RECORD, part_of
from autograder.grading.run import grade
from autograder.sandbox import Isolation, Limits, Sandbox
from autograder.sandbox.isolation import require

# Probed once: a run never changes its level half-way.
_level = functools.cache(require)


@functools.cache
def _sandbox(level: Isolation, limits: Limits) -> Sandbox:
    """One for the process: its server takes two seconds to start, and every submission is a fork of it."""
    sandbox = Sandbox(level, limits)
    atexit.register(sandbox.close)
    return sandbox


class GradeSubmission(NbGraderPreprocessor):
    """Runs the hidden graders, and puts what they found into the notebook, the record and `resources`."""

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
        known = {field.name for field in fields(Limits)}
        if unknown := set(proposal["value"]) - known:
            raise TraitError(
                f"c.GradeSubmission.limits has no {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}."
            )
        return dict(proposal["value"])

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        names = resources["nbgrader"]
        problem = find(f"{names['assignment']}/{names['notebook']}")
        level = _level(Isolation[self.isolation.upper()])
        sandbox = _sandbox(level, Limits(**self.limits))
        try:
            graded = grade(problem, submission_of(nb), sandbox)
        except Exception:
            # nbgrader reports it and goes on: the next submission gets a server that lives, and this one ends.
            sandbox.close()
            _sandbox.cache_clear()
            raise
        for fault in graded.faults:
            self.log.error(
                "A grader of %s failed on %s; its part needs a person.\n%s", problem, names["student"], fault
            )
        record = graded.record
        for cell, outputs in zip(nb.cells, graded.outputs, strict=True):
            if cell.cell_type == "code":
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.outputs.append(part_output(part_of(cell.metadata.nbgrader.grade_id, problem.name, record)))
        nb.cells.insert(0, summary_cell(record))
        resources[RECORD] = record
        resources["outputs"] = {f"{problem.name}.json": record.to_json().encode()}
        return nb, resources

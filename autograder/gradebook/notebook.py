"""A submission as a notebook that nbgrader can keep, and back."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode, v4

from autograder.course import Problem
from autograder.grading.submission import Cell, Submission

# Where our own entries stand in a notebook's metadata.
KEY = "mlphys"


def notebook_of(submission: Submission, problem: Problem) -> NotebookNode:
    """A clean notebook: the submission's texts, and every other thing from the course's own notebook."""
    course = nbformat.read(problem.source_notebook, as_version=4)
    own = {cell.metadata.nbgrader.grade_id: cell for cell in course.cells if "nbgrader" in cell.metadata}
    cells = []
    for number, cell in enumerate(submission.cells, start=1):
        # Not by nbformat's own functions, which check every cell as it is made: the notebook is checked as a whole.
        node = NotebookNode(cell_type=cell.kind, id=f"submitted-{number}", metadata=NotebookNode(), source=cell.source)
        if cell.kind == "code":
            node.update(execution_count=None, outputs=[])
        if cell.grade_id is not None:
            node.id = own[cell.grade_id].id
            node.metadata = own[cell.grade_id].metadata
        cells.append(node)
    metadata = {**course.metadata, KEY: {"warnings": submission.warnings, "unread": submission.unread}}
    return v4.new_notebook(cells=cells, metadata=metadata)


def submission_of(notebook: NotebookNode) -> Submission:
    """The submission that `notebook_of` put into `notebook`."""
    cells = [
        Cell(cell.cell_type, cell.source, cell.metadata.get("nbgrader", {}).get("grade_id")) for cell in notebook.cells
    ]
    told = notebook.metadata[KEY]
    return Submission(cells, list(told["warnings"]), told["unread"])

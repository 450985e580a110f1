"""Reading what a student handed in: cell sources and grade ids come through, everything else stays behind.

A submission is a file that somebody else wrote. The course's own notebook says which cells the problem has; the
submission only says what the student wrote into them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from autograder.course import Problem
from autograder.grading.coursecells import UNANSWERED, CourseCell, course_cells

Kind = Literal["code", "markdown"]

# A notebook full of figures is a few megabytes, and parsing takes up to twenty times a file's size in memory.
LARGEST_FILE = 32 * 2**20
# The course's longest notebook has under a hundred cells, and its longest cell under 10 000 characters.
MOST_CELLS = 1000
LONGEST_CELL = 200_000
# A solved problem has 60 000 characters in all; what shows a notebook takes its time for each of them.
MOST_TEXT = 1_000_000
# More warnings than these are not read by anybody.
MOST_WARNINGS = 20

# Neither can be written as UTF-8 text that Python would compile: NUL, and halves of a surrogate pair.
UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class Unreadable(Exception):
    """The file is no notebook that can be graded; the message is a sentence for the student."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and the grade id if it is one of the problem's own cells."""

    kind: Kind
    source: str
    grade_id: str | None = None


@dataclass(frozen=True)
class Submission:
    """The cells to be run, in order, and what the student should know about how they were read.

    `unread` stands for a file that could not be read: nothing of it is run or tested.
    """

    cells: list[Cell]
    warnings: list[str] = field(default_factory=list)
    unread: bool = False

    def fingerprint(self) -> str:
        """A hash of everything that is run; what is only written changes no test's random inputs."""
        run = [(cell.kind, cell.source) for cell in self.cells if cell.kind == "code"]
        return hashlib.sha256(repr(run).encode()).hexdigest()


def read(path: Path, problem: Problem) -> Submission:
    """The submission in `path`, reconciled with the course's own notebook of `problem`; raises Unreadable."""
    warnings: list[str] = []
    cells = _cells(_notebook(_text(path)), warnings)
    return _reconciled(cells, course_cells(problem), warnings)


def unread(problem: Problem, reason: Unreadable) -> Submission:
    """What stands for a file that could not be read: the problem with nothing answered, and the reason."""
    told = f"Your file could not be read, so nothing in it could earn points. {reason}"
    return Submission(unanswered(problem).cells, [told], unread=True)


def unanswered(problem: Problem) -> Submission:
    """The problem with nothing answered."""
    kept: list[Cell] = []
    _restore(kept, course_cells(problem))
    return Submission(kept)


def _text(path: Path) -> str:
    """The text of a regular file; a link is not followed and a pipe is not waited for."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(LARGEST_FILE + 1) if regular else b""
    except OSError as error:
        reason = error.strerror or "unknown reason"
        _refuse(f"The file could not be opened ({reason}); a link is not followed", "Submit the notebook itself")
    if not regular:
        _refuse("What was submitted is not a regular file", "Submit the notebook itself")
    if len(data) > LARGEST_FILE:
        advice = "Choose Edit, Clear Outputs of All Cells, save, and submit again"
        _refuse(f"The notebook is larger than {LARGEST_FILE // 2**20} MB", advice)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse("The file is not UTF-8 text, so it is not a notebook", "Save it from Jupyter and submit it again")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _notebook(text: str) -> dict[str, Any]:
    advice = "Open it in Jupyter, save it, and submit it again"
    try:
        notebook = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        _refuse("The file is nested deeper than any notebook", advice)
    except json.JSONDecodeError as error:
        again = "Copy or download it again from where you work, see that it opens in Jupyter, and submit it again"
        _refuse(f"The file is not a notebook: it stops being valid JSON at line {error.lineno}", again)
    except ValueError:
        _refuse("The file holds a number that is too long", advice)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        version = notebook.get("nbformat") if isinstance(notebook, dict) else None
        if version in (1, 2, 3):
            _refuse(f"The notebook has the old format {version}", "Open it in JupyterLab, save it, and submit it again")
        _refuse("The file is not a notebook: it has no list of cells", advice)
    if type(notebook.get("nbformat")) is not int or notebook["nbformat"] != 4:
        _refuse("The notebook is not of format 4", advice)
    return notebook


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("The file names the same entry twice", "Open it in Jupyter, save it, and submit it again")
    return found


def _constant(name: str) -> NoReturn:
    _refuse(f"The file holds {name}, which is not valid in a notebook", "Save it from Jupyter and submit it again")


def _cells(notebook: dict[str, Any], warnings: list[str]) -> list[Cell]:
    raw = notebook["cells"]
    if len(raw) > MOST_CELLS:
        _refuse(f"The notebook has {len(raw)} cells", f"Keep it under {MOST_CELLS} cells and submit it again")
    cells = [_cell(cell, number, warnings) for number, cell in enumerate(raw, start=1)]
    if sum(len(cell.source) for cell in cells) > MOST_TEXT:
        _refuse(f"The notebook has more than {MOST_TEXT} characters", "Shorten it and submit it again")
    return cells


def _cell(cell: Any, number: int, warnings: list[str]) -> Cell:
    kind = cell.get("cell_type") if isinstance(cell, dict) else None
    if kind not in ("code", "markdown", "raw"):
        _refuse(f"Cell {number} is neither code nor text", "Delete it, save the notebook, and submit it again")
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        _refuse(f"Cell {number} has no text", "Delete it, save the notebook, and submit it again")
    if len(source) > LONGEST_CELL:
        _refuse(f"Cell {number} has {len(source)} characters", f"Keep it under {LONGEST_CELL} and submit it again")
    if UNWRITABLE.search(source):
        warnings.append(
            f"Cell {number} contained characters that are not text; each was replaced by \N{REPLACEMENT CHARACTER}."
        )
        source = UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", source)
    if kind == "raw":
        warnings.append(f"Cell {number} is a raw cell: it was read as text and not run.")
    return Cell("code" if kind == "code" else "markdown", source.replace("\r\n", "\n"), _grade_id(cell))


def _grade_id(cell: dict[str, Any]) -> str | None:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    return grade_id if isinstance(grade_id, str) and grade_id else None


def _reconciled(cells: list[Cell], course: list[CourseCell], warnings: list[str]) -> Submission:
    """What is run: the student's cells in their order, with the course's own text in every locked cell."""
    known = {cell.grade_id: cell for cell in course}
    seen: set[str] = set()
    kept = [_recognised(cell, number, known, seen, warnings) for number, cell in enumerate(cells, start=1)]
    if not seen:
        warnings.append("None of this problem's cells is in the notebook. Was the right file submitted?")
    warnings.extend(_missing(kept, course))
    _restore(kept, course)
    if len(warnings) > MOST_WARNINGS:
        more = len(warnings) - MOST_WARNINGS
        warnings = [*warnings[:MOST_WARNINGS], f"There are {more} more remarks of this kind."]
    return Submission(kept, warnings)


def _recognised(cell: Cell, number: int, known: dict[str, CourseCell], seen: set[str], warnings: list[str]) -> Cell:
    if cell.grade_id is None:
        return cell
    own = known.get(cell.grade_id)
    if own is None:
        warnings.append(f"Cell {number} is marked as a cell that this problem does not have; it was run as your own.")
        return Cell(cell.kind, cell.source)
    if own.grade_id in seen:
        warnings.append(f"Cell {number} is a second copy of `{own.grade_id}`; it was run as your own cell.")
        return Cell(cell.kind, cell.source)
    seen.add(own.grade_id)
    if own.locked:
        if cell.source.strip() != own.source.strip():
            warnings.append(f"Cell {number}, `{own.grade_id}`, was changed; it was run as the course wrote it.")
        return Cell(own.kind, own.source, own.grade_id)
    if cell.kind != own.kind:
        warnings.append(f"Cell {number}, `{own.grade_id}`, had become a {cell.kind} cell; it was read as {own.kind}.")
    empty = own.by_hand and cell.source.strip() in ("", UNANSWERED)
    return Cell(own.kind, UNANSWERED if empty else cell.source, own.grade_id)


def _restore(kept: list[Cell], course: list[CourseCell]) -> None:
    """Put back what is missing: a given cell as early as its neighbours allow, a check as late, a written answer empty.

    The gradebook has a row for each written answer, which waits for a person until it has a score.
    """
    order = [cell.grade_id for cell in course]
    for place, own in enumerate(course):
        present = {cell.grade_id: index for index, cell in enumerate(kept)}
        if own.grade_id in present or not (own.locked or own.by_hand):
            continue
        before = [present[name] + 1 for name in reversed(order[:place]) if name in present]
        after = [present[name] for name in order[place + 1 :] if name in present]
        # The functions that a check calls may stand in the student's own cells after the last cell that is known.
        index = (after[:1] or [len(kept)])[0] if own.check else (before[:1] or [0])[0]
        kept.insert(index, Cell(own.kind, UNANSWERED if own.by_hand else own.source, own.grade_id))


def _missing(kept: list[Cell], course: list[CourseCell]) -> list[str]:
    """One sentence for each answer cell that is gone together with its functions."""
    present = {cell.grade_id for cell in kept}
    code = "\n".join(cell.source for cell in kept if cell.kind == "code")
    sentences = []
    for own in course:
        if own.locked or own.grade_id in present:
            continue
        gone = [name for name in own.functions if not re.search(rf"^(def\s+{name}\b|{name}\s*=)", code, re.MULTILINE)]
        if gone or not own.functions:
            names = ", ".join(f"`{name}`" for name in gone) or "your written answer"
            sentences.append(f"The cell `{own.grade_id}` with {names} is missing, so it cannot earn points.")
    return sentences


def _refuse(what: str, advice: str) -> NoReturn:
    raise Unreadable(f"{what}. {advice}.")

"""What waits for a person: parts that the grader could not judge, answers in words, notebooks without a result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.grading.coursecells import answer_title
from autograder.report.classroom.gather import Entry

FAILED = "the grader itself failed here: grade it by hand"
BY_HAND = "is graded by hand"
AGAIN = "was graded by hand, and by the grader again since: see whether your score still holds"
NO_SCORE = "has no score in the gradebook, though a result record: grade the notebook again"


@dataclass(frozen=True)
class Waiting:
    """One thing of a problem, why it waits, and for which students."""

    problem: str
    what: str
    why: str
    students: tuple[str, ...]


def waiting(entries: Iterable[Entry]) -> tuple[Waiting, ...]:
    """All that waits, the most frequent first."""
    students: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for entry in entries:
        for what, why in reasons(entry):
            students[entry.problem, what, why].append(entry.student)
    found = [Waiting(*key, tuple(own)) for key, own in students.items()]
    return tuple(sorted(found, key=lambda one: -len(one.students)))


def reasons(entry: Entry) -> Iterator[tuple[str, str]]:
    """What of this notebook waits, and why."""
    pending = entry.marks.pending if entry.marks is not None else {}
    if entry.status == "unreadable":
        yield "the whole notebook", "its result record cannot be used: grade it again"
    elif entry.status == "not graded":
        yield "the whole notebook", "was handed in and not graded yet"
    elif entry.status == "missing" and pending:
        yield "the whole notebook", "waits in the gradebook, and is neither handed in nor graded in this directory"
    elif entry.record is not None:
        parts = {f"{entry.problem}-check-{part.id}": part for part in entry.record.parts}
        failed = dict.fromkeys((cell for cell, part in parts.items() if part.needs_a_person), False)
        # Without a gradebook nobody has graded anything by hand.
        for cell, scored_before in (pending if entry.marks is not None else failed).items():
            why = BY_HAND if cell not in parts else FAILED if cell in failed else NO_SCORE
            yield parts[cell].title if cell in parts else answer_title(cell), AGAIN if scored_before else why

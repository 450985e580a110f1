"""What grading left, kept on disk: a submission that is graded is not graded again until something changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.course import Problem
from autograder.grading.record import from_dict
from autograder.grading.run import Graded
from autograder.grading.secret import own_secret
from autograder.grading.submission import Submission
from autograder.grading.version import version_of
from autograder.sandbox import Isolation, Limits

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """What grading one submission left, and the key of all that it depends on."""

    key: str
    graded: Graded

    def to_json(self) -> str:
        graded = {"record": self.graded.record.to_dict(), "outputs": self.graded.outputs, "faults": self.graded.faults}
        return json.dumps({"schema": SCHEMA, "key": self.key, **graded}, ensure_ascii=False, allow_nan=False) + "\n"


def key_of(problem: Problem, submission: Submission, level: Isolation, limits: Limits) -> str:
    """A hash of all that decides the record of `submission`: two gradings with one key differ in their seconds only."""
    words = (version_of(problem), level.label, asdict(limits), own_secret(), submission)
    return hashlib.sha256(repr(words).encode()).hexdigest()


class Store:
    """The entries of one course, a file for each student and problem; `place` tells the folder of both."""

    def __init__(self, place: Callable[[str, str], Path]) -> None:
        self._place = place

    def path(self, student: str, problem: Problem) -> Path:
        return self._place(student, problem.assignment) / f"{problem.name}.json"

    def last(self, student: str, problem: Problem) -> Entry | None:
        """What was kept last, fresh or not; None if there is nothing that this version can read."""
        try:
            data = json.loads(self.path(student, problem).read_text(encoding="utf-8"))
            if data["schema"] != SCHEMA:
                return None
            return Entry(data["key"], Graded(from_dict(data["record"]), data["outputs"], data["faults"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def fresh(self, student: str, problem: Problem, key: str) -> Graded | None:
        """What was kept under the same key, so that grading once more would give the same.

        Not what a fault of ours is in: that may have passed since then.
        """
        entry = self.last(student, problem)
        return entry.graded if entry is not None and entry.key == key and not entry.graded.faults else None

    def keep(self, student: str, problem: Problem, entry: Entry) -> None:
        """Write `entry` whole or not at all, whatever ends this process or the machine; raises OSError."""
        path = self.path(student, problem)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(entry.to_json())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

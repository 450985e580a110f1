"""What grading left, kept on disk: a submission that is graded is not graded again until something changes."""

from __future__ import annotations

import errno
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


class NotKept(Exception):
    """What grading left could not be written; a sentence with the file."""


@dataclass(frozen=True)
class Entry:
    """What grading one submission left, and the key of all that it depends on."""

    key: str
    graded: Graded

    def to_json(self) -> str:
        graded = {"record": self.graded.record.to_dict(), "outputs": self.graded.outputs, "faults": self.graded.faults}
        return json.dumps({"schema": SCHEMA, "key": self.key, **graded}, ensure_ascii=False, allow_nan=False) + "\n"


def key_of(problem: Problem, submission: Submission, level: Isolation, limits: Limits) -> str:
    """All that decides the record of `submission`, as two hashes: how it is graded, and what was handed in.

    Two gradings with one key differ in their seconds only.
    """
    how = (version_of(problem), level.label, asdict(limits), own_secret())
    return "-".join(hashlib.sha256(repr(words).encode()).hexdigest() for words in (how, submission))


def same_submission(key: str, other: str) -> bool:
    """Whether two keys are of one submission, however it was graded."""
    return key.rpartition("-")[2] == other.rpartition("-")[2]


class Store:
    """The entries of one course, a file for each student and problem; `place` tells the folder of both.

    Beside it, until somebody has been told what changed, lies the entry that was the last one then.
    """

    def __init__(self, place: Callable[[str, str], Path]) -> None:
        self._place = place

    def path(self, student: str, problem: Problem) -> Path:
        return self._place(student, problem.assignment) / f"{problem.name}.json"

    def last(self, student: str, problem: Problem) -> Entry | None:
        """What was kept last, fresh or not; None if there is nothing that this version can read."""
        return _read(self.path(student, problem))

    def before(self, student: str, problem: Problem) -> Entry | None:
        """What was kept when somebody was told of it last, if something else is kept since then."""
        return _read(_before(self.path(student, problem)))

    def told(self, student: str, problem: Problem) -> None:
        """Somebody has been told of what is kept now."""
        _before(self.path(student, problem)).unlink(missing_ok=True)

    def fresh(self, student: str, problem: Problem, key: str) -> Graded | None:
        """What was kept under the same key, so that grading once more would give the same.

        Not what a fault of ours is in: that may have passed since then.
        """
        entry = self.last(student, problem)
        return entry.graded if entry is not None and entry.key == key and not entry.graded.faults else None

    def keep(self, student: str, problem: Problem, entry: Entry) -> None:
        """Write `entry` whole or not at all, whatever ends this process or the machine; raises NotKept."""
        path = self.path(student, problem)
        last = self.last(student, problem)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if last is not None and self.before(student, problem) is None:
                _write(_before(path), last)
            _write(path, entry)
        except OSError as error:
            advice = "Make room there." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "See that it can be."
            raise NotKept(f"The record {path} could not be written ({error.strerror}). {advice}") from None


def _before(path: Path) -> Path:
    return path.with_name(f".{path.stem}.before.json")


def _read(path: Path) -> Entry | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            return None
        return Entry(data["key"], Graded(from_dict(data["record"]), list(data["outputs"]), list(data["faults"])))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(path: Path, entry: Entry) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(entry.to_json())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

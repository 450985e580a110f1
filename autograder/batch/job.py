"""The work that is given away: grading one submission. It needs this package where it is done, and no shared file."""

from __future__ import annotations

import platform
import threading
from dataclasses import dataclass

from autograder.course import find
from autograder.grading.run import Graded
from autograder.grading.shared import grade_in_shared
from autograder.grading.submission import Submission
from autograder.grading.version import version_of
from autograder.sandbox import Isolation, Limits

# Grading captures what is printed, and one sandbox answers one question at a time.
_one_at_a_time = threading.Lock()


class OtherVersion(Exception):
    """The graders where the work should be done are not those of who asked for it."""


@dataclass(frozen=True)
class Task:
    """One submission to be graded, and how; `version` and `key` as in the store."""

    student: str
    problem: str
    submission: Submission
    key: str
    version: str
    level: Isolation
    limits: Limits
    secret: str

    def __str__(self) -> str:
        return f"{self.student}, {self.problem}"


def grade_task(task: Task) -> Graded:
    """What grading `task` leaves; raises OtherVersion, or SandboxFault and the like where the grader itself fails."""
    problem = find(task.problem)
    if version_of(problem) != task.version:
        raise OtherVersion(
            f"{platform.node()} has other graders of {problem}, or other versions of Python or its libraries. "
            "Install the same there, and start its workers again."
        )
    with _one_at_a_time:
        return grade_in_shared(problem, task.submission, task.level, task.limits, task.secret)

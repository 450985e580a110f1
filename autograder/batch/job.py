"""The work that is given away: grading one submission. It needs this package where it is done, and no shared file."""

from __future__ import annotations

import functools
import platform
import threading
from dataclasses import dataclass

from autograder.course import find
from autograder.grading.run import Graded
from autograder.grading.shared import grade_in_shared
from autograder.grading.submission import Submission
from autograder.grading.version import version_of
from autograder.sandbox import Isolation, Limits, NotIsolated
from autograder.sandbox.isolation import best

# What a machine gives does not change while one of its processes lives.
_best = functools.cache(best)
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
    """What grading `task` leaves.

    Raises OtherVersion and NotIsolated where the work cannot be done as it was asked for, and SandboxFault and the like
    where the grader itself fails.
    """
    problem = find(task.problem)
    if version_of(problem) != task.version:
        raise OtherVersion(
            f"{platform.node()} has other graders of {problem}, or other versions of Python or its libraries, than "
            "this run began with."
        )
    if _best() < task.level:
        raise NotIsolated(
            f"{platform.node()} gives no more isolation than {_best().label}, and this run began with "
            f"{task.level.label}. Run `mlphys doctor` there; it says what is missing."
        )
    with _one_at_a_time:
        return grade_in_shared(problem, task.submission, task.level, task.limits, task.secret)

"""Where a course keeps what grading left, and how a submission gets its grade: from there, or on the spot."""

from __future__ import annotations

import functools
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.course import Problem
from autograder.grading.run import Graded
from autograder.grading.shared import grade_in_shared
from autograder.grading.store import Entry, Store, key_of
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits
from autograder.sandbox.isolation import require

# The step of nbgrader's directory structure that is ours, beside "submitted" and "autograded".
STEP = "records"

# Probed once: a run never changes its level half-way.
best_level = functools.cache(require)


def store_of(directory: CourseDirectory) -> Store:
    """The records of a course."""
    return Store(lambda student, assignment: Path(directory.format_path(STEP, student, assignment)))


def graded(
    store: Store, student: str, problem: Problem, submission: Submission, level: Isolation, limits: Limits
) -> Graded:
    """What was kept of the same grading, or else what grading now leaves, which then is kept."""
    key = key_of(problem, submission, level, limits)
    fresh = store.fresh(student, problem, key)
    if fresh is not None:
        return fresh
    now = grade_in_shared(problem, submission, level, limits)
    store.keep(student, problem, Entry(key, now))
    return now

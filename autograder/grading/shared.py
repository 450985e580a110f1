"""One sandbox for a process that grades one submission after another: its server takes two seconds to start."""

from __future__ import annotations

import functools
from multiprocessing.util import Finalize

from autograder.course import Problem
from autograder.grading.run import Graded, grade
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits, Sandbox


@functools.cache
def sandbox_of(level: Isolation, limits: Limits) -> Sandbox:
    """This process's own, for as long as the process lives."""
    sandbox = Sandbox(level, limits)
    # Called at the end of a process of a pool as well, where atexit is not.
    Finalize(None, sandbox.close, exitpriority=1)
    return sandbox


def grade_in_shared(
    problem: Problem, submission: Submission, level: Isolation, limits: Limits, secret: str | None = None
) -> Graded:
    """As `grade`, in this process's own sandbox of that level and those limits.

    If that fails, its sandbox is ended, so that the next submission gets a server that lives.
    """
    sandbox = sandbox_of(level, limits)
    try:
        return grade(problem, submission, sandbox, secret=secret)
    except BaseException:
        sandbox.close()
        sandbox_of.cache_clear()
        raise

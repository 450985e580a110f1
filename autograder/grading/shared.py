"""One sandbox for a process that grades one submission after another: its server takes two seconds to start."""

from __future__ import annotations

import functools
import importlib
import sys
from multiprocessing.util import Finalize

from autograder.course import Problem
from autograder.grading.run import Graded, grade
from autograder.grading.submission import Submission
from autograder.grading.version import version_of
from autograder.sandbox import Isolation, Limits, Sandbox


@functools.cache
def sandbox_of(level: Isolation, limits: Limits) -> Sandbox:
    """This process's own, for as long as the process lives."""
    sandbox = Sandbox(level, limits)
    # Called at the end of a process of a pool as well, where atexit is not.
    Finalize(None, sandbox.close, exitpriority=1)
    return sandbox


_loaded: dict[str, str] = {}  # the version of each problem whose modules this process has loaded


def _load_afresh(problem: Problem) -> None:
    """Forget the modules of a problem whose files have changed: this process may live for days, as Jupyter's does."""
    version = version_of(problem)
    if _loaded.setdefault(problem.slug, version) != version:
        graders = f"autograder.graders.{problem.assignment}.{problem.name}"
        # The last loads modules of the course's from source/.
        own = (problem.reference_module, graders, "autograder.proof")
        for name in [name for name in sys.modules if name.startswith(own)]:
            del sys.modules[name]
        importlib.invalidate_caches()
        _loaded[problem.slug] = version


def grade_in_shared(
    problem: Problem, submission: Submission, level: Isolation, limits: Limits, secret: str | None = None
) -> Graded:
    """As `grade`, in this process's own sandbox of that level and those limits.

    If that fails, its sandbox is ended, so that the next submission gets a server that lives.
    """
    _load_afresh(problem)
    sandbox = sandbox_of(level, limits)
    try:
        return grade(problem, submission, sandbox, secret=secret)
    except BaseException:
        sandbox.close()
        sandbox_of.cache_clear()
        raise

"""`mlphys grade`: the course in the current directory, the workers that were asked for, and the exit code."""

from __future__ import annotations

import os
from collections.abc import Collection

from rich.console import Console

from autograder.batch.cluster import Cluster, NoCluster
from autograder.batch.course import Assignment, Unusable
from autograder.batch.job import OtherVersion
from autograder.batch.pool import Processes, WorkersLost
from autograder.batch.progress import Bar, Lines, Progress, Silence
from autograder.batch.run import ClassGrades, ClassGrading
from autograder.batch.summary import show
from autograder.grading.outputs import plain
from autograder.grading.secret import NoSecret, own_secret
from autograder.grading.store import NotKept
from autograder.sandbox import Isolation, NotIsolated
from autograder.sandbox.isolation import require

UNUSABLE, NOT_ISOLATED, OUR_FAULT, STOPPED = 2, 3, 4, 130
GO_ON = "What was graded is kept; the same command goes on from there."


def run(
    name: str,
    students: Collection[str],
    force: bool,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
    out: Console,
    err: Console,
) -> int:
    """Grade the assignment `name`; the exit code of `mlphys`."""

    def stop(sentence: object, code: int) -> int:
        err.print(plain(str(sentence)), markup=False, soft_wrap=True)
        return code

    try:
        assignment = Assignment(name)
        own_secret()  # Without one, nobody needs to start.
        workers, level = _workers(assignment.least, jobs, scheduler)
        if not quiet:
            err.print(f"Isolation: {level.label}.", style="dim")
        grading = ClassGrading(assignment, level, _progress(quiet, err))
        grades = grading.run(workers, students, force)
    except (Unusable, NoCluster, NoSecret) as reason:
        return stop(reason, UNUSABLE)
    except NotIsolated as reason:
        return stop(reason, NOT_ISOLATED)
    except OtherVersion as reason:
        advice = "Install the same there, and start its workers again." if scheduler else "Somebody edited them now."
        return stop(f"{reason} {advice} {GO_ON}", UNUSABLE)
    except (WorkersLost, NotKept) as reason:
        return stop(f"{reason} {GO_ON}", UNUSABLE)
    except OSError as error:
        return stop(f"{error}. See that the file is there, and that you may use it. {GO_ON}", UNUSABLE)
    except KeyboardInterrupt:
        return stop(f"Stopped. {GO_ON}", STOPPED)
    if not quiet or _needs_a_person(grades):
        try:
            show(grades, out)
        except OSError as error:
            again = "The gradebook is written, and the same command says once more what is in it."
            return stop(f"The summary could not be printed ({error.strerror}). {again}", UNUSABLE)
        grading.told()
    return OUR_FAULT if _needs_a_person(grades) else 0


def _workers(least: Isolation, jobs: int | None, scheduler: str | None) -> tuple[Processes | Cluster, Isolation]:
    """Who grades, and the level of isolation at which all of them do."""
    if scheduler is None:
        return Processes(jobs or len(os.sched_getaffinity(0))), require(least)
    cluster = Cluster(scheduler)
    return cluster, cluster.level(least)


def _progress(quiet: bool, err: Console) -> Progress:
    if quiet:
        return Silence()
    return Bar(err) if err.is_terminal else Lines(err)


def _needs_a_person(grades: ClassGrades) -> bool:
    return bool(grades.failures or grades.faults or grades.left_out)

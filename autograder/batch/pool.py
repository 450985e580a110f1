"""Gives tasks to other processes, and takes back what they leave, whatever becomes of a process."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from autograder.batch.job import OtherVersion, Task, grade_task
from autograder.grading.run import Graded
from autograder.sandbox import NotIsolated, SandboxFault

T = TypeVar("T")

PR_SET_PDEATHSIG = 1
# Most notebooks are graded in less; a question to a scheduler costs milliseconds.
CHECK_SECONDS = 10
NO_SCHEDULER = "The scheduler does not answer any more."
DIED_TWICE = (
    "The process that graded it ended, and so did one that had nothing else to do. If that was not by chance, grade it "
    "by hand: its parts are flagged for you in Formgrader."
)


@dataclass(frozen=True)
class Failure:
    """Why a submission has no grade: our own fault, which a person must see to. A sentence."""

    reason: str


Outcome = Graded | Failure


class WorkersLost(Exception):
    """Nobody is left who grades; a sentence."""


class Workers(Protocol):
    """Who grades. `slots` tasks keep all of them busy; a future raises `died` if its process did."""

    slots: int
    died: type[Exception]

    def submit(self, task: Task) -> Future[Graded]: ...

    def check(self) -> None:
        """Called before more is given away and while nothing comes back; raises WorkersLost if nothing will."""

    def stop(self) -> None:
        """End all that they do, at once; what is submitted later begins anew."""


class Processes:
    """Processes of this machine, each with a sandbox of its own."""

    died: type[Exception] = BrokenExecutor

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._others = set(multiprocessing.active_children())
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def submit(self, task: Task) -> Future[Graded]:
        if self._pool is None:
            # Not forked: there are threads here, and a fork of them may hang.
            context = multiprocessing.get_context("spawn")
            # They are killed when nothing is left to do, and cannot remove what they made.
            self._folder = tempfile.TemporaryDirectory(prefix="mlphys-", ignore_cleanup_errors=True)
            self._pool = ProcessPoolExecutor(
                self.slots, mp_context=context, initializer=_begin, initargs=(os.getpid(), self._folder.name)
            )
        return self._pool.submit(grade_task, task)

    def check(self) -> None:
        """A process that dies breaks its future."""

    def stop(self) -> None:
        if self._pool is not None and self._folder is not None:
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()
            self._pool.shutdown(cancel_futures=True)
            self._folder.cleanup()
            self._pool = self._folder = None


def _begin(parent: int, folder: str) -> None:
    """In a process of the pool, which leaves Ctrl-C to its parent, ends with it, and has its files in `folder`."""
    tempfile.tempdir = folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def outcomes(tasks: Iterable[Task], workers: Workers, began: Callable[[Task], None]) -> Iterator[tuple[Task, Outcome]]:
    """What becomes of each task, in the order in which they end; only as many are given away as there are slots.

    Where a process dies, or the server of its sandbox, those that it may have had are graded once more, one by one: a
    submission that ends processes, or takes all memory, costs itself alone. Raises OtherVersion, NotIsolated, and
    WorkersLost if the workers are lost for good.
    """
    waiting, running, suspects = iter(tasks), dict[Future[Graded], Task](), list[Task]()
    try:
        while True:
            workers.check()
            while not suspects and len(running) < workers.slots and (task := next(waiting, None)) is not None:
                began(task)
                running[_submitted(workers, task)] = task
            if not running and not suspects:
                return
            for future in ended(running, workers):
                task = running.pop(future)
                if _died(future, workers):
                    suspects.append(task)
                else:
                    yield task, _outcome(future, workers)
            if not running:
                yield from _one_by_one(suspects, workers)
                suspects.clear()
    finally:
        workers.stop()


def _one_by_one(tasks: list[Task], workers: Workers) -> Iterator[tuple[Task, Outcome]]:
    for task in tasks:
        [future] = ended([_submitted(workers, task)], workers)
        yield task, _outcome(future, workers)


def ended(running: Collection[Future[T]], workers: Workers) -> Collection[Future[T]]:
    """Those that have ended, of which there is one at least. Raises WorkersLost."""
    while not (done := wait(running, CHECK_SECONDS, FIRST_COMPLETED).done):
        workers.check()
    return done


def _submitted(workers: Workers, task: Task) -> Future[Graded]:
    try:
        return workers.submit(task)
    except BrokenExecutor:
        # A process died while it had nothing to do.
        workers.stop()
        return workers.submit(task)


def _died(future: Future[Graded], workers: Workers) -> bool:
    return not future.cancelled() and isinstance(future.exception(), (workers.died, SandboxFault))


def _outcome(future: Future[Graded], workers: Workers) -> Outcome:
    try:
        return future.result()
    except workers.died:
        return Failure(DIED_TWICE)
    except CancelledError:
        raise WorkersLost(NO_SCHEDULER) from None
    except (OtherVersion, NotIsolated):
        raise
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")

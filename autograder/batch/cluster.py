"""The same work on the machines of a cluster, through the scheduler of dask."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from autograder.batch.job import Task, grade_task
from autograder.batch.pool import NO_SCHEDULER, WorkersLost, ended
from autograder.grading.run import Graded
from autograder.sandbox import Isolation, NotIsolated
from autograder.sandbox.isolation import best

# A scheduler on the same network answers in milliseconds; a thousand times that for one that is busy.
ANSWER_SECONDS = 10
# For each core: one submission that is graded, and one that waits there, so that none has to wait for us.
PER_THREAD = 2
# A worker that is started again imports the package in ten seconds; six times that on a busy machine.
BACK_SECONDS = 60
# A worker says twice a second that it is there, one of a thousand every five seconds; ten times that for busy machines.
SILENT_SECONDS = 50


NO_WORKERS = "All workers of the scheduler are gone. Start others."


class NoCluster(Exception):
    """There is no scheduler to be reached, or its workers are of no use; a sentence."""


class Cluster:
    """The workers of the scheduler at `address`, those that join later as well.

    It hands what a dead worker had to another one, three times. One that is silent counts as dead. Raises NoCluster.
    """

    slots: int

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client, KilledWorker, Security
        except ImportError:
            raise NoCluster(
                "--scheduler needs dask. Try, where mlphys is: pip install --editable '.[cluster]'"
            ) from None
        self.died: type[Exception] = KilledWorker
        # What it logs when a worker or a scheduler is lost is said in one sentence by us. Each has a level of its own.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        security = Security()
        try:
            # A client that could not begin does not end either, for some of these errors: it would say so later.
            kind = asyncio.run(_kind_of(address, security.get_connection_args("client")))
            if kind != "Scheduler":
                raise ValueError(f"a {kind.lower()} is there")
            self._client = Client(address, timeout=ANSWER_SECONDS, security=security, set_as_default=False)
            self._heard: dict[str, tuple[float, float]] = {}
            threads = self._count_threads()
        except Exception as error:
            raise NoCluster(
                f"There is no dask scheduler at {address} ({str(error) or 'nobody answers'}). Start one with "
                "`dask scheduler`, and give the address that it prints."
            ) from None
        if threads == 0:
            self._client.close()
            raise NoCluster(
                f"The scheduler at {address} has no workers. Start some with `dask worker {address} --nthreads 1`."
            )
        self._executor = self._client.get_executor(pure=False)

    def level(self, least: Isolation) -> Isolation:
        """The best level of isolation that all workers give, for all of them.

        Raises NotIsolated, NoCluster, and WorkersLost if none of them is there any more.
        """
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(self._client.run, best, on_error="return")
            try:
                levels: dict[str, Isolation | Exception] = next(iter(ended([asked], self))).result()
            except OSError as error:
                lost = "A worker was lost while a level of isolation was agreed upon"
                raise NoCluster(f"{lost} ({error}). Give the same command again.") from None
            except BaseException:
                self.stop()  # else the question would be waited for
                raise
        there = self._client.nthreads(callback_timeout=ANSWER_SECONDS)
        given = {worker: level for worker, level in levels.items() if isinstance(level, Isolation)}
        for worker in (levels.keys() - given.keys()) & there.keys():
            raise NoCluster(
                f"The worker at {worker} cannot use this package ({levels[worker]}). Install it there, with the same "
                "versions of everything, and start the worker again."
            )
        if not given:
            raise WorkersLost(NO_WORKERS)
        worst = min(given, key=lambda worker: given[worker])
        if given[worst] < least:
            raise NotIsolated(
                f"The worker at {worst} gives no more isolation than {given[worst].label}, and {least.label} is asked "
                "for. Run `mlphys doctor` there; it says what is missing."
            )
        return given[worst]

    def submit(self, task: Task) -> Future[Graded]:
        future: Future[Graded] = self._executor.submit(grade_task, task)
        return future

    def check(self) -> None:
        """Raises WorkersLost without a scheduler, or without a worker for as long as one may take to come back."""
        try:
            threads = self._count_threads()
        except OSError:  # as dask's own errors of connections are
            raise WorkersLost(NO_SCHEDULER) from None
        if threads == 0 and time.monotonic() - self._seen > BACK_SECONDS:
            raise WorkersLost(NO_WORKERS)

    def stop(self) -> None:
        # The scheduler then forgets what was asked of it.
        self._client.close()

    def _count_threads(self) -> int:
        """Of the workers that are heard of. Of the others the scheduler gives what they had to somebody else."""
        threads = self._client.nthreads(callback_timeout=ANSWER_SECONDS)
        for worker in self._silent() & threads.keys():
            del threads[worker]
            with suppress(TimeoutError):  # as when it alone has a result: it is tried again then
                self._client.retire_workers([worker], callback_timeout=ANSWER_SECONDS)
        if threads:
            self._seen = time.monotonic()
            self.slots = PER_THREAD * sum(threads.values())
        return sum(threads.values())

    def _silent(self) -> set[str]:
        """Who has not told the scheduler for long that it is there: frozen, or cut off."""
        now, workers = time.monotonic(), self._client.scheduler_info()["workers"]
        for worker, about in workers.items():
            if self._heard.get(worker, (None, now))[0] != about["last_seen"]:
                self._heard[worker] = about["last_seen"], now
        return {worker for worker in workers if now - self._heard[worker][1] > SILENT_SECONDS}


async def _kind_of(address: str, arguments: dict[str, Any]) -> str:
    """What of dask's answers there: a Scheduler, a Worker or a Nanny. What it raises depends on what is there."""
    from distributed.core import rpc

    async with asyncio.timeout(ANSWER_SECONDS), rpc(address, connection_args=arguments) as there:
        return str((await there.identity())["type"])

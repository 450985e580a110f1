"""The same work on the machines of a cluster, through the scheduler of dask."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from typing import Any

from autograder.batch.job import Task, grade_task
from autograder.batch.pool import NO_SCHEDULER, WorkersLost
from autograder.grading.run import Graded
from autograder.sandbox import Isolation, NotIsolated
from autograder.sandbox.isolation import best

# A scheduler on the same network answers in milliseconds; a thousand times that for one that is busy.
CONNECT_SECONDS = 10
# For each core: one submission that is graded, and one that waits there, so that none has to wait for us.
PER_THREAD = 2


# A worker that is started again imports the package in ten seconds; six times that on a busy machine.
BACK_SECONDS = 60


class NoCluster(Exception):
    """There is no scheduler to be reached, or it has no workers; a sentence."""


class Cluster:
    """The workers of the scheduler at `address`. It hands what a dead worker had to another one, three times.

    Raises NoCluster.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client, Security
        except ImportError:
            raise NoCluster(
                "--scheduler needs dask. Try, where mlphys is: pip install --editable '.[cluster]'"
            ) from None
        # What it logs when a scheduler is lost is said in one sentence by us.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        security = Security()
        try:
            # A client that could not begin does not end either, for some of these errors: it would say so later.
            asyncio.run(_reach(address, security.get_connection_args("client")))
            self._client = Client(address, timeout=CONNECT_SECONDS, security=security, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise NoCluster(
                f"There is no dask scheduler at {address} ({error}). Start one with `dask scheduler`, and give the "
                "address that it prints."
            ) from None
        threads = sum(self._client.nthreads().values())
        if threads == 0:
            self._client.close()
            raise NoCluster(
                f"The scheduler at {address} has no workers. Start some with `dask worker {address} --nthreads 1`."
            )
        self.slots = PER_THREAD * threads
        self._seen = time.monotonic()
        self._executor = self._client.get_executor(pure=False)

    def level(self, least: Isolation) -> Isolation:
        """The best level of isolation that all workers give, for all of them; raises NotIsolated."""
        levels: dict[str, Isolation] = self._client.run(best)
        worst = min(levels, key=lambda worker: levels[worker])
        if levels[worst] < least:
            raise NotIsolated(
                f"The worker at {worst} gives no more isolation than {levels[worst].label}, and {least.label} is asked "
                "for. Run `mlphys doctor` there; it says what is missing."
            )
        return levels[worst]

    def submit(self, task: Task) -> Future[Graded]:
        future: Future[Graded] = self._executor.submit(grade_task, task)
        return future

    def check(self) -> None:
        """Raises WorkersLost without a scheduler, or without a worker for as long as one may take to come back."""
        try:
            workers = self._client.nthreads()
        except OSError:  # as dask's own errors of connections are
            raise WorkersLost(NO_SCHEDULER) from None
        if workers:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > BACK_SECONDS:
            raise WorkersLost("All workers of the scheduler are gone. Start others.")

    def stop(self) -> None:
        # The scheduler then forgets what was asked of it.
        self._client.close()


async def _reach(address: str, arguments: dict[str, Any]) -> None:
    from distributed.comm import connect

    await (await connect(address, CONNECT_SECONDS, **arguments)).close()

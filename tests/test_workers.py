"""Who grades a class, processes here or on a cluster: what dies, joins late, or is of no use costs nobody a grade."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_of_a_test import copied
from conftest import Course

# Ends a process that grades, in the middle of it; then says what came out all the same.
KILLS = """
import os, signal, sys
import psutil
from autograder.batch.course import Assignment
from autograder.batch.run import ClassGrading
from autograder.batch.cluster import Cluster
from autograder.batch.pool import Processes
from autograder.batch.progress import Silence

class Killing(Silence):
    victim, running, most = None, 0, 0
    def began(self, task):
        self.running += 1
        self.most = max(self.most, self.running)
    def ended(self, task, outcome):
        self.running -= 1
        if self.victim is None:
            self.victim = worker()
            os.kill(self.victim, signal.SIGKILL)

def report(workers):
    assignment = Assignment("ps01_linear_algebra")
    level = workers.level(assignment.least) if isinstance(workers, Cluster) else assignment.least
    killing = Killing()
    grades = ClassGrading(assignment, level, killing).run(workers)
    print("scores", {student: record.score for (student, _), record in sorted(grades.records.items())})
    print("failures", grades.failures, "killed", killing.victim is not None, "at once", killing.most)

if __name__ == "__main__":
"""
HERE = """
    def worker():
        return next(p.pid for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline()))
    report(Processes(2))
"""
SERVER = """
    def worker():
        process = next(p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline()))
        return process.children()[0].pid
    report(Processes(2))
"""
CLUSTER = """
    from distributed import LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        def worker():
            return next(iter(cluster.workers.values())).pid
        report(Cluster(cluster.scheduler_address))
"""


# All workers of a cluster are lost, and none comes back; then the scheduler itself is.
GONE = """
import sys
from distributed import LocalCluster
from autograder.batch import cluster, pool
from autograder.batch.course import Assignment
from autograder.batch.progress import Silence
from autograder.batch.run import ClassGrading

class Losing(Silence):
    def __init__(self, lose):
        self.lose = lose
    def began(self, task):
        self.lose()

def lost(lose, workers):
    assignment = Assignment("ps01_linear_algebra")
    try:
        ClassGrading(assignment, workers.level(assignment.least), Losing(lose)).run(workers, ["cyd"])
    except pool.WorkersLost as reason:
        print(reason)

if __name__ == "__main__":
    # Nobody starts others here.
    cluster.BACK_SECONDS, pool.CHECK_SECONDS = 0, 0.1
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as here:
        lost(lambda: here.scale(0), cluster.Cluster(here.scheduler_address))
    here = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0")
    lost(here.close, cluster.Cluster(here.scheduler_address))
"""


def test_without_a_cluster_that_works_a_run_ends_and_says_so(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "gone.py").write_text(GONE)
    said = course.python("gone.py")
    assert "All workers of the scheduler are gone. Start others." in said
    assert "The scheduler does not answer any more." in said


@pytest.mark.parametrize("where", [HERE, SERVER, CLUSTER], ids=["here", "server", "cluster"])
def test_a_process_that_dies_loses_nothing(handed_in: Course, tmp_path: Path, where: str) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "kills.py").write_text(KILLS + where)
    said = course.python("kills.py")
    assert f"failures {{}} killed True at once {4 if where == CLUSTER else 2}" in said
    assert "'ada': 26" in said
    assert sorted(path.name for path in (course.root / "autograded").iterdir()) == ["ada", "bob", "cyd", "dan"]


# What ends every process that looks at it, among others that do not; and the levels that are agreed upon.
DEADLY = """
import os
import dask
from autograder.audit.variants import blank
from autograder.batch.cluster import Cluster
from autograder.batch.job import Task
from autograder.batch.pool import Failure, Processes, outcomes
from autograder.course import find
from autograder.grading.version import version_of
from autograder.sandbox import Limits
from autograder.sandbox.isolation import best

class Deadly:
    def strip(self, characters):
        os._exit(1)

problem = find("ps01_linear_algebra/backprop")

def task(student, slug=problem.slug):
    return Task(student, slug, blank(problem), "", version_of(problem), best(), Limits(), "secret")

def report(workers):
    tasks = [task("ada"), task("bob"), task("cyd", Deadly()), task("dan"), task("eve")]
    for task_, outcome in outcomes(tasks, workers, lambda task: None):
        print(task_.student, "failed" if isinstance(outcome, Failure) else f"{outcome.record.score:g}")

if __name__ == "__main__":
"""
HERE_TOO = """
    report(Processes(2))
"""
CLUSTER_TOO = """
    from distributed import LocalCluster
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        report(Cluster(cluster.scheduler_address))
"""


@pytest.mark.parametrize("where", [HERE_TOO, CLUSTER_TOO], ids=["here", "cluster"])
def test_what_ends_every_process_costs_its_neighbours_nothing(handed_in: Course, tmp_path: Path, where: str) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "deadly.py").write_text(DEADLY + where)
    said = course.python("deadly.py").splitlines()
    # Among what the workers log of their own ends.
    assert sorted(line for line in said if len(line.split()) == 2) == ["ada 0", "bob 0", "cyd failed", "dan 0", "eve 0"]


# A worker of a cluster that was given more threads than one.
THREADS = """
from concurrent.futures import ThreadPoolExecutor
from autograder.audit.variants import blank
from autograder.batch.job import Task, grade_task
from autograder.course import find
from autograder.grading.version import version_of
from autograder.sandbox import Limits
from autograder.sandbox.isolation import best

problem = find("ps01_linear_algebra/backprop")
task = Task("ada", problem.slug, blank(problem), "", version_of(problem), best(), Limits(), "secret")
with ThreadPoolExecutor(4) as threads:
    print([(graded.record.score, graded.faults) for graded in threads.map(grade_task, [task] * 6)])
"""


def test_a_worker_of_several_threads_grades_one_at_a_time(handed_in: Course) -> None:
    assert handed_in.python("-c", THREADS) == f"{[(0, [])] * 6}\n"


# Addresses at which there is no scheduler; then workers that join late: one has not this package, one no bubblewrap.
STRANGE = """
import os
import socket
import subprocess
import sys
from dataclasses import replace
from autograder.audit.variants import blank
from autograder.batch import cluster
from autograder.batch.job import OtherVersion, Task
from autograder.batch.pool import WorkersLost, outcomes
from autograder.course import find
from autograder.grading.version import version_of
from autograder.sandbox import Isolation, Limits, NotIsolated

WITHOUT = "import sys; sys.modules['autograder'] = None; "
WORKER = "from distributed.cli.dask_worker import main; main()"

def attempt(address):
    try:
        cluster.Cluster(address).level(Isolation.LANDLOCK)
    except cluster.NoCluster as reason:
        print(reason)

def join(here, code, **environment):
    options = ["--no-nanny", "--no-dashboard", "--nthreads", "3"]
    command = [sys.executable, "-c", code, here.scheduler_address, *options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    with Client(here) as client:
        client.wait_for_workers(2)
    return process

if __name__ == "__main__":
    from distributed import Client, LocalCluster
    cluster.ANSWER_SECONDS = 1
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    cluster.ANSWER_SECONDS = 10
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as here:
        attempt(here.workers[0].worker_address)
        workers = cluster.Cluster(here.scheduler_address)
        level, before = workers.level(Isolation.LANDLOCK), workers.slots
        process = join(here, WITHOUT + WORKER)
        workers.check()
        print(before, "slots, then", workers.slots)
        attempt(here.scheduler_address)
        process.kill()
        while len(here.scheduler.workers) > 1:
            pass
        process = join(here, WORKER, PATH="/nowhere")
        here.scale(0)
        while len(here.scheduler.workers) > 1:
            pass
        problem = find("ps01_linear_algebra/backprop")
        task = Task("ada", problem.slug, blank(problem), "", version_of(problem), level, Limits(), "secret")
        try:
            print(list(outcomes([task], workers, lambda task: None)))
        except NotIsolated as reason:
            print(reason)
        workers = cluster.Cluster(here.scheduler_address)
        try:
            list(outcomes([replace(task, version="another")], workers, lambda task: None))
        except OtherVersion as reason:
            print(reason)
        workers = cluster.Cluster(here.scheduler_address)
        process.kill()
        while here.scheduler.workers:
            pass
        workers.check()
        cluster.BACK_SECONDS = 0
        try:
            workers.check()
        except WorkersLost as reason:
            print(reason)
        workers.stop()
"""


def test_workers_may_join_late_and_what_is_of_no_use_is_said(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "strange.py").write_text(STRANGE)
    silent, worker, late, without, weak, other, gone = course.python("strange.py").splitlines()
    assert "(nobody answers)" in silent
    assert "(a worker is there). Start one with `dask scheduler`" in worker
    assert late == "2 slots, then 8"
    assert "cannot use this package (ModuleNotFoundError" in without
    assert "Install it there" in without
    assert "gives no more isolation than landlock, and this run began with bubblewrap. Run `mlphys doctor`" in weak
    assert "has other graders of ps01_linear_algebra/backprop, or other versions of Python" in other
    assert gone == "All workers of the scheduler are gone. Start others."


# One of two workers is frozen, while the level is agreed upon and in the middle of its work; then the only one is.
FROZEN = """
import os, signal
from distributed import LocalCluster
from autograder.batch import cluster, pool
from autograder.batch.course import Assignment
from autograder.batch.progress import Silence
from autograder.batch.run import ClassGrading

class Freezing(Silence):
    def __init__(self, workers):
        self.workers = workers
    def began(self, task):
        while self.workers:
            os.kill(self.workers.pop().pid, signal.SIGSTOP)

def scores(workers, freezes):
    assignment = Assignment("ps01_linear_algebra")
    grading = ClassGrading(assignment, workers.level(assignment.least), Freezing(freezes))
    return {student: record.score for (student, _), record in sorted(grading.run(workers, force=True).records.items())}

if __name__ == "__main__":
    # Ten heartbeats.
    cluster.SILENT_SECONDS, cluster.BACK_SECONDS, pool.CHECK_SECONDS = 5, 0, 0.5
    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as here:
        first, second, third = here.workers.values()
        workers = cluster.Cluster(here.scheduler_address)
        os.kill(first.pid, signal.SIGSTOP)
        print("scores", scores(workers, [second]))
        workers = cluster.Cluster(here.scheduler_address)
        try:
            scores(workers, [third])
        except pool.WorkersLost as reason:
            print(reason)
        for worker in (first, second, third):
            os.kill(worker.pid, signal.SIGKILL)
"""


def test_a_worker_that_is_frozen_is_not_waited_for(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    (course.root / "frozen.py").write_text(FROZEN)
    scores, gone = [line for line in course.python("frozen.py").splitlines() if line[:2] in ("sc", "Al")]
    assert "'ada': 26" in scores
    assert scores.count(":") == 4
    assert gone == "All workers of the scheduler are gone. Start others."

"""`mlphys grade` on a real course: the same rows as nbgrader's own command, nothing twice, and nothing lost."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from conftest import Course, solved
from nbgrader.api import Gradebook
from prepared import run_module
from rich.console import Console

from autograder.audit import variants
from autograder.batch.job import Task
from autograder.batch.pool import Failure
from autograder.batch.progress import Bar, Lines
from autograder.course import ROOT, Problem
from autograder.gradebook.notebook import notebook_of
from autograder.grading.record import Record
from autograder.grading.run import Graded
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits

PROBLEM = Problem("ps01_linear_algebra", "backprop")
MLPHYS = Path(sys.executable).with_name("mlphys")
# More than any of them: on two busy cores the longest run of these takes a minute.
SECONDS = 240


@dataclass(frozen=True)
class Said:
    """What `mlphys grade` printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def graded(self) -> list[str]:
        """Who was graded in this run, by the lines of its log."""
        return sorted(line.split()[1].strip(",") for line in self.err.splitlines() if " points in " in line)


def command(assignment: str, *words: str) -> list[str]:
    """A process for each core would import and start twice what one takes for so few."""
    return ["grade", "--jobs", "1", assignment, *words]


def environment_of(course: Course) -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(course.root / "none"), "COLUMNS": "200"}
    return {**os.environ, **own, "TMPDIR": str(temporary(course))}


def temporary(course: Course) -> Path:
    """Where a run keeps what it needs while it lasts."""
    folder = course.root / "tmp"
    folder.mkdir(exist_ok=True)
    return folder


def started(course: Course, *words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """The command as people start it."""
    return subprocess.Popen(
        [MLPHYS, *command(PROBLEM.assignment, *words)],
        cwd=course.root,
        env=environment_of(course),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        process_group=0,
        # Ctrl-C means something to it, also where a shell in the background has taken that from us.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def grade(course: Course, *words: str) -> Said:
    """The same in a process that need not import so much."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        arguments = ["autograder", *command(PROBLEM.assignment, *words)]
        code = run_module(arguments, course.root, environment_of(course), out, err)
        return Said(out.read_text(), err.read_text(), code)


def wrong() -> dict[str, Any]:
    """Solved, but for a factor in one derivative."""
    text, slip = "return 4.0 * (u / (1.0 + u**2)) ** 2", "return 2.0 * (u / (1.0 + u**2)) ** 2"
    notebook = json.dumps(solved(PROBLEM))
    assert text in notebook
    return dict(json.loads(notebook.replace(text, slip)))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with a class that has handed in, and nothing graded."""
    course = Course(tmp_path_factory.mktemp("released"), PROBLEM)
    course.nbgrader("generate_assignment", PROBLEM.assignment)
    course.nbgrader("db", "assignment", "add", PROBLEM.assignment, "--duedate", "2026-01-01 12:00:00 UTC")
    blank = json.loads((course.root / "release" / PROBLEM.assignment / "backprop.ipynb").read_text())
    course.submit("ada", solved(PROBLEM))
    (course.submit("bob", wrong()) / "timestamp.txt").write_text("2026-01-01 13:00:00 UTC")
    course.submit("cyd", "no notebook")
    (course.submit("dan", blank) / "timestamp.txt").write_text("2026-01-01 11:00:00 UTC")
    return course


def copied(course: Course, root: Path) -> Course:
    shutil.copytree(course.root, root)
    twin = Course.__new__(Course)
    twin.root, twin.problem = root, course.problem
    return twin


@pytest.fixture(scope="module")
def graded(released: Course, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Said]:
    course = copied(released, tmp_path_factory.mktemp("graded") / "course")
    return course, grade(course)


@pytest.fixture
def course(graded: tuple[Course, Said], tmp_path: Path) -> Course:
    """A class that is graded, for a test of its own."""
    return copied(graded[0], tmp_path / "course")


def rows(course: Course) -> list[str]:
    """Every row of the gradebook, with what it refers to in the place of random ids."""
    with sqlite3.connect(course.root / "gradebook.db") as database:
        database.row_factory = sqlite3.Row
        tables = [name for [name] in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = [(table, dict(row)) for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    named = {row["id"]: (table, row) for table, row in found if len(str(row.get("id"))) == 32}

    def meaning(value: Any) -> Any:
        if value not in named:
            return value
        table, row = named[value]
        return table, [(key, meaning(inner)) for key, inner in row.items() if key != "id"]

    return sorted(repr((table, [(k, meaning(v)) for k, v in row.items() if k != "id"])) for table, row in found)


def files(course: Course) -> dict[str, bytes]:
    folder = course.root / "autograded"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "seconds": None}


def test_a_class_is_graded_and_told_of(graded: tuple[Course, Said]) -> None:
    course, said = graded
    assert (said.code, said.graded) == (0, ["ada", "bob", "cyd", "dan"])
    assert "4 notebooks were graded now" in said.out
    assert "4 done, 0 failed" in said.err
    assert [student for student in ("ada", "bob", "dan") if course.written(student).needs_manual_grade] == [
        "ada",
        "bob",
    ]
    assert "Notebooks in which something waits for a person in Formgrader: 2." in said.out
    assert [course.record(student)["score"] for student in ("ada", "cyd", "dan")] == [26, 0, 0]
    assert 0 < course.record("bob")["score"] < 26
    assert "could not be read" in course.record("cyd")["warnings"][0]


def test_rows_and_files_are_those_of_nbgraders_own_command(
    released: Course, graded: tuple[Course, Said], tmp_path: Path
) -> None:
    """Which takes the kept records here, so that all is the same to the byte, seconds and late penalties too."""
    course = copied(released, tmp_path / "course")
    shutil.copytree(graded[0].root / "records", course.root / "records")
    course.nbgrader("autograde", PROBLEM.assignment)
    assert rows(course) == rows(graded[0])
    assert files(course) == files(graded[0])


def test_nbgraders_own_command_gives_the_same_scores_on_the_spot(
    released: Course, graded: tuple[Course, Said], tmp_path: Path
) -> None:
    course = copied(released, tmp_path / "course")
    course.nbgrader("autograde", PROBLEM.assignment, "--student", "bob")
    assert without_seconds(course.record("bob")) == without_seconds(graded[0].record("bob"))
    assert course.grades("bob") == graded[0].grades("bob")
    kept = json.loads((course.root / "records" / "bob" / PROBLEM.assignment / "backprop.json").read_text())
    assert kept["record"] == course.record("bob")


def test_nothing_is_graded_twice_and_only_what_changed_is_graded_again(course: Course) -> None:
    before = rows(course), files(course)
    assert grade(course).graded == []
    assert (rows(course), files(course)) == before
    course.submit("bob", solved(PROBLEM))
    course.submit("eve", "no notebook")
    said = grade(course)
    assert said.graded == ["bob", "eve"]
    assert "bob, ps01_linear_algebra/backprop" in said.out.split("Other points than before:")[1]
    assert course.record("bob")["score"] == sum(grade.auto_score or 0 for grade in course.grades("bob").values()) == 26


def test_a_folder_that_can_be_no_student_s_is_left_out(course: Course) -> None:
    """A newline, and a pattern that stands for bob; ada's next submission is graded all the same."""
    before = rows(course)
    for name in ("a\nb", "b*"):
        course.submit(name, solved(PROBLEM))
    said = grade(course)
    assert (said.code, said.graded) == (4, [])
    assert rows(course) == before
    for name in ("a\nb", "b*"):
        assert f"no student can be called {name!r}" in said.out
        assert not course.folder("autograded", name).exists()
    course.submit("ada", wrong())
    said = grade(course, "--student", "ada")
    assert (said.code, said.graded) == (0, ["ada"])


def test_a_gradebook_that_was_lost_is_filled_again(
    course: Course, released: Course, graded: tuple[Course, Said]
) -> None:
    shutil.copy(released.root / "gradebook.db", course.root)
    assert grade(course).graded == []
    assert rows(course) == rows(graded[0])


def test_who_was_removed_from_the_gradebook_stays_so_until_there_is_something_new(course: Course) -> None:
    for student in ("cyd", "dan"):
        course.nbgrader("db", "student", "remove", student, "--force")
    before = rows(course)
    course.submit("dan", "no notebook")
    said = grade(course)
    assert (said.code, said.graded) == (0, ["dan"])
    assert "Not in the gradebook any more, and left so unless you --force it:\n  cyd\n" in said.out
    assert re.search(r"backprop +3 ", said.out)
    assert (course.grades("cyd"), len(course.grades("dan"))) == ({}, len(course.grades("ada")))
    assert set(before) < set(rows(course))
    # What has nothing to do with the student is nothing new.
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.GradeSubmission.limits = {'cell': 61}\n")
    said = grade(course)
    assert (said.code, said.graded) == (0, ["ada", "bob", "dan"])
    assert "left so unless you --force it:\n  cyd\n" in said.out
    assert course.grades("cyd") == {}


def test_only_who_is_asked_for_is_graded(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
    assert grade(course, "--student", "cyd", "--student", "dan").graded == ["cyd", "dan"]
    assert sorted(path.name for path in (course.root / "autograded").iterdir()) == ["cyd", "dan"]
    [said] = grade_each(course, "grade('ps01_linear_algebra', ['cyd', 'zoe', ''])")
    assert said == "2: '', 'zoe' handed in no ps01_linear_algebra. Those who did are named in `submitted`."
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.CourseDirectory.student_id_exclude = 'ada,bob'\n")
    assert grade(course).graded == []
    assert (course.grades("ada"), len(course.grades("cyd"))) == ({}, len(course.grades("dan")))
    [said] = grade_each(course, "grade('ps01_linear_algebra', ['ada', 'cyd'])")
    assert said == "2: 'ada' is left out by c.CourseDirectory.student_id_exclude."


def processes_of(course: Course) -> list[psutil.Process]:
    """All that a run started, by the directory where it was started or the words of its command."""
    return [process for process in psutil.process_iter() if _belongs(process, course)]


def _belongs(process: psutil.Process, course: Course) -> bool:
    try:
        return bool(process.environ().get("JUPYTER_CONFIG_DIR") == str(course.root / "none"))
    except psutil.Error:
        return False


@pytest.fixture
def ungraded(released: Course, tmp_path: Path) -> Iterator[Course]:
    """For runs that are stopped: no process of them is left."""
    course = copied(released, tmp_path / "course")
    for number in range(3):
        course.submit(f"fay{number}", solved(PROBLEM))
    yield course
    psutil.wait_procs(processes_of(course), timeout=30)
    assert processes_of(course) == []


def stopped(course: Course, number: signal.Signals) -> tuple[list[str], Said]:
    """Start a run and stop it after its first line; who has a record then."""
    process = started(course)
    assert process.stderr is not None
    seen = ""
    while " left" not in seen:
        seen += process.stderr.readline()
    # Ctrl-C is for all that the terminal has started, what kills a process is for that one.
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    said = Said(*process.communicate(timeout=SECONDS), process.returncode)
    return sorted(path.parent.parent.name for path in (course.root / "records").rglob("backprop.json")), said


def test_a_run_that_is_stopped_goes_on_where_it_was(ungraded: Course) -> None:
    first, said = stopped(ungraded, signal.SIGKILL)
    assert first
    assert said.code == -signal.SIGKILL
    left = os.listdir(temporary(ungraded))
    second, said = stopped(ungraded, signal.SIGINT)
    assert set(second) > set(first)
    assert said.code == 130
    assert "goes on from there" in said.err
    assert "Traceback" not in said.err
    everybody = ["ada", "bob", "cyd", "dan", "fay0", "fay1", "fay2"]
    assert sorted([*second, *grade(ungraded).graded]) == everybody
    assert len(files(ungraded)) == 4 * 7
    assert os.listdir(temporary(ungraded)) == left


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


def test_without_a_cluster_that_works_a_run_ends_and_says_so(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
    (course.root / "gone.py").write_text(GONE)
    said = course.python("gone.py")
    assert "All workers of the scheduler are gone. Start others." in said
    assert "The scheduler does not answer any more." in said


@pytest.mark.parametrize("where", [HERE, SERVER, CLUSTER], ids=["here", "server", "cluster"])
def test_a_process_that_dies_loses_nothing(released: Course, tmp_path: Path, where: str) -> None:
    course = copied(released, tmp_path / "course")
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
def test_what_ends_every_process_costs_its_neighbours_nothing(released: Course, tmp_path: Path, where: str) -> None:
    course = copied(released, tmp_path / "course")
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


def test_a_worker_of_several_threads_grades_one_at_a_time(released: Course) -> None:
    assert released.python("-c", THREADS) == f"{[(0, [])] * 6}\n"


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


def test_workers_may_join_late_and_what_is_of_no_use_is_said(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
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


def test_at_a_terminal_there_is_a_bar_and_a_wrong_name_is_told(course: Course) -> None:
    """What nothing can be made of is named, and the score that stood is left; `--force` writes the gradebook again."""
    (course.folder("submitted", "ada") / "backprop.ipynb").rename(
        course.folder("submitted", "ada") / "backprop (1).ipynb"
    )
    (course.folder("submitted", "cyd") / "timestamp.txt").write_text("2026-01-02 13:00:00 UTC")
    before = course.grades("ada")
    ours, theirs = pty.openpty()
    process = started(course, "--force", "--student", "ada", "--student", "cyd", stderr=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while data := os.read(ours, 10_000):
            seen += data
    os.close(ours)
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 4
    assert "ada handed in backprop (1).ipynb; the notebooks of ps01_linear_algebra are called backprop." in out
    assert b"grading" in seen
    assert b"1/1" in seen
    assert course.grades("ada") == before
    with sqlite3.connect(course.root / "gradebook.db") as database:
        late = "SELECT timestamp FROM submitted_assignment WHERE student_id = 'cyd'"
        assert database.execute(late).fetchone() == ("2026-01-02 13:00:00.000000",)
    database.close()


def task_of(student: str) -> Task:
    return Task(student, PROBLEM.slug, Submission([]), "", "", Isolation.BUBBLEWRAP, Limits(), "secret")


GRADED = Graded(Record(PROBLEM.slug, "bubblewrap", 1.0, 2.0, 0.5, (), ()), [], [])


def test_a_log_counts_what_is_done_what_failed_and_what_is_left() -> None:
    log = io.StringIO()
    lines = Lines(Console(file=log, width=200))
    with lines.grading(4):
        lines.spared()
        lines.ended(task_of("ada"), Failure("Nobody is at home."))
        lines.ended(task_of("bob"), GRADED)
    first, second = log.getvalue().splitlines()
    assert "ada, ps01_linear_algebra/backprop: could not be graded (Nobody is at home.); 1 done, 1 failed, " in first
    assert "; 2 left, about " in first
    assert "bob, ps01_linear_algebra/backprop: 1 of 2 points in 0.5 s; 2 done, 1 failed, " in second
    assert "; 1 left, about " in second


def test_a_bar_shows_what_is_done_what_failed_and_what_has_been_running_longest() -> None:
    drawn = io.StringIO()
    bar = Bar(Console(file=drawn, width=200, force_terminal=True, color_system=None))
    with bar.grading(5):
        bar.spared()
        for student in ("ada", "bob", "cyd"):
            bar.began(task_of(student))
        bar.ended(task_of("ada"), Failure("Nobody is at home."))
    last = [line for line in drawn.getvalue().splitlines() if "grading" in line][-1]
    for shown in (" 1/4 ", "1 failed", "2 running, longest bob, ps01_linear_algebra/backprop (0 s)"):
        assert shown in last


# What is configured in the place of the late penalty, and a plugin that fails for one student.
STEPS = """
from nbgrader.plugins import LateSubmissionPlugin

class Penalty(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        if student_id == "dan":
            raise RuntimeError("no such student")
        return total_seconds_late / 3600
"""


def test_the_configured_steps_are_taken_and_what_fails_is_flagged(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
    (course.root / "steps.py").write_text(STEPS)
    for student in ("ada", "dan"):
        (course.folder("submitted", student) / "timestamp.txt").write_text("2026-01-01 13:00:00 UTC")
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.AssignLatePenalties.plugin_class = 'steps.Penalty'\n")
    said = grade(course, "--student", "ada", "--student", "dan")
    assert said.code == 4
    assert "dan, ps01_linear_algebra/backprop: no such student" in said.out
    # ada's written answers, and all of dan.
    assert "Notebooks in which something waits for a person in Formgrader: 2." in said.out
    assert all(row.needs_manual_grade and row.auto_score is None for row in course.grades("dan").values())
    assert penalty(course, "ada") == 1
    # Handed in again, later still; then two hours and a half are granted.
    (course.folder("submitted", "ada") / "timestamp.txt").write_text("2026-01-01 14:00:00 UTC")
    assert grade(course, "--student", "ada").code == 0
    assert penalty(course, "ada") == 2
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.grant_extension(PROBLEM.assignment, "ada", minutes=150)
    assert grade(course, "--student", "ada", "--force").code == 0
    assert penalty(course, "ada") is None
    config.write_text(config.read_text() + "\nc.AssignLatePenalties.enabled = False\n")
    assert grade(course, "--student", "ada", "--student", "dan").code == 0
    assert not any(row.needs_manual_grade for row in course.grades("dan").values())


def penalty(course: Course, student: str) -> float | None:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(PROBLEM.name, PROBLEM.assignment, student)
        points: float | None = notebook.late_submission_penalty
        return points


# `mlphys grade`, several times in one process: it takes two seconds to start.
GRADE = """
import sys
from rich.console import Console
from autograder.batch.command import run

def grade(name, students=(), jobs=None, scheduler=None):
    console = Console(width=2000)
    code = run(name, students, False, jobs, scheduler, True, console, console)
    print(f"exit {code}")

"""


def grade_each(course: Course, *calls: str) -> list[str]:
    """What each call of `grade` says, and its exit code."""
    (course.root / "grades.py").write_text(GRADE + "\n".join(calls))
    printed = course.python("grades.py")
    assert "Traceback" not in printed
    said = printed.split("exit ")
    codes = [part.partition("\n")[0] for part in said[1:]]
    words = [said[0], *(part.partition("\n")[2] for part in said[1:-1])]
    return [f"{code}: {' '.join(word.split())}" for code, word in zip(codes, words, strict=True)]


def test_what_cannot_be_graded_is_said_with_the_next_step(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
    shutil.rmtree(course.root / "submitted")
    other = "import sqlite3\nother = sqlite3.connect('gradebook.db', isolation_level=None)\n"
    lock = f"{other}other.execute('BEGIN EXCLUSIVE')"
    unlock = "other.execute('ROLLBACK')"
    stranger = "other.execute(\"UPDATE alembic_version SET version_num = 'new'\")"
    older = "from alembic.script import ScriptDirectory\nfrom nbgrader.dbutil import ALEMBIC_DIR\n"
    older += "first = ScriptDirectory(ALEMBIC_DIR).get_base()\n"
    older += "other.execute('UPDATE alembic_version SET version_num = ?', [first])"
    twice = "import fcntl\nfirst = open('records/.ps01_linear_algebra.lock', 'w')\nfcntl.flock(first, fcntl.LOCK_EX)"
    slip = "open('nbgrader_config.py', 'a').write('c.Autograde.no_such_name = no_such_name')"
    large = "before = open('nbgrader_config.py').read()\n"
    large += "open('nbgrader_config.py', 'a').write('c.GradeSubmission.limits = {\"memory\": \"2GB\"}')"
    nowhere = "import os\nos.environ['JUPYTER_DATA_DIR'], data = '/proc/nope', os.environ['JUPYTER_DATA_DIR']"
    somewhere = "os.environ['JUPYTER_DATA_DIR'] = data"
    calls = [
        f"{nowhere}\ngrade('ps01_linear_algebra')\n{somewhere}",
        "grade('ps99')",
        "grade('ps01_linear_algebra')",
        "grade('ps04_statistics')",
        "grade('ps01_linear_algebra', scheduler='tcp://127.0.0.1:9')",
        "grade('ps01_linear_algebra', scheduler='nonsense://x')",
        f"{lock}\ngrade('ps01_linear_algebra')\n{unlock}",
        f"{twice}\ngrade('ps01_linear_algebra')\nfirst.close()",
        f"{stranger}\ngrade('ps01_linear_algebra')",
        f"{older}\ngrade('ps01_linear_algebra')",
        "import os\nos.rename('gradebook.db', 'elsewhere.db')\ngrade('ps01_linear_algebra')",
        f"{large}\ngrade('ps01_linear_algebra')\nopen('nbgrader_config.py', 'w').write(before)",
        f"{slip}\ngrade('ps01_linear_algebra')",
    ]
    said = grade_each(course, *calls)
    secret, unknown, nobody, unreleased, unreachable, nonsense, locked, both, new, old, lost, limits, slipped = said
    assert "2: /proc/nope/mlphys/secret can be neither read nor made" in secret
    assert unknown.startswith("2: There is no assignment 'ps99' in this course. There are ps01_linear_algebra, ")
    assert "2: Nobody has handed in ps01_linear_algebra" in nobody
    assert "2: The gradebook does not know ps04_statistics. Run `nbgrader generate_assignment" in unreleased
    assert "2: There is no dask scheduler at tcp://127.0.0.1:9" in unreachable
    assert "2: There is no dask scheduler at nonsense://x (unknown address scheme" in nonsense
    assert "Another program is at work on it: close that" in locked
    assert "2: Another `mlphys grade ps01_linear_algebra` is at work in this course. Wait for it." in both
    assert "This one does not know that schema: install the nbgrader that made it, or a newer one." in new
    assert "Keep a copy, and run `nbgrader db upgrade`." in old
    assert "2: There is no gradebook" in lost
    assert "Run `nbgrader generate_assignment ps01_linear_algebra`." in lost
    assert "2: In nbgrader_config.py: c.GradeSubmission.limits['memory'] is '2GB'. Give a positive number, as" in limits
    assert "2: nbgrader_config.py cannot be loaded (NameError: name 'no_such_name' is not defined)." in slipped


def test_a_record_that_is_torn_or_older_is_not_read(course: Course) -> None:
    kept = {path.parent.parent.name: path for path in (course.root / "records").rglob("backprop.json")}
    kept["cyd"].write_text(kept["cyd"].read_text()[:-200])
    kept["dan"].write_text(kept["dan"].read_text().replace('{"schema": 1', '{"schema": 0', 1))
    before = rows(course)
    assert grade(course).graded == ["cyd", "dan"]
    assert rows(course) == before


def test_a_notebook_that_a_killed_run_left_out_or_cut_is_written_again(course: Course) -> None:
    """The scores are in the gradebook then, and the record is in `autograded`, as with all who hand in late."""
    before = rows(course), files(course)
    none, cut, ungraded = (course.folder("autograded", name) / "backprop.ipynb" for name in ("ada", "bob", "dan"))
    whole, clean = cut.read_bytes(), nbformat.writes(notebook_of(variants.solved(PROBLEM), PROBLEM))
    for path in (none, cut, ungraded):
        path.unlink()
    cut.write_bytes(whole[: len(whole) // 2])
    ungraded.write_text(clean)
    said = grade(course)
    assert (said.code, said.graded) == (0, [])
    assert (rows(course), files(course)) == before


def test_a_disk_that_is_full_loses_nothing(released: Course, tmp_path: Path) -> None:
    """The records are on a disk of their own, which has room for one of an unreadable file and not for the others."""
    course = copied(released, tmp_path / "course")
    (course.root / "records").mkdir()
    shell = "mount -t tmpfs -o size=32k tmpfs records && exec python grades.py"
    (course.root / "full.py").write_text(f"import os\nos.execvp('unshare', ['unshare', '-rm', 'sh', '-c', {shell!r}])")
    (course.root / "grades.py").write_text(
        GRADE + "if __name__ == '__main__':\n    grade('ps01_linear_algebra', jobs=1)"
    )
    said = " ".join(course.python("full.py").split())
    assert "/ps01_linear_algebra/backprop.json could not be written (No space left on device). Make room there." in said
    assert "the same command goes on from there" in said
    assert "exit 2" in said


# The course is graded; what is written of it has no room, then the summary has none, and then the gradebook.
FULL = """
import contextlib
import os
config = open("nbgrader_config.py").read()
if __name__ == "__main__":
    grade("ps01_linear_algebra", jobs=1)
    os.system("umount autograded")
    with contextlib.suppress(OSError), open("/dev/full", "w", buffering=1) as nowhere:
        code = run("ps01_linear_algebra", (), False, 1, None, False, Console(file=nowhere), Console(width=2000))
        print(f"exit {code}")
    size = -(-os.path.getsize("gradebook.db") // 4096) * 4
    os.system(f"rm -r autograded/* && mkdir full && mount -t tmpfs -o size={size}k tmpfs full && cp gradebook.db full")
    with open("nbgrader_config.py", "w") as file:
        file.write(config + f"\\nc.CourseDirectory.db_url = 'sqlite:///{os.getcwd()}/full/gradebook.db'\\n")
    grade("ps01_linear_algebra", jobs=1)
"""


def test_where_there_is_no_room_is_said(course: Course) -> None:
    for path in (course.root / "autograded").iterdir():
        shutil.rmtree(path)
    shell = "mount -t tmpfs -o size=12k tmpfs autograded && exec python grades.py"
    (course.root / "full.py").write_text(f"import os\nos.execvp('unshare', ['unshare', '-rm', 'sh', '-c', {shell!r}])")
    (course.root / "grades.py").write_text(GRADE + FULL)
    autograded, summary, gradebook = course.python("full.py").split("exit ")[:3]
    assert "ada, ps01_linear_algebra/backprop: " in autograded
    room = "could not be written (No space left on device). Make room, and give the same command again."
    assert room in " ".join(autograded.split())
    assert "(database or disk is full). Make room there, and give the same command again." in gradebook
    assert "The summary could not be printed (No space left on device). The gradebook is written" in summary
    assert (summary[0], gradebook[0]) == ("4", "2")


# A second file is handed in while the first is graded; then a third, and the gradebook is locked before it is written.
RESUBMITS = """
import shutil
import sqlite3
from rich.console import Console
from autograder.batch.summary import show
from autograder.batch.course import Assignment, Unusable
from autograder.batch.run import ClassGrading
from autograder.batch.pool import Processes
from autograder.batch.progress import Silence
from autograder.sandbox.isolation import best

class Resubmitting(Silence):
    def ended(self, task, outcome):
        shutil.copy("another.ipynb", f"submitted/{task.student}/ps01_linear_algebra/backprop.ipynb")

def lock():
    other = sqlite3.connect("gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other

class Locking(Silence):
    def writing(self, notebooks):
        self.other = lock()
        return super().writing(notebooks)

class LockingLater(Silence):
    def wrote(self):
        self.other = lock()

class Removing(Silence):
    def ended(self, task, outcome):
        shutil.rmtree(f"submitted/{task.student}")

def graded(progress):
    grading = ClassGrading(Assignment("ps01_linear_algebra"), best(), progress)
    grades = grading.run(Processes(1), ["cyd"])
    show(grades, Console(width=2000))
    grading.told()
    return grades

if __name__ == "__main__":
    print("failures", graded(Resubmitting()).failures)
    with open("submitted/cyd/ps01_linear_algebra/backprop.ipynb", "w") as file:
        file.write("no notebook again")
    for locking in (Locking(), LockingLater()):
        try:
            graded(locking)
        except Unusable as reason:
            print(reason)
        locking.other.execute("ROLLBACK")
    print("graded again", len(graded(Silence()).graded))
    print("told again", graded(Silence()).before)
    shutil.copy("another.ipynb", "submitted/cyd/ps01_linear_algebra/backprop.ipynb")
    print("failures", graded(Removing()).failures)
"""


def test_what_changes_while_a_class_is_graded_is_seen(released: Course, tmp_path: Path) -> None:
    course = copied(released, tmp_path / "course")
    (course.root / "another.ipynb").write_text(json.dumps(solved(PROBLEM)))
    (course.root / "again.py").write_text(RESUBMITS)
    said = course.python("again.py")
    assert said.count("failures {}") == 2
    assert said.startswith("1 notebooks were graded now; 0 had been")
    assert " ".join(said.split()).count("(database is locked)") == 2
    assert "Another program is at work on it: close that, and give the same command again." in said
    # By the run that was stopped.
    assert "Other points than before:\n  cyd, ps01_linear_algebra/backprop: 26 → 0 (" in said
    assert "graded again 0" in said
    assert "told again {}" in said
    assert "Not graded:\n  cyd, ps01_linear_algebra/backprop: " in said
    assert "backprop.ipynb was taken away while the class was graded." in said
    with sqlite3.connect(course.root / "gradebook.db") as database:
        [score] = database.execute("SELECT sum(auto_score) FROM grade").fetchone()
    database.close()
    assert score == 0


# A process that lives on while a reference, what students are given and the grader are edited, as Jupyter lives on.
EDITED_MEANWHILE = """
import subprocess
import sys
from autograder.audit.variants import blank, solved
from autograder.course import find, problems
from pathlib import Path
from autograder.grading import compare
from autograder.grading.shared import grade_in_shared
from autograder.grading.version import version_of
from autograder.sandbox import Limits
from autograder.sandbox.isolation import best

problem = find("ps01_linear_algebra/backprop")
submission = solved(problem)
first = grade_in_shared(problem, submission, best(), Limits()).record.score
source = problem.reference_source.read_text()
assert (right := "return float(np.mean") in source
problem.reference_source.write_text(source.replace(right, "return 2 * float(np.mean"))
print(f"{first}, then {grade_in_shared(problem, submission, best(), Limits()).record.score} points")

def add(path):
    with path.open("a") as file:
        file.write("EDITED = True\\n")

woodbury = find("ps01_linear_algebra/woodbury")
grade_in_shared(woodbury, blank(woodbury), best(), Limits())
add(woodbury.source_notebook.with_name("proof_checker.py"))
grade_in_shared(woodbury, blank(woodbury), best(), Limits())
import proof_checker
print("the checker that is there now", proof_checker.EDITED)
before = version_of(problem)
add(Path(compare.__file__))
print("the grader that this process has", version_of(problem) == before)
new = "from autograder.course import *; from autograder.grading.version import *; print(version_of(problems()[0]))"
new = subprocess.check_output([sys.executable, "-c", new], text=True).strip()
print("another process has another", problems()[0] == problem, new != before)
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the whole tree, where ada is graded in an assignment of two problems."""

    root: Path

    @property
    def records(self) -> Path:
        return self.root / "records" / "ada" / PROBLEM.assignment

    def run(self, *command: str, code: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200"}
        environment["PATH"] = f"{MLPHYS.parent}{os.pathsep}{environment['PATH']}"
        out, err = subprocess.PIPE, subprocess.STDOUT
        done = subprocess.run(command, cwd=self.root, env=environment, stdout=out, stderr=err, text=True, check=False)
        assert done.returncode == code, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("tree"))
    for name in ("autograder", "solutions", "source"):
        shutil.copytree(ROOT / name, tree.root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", tree.root)
    tree.run(sys.executable, "-m", "nbgrader", "generate_assignment", PROBLEM.assignment)
    folder = tree.root / "submitted" / "ada" / PROBLEM.assignment
    folder.mkdir(parents=True)
    for problem in (PROBLEM, Problem(PROBLEM.assignment, "woodbury")):
        (folder / f"{problem.name}.ipynb").write_text(json.dumps(solved(problem)))
    assert "2 notebooks were graded now" in tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    return tree


def test_what_fails_in_one_notebook_costs_the_students_other_one_nothing(tree: Tree) -> None:
    """The gradebook has other points for a part of woodbury, the last that nbgrader takes of a student."""
    shutil.rmtree(tree.root / "autograded")
    told = "UPDATE grade_cells SET max_score = max_score {} 1 WHERE id IN (SELECT id FROM base_cell WHERE name = ?)"
    course = Course.__new__(Course)
    course.root, course.problem = tree.root, Problem(PROBLEM.assignment, "woodbury")
    part = next(iter(course.grades("ada")))
    with sqlite3.connect(tree.root / "gradebook.db") as database:
        assert database.execute(told.format("+"), [part]).rowcount == 1
    said = tree.run(str(MLPHYS), "grade", PROBLEM.assignment, code=4)
    assert f"ada, ps01_linear_algebra/woodbury: Inconsistent checksums for cell {part}" in said
    assert said.count("ada, ps01") == 1
    assert all((row.auto_score, row.needs_manual_grade) == (None, True) for row in course.grades("ada").values())
    course.problem = PROBLEM
    assert sum(row.auto_score or 0 for row in course.grades("ada").values()) == 26
    with database:
        database.execute(told.format("-"), [part])
    database.close()
    assert "0 notebooks were graded now; 2 had been" in tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    assert not any(row.needs_manual_grade for row in course.grades("ada").values())


def test_what_a_student_did_not_hand_in_has_no_points(tree: Tree) -> None:
    """As nbgrader has it: 0, and nothing for a person to look at."""
    folder = tree.root / "submitted" / "eve" / PROBLEM.assignment
    folder.mkdir(parents=True)
    (folder / "woodbury.ipynb").write_text(json.dumps(solved(Problem(PROBLEM.assignment, "woodbury"))))
    course = Course.__new__(Course)
    course.root, course.problem = tree.root, PROBLEM
    for command in ([str(MLPHYS), "grade"], [sys.executable, "-m", "nbgrader", "autograde", "--force"]):
        tree.run(*command, PROBLEM.assignment, "--student", "eve")
        assert {(row.auto_score, row.needs_manual_grade) for row in course.grades("eve").values()} == {(0, False)}
    shutil.rmtree(tree.root / "submitted" / "eve")


def test_an_edited_grader_is_used_for_its_own_problem_only(tree: Tree) -> None:
    graders = tree.root / "autograder" / "graders" / PROBLEM.assignment / "backprop" / "test_backprop.py"
    start = r'(class TestLoss:.*?def test_equals_reference\(self, student, reference, rng\):\n +""".*?""")'
    edited = re.sub(
        start,
        r'\1\n        check(False, measured="0", allowed="more", next_step="Ask.")',
        graders.read_text(),
        flags=re.DOTALL,
    )
    graders.write_text(edited)
    for name in (".test_woodbury.py.swp", "test_woodbury.py~"):  # somebody's editor is open
        (graders.parent.parent / "woodbury" / name).write_text("anything")
    kept = {path.name: path.read_bytes() for path in tree.records.iterdir()}
    assert tree.run(str(MLPHYS), "grade", PROBLEM.assignment, "--quiet") == ""
    assert {path.name for path in tree.records.iterdir() if path.read_bytes() != kept.get(path.name)} == {
        "backprop.json",
        ".backprop.before.json",
    }
    # Nobody has been told of it yet.
    said = tree.run(str(MLPHYS), "grade", PROBLEM.assignment)
    assert "0 notebooks were graded now; 2 had been" in said
    assert "ada, ps01_linear_algebra/backprop: 26 → 25.5 (loss/test_equals_reference 0.5 → 0)" in said
    said = tree.run(sys.executable, "-c", EDITED_MEANWHILE)
    assert "25.5, then 24.0 points" in said
    assert "the checker that is there now True" in said
    assert "the grader that this process has True" in said
    assert "another process has another True True" in said

"""`mlphys grade` that is stopped, finds no room, or grades what changes meanwhile: nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from class_of_a_test import GRADE, PROBLEM, SECONDS, Said, copied, files, grade, rows, started, temporary
from conftest import Course, solved

from autograder.audit import variants
from autograder.gradebook.notebook import notebook_of


def processes_of(course: Course) -> list[psutil.Process]:
    """All that a run started, by the directory where it was started or the words of its command."""
    return [process for process in psutil.process_iter() if _belongs(process, course)]


def _belongs(process: psutil.Process, course: Course) -> bool:
    try:
        return bool(process.environ().get("JUPYTER_CONFIG_DIR") == str(course.root / "none"))
    except psutil.Error:
        return False


@pytest.fixture
def ungraded(handed_in: Course, tmp_path: Path) -> Iterator[Course]:
    """For runs that are stopped: no process of them is left."""
    course = copied(handed_in, tmp_path / "course")
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


def test_a_disk_that_is_full_loses_nothing(handed_in: Course, tmp_path: Path) -> None:
    """The records are on a disk of their own, which has room for one of an unreadable file and not for the others."""
    course = copied(handed_in, tmp_path / "course")
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


def test_what_changes_while_a_class_is_graded_is_seen(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
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

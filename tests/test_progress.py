"""What is told while a class is graded."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import sqlite3

from class_of_a_test import PROBLEM, SECONDS, started
from conftest import Course
from rich.console import Console

from autograder.batch.job import Task
from autograder.batch.pool import Failure
from autograder.batch.progress import Bar, Lines
from autograder.grading.record import Record
from autograder.grading.run import Graded
from autograder.grading.submission import Submission
from autograder.sandbox import Isolation, Limits


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

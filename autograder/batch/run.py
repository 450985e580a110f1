"""One run over an assignment: what is given away, what comes back, and what goes into the gradebook."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.batch.course import Assignment
from autograder.batch.job import Task
from autograder.batch.pool import Failure, Outcome, Workers, outcomes
from autograder.batch.progress import Progress
from autograder.course import Problem, find
from autograder.gradebook.exporter import submission_in
from autograder.gradebook.kept import graded
from autograder.grading.record import Record
from autograder.grading.run import Graded
from autograder.grading.secret import own_secret
from autograder.grading.store import Entry, key_of, same_submission
from autograder.grading.submission import Submission
from autograder.grading.version import version_of
from autograder.sandbox import Isolation

# A student's id and a problem.
Whose = tuple[str, Problem]


class NotGraded(Exception):
    """The grader itself failed on a submission."""


@dataclass
class ClassGrades:
    """What became of a class, and what an instructor should know of this run."""

    records: dict[Whose, Record] = field(default_factory=dict)
    failures: dict[Whose, str] = field(default_factory=dict)
    """Why there is no grade: our own fault, never the student's."""
    faults: dict[Whose, list[str]] = field(default_factory=dict)
    """What failed in single tests, whose parts are left to a person."""
    before: dict[Whose, Record] = field(default_factory=dict)
    """The records of which an instructor has been told, where others are kept since then."""
    left_out: list[str] = field(default_factory=list)
    """Sentences about what has no grade because of a name, or because it was taken away meanwhile."""
    waiting: int = 0
    """How many notebooks in the gradebook have something that a person must look at."""
    withdrawn: list[str] = field(default_factory=list)
    """Students who were graded, were then removed from the gradebook, and are not put back."""
    graded: set[Whose] = field(default_factory=set)
    """What was graded now. All else had been, and nothing has changed since."""


class ClassGrading:
    """One run over `assignment` at the isolation `level`."""

    def __init__(self, assignment: Assignment, level: Isolation, progress: Progress) -> None:
        self.assignment, self.level, self.progress = assignment, level, progress
        self.grades = ClassGrades()

    def run(self, workers: Workers, students: Collection[str] = (), force: bool = False) -> ClassGrades:
        """Have `workers` grade what `students` (or all) handed in, and write the gradebook.

        What is kept of an earlier run, and would come out the same, is not graded again, unless `force` says so.
        Raises Unusable, OtherVersion, NotIsolated, WorkersLost, and NotKept; what was graded until then is kept.
        """
        with self.assignment.alone():
            return self._run(workers, self.assignment.handed_in(students), force)

    def _run(self, workers: Workers, handed_in: dict[str, list[tuple[Problem, Path]]], force: bool) -> ClassGrades:
        self.grades.left_out = self.assignment.left_out
        if not force:
            self.grades.withdrawn = self._withdrawn(handed_in)
            handed_in = {student: own for student, own in handed_in.items() if student not in self.grades.withdrawn}
        notebooks = [(student, problem, path) for student, own in handed_in.items() for problem, path in own]
        with self.progress.grading(len(notebooks)):
            for task, outcome in outcomes(self._tasks(notebooks, force), workers, self.progress.began):
                self._take(task, outcome)
        written = self.assignment.written(self.grades.records)
        not_yet = written.unscored | written.unfiled | self.grades.failures.keys()
        overdue = handed_in.keys() if force else {student for student, _ in not_yet}
        with self.progress.writing(sum(student in overdue for student, _, _ in notebooks)):
            failed = self.assignment.fill(self._grade_of, handed_in.keys(), overdue)
        self.grades.failures |= {(student, problem): reason for student, problem, reason in failed}
        self._leave_out_removed(notebooks)
        written = self.assignment.written(self.grades.records)
        self.grades.waiting = len(written.waiting)
        # Where one notebook of a student fails, nbgrader removes the files of the others, but not their scores.
        failed_in_one = {student for student, _ in self.grades.failures}
        unfiled = {whose for whose in written.unfiled if whose[0] not in failed_in_one}
        for whose in (written.unscored | unfiled) - self.grades.failures.keys():
            again = f"nbgrader autograde {self.assignment.name} --student {whose[0]}"
            self.grades.failures[whose] = f"The gradebook could not be written; `{again}` says why."
        entries = {whose: self.assignment.store.before(*whose) for whose in self.grades.records}
        self.grades.before = {whose: entry.graded.record for whose, entry in entries.items() if entry is not None}
        return self.grades

    def told(self) -> None:
        """An instructor has been told what became of the class: the next run tells what is another then."""
        for whose in self.grades.records:
            self.assignment.store.told(*whose)

    def _withdrawn(self, handed_in: dict[str, list[tuple[Problem, Path]]]) -> list[str]:
        """Who was written and is not in the gradebook any more, and has handed in nothing since."""
        gone = handed_in.keys() - self.assignment.enrolled(handed_in)
        return sorted(
            student
            for student in gone
            if all(self._is_written(student, problem, path) for problem, path in handed_in[student])
        )

    def _is_written(self, student: str, problem: Problem, path: Path) -> bool:
        """Whether `autograded` has what grading this very submission left, at the last time or the one before."""
        store, limits = self.assignment.store, self.assignment.limits
        key = key_of(problem, submission_in(path, problem, self.assignment.log), self.level, limits)
        return any(
            same_submission(entry.key, key) and self.assignment.is_filed(student, entry.graded.record)
            for entry in (store.last(student, problem), store.before(student, problem))
            if entry is not None
        )

    def _leave_out_removed(self, notebooks: list[tuple[str, Problem, Path]]) -> None:
        for student, problem, path in notebooks:
            if not os.path.lexists(path):
                self.grades.records.pop((student, problem), None)
                self.grades.left_out.append(f"{student}, {problem}: {path} was taken away while the class was graded.")

    def _tasks(self, notebooks: list[tuple[str, Problem, Path]], force: bool) -> Iterator[Task]:
        """What must be graded; a file is read when it is its turn."""
        limits, store = self.assignment.limits, self.assignment.store
        for student, problem, path in notebooks:
            submission = submission_in(path, problem, self.assignment.log)
            key = key_of(problem, submission, self.level, limits)
            fresh = None if force else store.fresh(student, problem, key)
            if fresh is None:
                version = version_of(problem)
                yield Task(student, problem.slug, submission, key, version, self.level, limits, own_secret())
            else:
                self._note((student, problem), fresh)
                self.progress.spared()

    def _take(self, task: Task, outcome: Outcome) -> None:
        whose = (task.student, find(task.problem))
        if isinstance(outcome, Failure):
            self.grades.failures[whose] = outcome.reason
            self.progress.ended(task, outcome)
            return
        self.grades.graded.add(whose)
        self.assignment.store.keep(*whose, Entry(task.key, outcome))
        self._note(whose, outcome)
        # Only now: who reads that it is done may rely on it.
        self.progress.ended(task, outcome)

    def _note(self, whose: Whose, graded: Graded) -> None:
        """What came of a notebook, in the place of what an earlier grading of this run said."""
        self.grades.records[whose] = graded.record
        self.grades.faults.pop(whose, None)
        if graded.faults:
            self.grades.faults[whose] = graded.faults

    def _grade_of(self, student: str, problem: Problem, submission: Submission) -> Graded:
        """The grade for the gradebook, of the submission as it is by now."""
        self.progress.wrote()
        if reason := self.grades.failures.get((student, problem)):
            raise NotGraded(reason)
        found = graded(self.assignment.store, student, problem, submission, self.level, self.assignment.limits)
        whose = (student, problem)
        if found.record != self.grades.records.get(whose):
            # It was handed in again since then.
            self.grades.graded.add(whose)
        self._note(whose, found)
        return found

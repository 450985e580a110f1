"""What an instructor reads at the end of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean, median

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.batch.changes import changes
from autograder.batch.run import ClassGrades, Whose
from autograder.course import Problem
from autograder.grading.outputs import plain
from autograder.grading.record import Record


def show(grades: ClassGrades, console: Console) -> None:
    """Scores by problem, what took too long, whose score is another now, and what needs a person."""
    now, before = len(grades.graded), len(grades.records.keys() - grades.graded)
    console.print(Text(f"{now} notebooks were graded now; {before} had been, and nothing has changed since."))
    if grades.records:
        console.print(_table(grades.records))
    _list(console, "Ran into a limit of time:", _slow(grades))
    _list(console, "Other points than before:", _changed(grades))
    if grades.waiting:
        console.print(Text(f"Notebooks in which something waits for a person in Formgrader: {grades.waiting}."))
    _list(console, "Parts left to a person, because a test failed by its own fault:", _faults(grades))
    _list(console, "Not in the gradebook any more, and left so unless you --force it:", grades.withdrawn)
    _list(console, "Not graded:", grades.left_out)
    _list(console, "Not graded, by our own fault; flagged for a person:", _failures(grades))


def _table(records: dict[Whose, Record]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("problem", no_wrap=True)
    for name in ("notebooks", "points", "mean", "median", "lowest", "highest", "seconds each"):
        table.add_column(name, justify="right")
    by_problem: dict[Problem, list[Record]] = defaultdict(list)
    for (_, problem), record in records.items():
        by_problem[problem].append(record)
    for problem, own in sorted(by_problem.items()):
        scores = [record.score for record in own]
        numbers = (fmean(scores), median(scores), min(scores), max(scores), fmean(record.seconds for record in own))
        table.add_row(problem.name, str(len(own)), f"{own[0].max_score:g}", *(f"{number:.1f}" for number in numbers))
    return table


def _slow(grades: ClassGrades) -> Iterable[str]:
    for whose, record in grades.records.items():
        late = [f"{part.id}/{test.name}" for part in record.parts for test in part.tests if test.outcome == "timeout"]
        if late:
            yield f"{_name(whose)}: {', '.join(late)}"


def _changed(grades: ClassGrades) -> Iterable[str]:
    for whose, old in grades.before.items():
        new = grades.records[whose]
        if lines := changes(old, new):
            yield f"{_name(whose)}: {old.score:g} → {new.score:g} ({'; '.join(lines)})"


def _faults(grades: ClassGrades) -> Iterable[str]:
    for whose in grades.faults:
        parts = [part.id for part in grades.records[whose].parts if part.needs_a_person]
        yield f"{_name(whose)}: {', '.join(parts)}\n{grades.faults[whose][0]}"


def _failures(grades: ClassGrades) -> Iterable[str]:
    for whose, reason in grades.failures.items():
        yield f"{_name(whose)}: {reason}"


def _name(whose: Whose) -> str:
    student, problem = whose
    return f"{student}, {problem}"


def _list(console: Console, title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        console.print(Text(title, "bold"))
        for line in found:
            console.print(Text(f"  {plain(line)}"), soft_wrap=True)

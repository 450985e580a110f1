"""What the demo prints: the class's scores, what it misunderstood, and where to look."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.course import Problem
from autograder.demo.course import DemoCourse
from autograder.demo.results import Result
from autograder.grading.record import Outcome, PartResult, Record
from autograder.sandbox import Isolation

# More than these are read by nobody in a summary.
MOST_HINTS = 5
WORDS: dict[Outcome, str] = {
    "timeout": "took too long",
    "error": "raised an error",
    "untested": "with nothing to test",
    "grader_error": "could not be judged",
}


def show_level(level: Isolation, console: Console) -> None:
    own = "The class is the demo's own code, so it is graded all the same; `mlphys doctor` says how to get more."
    more = "" if level > Isolation.NONE else f" {own}"
    console.print(Text(f"Isolation: {level.label}.{more}"), soft_wrap=True)


def show(problem: Problem, results: list[Result], console: Console) -> None:
    """The table of students and parts, the mean, and the mistakes that were recognised most often."""
    parts = results[0].record.parts
    console.print(_table(problem, results, parts))
    console.print(Text(", ".join(f"{_letter(number)} {part.title}" for number, part in enumerate(parts)), "dim"))
    mean = fmean(result.record.score for result in results)
    console.print(Text(f"\nMean of the class: {mean:.1f} of {results[0].record.max_score:g} points.", "bold"))
    console.print(Text("Recognised most often:", "bold"))
    for hint, count in most_common_hints([result.record for result in results]):
        console.print(Text(f"  {count} x  {hint}"), soft_wrap=True)


def most_common_hints(records: list[Record]) -> list[tuple[str, int]]:
    """Hints with the number of students who got each, the most frequent first."""
    counts = Counter(hint for record in records for hint in _hints(record))
    return counts.most_common(MOST_HINTS)


def show_files(course: DemoCourse, results: list[Result], console: Console) -> None:
    """The feedback that is worth opening."""
    console.print(Text("\nFeedback to open in a browser:", "bold"))
    for result in results:
        if result.student.example:
            path = course.feedback(result.problem, result.student.id)
            console.print(Text(f"  {path}  {result.student.example}"), soft_wrap=True)


def _table(problem: Problem, results: list[Result], parts: tuple[PartResult, ...]) -> Table:
    table = Table(
        title=str(problem), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("student")
    for number, part in enumerate(parts):
        table.add_column(f"{_letter(number)}\n/{part.max_score:g}", justify="right", no_wrap=True)
    table.add_column(f"all\n/{results[0].record.max_score:g}", justify="right", style="bold", no_wrap=True)
    table.add_column("handed in, and what became of it")
    for result in results:
        record = result.record
        scores = [f"{part.score:g}" for part in record.parts]
        table.add_row(result.student.id, *scores, f"{record.score:g}", _remarks(result))
    return table


def _remarks(result: Result) -> Text:
    text = Text(result.student.story)
    if result.unreadable:
        return text.append(f" ({result.unreadable.split('. ')[0]})", "yellow")
    outcomes = Counter(test.outcome for part in result.record.parts for test in part.tests)
    said = [f"{outcomes[outcome]} {word}" for outcome, word in WORDS.items() if outcomes[outcome]]
    return text.append(f" ({'; '.join(said)})", "yellow") if said else text


def _hints(record: Record) -> list[str]:
    """Each hint once, in the order of the tests."""
    hints = (test.hint for part in record.parts for test in part.tests)
    return list(dict.fromkeys(hint for hint in hints if hint is not None))


def _letter(number: int) -> str:
    """The statements' own letters: a, b, c, …"""
    return chr(ord("a") + number)

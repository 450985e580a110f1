"""A result record as a student or an instructor reads it in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from autograder.grading.record import Record, TestResult


def show(record: Record, console: Console) -> None:
    """The score by part; under each part what its tests found, unless they passed."""
    console.print(Text(f"{record.problem}: {record.score:g} of {record.max_score:g} points", "bold"))
    if record.by_hand:
        console.print(Text(f"Up to {record.by_hand:g} points more are a person's to give, for what is written."))
    for warning in record.warnings:
        console.print(Text(f"  Note: {warning}", "yellow"), soft_wrap=True)
    for part in record.parts:
        console.print(Text(f"{part.score:4g} / {part.max_score:<4g} {part.title}", "bold"))
        for test in part.tests:
            console.print(_finding(test), soft_wrap=True)
    console.print(Text(f"Graded in {record.seconds:.2f} s at isolation level {record.isolation}.", "dim"))


def _finding(test: TestResult) -> Text:
    if test.outcome == "passed":
        return Text(f"            passed: {test.message.removeprefix('Tested: ')}", "dim")
    lines = [f"            {test.outcome.replace('_', ' ')} ({test.points:g} of {test.max_points:g})"]
    lines += [f"              {line}" for line in test.message.splitlines()]
    text = Text("\n".join(lines))
    if test.hint:
        text.append(f"\n              Likely cause: {test.hint}", "bold")
    return text

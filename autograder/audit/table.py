"""The audit as a table: tests against mistakes, stubs and alternatives."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.audit import Row
from autograder.grading.marks import Part
from autograder.grading.record import Outcome

# One letter per outcome, so that thirty tests fit beside each other.
LETTERS: dict[Outcome, tuple[str, str]] = {
    "passed": ("·", "dim"),
    "failed": ("F", "yellow"),
    "error": ("E", "magenta"),
    "timeout": ("T", "magenta"),
    "untested": ("–", "magenta"),
    "grader_error": ("!", "bold red"),
}


def matrix(rows: list[Row], parts: list[Part]) -> RenderableType:
    """A row per notebook and a column per test, then what each column is."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    tests = [f"{part.id}.{test.name.removeprefix('test_')} ({test.points:g})" for part in parts for test in part.tests]
    for heading in ("kind", "notebook", "points"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "points" else "left")
    for number in range(1, len(tests) + 1):
        table.add_column(f"{number:2d}", no_wrap=True, min_width=2)
    for row in rows:
        outcomes = {(part.id, test.name): test.outcome for part in row.record.parts for test in part.tests}
        found = [_letter(outcomes.get((part.id, test.name))) for part in parts for test in part.tests]
        style = "bold red" if row.faults else ""
        table.add_row(Text(row.kind, style), Text(row.name, style), f"{row.record.score:g}", *found)
    legend = "\n".join(f"{number:2d} {name}" for number, name in enumerate(tests, start=1))
    letters = "· passed  F failed  E raised  T did not end  – nothing to test  ! the grader failed"
    return Group(table, Text(f"\n{legend}\n{letters}", "dim"))


def _letter(outcome: Outcome | None) -> Text:
    """Nothing for a test that was not run."""
    letter, style = LETTERS[outcome] if outcome is not None else ("", "")
    return Text(letter.rjust(2), style)


def verdict(rows: list[Row]) -> str:
    """One sentence per fault, then how many of each kind are as they should be."""
    faults = [f"{row.kind} {row.name}: {fault}" for row in rows for fault in row.faults]
    kinds = dict.fromkeys(row.kind for row in rows)
    counts = [(kind, [row for row in rows if row.kind == kind]) for kind in kinds]
    summary = ", ".join(f"{kind} {sum(not row.faults for row in own)}/{len(own)}" for kind, own in counts)
    return "\n".join([*faults, f"As they should be: {summary}."])

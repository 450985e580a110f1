"""What a student reads: a summary above the notebook, and under each check what its hidden tests found.

Every text is escaped here; nothing that a student wrote becomes markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape

from nbformat import NotebookNode, v4

from autograder.gradebook.drawing import drawn
from autograder.gradebook.notebook import KEY
from autograder.grading.record import PartResult, Record, TestResult

# A word for each outcome, so that colour is not needed, and Bootstrap's colour beside it.
OUTCOMES = {
    "passed": ("passed", "success"),
    "failed": ("failed", "danger"),
    "error": ("your code raised an error", "danger"),
    "timeout": ("took too long", "warning"),
    "untested": ("nothing to test", "danger"),
    "grader_error": ("could not be judged", "info"),
}
PERSON = "a person will look at it"
# The id of the first cell.
SUMMARY = "mlphys-result"
# What `Mismatch.sentences` writes; a test that was passed has the first sentence alone.
MESSAGE = re.compile(r"Tested: (.*?)(?:\nMeasured: (.*?)\nAllowed: (.*?)\nNext: (.*))?", re.DOTALL)


def summary_cell(record: Record) -> NotebookNode:
    """The first cell of a graded notebook: the points of each part and what was noticed on reading the submission."""
    total = f"{record.score:g} of {record.max_score:g} points"
    rows = [_told(part) for part in record.parts]
    if record.by_hand:
        rows.append(("In writing", f"up to {record.by_hand:g} more", "a person reads it and gives the points"))
    table = _table(["Part", "Points", ""], "".join(_row(*row) for row in rows))
    lines = [f"Result: {total}", *("  ".join(row).rstrip() for row in rows), *record.warnings]
    output = _output(_section(f"Result: {total}", table + _notes(record.warnings)), lines)
    titles = {f"{record.problem.split('/')[-1]}-check-{part.id}": part.title for part in record.parts}
    # Our cell has no text of its own; nbconvert's templates leave an input that is marked like this away. The page of
    # feedback shows the other entries in the place of the cell, beside the scores that the gradebook has by then.
    metadata = {
        "transient": {"remove_source": True},
        "editable": False,
        "deletable": False,
        KEY: {"titles": titles, "notes": list(record.warnings)},
    }
    return v4.new_code_cell("", id=SUMMARY, metadata=metadata, outputs=[output])


def part_output(part: PartResult) -> NotebookNode:
    """What the hidden tests of one part found, as an output of its check cell."""
    head = f"Hidden tests: {_points(part.score, part.max_score)} points"
    tests = list(_each_cause_once(part.tests))
    table = _table(["Test", "Outcome", "Points"], "".join(map(_test_rows, tests)))
    lines = [head, *(line for test in tests for line in _test_lines(test))]
    return _output(_section(head, table), lines)


def _each_cause_once(tests: Iterable[TestResult]) -> Iterator[TestResult]:
    """A cause that several tests of a part have stands under the first of them; the others say which that is."""
    told: dict[str, str] = {}
    for test in tests:
        if test.hint in told:
            yield replace(test, hint=f"as above, under “{told[test.hint]}”")
        else:
            yield test
            if test.hint is not None:
                told[test.hint] = _title(test)


def _told(part: PartResult) -> tuple[str, str, str]:
    return part.title, _points(part.score, part.max_score), PERSON if part.needs_a_person else ""


def _test_rows(test: TestResult) -> str:
    """Two rows: on a phone, the message has the whole width."""
    word, colour = OUTCOMES[test.outcome]
    label = f'<span class="label label-{colour}">{word}</span>'
    told = f'<tr><td colspan="3">{_message(test)}</td></tr>'
    return _row(_title(test), label, _points(test.points, test.max_points)) + told


def _message(test: TestResult) -> str:
    """What was tested, measured and allowed, and pictures of it; set apart, the likely cause; what to do next."""
    sentences = MESSAGE.fullmatch(test.message)
    pictures = "".join(map(drawn, test.pictures))
    if sentences is None:
        return f"<p>{_lines(test.message)}</p>{pictures}{_cause(test)}"
    tested, measured, allowed, following = sentences.groups()
    found = {"Tested": tested, "Measured": measured, "Allowed": allowed}
    return _described(found) + pictures + _cause(test) + _described({"Next": following})


def _cause(test: TestResult) -> str:
    if not test.hint:
        return ""
    return f'<div class="alert alert-info"><strong>Likely cause:</strong> {coded(_lines(test.hint))}</div>'


def _described(sentences: dict[str, str | None]) -> str:
    pairs = "".join(f"<dt>{name}:</dt><dd>{_lines(text)}</dd>" for name, text in sentences.items() if text is not None)
    return f'<dl class="dl-horizontal">{pairs}</dl>' if pairs else ""


def _test_lines(test: TestResult) -> list[str]:
    word, _ = OUTCOMES[test.outcome]
    lines = [f"{_title(test)}: {word}, {_points(test.points, test.max_points)}"]
    lines += [f"    {line}" for line in test.message.splitlines()]
    return [*lines, f"    Likely cause: {test.hint}"] if test.hint else lines


def _title(test: TestResult) -> str:
    return test.name.removeprefix("test_").replace("_", " ")


def _points(score: float, max_score: float) -> str:
    return f"{score:g} / {max_score:g}"


def _table(columns: list[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in columns)
    return f'<table class="table table-condensed"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(name: str, *entries: str) -> str:
    """`name` is a text, and the entries are HTML."""
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{entry}</td>" for entry in entries)}</tr>'


def _notes(sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{_lines(sentence)}</li>" for sentence in sentences)
    return f'<div class="alert alert-warning"><strong>Please note</strong><ul>{items}</ul></div>'


def coded(html: str) -> str:
    """Escaped text, in which what stands between backticks is shown as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html)


def _lines(text: str) -> str:
    """Escaped text that keeps its lines and their indentation."""
    lines = (escape(line) for line in text.splitlines())
    return "<br>".join(f"{'&nbsp;' * (len(line) - len(line.lstrip(' ')))}{line.lstrip(' ')}" for line in lines)


def _section(head: str, body: str) -> str:
    # A dollar sign in a student's text must not start a formula: MathJax skips this class.
    return (
        f'<div class="panel panel-default tex2jax_ignore"><div class="panel-heading">{escape(head)}</div>{body}</div>'
    )


def _output(html: str, lines: list[str]) -> NotebookNode:
    return v4.new_output("display_data", {"text/html": html, "text/plain": "\n".join(lines)})

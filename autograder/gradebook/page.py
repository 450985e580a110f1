"""What a student reads: a summary above the notebook, and under each check what its hidden tests found.

Every text is escaped here; nothing that a student wrote becomes markup.
"""

from __future__ import annotations

from html import escape

from nbformat import NotebookNode, v4

from autograder.grading.record import PartResult, Record, TestResult

# A word for each outcome, so that colour is not needed, and Bootstrap's colour beside it.
OUTCOMES = {
    "passed": ("passed", "success"),
    "failed": ("failed", "danger"),
    "error": ("your code raised an error", "danger"),
    "timeout": ("took too long", "warning"),
    "grader_error": ("could not be judged", "info"),
}


def summary_cell(record: Record) -> NotebookNode:
    """The first cell of a graded notebook: the points of each part and what was noticed on reading the submission."""
    total = f"{record.score:g} of {record.max_score:g} points"
    rows = [
        [part.title, _points(part.score, part.max_score), "a person will look at it" if part.needs_a_person else ""]
        for part in record.parts
    ]
    if record.by_hand:
        rows.append(["In writing", f"up to {record.by_hand:g} more", "a person reads it and gives the points"])
    table = _table(["Part", "Points", ""], [[escape(entry) for entry in row] for row in rows])
    lines = [f"Result: {total}", *("  ".join(row).rstrip() for row in rows), *record.warnings]
    output = _output(_section(f"Result: {total}", table + _notes(record.warnings)), lines)
    # Our cell has no text of its own; nbconvert's templates leave an input that is marked like this away.
    metadata = {"transient": {"remove_source": True}, "editable": False, "deletable": False}
    return v4.new_code_cell("", id="mlphys-result", metadata=metadata, outputs=[output])


def part_output(part: PartResult) -> NotebookNode:
    """What the hidden tests of one part found, as an output of its check cell."""
    head = f"Hidden tests: {_points(part.score, part.max_score)} points"
    table = _table(["Test", "Outcome", "Points"], [_test_row(test) for test in part.tests])
    lines = [head, *(line for test in part.tests for line in _test_lines(test))]
    return _output(_section(head, table), lines)


def _test_row(test: TestResult) -> list[str]:
    word, colour = OUTCOMES[test.outcome]
    told = f"<div>{_lines(test.message)}</div>" if test.message else ""
    if test.hint:
        told += f'<div class="alert alert-info"><strong>Likely cause:</strong> {_lines(test.hint)}</div>'
    label = f'<span class="label label-{colour}">{word}</span>'
    return [f"<strong>{escape(_title(test))}</strong>{told}", label, _points(test.points, test.max_points)]


def _test_lines(test: TestResult) -> list[str]:
    word, _ = OUTCOMES[test.outcome]
    lines = [f"{_title(test)}: {word}, {_points(test.points, test.max_points)}"]
    lines += [f"    {line}" for line in test.message.splitlines()]
    return [*lines, f"    Likely cause: {test.hint}"] if test.hint else lines


def _title(test: TestResult) -> str:
    return test.name.removeprefix("test_").replace("_", " ")


def _points(score: float, max_score: float) -> str:
    return f"{score:g} / {max_score:g}"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    """A table of entries that are HTML already."""
    head = "".join(f"<th>{name}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{entry}</td>" for entry in row) + "</tr>" for row in rows)
    return f'<table class="table table-condensed"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _notes(sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{_lines(sentence)}</li>" for sentence in sentences)
    return f'<div class="alert alert-warning"><strong>Please note</strong><ul>{items}</ul></div>'


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

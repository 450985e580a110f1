"""What the exports have in common: which rows are asked for, where they go, and how a number is written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from autograder.gradebook.exports.rows import Row, Unknown, rows
from autograder.report.sheets import safe

# A number that is not known is None, and an empty cell.
Entry = str | float | bool | None


class Scores(ExportPlugin):
    """An export of the rows that --assignment and --student ask for."""

    def rows(self, gradebook: Gradebook) -> list[Row]:
        try:
            return list(rows(gradebook, list(map(str, self.assignment)), list(map(str, self.student))))
        except Unknown as error:
            raise SystemExit(str(error)) from None

    # The mark at the beginning tells Excel that this is UTF-8; names need it.
    encoding = "utf-8-sig"

    def write(self, default: str, columns: Sequence[str], entries: Iterable[Sequence[Entry]]) -> None:
        """A table in UTF-8, at the place that --to names or else at `default`."""
        path = Path(self.to or default)
        try:
            with path.open("w", encoding=self.encoding, newline="") as file:
                table = csv.writer(file)
                table.writerow([safe(column) for column in columns])
                table.writerows([_written(entry) for entry in row] for row in entries)
        except OSError as error:
            raise SystemExit(f"{path} cannot be written ({error.strerror}). Name another file with --to.") from None
        self.log.info("Wrote %s", path)


def number(value: float) -> str:
    """Points without a trailing .0, and without the noise of binary fractions."""
    return f"{value:.10g}"


def _written(entry: Entry) -> str:
    match entry:
        case None:
            return ""
        case str():
            return safe(entry)
        case bool():
            return str(int(entry))
        case _:
            return number(entry)

"""The class report: what a class did in an assignment, as a page and as a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.report import REPORTS
from autograder.report.classroom.gather import NothingToReport, course_directory, gather
from autograder.report.classroom.page import page_of
from autograder.report.classroom.table import table_of

__all__ = ["NothingToReport", "Written", "course_directory", "write"]


@dataclass(frozen=True)
class Written:
    """The two files of a report, and in sentences what it could not take in."""

    page: Path
    table: Path
    notes: tuple[str, ...]


def write(directory: CourseDirectory, assignment: str, anonymous: bool = False) -> Written:
    """Write the report on `assignment`, in the place of the last one.

    Raises NothingToReport if there is no such assignment or no course here, and OSError if a file cannot be written.
    """
    found = gather(directory, assignment, anonymous)
    name = f"{assignment}-anonymous" if anonymous else assignment
    folder = Path(directory.root) / REPORTS
    written = Written(folder / f"{name}.html", folder / f"{name}.csv", found.notes)
    folder.mkdir(exist_ok=True)
    _replace(written.page, page_of(found).encode(errors="backslashreplace"))
    # The mark at the beginning tells Excel that this is UTF-8; names need it.
    _replace(written.table, table_of(found).encode("utf-8-sig", errors="backslashreplace"))
    return written


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: someone may be reading the last report."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)

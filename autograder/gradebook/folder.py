"""A submission's folder, read as what a stranger put there."""

from __future__ import annotations

import os
import re
import stat
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

# nbgrader's own time stamps have 32 characters.
LONGEST_TIMESTAMP = 100
# What `nbgrader submit` adds for the exchange, which hands feedback to who knows it: 128 hexadecimal digits.
SECRET = "submission_secret.txt"
LONGEST_SECRET = 128
# The first and the last year of any calendar have no time in another time zone, into which Formgrader converts.
YEARS = range(1970, 2101)


class SubmissionsDirectory(CourseDirectory):
    """The course directory for autograding: of a submission's files, nbgrader reads only notebooks and the time stamp.

    It follows links and copies every other file; none of them has a part in grading.
    """

    @classmethod
    def like(cls, directory: CourseDirectory) -> SubmissionsDirectory:
        """The same course as `directory`, which may be shared with other commands and stays as it is."""
        same = {name: getattr(directory, name) for name in directory.trait_names(config=True)}
        return cls(parent=directory.parent, **{**same, "ignore": ["*"]})

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """The time in timestamp.txt, or None (and a warning) if that is not a regular file that holds a time."""
        path = Path(dest_path) / "timestamp.txt"
        if not os.path.lexists(path):
            return None
        try:
            return _time(_short_text(path, LONGEST_TIMESTAMP))
        except (OSError, ValueError, ArithmeticError) as error:  # dateutil reads decimals: 999...h overflows there
            self.log.warning("%s gives no time (%s); the submission counts as not late.", path, error)
            return None


def _time(text: str) -> datetime:
    time: datetime = parse_utc(text)
    if time.year not in YEARS:
        raise ValueError(f"the year {time.year} is none of this course")
    return time


def secret_in(folder: Path) -> str | None:
    """The exchange's secret of a submission that came by nbgrader's exchange, or None."""
    try:
        secret = _short_text(folder / SECRET, LONGEST_SECRET)
    except (OSError, ValueError):
        return None
    return secret if re.fullmatch("[0-9a-f]+", secret) else None


def _short_text(path: Path, longest: int) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        return file.read(longest).decode("ascii").strip()

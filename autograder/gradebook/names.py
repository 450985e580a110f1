"""Names of students' folders: which of them can be a student's, and what becomes of the others."""

from __future__ import annotations

import glob
import re
import unicodedata
from typing import Any

from nbgrader.converters.base import NbGraderException

# What may stand between letters and digits, as in e-mail addresses and in names with a space.
BETWEEN = " _.@+-"
# Letters and marks that nobody sees, which is all that category L and M have of Unicode's Default_Ignorable_Code_Point
# (DerivedCoreProperties.txt, version 14.0).
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def is_usable(name: str) -> bool:
    """Whether `name` begins with a letter or digit of any script, and goes on with these and with any of BETWEEN.

    What else there is has another meaning somewhere: `*?[` stand for other names where nbgrader looks for files, a
    newline ends its commands, a comma ends a name in its lists, quotes and & reach Formgrader's scripts in another
    form, =+-@ begin a spreadsheet's formula, - begins an option, and what is invisible or undecodable nobody can type.
    """
    kinds = {unicodedata.category(character)[0] for character in name if character not in BETWEEN}
    # Marks belong to letters, in many scripts and in what macOS makes of é. A space at the end nbgrader takes away.
    return name[:1].isalnum() and kinds <= {"L", "M", "N"} and not name.endswith(" ") and not INVISIBLE.search(name)


def unusable(converter: Any) -> dict[str, str]:
    """Of the folders that `converter`, nbgrader's Autograde, looks into: those without a usable name, each with why.

    In a folder like `[ab]` it finds the notebooks of a, or none at all, which is no error to it.
    """
    course = converter.coursedir
    folders = sorted(glob.glob(converter._format_source(course.assignment_id, course.student_id)))
    names = {folder: _student(converter, folder) for folder in folders}
    return {
        folder: f"{folder!r} was left out: no student can be called {name!r}. A name is a letter or a digit, and then "
        f"letters, digits, spaces and any of {' '.join(BETWEEN.strip())}. Rename the student's folder, and grade again."
        for folder, name in names.items()
        if not is_usable(name)
    }


def leave_out_unusable(converter: Any) -> None:
    """Keep `converter` from folders whose names are not usable: it grades the others, and fails then.

    To be called when it has found its notebooks. It has no way of its own to say that a submission was left out.
    """
    odd = unusable(converter)
    if not odd:
        return
    converter.assignments = {folder: found for folder, found in converter.assignments.items() if folder not in odd}
    grade_the_others = converter.convert_notebooks

    def convert_notebooks() -> None:
        try:
            grade_the_others()
        finally:
            for sentence in odd.values():
                converter.log.error(sentence)
        raise NbGraderException(f"Left out because of their names: {', '.join(map(repr, odd))}.")

    converter.convert_notebooks = convert_notebooks


def _student(converter: Any, folder: str) -> str:
    pattern = converter._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
    match = re.fullmatch(pattern, folder, re.DOTALL)
    return match["student"] if match else ""

"""What lies in the course directory for each student: what was handed in, and the result record."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.grading.record import Record, from_dict


class NotARecord(Exception):
    """A result record is of no use; the message is what is said of it after a colon."""


def folders(directory: CourseDirectory, step: str, assignment: str) -> dict[str, Path]:
    """The folder of each student in a step of nbgrader's, such as "submitted", by student id."""

    def shape(student: str) -> str:
        structure = str(directory.directory_structure)
        return structure.format(nbgrader_step=step, student_id=student, assignment_id=assignment)

    student = re.compile(re.escape(shape("\0")).replace(re.escape("\0"), f"([^{re.escape(os.sep)}]+)"))
    paths = glob.glob(shape("*"), root_dir=directory.root)
    matches = ((path, student.fullmatch(path)) for path in paths)
    return {match[1]: Path(directory.root) / path for path, match in matches if match}


def read_record(path: Path, slug: str) -> Record | None:
    """The record of the problem `slug` at `path`, None if there is none; raises NotARecord if it cannot be used."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotARecord(error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise NotARecord("This is not a whole JSON file") from error
    try:
        record = from_dict(data)
    except ValueError as error:
        raise NotARecord(str(error).rstrip(".")) from error
    if record.problem != slug:
        raise NotARecord(f"This is about {record.problem}")
    return record

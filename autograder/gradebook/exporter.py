"""Where nbgrader meets a submission: it gets a clean notebook, whatever was handed in."""

from __future__ import annotations

import hmac
import logging
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning

from autograder.course import Problem, find
from autograder.gradebook.folder import SECRET, SubmissionsDirectory, secret_in
from autograder.gradebook.names import leave_out_unusable
from autograder.gradebook.notebook import notebook_of
from autograder.gradebook.scores import flag
from autograder.grading.secret import own_secret
from autograder.grading.submission import Submission, Unreadable, read, unread

# nbgrader 0.9.6 adds rows in an order that SQLAlchemy 2.1 warns of, three times for each student.
warnings.filterwarnings("ignore", "Object of type <Submitted", SAWarning)

# Stands for the time of a submission that has none: the next one that has a time is newer.
BEFORE_ANY = datetime(1970, 1, 1)


class SubmissionExporter(NotebookExporter):
    """The exporter of `nbgrader autograde`. Of its two passes, the first reads what a student handed in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parent.coursedir = SubmissionsDirectory.like(self.parent.coursedir)
        leave_out_unusable(self.parent)

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        if resources is None or not self.parent._sanitizing:
            return super().from_filename(filename, resources, **kwargs)  # type: ignore[no-any-return]
        names = resources["nbgrader"]
        self._forget_last_time(names)
        problem = find(f"{names['assignment']}/{names['notebook']}")
        submission = submission_in(Path(filename), problem, self.log)
        resources["outputs"] = small_files_in(Path(filename).parent, names, self.parent.coursedir)
        return self.from_notebook_node(notebook_of(submission, problem), resources, **kwargs)  # type: ignore[no-any-return]

    def _forget_last_time(self, names: dict[str, str]) -> None:
        """If anything of ours fails from here on, neither an old score nor an old record is left to be believed."""
        with Gradebook(names["db_url"]) as gradebook:
            flag(gradebook, names)
        folder = Path(self.parent._format_dest(names["assignment"], names["student"]))
        for name in (f"{names['notebook']}.json", "timestamp.txt", SECRET):
            (folder / name).unlink(missing_ok=True)


def submission_in(path: Path, problem: Problem, log: logging.Logger) -> Submission:
    """What a student handed in as `path`; where it cannot be read, what stands for it."""
    try:
        # The folder around the notebook came from somebody else too.
        if any(folder.is_symlink() for folder in (path.parent, path.parent.parent)):
            raise Unreadable("The folder of the submission is a link, which is not followed. Submit the folder itself.")
        return read(path, problem)
    except Unreadable as reason:
        log.warning("%s: %s", path, reason)
        return unread(problem, reason)


def small_files_in(folder: Path, names: Mapping[str, str], directory: CourseDirectory) -> dict[str, bytes]:
    """The small files of a submission that nbgrader asks for later, or what stands for those that hold nothing of use.

    It compares the time with the next submission's, to see which is newer; by the secret it releases feedback, and
    where one is missing, to nobody of the class that comes after.
    """
    time = directory.get_existing_timestamp(str(folder)) or BEFORE_ANY
    secret = secret_in(folder) or _secret_of_nobody(names)
    return {"timestamp.txt": f"{time} UTC\n".encode(), SECRET: secret.encode()}


def _secret_of_nobody(names: Mapping[str, str]) -> str:
    """As long as a real one; whoever grades again makes the same, and nobody else can."""
    whose = f"feedback:{names['assignment']}/{names['student']}"
    return hmac.new(own_secret().encode(), whose.encode(errors="surrogateescape"), "sha512").hexdigest()

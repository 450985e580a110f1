"""Pages and logs of nbgrader's own, in which names stand that strangers chose."""

from __future__ import annotations

import functools
import logging
from datetime import datetime

from jinja2 import Environment
from jupyter_server.serverapp import ServerApp
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import formgrader
from traitlets.config import Application

from autograder.gradebook.allowed import AllowedOutputs, markdown_to_html
from autograder.gradebook.folder import SubmissionsDirectory
from autograder.grading.outputs import plain


class PlainLog(logging.Filter):
    """Takes terminal escapes and direction marks out of what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = plain(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = plain(logging.Formatter().formatException(record.exc_info))
        return True


# For `c.NbGrader.logging_config`: the terminal of every command of nbgrader.
LOGGING = {
    "filters": {"plain": {"()": f"{__name__}.{PlainLog.__name__}"}},
    "handlers": {"console": {"filters": ["plain"]}},
}
_PLAIN = PlainLog()


def _submitted_timestamp(api: NbGraderAPI, assignment: str, student: str) -> datetime | None:
    """When a student handed in, as grading reads it."""
    directory = SubmissionsDirectory.like(api.coursedir)
    folder = directory.format_path(directory.submitted_directory, student, assignment)
    return directory.get_existing_timestamp(folder)


def protect() -> None:
    """In Jupyter's server, Formgrader's pages escape what they are filled with, and the server's log is plain.

    nbgrader 0.9.6 writes ids, also those that come with an address, into its pages as they are. It opens the time stamp
    of a submission whatever it is: the server would wait for a pipe, and a page would not come for want of a time.
    """
    NbGraderAPI.get_submitted_timestamp = _submitted_timestamp
    formgrader.Environment = functools.partial(Environment, autoescape=True)
    for handler in logging.getLogger("ServerApp").handlers:
        handler.addFilter(_PLAIN)
    server = Application.instance() if Application.initialized() else None
    pages = server.web_app.settings if isinstance(server, ServerApp) else {}
    if "nbgrader_jinja2_env" in pages and not pages["nbgrader_jinja2_env"].autoescape:
        # Jupyter was started in another directory, and made these before it knew of the course's configuration.
        pages["nbgrader_jinja2_env"] = Environment(loader=pages["nbgrader_jinja2_env"].loader, autoescape=True)
        pages["nbgrader_exporter"].register_filter("markdown2html", markdown_to_html)
        pages["nbgrader_exporter"].register_preprocessor(AllowedOutputs, enabled=True)

"""Pages and logs of nbgrader's own, in which names stand that strangers chose."""

from __future__ import annotations

import functools
import logging
import sys

from jinja2 import Environment

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


def protect() -> None:
    """In Jupyter's server, Formgrader's pages escape what they are filled with, and the server's log is plain.

    nbgrader 0.9.6 writes ids, also those that come with an address, into its pages as they are.
    """
    formgrader = sys.modules.get("nbgrader.server_extensions.formgrader.formgrader")
    if formgrader is None:
        return  # a command, which has no pages
    formgrader.Environment = functools.partial(Environment, autoescape=True)  # type: ignore[attr-defined]
    for handler in logging.getLogger("ServerApp").handlers:
        handler.addFilter(_PLAIN)

"""Modules run as programs in a process of their own, which begins where nbgrader and ours are imported already.

A command imports for a second or two. The tests of the demo start them as people do.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["nbgrader.apps", "autograder.gradebook.exporter", "autograder.gradebook.grade", "autograder.batch.command"]
)


def run_module(words: list[str], directory: Path, environment: Mapping[str, str], out: Path, err: Path) -> int:
    """What `python -m WORDS` does in that directory and environment: its exit code, and what it says in the files."""
    process = _context.Process(target=_run, args=(words, directory, dict(environment), out, err))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run(words: list[str], directory: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in ((0, os.devnull), (1, str(out)), (2, str(err))):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = words
    sys.path[:0] = [str(directory), *environment["PYTHONPATH"].split(os.pathsep)]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)

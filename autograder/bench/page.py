"""The page that a benchmark writes: figures with the machine, the date and the versions that they belong to."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

import psutil

LIBRARIES = ("mlphys", "nbgrader", "torch", "numpy", "ipython", "pytest", "distributed")
HEAD = """# Benchmarks

Written by `make bench`, which measures everything below in one run; nothing here is typed by hand.

"""


@dataclass(frozen=True)
class Section:
    """A table with a title, and in `words` how it was measured."""

    title: str
    words: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]

    def markdown(self) -> str:
        lines = [self.columns, ["---"] + ["--:"] * (len(self.columns) - 1), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.words}\n\n{table}\n"


def page(sections: Iterable[Section]) -> str:
    """All of it as one text in markdown."""
    return HEAD + f"{_machine()}\n\n" + "\n".join(section.markdown() for section in sections)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{date.today():%Y-%m-%d}; {_processor()}, {cores} cores, {memory:.0f} GiB, load at the start "
        f"{os.getloadavg()[0]:.1f}; Linux {platform.release()}, Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())

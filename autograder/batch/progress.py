"""What is told while a class is graded: a bar for a person, a line for each event in a log, or nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Row
from rich.text import Text

from autograder.batch.job import Task
from autograder.batch.pool import Failure, Outcome
from autograder.grading.outputs import plain


class Progress(Protocol):
    """Who is told. `grading` and `writing` enclose the two phases of a run over so many notebooks."""

    def grading(self, notebooks: int) -> contextlib.AbstractContextManager[None]: ...

    def began(self, task: Task) -> None: ...

    def ended(self, task: Task, outcome: Outcome) -> None: ...

    def spared(self) -> None:
        """A notebook was graded before, and nothing has changed since."""

    def writing(self, notebooks: int) -> contextlib.AbstractContextManager[None]: ...

    def wrote(self) -> None: ...


class Silence:
    """Nobody is told anything."""

    def grading(self, notebooks: int) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def began(self, task: Task) -> None: ...

    def ended(self, task: Task, outcome: Outcome) -> None: ...

    def spared(self) -> None: ...

    def writing(self, notebooks: int) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def wrote(self) -> None: ...


class Lines(Silence):
    """A line for each notebook that is graded, with the time, how fast it goes and what is left, for logs."""

    def __init__(self, console: Console) -> None:
        self._console, self._began = console, time.monotonic()
        self._left = self._done = self._failed = 0

    @contextlib.contextmanager
    def grading(self, notebooks: int) -> Iterator[None]:
        self._left, self._began = notebooks, time.monotonic()
        yield

    def spared(self) -> None:
        self._left -= 1

    def ended(self, task: Task, outcome: Outcome) -> None:
        self._left, self._done = self._left - 1, self._done + 1
        self._failed += isinstance(outcome, Failure)
        each = (time.monotonic() - self._began) / self._done
        counts = f"{self._done} done, {self._failed} failed, {60 / each:.0f}/min"
        self._say(f"{task}: {_told(outcome)}; {counts}; {self._left} left, about {_clock(each * self._left)}")

    @contextlib.contextmanager
    def writing(self, notebooks: int) -> Iterator[None]:
        self._say(f"writing the gradebook: {notebooks} notebooks")
        yield

    def _say(self, words: str) -> None:
        line = Text(plain(f"{time.strftime('%H:%M:%S')} {words}"))
        self._console.print(line, soft_wrap=True)


class Bar(Silence):
    """One bar: how many are done, running and failed, the rate, the time left, and which has been running longest."""

    def __init__(self, console: Console) -> None:
        self._running: dict[str, float] = {}
        self._failed = 0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            _Running(self._running),
        )
        self._bars = Bars(*columns, console=console, transient=True)

    @contextlib.contextmanager
    def grading(self, notebooks: int) -> Iterator[None]:
        with self._bar("grading", notebooks):
            yield

    def began(self, task: Task) -> None:
        self._running[str(task)] = time.monotonic()

    def ended(self, task: Task, outcome: Outcome) -> None:
        self._running.pop(str(task), None)
        self._failed += isinstance(outcome, Failure)
        self._bars.update(self._row, advance=1, told=f"{self._failed} failed" if self._failed else "")

    def spared(self) -> None:
        row = self._bars.tasks[0]
        self._bars.update(self._row, total=(row.total or 1) - 1)

    @contextlib.contextmanager
    def writing(self, notebooks: int) -> Iterator[None]:
        with self._bar("writing the gradebook", notebooks):
            yield

    def wrote(self) -> None:
        self._bars.advance(self._row)

    @contextlib.contextmanager
    def _bar(self, description: str, notebooks: int) -> Iterator[None]:
        self._row = self._bars.add_task(description, total=notebooks, told="")
        try:
            with self._bars:
                yield
        finally:
            self._bars.remove_task(self._row)


class _Rate(ProgressColumn):
    def render(self, row: Row) -> Text:
        return Text(f"{60 * row.speed:.0f}/min" if row.speed else "")


class _Running(ProgressColumn):
    """Looked at whenever the bar is drawn, so that its seconds go on."""

    max_refresh = 0.5

    def __init__(self, running: dict[str, float]) -> None:
        super().__init__()
        self._running = running

    def render(self, row: Row) -> Text:
        running = dict(self._running)
        if not running:
            return Text("")
        slowest = min(running, key=lambda task: running[task])
        words = f"{len(running)} running, longest {slowest} ({time.monotonic() - running[slowest]:.0f} s)"
        return Text(plain(words), overflow="ellipsis", no_wrap=True)


def _told(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return f"could not be graded ({outcome.reason})"
    record = outcome.record
    return f"{record.score:g} of {record.max_score:g} points in {record.seconds:.1f} s"


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"

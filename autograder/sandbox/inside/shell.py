"""A notebook's cells, run by IPython as in Jupyter, with their outputs kept in notebook format."""

from __future__ import annotations

import base64
import contextlib
import linecache
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

# A figure of matplotlib's takes 20 to 200 kB as PNG.
MAX_DATA = 2 * 2**20
# All outputs of a cell travel in one frame, of 16 MB.
MAX_CELL = 8 * 2**20
MAX_OUTPUTS = 100  # a cell with more is a loop that prints or plots


class CellTimeout(BaseException):
    """Raised in a cell that runs for too long; not an Exception, so that a bare loop over `except Exception` ends."""


class Outputs:
    """What a cell has displayed so far, of its text `most` characters."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.items: list[dict[str, Any]] = []
        self.text = 0
        self.size = 0

    def stream(self, name: str, text: str) -> None:
        kept = text[: max(0, self.most - self.text)]
        if self.text <= self.most < self.text + len(text):
            kept += "\n[The rest of this cell's output is not kept.]\n"
        self.text += len(text)
        if not kept:
            return
        if self.items and self.items[-1].get("name") == name:
            self.items[-1]["text"] += kept
        else:
            self.add({"output_type": "stream", "name": name, "text": kept})

    def add(self, output: dict[str, Any], size: int = 0) -> None:
        if len(self.items) < MAX_OUTPUTS and self.size + size <= MAX_CELL:
            self.size += size
            self.items.append(output)

    def data(self, output_type: str, data: dict[str, Any], **more: Any) -> None:
        kept = {mime: value for mime, value in data.items() if mime in {"text/plain", "image/png"}}
        if isinstance(kept.get("image/png"), bytes):  # as PIL's own pictures have it
            kept["image/png"] = base64.b64encode(kept["image/png"]).decode()
        small = {mime: value for mime, value in kept.items() if len(value) <= MAX_DATA}
        if small:
            size = sum(map(len, small.values()))
            self.add({"output_type": output_type, "data": small, "metadata": {}, **more}, size)


class Stream:
    """The student's sys.stdout or sys.stderr."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, name: str, notebook: Notebook) -> None:
        self.name, self.notebook = name, notebook

    def write(self, text: str) -> int:
        self.notebook.outputs.stream(self.name, str(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


class _Compiler(CachingCompiler):
    """Names the code of each cell after the cell, so that a traceback can say which cell and line it means."""

    label = "cell"

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return f"<{self.label}>"


class _DisplayHook(DisplayHook):
    def write_output_prompt(self) -> None:
        """The prompt is the notebook's own."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self.shell.outputs.data("execute_result", format_dict, execution_count=self.shell.execution_count)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _DisplayPublisher(DisplayPublisher):
    def publish(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.shell.outputs.data("display_data", data)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.items.clear()


class Notebook(InteractiveShell):
    """IPython's shell with its outputs kept instead of printed."""

    outputs: Outputs  # of the cell that runs

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        trace = [line[: self.outputs.most] for line in stb]
        error = {"output_type": "error", "ename": etype.__name__[:200], "evalue": _text(evalue), "traceback": trace}
        self.outputs.add(error, sum(map(len, trace)))

    def capture(self) -> None:
        """Take over sys.stdout and sys.stderr."""
        sys.stdout, sys.stderr = Stream("stdout", self), Stream("stderr", self)

    def run(self, source: str, label: str, seconds: float, most: int) -> list[dict[str, Any]]:
        """Run one cell for at most `seconds`; its outputs in notebook format, of their text `most` characters."""
        self.outputs = Outputs(most)
        self.compile.label = label
        try:
            with _at_most(seconds):
                self.run_cell(source, store_history=True)
                self._flush_figures()
        except CellTimeout:
            self.outputs.stream("stderr", f"This cell was stopped after {seconds:g} seconds.\n")
        return self.outputs.items

    def enable_gui(self, gui: str | None = None) -> None:
        """`%matplotlib inline` asks for it; there are no windows here."""

    def ask_exit(self) -> None:
        """`exit()` lets its cell go on, as in Jupyter."""

    def _flush_figures(self) -> None:
        backend = sys.modules.get("matplotlib_inline.backend_inline")
        if backend is not None:
            backend.flush_figures()


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise CellTimeout("This cell ran for too long and was stopped.")


def make() -> Notebook:
    """A shell that writes no history and reads no configuration; takes over sys.stdout and sys.stderr."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Plain"
    notebook: Notebook = Notebook.instance(
        config=config,
        compiler_class=_Compiler,
        displayhook_class=_DisplayHook,
        display_pub_class=_DisplayPublisher,
    )
    notebook.outputs = Outputs(0)
    notebook.capture()
    return notebook


def definer(names: dict[str, Any]) -> Callable[[dict[str, str], float], None]:
    """What gives each name in `names` the function or class that its source defines, or nothing if that fails.

    IPython has no part in it: a cell may have told it to rewrite the code of the cells after it. To be called before
    any cell has run: what a cell gives another meaning later, in builtins or here, is bound by then.
    """
    run, translate, unless, at_most, lines = exec, compile, contextlib.suppress, _at_most, linecache.cache

    def define(definitions: dict[str, str], seconds: float) -> None:
        for name, source in definitions.items():
            file = f"<{name}>"
            lines[file] = (0, None, source.splitlines(keepends=True), file)  # for `describe`
            names.pop(name, None)
            with unless(BaseException), at_most(seconds):
                run(translate(source, file, "exec"), names)

    return define


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: its type, all its kinds, its text, and the student's own line where it was raised."""
    line = None
    for summary in traceback.extract_tb(error.__traceback__):
        if summary.filename.startswith("<") and summary.filename.endswith(">") and summary.line:
            line = [summary.lineno, summary.line]
    return {
        "ename": type(error).__name__,
        "kinds": [kind.__name__ for kind in type(error).__mro__],
        "evalue": _text(error),
        "line": line,
        "own": _own(error.__traceback__),
    }


def _own(trace: TracebackType | None) -> bool:
    """Whether the error was raised by the call itself, before any line of the function ran."""
    return trace is None or trace.tb_next is None


def _text(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except Exception:
        return "(this exception cannot be printed)"

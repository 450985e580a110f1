"""The files beside a notebook, packed into it: where only the notebook is opened, as on Colab, it writes them."""

from __future__ import annotations

import base64
import bz2
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from autograder.build.functions import Function
from autograder.build.statement import Cell
from autograder.course import Problem

NAME = "files"
# No function: those of given cells are put back after the student's, who may well write one called `unpack`.
CODE = """\
# Writes the files of this set if they are not beside the notebook, as on Colab: open them there and read them.
import base64
import bz2
import importlib
from pathlib import Path

files = {{
{packed}
}}
for name, packed in files.items():
    if not Path(name).exists():
        Path(name).write_bytes(bz2.decompress(base64.b85decode(packed)))
importlib.invalidate_caches()"""


def with_files(problem: Problem, cells: Sequence[Cell], functions: Iterable[Function]) -> list[Cell]:
    """`cells`, before whose first code one more is given that writes the support files, if any code names one."""
    files = problem.support_files()
    code = "\n".join([*(cell.code for cell in cells), *(function.source for function in functions)])
    if not any(re.search(rf"\b{re.escape(_named(file))}\b", code) for file in files):
        return list(cells)
    source = CODE.format(packed="\n".join(f'    "{name}": "{_packed(files[name])}",' for name in sorted(files)))
    first = next(index for index, cell in enumerate(cells) if cell.code)
    return [*cells[:first], Cell("given", source, source, NAME), *cells[first:]]


def _named(file: str) -> str:
    """How code calls a file: a module by its name, any other file by the file's."""
    return PurePath(file).stem if file.endswith(".py") else file


def _packed(content: bytes) -> str:
    # The build is compared byte for byte: bzip2 gives the same on every machine, while there are several zlibs.
    return base64.b85encode(bz2.compress(content)).decode()

"""How a built file differs from what the authored files give: one sentence for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

NEXT = "Run `mlphys build`"


def drift(root: Path, wanted: dict[Path, bytes], stale: list[Path]) -> Iterator[str]:
    """A sentence for every file of `wanted` that is absent or different, and for every file that nothing builds."""
    for path, content in wanted.items():
        name = path.relative_to(root)
        if not path.exists():
            yield f"{name} is not built yet. {NEXT}."
        elif path.read_bytes() != content:
            yield f"{name} is not what its sources build{_where(path, content)}. {_advice(path)}"
    for path in stale:
        yield f"{path.relative_to(root)} is built from nothing. {NEXT}, which removes it."


def _advice(path: Path) -> str:
    if path.suffix != ".ipynb":
        return f"{NEXT}."
    return f"{NEXT}; what was edited in the notebook belongs in {path.stem}.md, the reference or the graders."


def _where(path: Path, wanted: bytes) -> str:
    """In which cell a notebook first differs from what is wanted, as the end of a sentence; empty for other files."""
    if path.suffix != ".ipynb":
        return ""
    try:
        old, new = json.loads(path.read_bytes())["cells"], json.loads(wanted)["cells"]
        pairs = list(zip_longest(old, new))
        number = next(number for number, (a, b) in enumerate(pairs, 1) if a != b)
        return f": cell {number} ({_id(*pairs[number - 1])}) differs first"
    except (ValueError, KeyError, TypeError, AttributeError):
        return ": it is not a notebook any more"
    except StopIteration:
        return ": its cells agree, its metadata or formatting differ"


def _id(present: dict[str, Any] | None, wanted: dict[str, Any] | None) -> str:
    cell = wanted or present or {}
    return str(cell.get("id", "without id")) + ("" if wanted else ", not in the statement")

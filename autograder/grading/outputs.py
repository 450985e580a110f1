"""What a student's cells displayed, from an allow-list: text without control characters, and PNG drawn anew."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from typing import Any

from PIL import Image

Output = dict[str, Any]

# A figure of 200 dpi on a page has 4 megapixels; the limit keeps a small file from becoming a large picture.
MAX_PIXELS = 4_000_000
MAX_TEXT = 100_200  # a worker keeps 100,000 characters of a cell, or fewer, and adds a remark if there were more
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.")


def allowed(outputs: list[Output]) -> list[Output]:
    """Those of `outputs` that may be shown, in a form that can do nothing but be shown."""
    return [safe for output in outputs[:100] if (safe := _safe(output)) is not None]


def note(sentence: str) -> Output:
    """An output of ours, which says what happened to a cell."""
    return {"output_type": "stream", "name": "stderr", "text": sentence + "\n"}


def plain(text: Any) -> str:
    """`text` without terminal escapes, control characters and direction marks, which can make it read otherwise."""
    shown = _ESCAPE.sub("", str(text)[:MAX_TEXT])
    return "".join(c for c in shown if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def _safe(output: Output) -> Output | None:
    match output:
        case {"output_type": str("stream"), "name": str("stdout" | "stderr" as name), "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": plain(text)}
        case {"output_type": str("error"), "ename": str(ename), "evalue": str(evalue), "traceback": list(lines)}:
            trace = [plain(line) for line in lines[:200]]
            return {"output_type": "error", "ename": plain(ename), "evalue": plain(evalue), "traceback": trace}
        case {"output_type": str("display_data" | "execute_result" as kind), "data": dict(data)}:
            shown = _shown(data)
            if not shown:
                return None
            safe: Output = {"output_type": kind, "data": shown, "metadata": {}}
            if kind == "execute_result":
                count = output.get("execution_count")
                # nbformat takes no negative count and no bool, and refuses the whole notebook.
                safe["execution_count"] = count if type(count) is int and 0 <= count < 2**31 else None
            return safe
    return None


def _shown(data: dict[Any, Any]) -> dict[str, str]:
    shown = {}
    if isinstance(data.get("text/plain"), str):
        shown["text/plain"] = plain(data["text/plain"])
    if isinstance(data.get("image/png"), str) and (picture := _redrawn(data["image/png"])) is not None:
        shown["image/png"] = picture
    return shown


def _redrawn(encoded: str) -> str | None:
    """The picture decoded and encoded anew, so that nothing but its pixels is left; None if it is not one."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            pixels = Image.frombytes("RGBA", picture.size, picture.convert("RGBA").tobytes())
    except Exception:  # whatever a decoder raises on bytes that somebody made up
        return None
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()

"""Formulas as MathML, which a browser sets by itself: a page needs no script for them, no font and no network."""

from __future__ import annotations

import functools
import re
import unicodedata
from html import escape, unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

# latex2mathml writes \mathbf{x} as x with an attribute that browsers have dropped; Unicode has the bold x itself.
STYLES = {
    "bold": "BOLD",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "fraktur": "FRAKTUR",
    "italic": "ITALIC",
    "monospace": "MONOSPACE",
    "sans-serif": "SANS-SERIF",
    "script": "SCRIPT",
}
# What the library takes for something else, or sets without a gap.
RESPELT = (
    (re.compile(r"(?<!\\)\\\|"), "‖"),
    (re.compile(r"\\not\s*="), r"\\ne "),
    (re.compile(r"\\arg(?![a-zA-Z])"), r"\\operatorname{arg}"),
    (re.compile(r"\\tag\s*\{([\w.]+)\}"), r"\\qquad (\\text{\1})"),
)

# A formula nested deeper than this is nobody's. The library calls itself for each level; at a thousand calls Python
# gives up, with half of what it does then undone.
DEEPEST = 100
# Characters of a formula within a line for which a phone of 320 pixels has room wherever it stands; a longer one
# scrolls by itself.
LONGEST_IN_A_LINE = 18
GROUPS = re.compile(r"\\\\|\\(?P<open>left|begin)|\\(?P<close>right|end)|\\.|(?P<brace>[{}])")
NESTED = re.compile(rf"(?:(?:\\[a-zA-Z]++|[\^\[])\s*+){{{DEEPEST}}}")


@functools.lru_cache(maxsize=5000)  # the formulas of a few statements, which are the same for all students of a class
def mathml(tex: str, display: str) -> str:
    """`tex` as a <math> element (`display` is "inline" or "block"), or as it was typed if it cannot be read."""
    try:
        math = convert_to_element(_respelt(tex), display=display) if not _too_deep(tex) else None
    except Exception:  # of many kinds: a student may have typed anything
        math = None
    if math is None:
        return f"<code>{escape(tex)}</code>"
    for element in math.iter():
        # The library writes characters as entities, for a serialisation of its own.
        element.text = unescape(element.text or "")
        _style(element)
    if display == "block":
        math.set("tabindex", "0")  # a long formula scrolls, and by the keyboard as well
    html = tostring(math, encoding="unicode")
    if display == "inline" and len("".join(math.itertext())) > LONGEST_IN_A_LINE:
        return f'<span class="wide" tabindex="0">{html}</span>'
    return html


def _too_deep(tex: str) -> bool:
    depth = deepest = 0
    for found in GROUPS.finditer(tex):
        depth += bool(found["open"] or found["brace"] == "{") - bool(found["close"] or found["brace"] == "}")
        deepest = max(deepest, depth)
    return deepest > DEEPEST or NESTED.search(tex) is not None


def _respelt(tex: str) -> str:
    for pattern, better in RESPELT:
        tex = pattern.sub(better, tex)
    return tex


def _style(element: Element) -> None:
    style = STYLES.get(element.get("mathvariant", ""))
    if style:
        del element.attrib["mathvariant"]
        element.text = "".join(_styled(character, style) for character in element.text or "")


def _styled(character: str, style: str) -> str:
    """The character of this style, or as it is if there is none: LATIN SMALL LETTER X, MATHEMATICAL BOLD SMALL X."""
    name = re.sub(r"^(LATIN|GREEK) (SMALL|CAPITAL) LETTER ", r"\2 ", unicodedata.name(character, ""))
    # ℝ and ℬ are older than the others, ℭ has a name of its own, and nobody wants a slanted digit.
    older = f"{style} {name}".replace("FRAKTUR", "BLACK-LETTER")
    for candidate in (f"MATHEMATICAL {style} {name}", older):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return character

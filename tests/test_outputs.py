"""What students' cells displayed: shown from an allow-list, in a form that can do nothing but be shown."""

from __future__ import annotations

import base64
import io
import unicodedata
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from autograder.grading.outputs import MAX_PIXELS, MAX_TEXT, allowed, note, plain


def png(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def displayed(data: dict[str, Any]) -> list[dict[str, Any]]:
    return allowed([{"output_type": "display_data", "data": data, "metadata": {"isolated": True}}])


def redrawn(picture: bytes) -> bytes | None:
    shown = displayed({"image/png": base64.b64encode(picture).decode()})
    return base64.b64decode(shown[0]["data"]["image/png"]) if shown else None


SMALL = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))

# Text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H\x1b[38;5;1mx", "x"),
        ("\x1b]0;title\x07", "0;title"),
        ("\x9b31mred", "31mred"),
        ("a\rb\x00\x08\x7f", "ab"),
        ("pass\u202eliaf", "passliaf"),
        ("\u2066\u200fa\u2069\ufeff\u200b", "a"),
        ("\ud800\ue000\U000e0041", ""),
        ("σ = ½ × 10⁻³ Å", "σ = ½ × 10⁻³ Å"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # escaped where it becomes HTML
    ],
)
def test_text_is_without_escapes_controls_and_direction_marks(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_plain_text_is_plain(text: str) -> None:
    assert not {unicodedata.category(c) for c in plain(text) if c not in "\n\t"} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert plain(plain(text)) == plain(text)


def test_text_has_a_limit() -> None:
    assert len(plain("x" * 10**6)) == MAX_TEXT


def test_what_is_known_is_kept() -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": "a"}
    error = {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[1mno", "traceback": ["\x1b[31mline"] * 300}
    result = {"output_type": "execute_result", "data": {"text/plain": "4"}, "metadata": {}, "execution_count": 2}
    assert allowed([stream, error, result, note("Left out.")]) == [
        stream,
        {**error, "evalue": "no", "traceback": ["line"] * 200},
        result,
        {"output_type": "stream", "name": "stderr", "text": "Left out.\n"},
    ]


def test_the_number_of_outputs_has_a_limit() -> None:
    assert len(allowed([note("x")] * 1000)) == 100


@pytest.mark.parametrize("count", [-1, True, "1", 2**70, 1.5, None])
def test_an_execution_count_that_no_notebook_has_is_dropped(count: Any) -> None:
    (shown,) = allowed([{"output_type": "execute_result", "data": {"text/plain": "4"}, "execution_count": count}])
    assert shown["execution_count"] is None


@pytest.mark.parametrize(
    "mime",
    ["text/html", "image/svg+xml", "application/javascript", "text/latex", "text/markdown", "image/jpeg", "TEXT/PLAIN"],
)
def test_other_kinds_are_dropped(mime: str) -> None:
    assert displayed({mime: "<script>alert(1)</script>"}) == []
    (shown,) = displayed({mime: "<b>", "text/plain": "b"})
    assert shown == {"output_type": "display_data", "data": {"text/plain": "b"}, "metadata": {}}


ARRAY = np.array([1, 2])  # compared with a word, it is neither true nor false
MADE_UP: list[dict[Any, Any]] = [
    {},
    {"output_type": "stream"},
    {"output_type": "stream", "name": "stdin", "text": "a"},
    {"output_type": "stream", "name": "stdout", "text": 1},
    {"output_type": "stream", "name": ARRAY, "text": "a"},
    {"output_type": ARRAY, "name": "stdout", "text": "a"},
    {"output_type": "error", "ename": "E", "evalue": None, "traceback": []},
    {"output_type": "display_data", "data": []},
    {"output_type": "display_data", "data": {"text/plain": ["a"], "image/png": b"a"}},
    {"output_type": ["display_data"], "data": {"text/plain": "a"}},
    {"output_type": "update_display_data", "data": {"text/plain": "a"}},
    {1: 2},
]


@pytest.mark.parametrize("output", MADE_UP)
def test_what_is_made_up_is_dropped(output: dict[Any, Any]) -> None:
    assert allowed([output]) == []


# Pictures


def test_a_picture_is_drawn_anew_and_looks_the_same() -> None:
    again = redrawn(png(SMALL))
    assert again is not None
    with Image.open(io.BytesIO(again)) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), np.asarray(SMALL))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_can_be_drawn(mode: str) -> None:
    assert redrawn(png(Image.new(mode, (3, 2)))) is not None


def test_nothing_but_pixels_is_left() -> None:
    words = PngInfo()
    words.add_text("Comment", "the answer", zip=False)
    words.add_itxt("XML:com.adobe.xmp", "the answer")
    original = png(SMALL, pnginfo=words) + b"the answer"
    assert b"the answer" in original
    again = redrawn(original)
    assert again is not None
    assert b"the answer" not in again
    kinds = [again[start + 4 : start + 8] for start in _chunks(again)]
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(picture: bytes) -> list[int]:
    starts, at = [], 8
    while at < len(picture):
        starts.append(at)
        at += 12 + int.from_bytes(picture[at : at + 4], "big")
    return starts


def with_size(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    original = png(SMALL)
    return original[:12] + header + zlib.crc32(header).to_bytes(4, "big") + original[33:]


# Pillow itself warns of a bomb at 9e7 pixels, and refuses twice as many.
@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 10_000, 60_000, 2**31 - 1])
def test_a_huge_picture_is_refused_before_it_is_drawn(side: int) -> None:
    assert redrawn(with_size(side, side)) is None


def jpeg() -> bytes:
    buffer = io.BytesIO()
    SMALL.save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [b"", b"garbage", png(SMALL)[:40], png(SMALL)[:50], with_size(0, 4), jpeg()])
def test_what_is_no_picture_is_dropped(picture: bytes) -> None:
    assert redrawn(picture) is None


@pytest.mark.parametrize("text", ["", "????", "σ", "a", "iVBORw0KGgo=\n" * 3])
def test_what_is_no_base64_of_a_picture_is_dropped(text: str) -> None:
    assert displayed({"image/png": text}) == []


@given(st.lists(st.tuples(st.integers(8, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_picture_is_drawn_or_dropped(damage: list[tuple[int, int]]) -> None:
    words = PngInfo()
    words.add_text("Comment", "words", zip=True)
    picture = bytearray(png(SMALL, pnginfo=words, dpi=(100, 100), gamma=2.2, transparency=(1, 2, 3)))
    for place, value in damage:
        picture[place % len(picture)] = value
    for start in _chunks(bytes(picture)):
        # The checksum is made right again, so that more than the checksum is tested.
        length = int.from_bytes(picture[start : start + 4], "big")
        if start + 12 + length <= len(picture):
            checksum = zlib.crc32(bytes(picture[start + 4 : start + 8 + length]))
            picture[start + 8 + length : start + 12 + length] = checksum.to_bytes(4, "big")
    redrawn(bytes(picture))

"""Slips that any numerical answer can have: a factor, a sign, a square, a transpose."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Transform = Callable[[Array], Array]
FACTORS = {
    "-1 times": -1.0,
    "twice": 2.0,
    "half of": 0.5,
    "-2 times": -2.0,
    "-1/2 times": -0.5,
    "π times": math.pi,
    "1/π times": 1 / math.pi,
    "2π times": 2 * math.pi,
    "1/(2π) times": 1 / (2 * math.pi),
}


def fixed() -> Iterator[tuple[str, Transform]]:
    """The transforms that do not depend on the arguments, each with what it makes of the right answer."""
    for words, factor in FACTORS.items():
        yield f"Your result is {words} the right one.", _times(factor)
    yield "Your result is the square of the right one.", np.square
    yield "Your result is the square root of the right one.", _root
    yield "Your result is the transpose of the right one.", np.transpose
    yield "Your result is the absolute value of the right one.", np.abs


def sized(function: Callable[..., Any], args: tuple[Any, ...]) -> Iterator[tuple[str, Transform]]:
    """Factors that are the size of an argument: a sum for a mean and the reverse, n - 1 for n and the reverse."""
    for name, value in zip(inspect.signature(function).parameters, args, strict=False):
        sizes = np.shape(value) if isinstance(value, np.ndarray) else ()
        for axis, n in ((axis, n) for axis, n in enumerate(sizes) if n > 0):
            size = f"the size of axis {axis} of `{name}`"
            yield f"Your result is the right one times {size}: a sum for a mean?", _times(n)
            yield f"Your result is the right one divided by {size}: a mean too many?", _times(1 / n)
            if n > 1:
                yield f"Your result has n - 1 for n, where n is {size}.", _times(n / (n - 1))
                yield f"Your result has n for n - 1, where n is {size}.", _times((n - 1) / n)


def _times(factor: float) -> Transform:
    return lambda right: factor * right


def _root(right: Array) -> Array:
    return np.sqrt(np.abs(right))

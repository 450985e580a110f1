"""The one home of comparison: a student's value against an expected one, within a tolerance that has a reason."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from autograder.grading.failure import Mismatch
from autograder.grading.tolerance import Tolerance
from autograder.sandbox import Handle

# A finite difference, a constant that was rounded and single precision keep five digits; typical mistakes keep none.
NEAR = 1e-5
NEARLY = "The first digits are right: look for a finite difference, a rounded constant, or float32 on the way."
ELSEWHERE = "Work one small case by hand, print the same case from your function, and compare entry by entry."

Shape = Literal["exact", "vector"]
Array = np.ndarray[Any, np.dtype[Any]]


def agree(actual: Any, expected: Any, tolerance: Tolerance, *, of: str = "the result", shape: Shape = "exact") -> None:
    """Raise Mismatch unless `actual` equals `expected` within `tolerance`.

    `expected` is a number, an array (or a list that makes one), or a dict or tuple of such; `actual` may be any plain
    form of the same numbers. `shape="vector"` takes (n,), (n, 1) and (1, n) for the same; "exact" asks for the shape
    of `expected`.
    """
    if isinstance(expected, Mapping):
        for key, value in _entries(actual, expected, of).items():
            agree(value, expected[key], tolerance, of=f"{of}[{key!r}]", shape=shape)
    elif isinstance(expected, tuple):
        for index, value in enumerate(_members(actual, len(expected), of)):
            agree(value, expected[index], tolerance, of=f"{of}[{index}]", shape=shape)
    else:
        _agree_numbers(as_array(actual, of=of), np.asarray(expected), tolerance, of, shape)


def as_array(value: Any, *, of: str = "the result") -> Array:
    """The real, finite numbers in `value` as float64; raises Mismatch with a sentence for anything else."""
    if value is None:
        raise Mismatch(f"{of} is None", "real numbers", "End the function with a `return` of what it computed.")
    try:
        array = plain_array(value)
    except ValueError:
        raise Mismatch(
            f"{of} is a list whose rows have different lengths",
            "a rectangular array",
            "Print the lengths of the rows before you return them.",
        ) from None
    if array.dtype == object and array.size and all(type(item) in {int, float} for item in array.flat):
        array = _beyond_64_bits(array, of)
    if array.dtype.kind not in "biuf":  # True is 1, as in the slope z > 0 of a ramp
        name = _name_of(value, array)
        raise Mismatch(f"{of} is {name}", "real numbers", "Return a float, a list of floats, an array or a tensor.")
    bad = int(np.size(array) - np.count_nonzero(np.isfinite(array)))
    if bad:
        none = int(np.count_nonzero(np.isnan(array)))
        kind = "NaN" if none == bad else "NaN or infinite" if none else "infinite"
        where = _first(~np.isfinite(array))
        raise Mismatch(
            f"{of} has {bad} {kind} of {array.size} entries, the first at {where}" if array.ndim else f"{of} is {kind}",
            "finite numbers",
            "Look for an overflow, a division by zero or the logarithm of a number that is not positive.",
        )
    return array.astype(np.float64)


def plain_array(value: Any) -> Array:
    """`value` as an array; a list with anything but numbers in it as one object (ValueError for a ragged one).

    numpy makes every entry of a list of texts as wide as the longest: a small answer could fill all memory.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (list, tuple)):
            waiting += item
        elif item is not value and not isinstance(item, (bool, int, float, complex, np.ndarray, np.generic)):
            array = np.empty((), dtype=object)
            array[()] = value
            return array
    return np.asarray(value)


def sized(value: Any, shape: tuple[int, ...], *, of: str = "the result") -> Array:
    """`value` as numbers in `shape`, whatever layout they came in: for laws, which compare no shapes."""
    array = as_array(value, of=of)
    if array.size != np.prod(shape, dtype=int):
        raise Mismatch(
            f"{of} has shape {array.shape}", f"shape {shape}", "Write the shape of each factor beside your formula."
        )
    return array.reshape(shape)


def _beyond_64_bits(integers: Array, of: str) -> Array:
    try:
        return integers.astype(np.float64)
    except OverflowError:
        advice = "Work with logarithms where numbers become that large."
        raise Mismatch(f"{of} has an integer beyond 1e308", "numbers that a float can hold", advice) from None


def as_float(value: Any, *, of: str = "the result") -> float:
    """The one real, finite number in `value` (any array of size one will do)."""
    array = as_array(value, of=of)
    if array.size != 1:
        raise Mismatch(f"{of} has shape {array.shape}", "a single number", "Sum or average to a scalar first.")
    return float(array.reshape(()))


def as_bool(value: Any, *, of: str = "the result") -> bool:
    """The truth value in `value`: a bool, or an array or tensor of one; never a number or a string."""
    if isinstance(value, (list, tuple)) or (array := plain_array(value)).dtype != bool or array.size != 1:
        raise Mismatch(f"{of} is {_name_of(value)}", "True or False", "Return a bool.")
    return bool(array.reshape(()))


def _agree_numbers(actual: Array, expected: Array, tolerance: Tolerance, of: str, shape: Shape) -> None:
    actual = _shaped(actual, expected, of, shape)
    scale = float(np.max(np.abs(expected), initial=0.0))
    # An expected zero has no scale of its own; then the absolute part is taken at scale one.
    allowed = tolerance.atol * (scale or 1.0) + tolerance.rtol * np.abs(expected)
    excess = np.abs(actual - expected) - allowed
    if (wrong := excess > 0).any():
        worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
        deviation = float(np.abs(actual - expected)[worst]) / (scale or 1.0)
        if wrong.size == 1:
            measured = f"{of} is off by {deviation:.3g}" + (" times its right value" if scale else "")
            limit = f"{tolerance.rtol + tolerance.atol:.3g}"
        else:
            unit = " times the largest expected magnitude" if scale else ""
            count = f"{int(wrong.sum())} of {wrong.size} entries are off; the worst is off by {deviation:.3g}{unit}"
            measured, limit = f"{count} at index {_index(worst)} of {of}", str(tolerance)
        raise Mismatch(measured, f"{limit}, because {tolerance.reason}", NEARLY if deviation < NEAR else ELSEWHERE)


def _shaped(actual: Array, expected: Array, of: str, shape: Shape) -> Array:
    if actual.shape == expected.shape:
        return actual
    single = actual.size == expected.size == 1
    vector = shape == "vector" and actual.size == expected.size and actual.size == max(actual.shape, default=1)
    if single or vector:
        return actual.reshape(expected.shape)
    transposed = " This is the transposed shape." if actual.shape == expected.shape[::-1] else ""
    raise Mismatch(
        f"{of} has shape {actual.shape}.{transposed}",
        f"shape {expected.shape}",
        "Write the shape of each factor beside your formula; a gradient has the shape of its parameter.",
    )


def _entries(actual: Any, expected: Mapping[Any, Any], of: str) -> dict[Any, Any]:
    names = ", ".join(repr(key) for key in expected)
    if not isinstance(actual, Mapping):
        raise Mismatch(f"{of} is {_name_of(actual)}", f"a dict with the keys {names}", "Return a dict with those keys.")
    missing = [key for key in expected if key not in actual]
    if missing:
        gone = ", ".join(repr(key) for key in missing)
        raise Mismatch(f"{of} has no entry {gone}", f"the keys {names}", "Look at how your keys are spelt.")
    return {key: actual[key] for key in expected}


def _members(actual: Any, count: int, of: str) -> list[Any]:
    if not isinstance(actual, (tuple, list)) or len(actual) != count:
        raise Mismatch(f"{of} is {_name_of(actual)}", f"{count} values", f"Return a tuple of {count} values.")
    return list(actual)


def _name_of(value: Any, array: Array | None = None) -> str:
    """What a value is, in the words of a student."""
    if array is not None and array.dtype.kind == "c":
        return "complex"
    if isinstance(value, (bool, np.bool_)):
        return "a bool"
    if isinstance(value, Handle):
        return f"an object of type {value.type_name}"
    if isinstance(value, (list, tuple)) and array is not None:
        return f"a {type(value).__name__} whose entries are not all real numbers"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    if isinstance(value, numbers.Number):
        return "a number"
    return "None" if value is None else f"a {type(value).__name__}"


def _first(mask: Array) -> str:
    return _index(tuple(np.argwhere(mask)[0])) if mask.ndim else "its only entry"


def _index(index: tuple[Any, ...]) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"

"""Why an answer is wrong: the one typical mistake, or else the one general slip, that gives the student's numbers."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autograder.grading import transforms
from autograder.grading.compare import plain_array
from autograder.grading.marks import Variant
from autograder.grading.student import Call

# One coincidence of all numbers on a random input is unlikely; on three it is no coincidence.
INFORMATIVE = 3
# Two programs with the same mistake differ by rounding, which a finite difference inside can raise to 1e-8; two
# mistakes of the catalogues differ by 1e-3 and more.
RTOL, ATOL = 1e-6, 1e-8
# What some dozens of operations round.
NUDGE = 64 * float(np.finfo(np.float64).eps)

# Parts of one result that are looked at: of ours none has more than a dozen, and a student's may have as many as the
# wire takes.
MOST_PARTS = 100
# Where the numbers of the arguments stand among those of the result.
ARGUMENT = "argument "
_AXIS = re.compile(r"axis \d+")

Leaves = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Cause:
    """What a student is told of a cause, and the name of the typical mistake that it is, if it is one."""

    hint: str
    mistake: str | None = None


def diagnose(calls: Iterable[Call], reference: Callable[..., Any], mistakes: Sequence[Variant]) -> Cause | None:
    """The only mistake that explains all `calls` of one function; None if there is none, or not only one.

    A mistake explains the calls if it gives the student's numbers on every one of them on which it gives the same
    whoever rounds, and other numbers than the reference on three at least.
    """
    judged = [(call, _student(call), _answer(reference, call)) for call in calls if not _is_single(call.args)]
    usable = [(call, student, right) for call, student, right in judged if student is not None and right is not None]
    found: set[Cause | None] = {
        Cause(mistake.hint, f"{mistake.function}: {mistake.name}")
        for mistake in mistakes
        if mistake.hint and _explains(usable, partial(_mistaken, mistake), mistake.code)
    }
    if not found:
        found = {None if hint is None else Cause(hint) for hint in _general(usable, reference)}
    return found.pop() if len(found) == 1 else None


Judged = list[tuple[Call, Leaves, Leaves]]


def _mistaken(mistake: Variant, call: Call, right: Leaves) -> Leaves | None:
    return _answer(mistake.code, call)


def _explains(judged: Judged, candidate: Callable[[Call, Leaves], Leaves | None], function: Callable[..., Any]) -> bool:
    """Whether `candidate`, which is worked out with `function`, gives the student's numbers."""
    informative = 0
    for call, student, right in judged:
        expected = candidate(call, right)
        if expected is None:
            return False
        if same(student, expected):
            informative += not same(expected, right)
        elif not _is_rounding(function, call):
            return False
    return informative >= INFORMATIVE


def _is_rounding(function: Callable[..., Any], call: Call) -> bool:
    """Whether `function` has other numbers here for arguments that differ by rounding.

    So it is near a singular matrix, or takes a small difference: there, two programs for one formula need not agree.
    """
    nudged = replace(call, args=_nudged(call.args), kwargs=_nudged(call.kwargs))
    here, there = _answer(function, call), _answer(function, nudged)
    return here is None or there is None or not same(here, there)


def _nudged(value: Any) -> Any:
    """The same floats up to rounding, each second one of an array as it was; zeros stay zeros."""
    match value:
        case np.ndarray() if value.dtype == np.float64:
            nudge = 1 + NUDGE * (np.arange(value.size) % 2 == 0)
            return value * nudge.reshape(value.shape)
        case float():
            return value * (1 + NUDGE)
        case tuple():
            return tuple(map(_nudged, value))
        case list():
            return list(map(_nudged, value))
        case dict():
            return {key: _nudged(item) for key, item in value.items()}
    return value


def _general(judged: Judged, reference: Callable[..., Any]) -> set[str | None]:
    """General slips; every entry of a dict or tuple is either right or has the same slip."""
    if not judged:
        return set()
    found: dict[tuple[float, ...], str | None] = {}
    answered = {id(call): student for call, student, _ in judged}
    for words, _ in _transforms(reference, judged[0][0]):

        def candidate(call: Call, right: Leaves, words: str = words) -> Leaves | None:
            slip = dict(_transforms(reference, call)).get(words)
            if slip is None:
                return None
            student = answered[id(call)]
            wrong = {key: value if key.startswith(ARGUMENT) else slip(value) for key, value in right.items()}
            kept = {key for key, value in right.items() if key in student and _close(student[key], value)}
            return {key: right[key] if key in kept else value for key, value in wrong.items()}

        if _explains(judged, candidate, reference):
            # Two arguments that share a dimension give the same factor, and are one finding.
            trace = tuple(float(np.sum(v)) for c, _, r in judged for v in (candidate(c, r) or {}).values())
            if _AXIS.sub("", words) == _AXIS.sub("", found.setdefault(trace, words) or "") and words != found[trace]:
                found[trace] = None  # two axes of one argument that are always equally long: nobody knows which
    return set(found.values())


def _transforms(reference: Callable[..., Any], call: Call) -> Iterator[tuple[str, transforms.Transform]]:
    yield from transforms.fixed()
    yield from transforms.sized(reference, call.args)


def _student(call: Call) -> Leaves | None:
    return _with_inputs(call.result, call.inputs_after)


def _answer(function: Callable[..., Any], call: Call) -> Leaves | None:
    """What `function` makes of the same arguments; None if it raises, since then it gives no numbers."""
    args = copy.deepcopy(call.args)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = function(*args, **copy.deepcopy(call.kwargs))
    except Exception:
        return None
    return _with_inputs(result, args)


def _with_inputs(result: Any, args: tuple[Any, ...]) -> Leaves | None:
    """The numbers of a result, and of the arguments after the call: to change them is a mistake of its own."""
    leaves = numbers(result)
    if leaves is None:
        return None
    inputs = {f"{ARGUMENT}{index}": numbers(value) for index, value in enumerate(args)}
    changed = {f"{place}.{key}": leaf for place, inner in inputs.items() for key, leaf in (inner or {}).items()}
    return leaves | changed


def numbers(value: Any) -> Leaves | None:
    """The numbers in `value` by their place in it, vectors flat; None if there is anything else in it, or too much."""
    if isinstance(value, Mapping):
        members = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, tuple):
        members = [(str(index), item) for index, item in enumerate(value)]
    else:
        return _leaf(value)
    leaves: Leaves = {}
    for key, item in members:
        inner = numbers(item)
        if inner is None or len(leaves) + len(inner) > MOST_PARTS:
            return None
        leaves |= {f"{key}.{name}": leaf for name, leaf in inner.items()}
    return leaves


def _leaf(value: Any) -> Leaves | None:
    try:
        array = plain_array(value)
    except ValueError:
        return None
    if array.dtype.kind not in "biuf":
        return None
    is_vector = array.size == max(array.shape, default=1)
    return {"": array.astype(np.float64).ravel() if is_vector else array.astype(np.float64)}


def same(left: Leaves, right: Leaves) -> bool:
    """Whether two answers have the same numbers at the same places, up to rounding."""
    return left.keys() == right.keys() and all(_close(left[key], right[key]) for key in left)


def _close(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.shape != right.shape:
        return False
    finite = np.isfinite(right)
    scale = float(np.max(np.abs(right[finite]), initial=0.0))
    return np.allclose(left, right, rtol=RTOL, atol=ATOL * scale, equal_nan=True)


def _is_single(args: tuple[Any, ...]) -> bool:
    """Single precision rounds at 1e-7, where mistakes could no longer be told by their numbers."""
    return any(isinstance(value, np.ndarray) and value.dtype == np.float32 for value in args)

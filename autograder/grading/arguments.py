"""What a call must leave alone: the arguments of who called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.grading.compare import plain_array
from autograder.grading.failure import check


def untouched(function: Callable[..., Any], before: Sequence[Any], after: Sequence[Any]) -> None:
    """Raise Mismatch if a call has changed an argument.

    `function` is the reference's, whose parameters have the names; `before` and `after` are what was given to the call
    and what it left of that. Functions among them are not looked at.
    """
    pairs = zip(before, after, strict=True)
    named = zip(inspect.signature(function).parameters, pairs, strict=False)
    changed = [name for name, (old, new) in named if not same_values(old, new)]
    check(
        not changed,
        measured=f"after the call {' and '.join(changed)} had other values than before",
        allowed="arguments that stay as they were",
        next_step="Operators such as -= and indexed assignments write into the caller's array: make a new one.",
    )


def same_values(before: Any, after: Any) -> bool:
    """Whether what came back as an argument has the shapes and the numbers that went in."""
    if isinstance(before, Mapping):
        alike = isinstance(after, Mapping) and before.keys() == after.keys()
        return alike and all(same_values(value, after[name]) for name, value in before.items())
    if callable(before):
        return True
    try:
        return bool(np.array_equal(plain_array(before), plain_array(after)))
    except ValueError:
        return False

"""A law between results of the student's own: two sides that must agree, where neither is the reference's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from autograder.grading.failure import check
from autograder.grading.tolerance import ALGEBRA, Tolerance


def check_law(left: ArrayLike, right: ArrayLike, law: str, next_step: str, tolerance: Tolerance = ALGEBRA) -> None:
    """Raise Mismatch unless |left - right| <= rtol * max(|left|, |right|), the largest entry of either side."""
    left, right = np.broadcast_arrays(np.asarray(left, dtype=float), np.asarray(right, dtype=float))
    scale = float(max(np.max(np.abs(left)), np.max(np.abs(right)))) or 1.0
    apart = np.abs(left - right) / scale
    worst = tuple(map(int, np.unravel_index(int(np.argmax(apart)), apart.shape)))
    place = f" at index {list(worst)}" if apart.size > 1 else ""
    check(
        apart[worst] <= tolerance.rtol,
        measured=f"the two sides of {law} differ by {apart[worst]:.3g} of the larger one{place}",
        allowed=f"{tolerance.rtol:.3g} of it",
        next_step=next_step,
    )

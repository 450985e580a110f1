"""What a failed test shows where a picture says more than a number: a curve or a histogram, and where it should lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A point of a right answer is outside of a band this wide, in standard errors, once in 370.
WIDTH = 3.0


@dataclass(frozen=True)
class Picture:
    """Values `found` at places `at` along an axis, and the band from `low` to `high`, in which a right answer's lie.

    Only for what the statement itself tells: the band gives the right values away.
    """

    title: str
    axis: str
    value: str
    at: tuple[float, ...]
    found: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def outside(self) -> int:
        """How many of the values lie outside of the band."""
        return sum(not low <= value <= high for value, low, high in zip(self.found, self.low, self.high, strict=True))


def picture_of(data: dict[str, Any]) -> Picture:
    """The picture that `dataclasses.asdict` made plain data of."""
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return Picture(**fields)


def histogram(
    title: str, axis: str, sample: NDArray[Any], edges: NDArray[Any], cumulative: Callable[[NDArray[Any]], NDArray[Any]]
) -> Picture:
    """The density of `sample` (n,) in bins between `edges`, against the law with that `cumulative` distribution."""
    share = np.diff(cumulative(edges))
    counts, _ = np.histogram(sample, edges)
    return _shares(title, axis, "density", (edges[1:] + edges[:-1]) / 2, counts, share, len(sample), np.diff(edges))


def coverage(title: str, axis: str, levels: NDArray[Any], hits: NDArray[Any], n: int) -> Picture:
    """How many of n independent events `hits` happened, where each of `levels` is the probability that one does."""
    return _shares(title, axis, "fraction found", levels, hits, levels, n, np.ones(len(levels)))


def _shares(
    title: str,
    axis: str,
    value: str,
    at: NDArray[Any],
    counts: NDArray[Any],
    share: NDArray[Any],
    n: int,
    unit: NDArray[Any],
) -> Picture:
    """Counts of n throws by binomial laws, each divided by n and by its `unit`."""
    error = WIDTH * np.sqrt(share * (1 - share) / n)
    rows = at, counts / n / unit, np.maximum(share - error, 0.0) / unit, (share + error) / unit
    return Picture(title, axis, value, *(tuple(float(f"{number:.4g}") for number in row) for row in rows))

"""Pictures of failed tests: what they count, and that a record keeps them."""

from __future__ import annotations

import json
import re
from statistics import NormalDist

import numpy as np

from autograder.gradebook.drawing import drawn
from autograder.grading import record
from autograder.grading.picture import coverage, histogram

NORMAL = np.vectorize(NormalDist().cdf)
EDGES = np.linspace(-3, 3, 31)


def test_a_right_sample_lies_in_the_band_and_a_wide_one_does_not() -> None:
    sample = np.random.default_rng(1).normal(size=4000)
    # 30 points, each outside once in 370.
    assert histogram("x", "x", sample, EDGES, NORMAL).outside <= 1
    assert histogram("x", "x", 1.3 * sample, EDGES, NORMAL).outside >= 10


def test_a_histogram_is_a_density() -> None:
    sample = np.random.default_rng(1).normal(size=4000)
    picture = histogram("x", "x", sample, EDGES, NORMAL)
    assert np.isclose(sum(picture.found) * 0.2, np.mean(np.abs(sample) < 3), rtol=1e-3)
    middle = (np.array(picture.low) + picture.high) / 2
    assert np.allclose(middle[10:20], [NormalDist().pdf(x) for x in picture.at[10:20]], rtol=0.01)


def test_fractions_have_the_errors_of_throws() -> None:
    picture = coverage("hits", "probability", np.array([0.5, 0.9]), np.array([250, 360]), 400)
    assert picture.found == (0.625, 0.9)
    assert np.allclose(picture.low, [0.5 - 3 * 0.025, 0.9 - 3 * 0.015])
    assert picture.outside == 1


def test_a_record_keeps_what_a_test_shows() -> None:
    picture = coverage("hits", "probability", np.array([0.5]), np.array([250]), 400)
    test = record.TestResult("test_it", "failed", 0, 1, "Tested: it", None, None, (picture,))
    part = record.PartResult("part", "A part", 0, 1, (test,))
    kept = record.Record("set/problem", "none", 0, 1, 0.1, (part,), ())
    assert record.from_dict(json.loads(kept.to_json())) == kept


def test_what_is_drawn_is_also_said_and_is_the_same_each_time() -> None:
    picture = coverage("<hits>", "probability", np.array([0.5, 0.9]), np.array([250, 360]), 400)
    words = "&lt;hits&gt;: 1 of 2 points lie outside of the band of right answers."
    assert re.search(r'alt="(.*?)"', drawn(picture)).group(1) == words  # type: ignore[union-attr]
    assert drawn(picture) == drawn(picture)

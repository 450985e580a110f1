"""The graders of ps05_linear_regression/bayesian_regression: their statistics, and what a bad answer is told."""

from __future__ import annotations

import importlib
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest

from autograder.audit.variants import Edit, solved
from autograder.course import find
from autograder.grading import Mismatch
from autograder.grading.marks import parts_of
from autograder.grading.run import grade
from autograder.sandbox import Sandbox
from solutions.ps05_linear_regression import bayesian_regression as reference

PROBLEM = find("ps05_linear_regression/bayesian_regression")
GRADERS = "autograder.graders.ps05_linear_regression.bayesian_regression"
# Graders have no types, for they call a student's functions.
calibration: Any = importlib.import_module(f"{GRADERS}.calibration")
measure: Any = importlib.import_module(f"{GRADERS}.measure")
inputs: Any = importlib.import_module(f"{GRADERS}.inputs")
cases: Any = importlib.import_module(f"{GRADERS}.cases")

# What a student's `posterior` may return instead, and words of the message that says what it was.
START = "def posterior(X, y, sigma, m0, S0):\n    p = len(m0)\n    S = np.eye(p)\n"
POSTERIORS = {
    "not symmetric": ("    S[0, -1] += 1\n    return m0, S", "not symmetric"),
    "None": ("    return None", "not a tuple of two"),
    "only the mean": ("    return m0", "not a tuple of two"),
    "a diagonal": ("    return m0, np.ones(p + 1)", "shape"),
    "NaN": ("    return m0 * np.nan, S * np.nan", "NaN"),
    "infinite": ("    return m0 + np.inf, S + np.inf", "infinite"),
    "complex": ("    return m0 + 1j, S + 1j", "complex"),
    "text": ("    return 'm', 'S'", "str"),
    "singular": ("    return np.linalg.solve(np.zeros((2, 2)), np.ones(2)), S", "LinAlgError: Singular matrix"),
    "never ends": ("    while True:\n        pass", "did not return within"),
}


@pytest.mark.level1
@pytest.mark.parametrize("what", POSTERIORS)
def test_a_bad_posterior_costs_its_own_part_and_says_why(what: str, impatient: Sandbox) -> None:
    body, words = POSTERIORS[what]
    graded = grade(PROBLEM, solved(PROBLEM, Edit("posterior", START + body)), impatient)
    assert graded.faults == []
    lost = {part.id: part for part in graded.record.parts if part.score < part.max_score}
    # Two tests of part c are about the student's own chain, on purpose.
    assert set(lost) <= {"posterior", "predict"}
    assert lost["posterior"].score == 0
    assert lost["predict"].score == 2.5 if "predict" in lost else True
    assert any(words in test.message for test in lost["posterior"].tests), lost["posterior"].tests[1].message


@pytest.mark.level1
def test_the_square_of_many_points_has_no_room_and_the_message_says_so(impatient: Sandbox) -> None:
    code = "def predict(Xs, m, S, sigma_s):\n    return Xs @ m, np.diag(Xs @ S @ Xs.T) + sigma_s**2"
    part = next(part for part in parts_of(PROBLEM.test_module) if part.id == "predict")
    graded = grade(PROBLEM, solved(PROBLEM, Edit("predict", code)), impatient, 0, part)
    assert graded.faults == []
    lost = {test.name: test.message for test in graded.record.part("predict").tests if test.outcome != "passed"}
    assert set(lost) == {"test_all_kinds"}
    assert "array with shape (20000, 20000)" in lost["test_all_kinds"]


def test_two_vectors_may_be_the_rows_of_an_array() -> None:
    mean, var = cases.rows(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert (mean.tolist(), var.tolist()) == ([1, 2, 3], [4, 5, 6])
    for refused in (np.zeros((3, 2)), np.zeros(2), np.zeros(0)):
        with pytest.raises(Mismatch):
            cases.rows(refused)
    for empty in (np.zeros(0).tolist(), np.zeros((0, 1)), np.zeros((1, 0))):
        assert cases.as_vector(empty, 0).shape == (0,)


def test_accurate_points_show_a_system_of_the_size_of_the_parameters() -> None:
    X, _, sigma, _, S0 = args = inputs.accurate(np.random.default_rng(0), 3, 60)
    _, right = reference.posterior(*args)
    _, dual = reference.posterior_dual(*args)
    primal = np.linalg.solve(np.eye(60) + S0 @ (X.T / sigma**2) @ X, S0)
    assert np.abs(dual - right).max() < 1e-12
    assert np.abs(primal - right).max() > 0.01


def test_a_covariance_may_be_asymmetric_by_rounding_alone() -> None:
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    rounded = S + np.array([[0, 1e-15], [0, 0]])
    cases.agree_covariance((np.zeros(2), rounded), (np.zeros(2), S))
    with pytest.raises(Mismatch) as caught:
        cases.agree_covariance((np.zeros(2), S + np.array([[0, 1e-6], [0, 0]])), (np.zeros(2), S))
    assert "not symmetric" in caught.value.measured


def test_the_bounds_are_those_of_the_binomial_law() -> None:
    """In exact arithmetic: at most 5e-4 on each side, and the narrowest such bounds."""
    sets = calibration.SETS
    chance = [Fraction(comb(sets, k) * 9**k, 10**sets) for k in range(sets + 1)]
    side = Fraction(5, 10_000)
    lowest, highest = calibration.LOWEST, calibration.HIGHEST
    assert sum(chance[:lowest]) <= side < sum(chance[: lowest + 1])
    assert sum(chance[highest + 1 :]) <= side < sum(chance[highest:])
    nominal = sum(chance[:lowest]) + sum(chance[highest + 1 :])
    assert measure.false_fail() == pytest.approx(float(nominal), rel=1e-9)
    assert nominal**calibration.SEEDS < Fraction(1, 10**9)


def test_the_reference_is_calibrated_and_sharp() -> None:
    calibration.check_calibrated(measure.many_predictions(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("function", "name"),
    [("predict", "without_noise"), ("predict", "noise_twice"), ("posterior", "prior_mean_ignored")],
)
def test_dishonest_errors_are_found(function: str, name: str) -> None:
    predictions = measure.many_predictions(**{function: getattr(PROBLEM.catalogue("mistakes"), name)})
    with pytest.raises(Mismatch) as caught:
        calibration.check_calibrated(predictions, np.random.default_rng(0))
    assert "90 % intervals" in caught.value.measured
    [picture] = caught.value.pictures
    assert picture.outside > 3


def test_the_prior_alone_is_honest_and_not_enough() -> None:
    predictions = measure.many_predictions(posterior=lambda X, y, sigma, m0, S0: (m0, S0))
    with pytest.raises(Mismatch) as caught:
        calibration.check_calibrated(predictions, np.random.default_rng(0))
    assert "of what the prior alone leaves" in caught.value.measured

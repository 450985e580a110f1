"""The reference of ps05_linear_regression/bayesian_regression against independent mathematics."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.graders.ps05_linear_regression.bayesian_regression.inputs import (
    Array,
    Data,
    draw,
    edges,
    with_condition,
)
from solutions.ps05_linear_regression.bayesian_regression import (
    best_degree,
    coverage,
    evidence_by_degree,
    log_evidence,
    map_is_ridge,
    posterior,
    posterior_dual,
    predict,
    update,
)

# Its methods have no types.
distributions: Any = torch.distributions
SIZES = [(7, 3), (5, 2), (9, 4), (4, 1), (3, 5), (1, 3), (0, 2), (40, 6)]


def data(n: int, p: int, seed: int = 0) -> Data:
    X, y, sigma, m0, S0 = draw(np.random.default_rng([seed, n, p]), n, p)
    return X, y, sigma, m0, S0


def solved(A: list[list[Fraction]], B: list[list[Fraction]]) -> tuple[list[list[Fraction]], Fraction]:
    """A⁻¹B and det A for a positive definite A, by Gauss and Jordan: exact, so the pivots need no order."""
    rows = [[*left, *right] for left, right in zip(A, B, strict=True)]
    det = Fraction(1)
    for i, row in enumerate(rows):
        pivot = row[i]
        det *= pivot
        row[:] = [value / pivot for value in row]
        for other in rows[:i] + rows[i + 1 :]:
            factor = other[i]
            other[:] = [value - factor * mine for value, mine in zip(other, row, strict=True)]
    return [row[len(A) :] for row in rows], det


def fractions(matrix: Array) -> list[list[Fraction]]:
    return [[Fraction(float(value)) for value in row] for row in matrix]


def exact_posterior(X: Array, y: Array, sigma: Array, m0: Array, S0: Array) -> tuple[Array, Array, float]:
    """m, S and log p(y) from the textbook formulas with inverses, in rational numbers: a float is one."""
    n, p = X.shape
    rows, weights = fractions(X), [1 / Fraction(float(s)) ** 2 for s in sigma]
    one = [[Fraction(int(i == j)) for j in range(p)] for i in range(p)]
    prior, det_prior = solved(fractions(S0), one)
    residual = [Fraction(float(y[k])) - sum(rows[k][i] * Fraction(float(m0[i])) for i in range(p)) for k in range(n)]
    precision = [
        [prior[i][j] + sum(weights[k] * rows[k][i] * rows[k][j] for k in range(n)) for j in range(p)] for i in range(p)
    ]
    pull = [sum((weights[k] * rows[k][i] * residual[k] for k in range(n)), Fraction(0)) for i in range(p)]
    S, det = solved(precision, one)
    shift = [sum(S[i][j] * pull[j] for j in range(p)) for i in range(p)]
    square = sum(w * r * r for w, r in zip(weights, residual, strict=True)) - sum(map(operator.mul, shift, pull))
    volume = det * det_prior / math.prod(weights)
    log_p = -0.5 * (
        n * math.log(2 * math.pi) + math.log(volume.numerator) - math.log(volume.denominator) + float(square)
    )
    return m0 + np.array([float(value) for value in shift]), np.array([[float(v) for v in row] for row in S]), log_p


@pytest.mark.parametrize(("n", "p"), [(7, 3), (5, 2), (4, 1), (3, 5), (1, 3)])
def test_rational_numbers(n: int, p: int) -> None:
    args = data(n, p)
    m, S, log_p = exact_posterior(*args)
    for function in (posterior, posterior_dual):
        mine, cov = function(*args)
        np.testing.assert_allclose(mine, m, rtol=1e-12)
        np.testing.assert_allclose(cov, S, rtol=1e-12, atol=1e-14)
    assert log_evidence(*args) == pytest.approx(log_p, rel=1e-13)


def test_nearly_collinear_columns_cost_no_digits_that_the_prior_can_save() -> None:
    rng = np.random.default_rng(1)
    _, y, sigma, m0, S0 = draw(rng, 9, 4)
    args = with_condition(rng, 9, 4, 1e5), y, sigma, m0, S0
    m, S, log_p = exact_posterior(*args)
    mine, cov = posterior(*args)
    np.testing.assert_allclose(mine, m, rtol=1e-11)
    np.testing.assert_allclose(cov, S, rtol=1e-11, atol=1e-13)
    assert log_evidence(*args) == pytest.approx(log_p, rel=1e-13)


def test_a_broad_prior_with_nearly_collinear_columns_keeps_the_digits_that_qr_keeps() -> None:
    rng = np.random.default_rng(2)
    _, y, sigma, m0, _ = draw(rng, 9, 3)
    args = with_condition(rng, 9, 3, 1e5), y, sigma, m0, 1e12 * np.eye(3)
    m, S, _ = exact_posterior(*args)
    mine, cov = posterior(*args)
    # The normal equations lose κ² = 1e10 here, and keep six digits.
    np.testing.assert_allclose(mine, m, rtol=1e-9)
    np.testing.assert_allclose(cov, S, rtol=1e-9, atol=1e-9 * np.abs(S).max())


@pytest.mark.parametrize(("n", "p"), SIZES)
def test_autograd_finds_the_peak_and_its_curvature(n: int, p: int) -> None:
    X, y, sigma, m0, S0 = (torch.tensor(value) for value in data(n, p))

    def log_joint(beta: torch.Tensor) -> Any:
        prior = distributions.MultivariateNormal(m0, S0).log_prob(beta)
        return prior + (distributions.Normal(X @ beta, sigma).log_prob(y).sum() if n else 0.0)

    m, S = posterior(*data(n, p))
    at = torch.tensor(m, requires_grad=True)
    (slope,) = torch.autograd.grad(log_joint(at), at)
    hessian = torch.autograd.functional.hessian(log_joint, torch.tensor(m))  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(slope.numpy(), 0, atol=1e-10)
    np.testing.assert_allclose(-hessian.numpy() @ S, np.eye(p), atol=1e-11)


@pytest.mark.parametrize(("n", "p"), [(7, 3), (3, 5), (1, 2)])
def test_the_evidence_is_the_density_that_torch_has(n: int, p: int) -> None:
    X, y, sigma, m0, S0 = (torch.tensor(value) for value in data(n, p))
    C = torch.diag(sigma**2) + X @ S0 @ X.T
    expected = distributions.MultivariateNormal(X @ m0, (C + C.T) / 2).log_prob(y)
    assert log_evidence(*data(n, p)) == pytest.approx(float(expected), rel=1e-12)


def test_the_evidence_is_the_integral_over_two_parameters() -> None:
    X, y, sigma, m0, S0 = data(3, 2)
    precision = np.linalg.inv(S0)
    constant = 1 / (2 * np.pi * np.sqrt(np.linalg.det(S0))) / np.prod(np.sqrt(2 * np.pi) * sigma)

    def density(a: float, b: float) -> float:
        d = np.array([a - m0[0], b - m0[1]])
        r = (y - X @ np.array([a, b])) / sigma
        return float(np.exp(-0.5 * (d @ precision @ d + r @ r)))

    m, S = posterior(X, y, sigma, m0, S0)
    # The trapezoidal rule converges exponentially on a Gaussian; ±9 standard deviations, 90 points each way.
    sides = [centre + np.linspace(-9, 9, 90) * np.sqrt(width) for centre, width in zip(m, np.diag(S), strict=True)]
    cell = (sides[0][1] - sides[0][0]) * (sides[1][1] - sides[1][0])
    total = sum(density(float(a), float(b)) for a in sides[0] for b in sides[1]) * cell * constant
    assert log_evidence(X, y, sigma, m0, S0) == pytest.approx(math.log(total), rel=1e-10)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(0, 6), p=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_point_by_point_is_all_at_once_and_its_forecasts_sum_up_to_the_evidence(n: int, p: int, seed: int) -> None:
    X, y, sigma, m0, S0 = data(n, p, seed)
    m, S, total = m0, S0, 0.0
    for i in np.random.default_rng(seed).permutation(n):
        mean, var = predict(X[i : i + 1], m, S, sigma[i : i + 1])
        total -= float(0.5 * (np.log(2 * np.pi * var[0]) + (y[i] - mean[0]) ** 2 / var[0]))
        m, S = update(m, S, X[i], float(y[i]), float(sigma[i]))
    for function in (posterior, posterior_dual):
        batch = function(X, y, sigma, m0, S0)
        np.testing.assert_allclose(m, batch[0], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(S, batch[1], rtol=1e-9, atol=1e-10)
    assert log_evidence(X, y, sigma, m0, S0) == pytest.approx(total, rel=1e-10, abs=1e-10)


def test_edges() -> None:
    for args in edges(np.random.default_rng(3)).values():
        for mine, dual in zip(posterior(*args), posterior_dual(*args), strict=True):
            np.testing.assert_allclose(mine, dual, rtol=1e-11, atol=1e-12)
    X, y, sigma, m0, S0 = data(0, 3)
    np.testing.assert_allclose(posterior(X, y, sigma, m0, S0)[0], m0)
    np.testing.assert_allclose(posterior(X, y, sigma, m0, S0)[1], S0, rtol=1e-14)
    assert log_evidence(X, y, sigma, m0, S0) == 0


def test_a_broad_prior_gives_the_weighted_fit() -> None:
    X, y, sigma, m0, _ = data(9, 3)
    m, S = posterior(X, y, sigma, m0, 1e12 * np.eye(3))
    weighted = X / sigma[:, None]
    np.testing.assert_allclose(m, np.linalg.lstsq(weighted, y / sigma, rcond=None)[0], rtol=1e-10)
    np.testing.assert_allclose(S, np.linalg.inv(weighted.T @ weighted), rtol=1e-10)


def test_units_shift_the_evidence_where_determinants_are_no_floats() -> None:
    X, y, sigma, m0, S0 = data(90, 4)
    plain = log_evidence(X, y, sigma, m0, S0)
    for c in (1e-9, 1e9):
        assert log_evidence(X, c * y, c * sigma, c * m0, c * c * S0) == pytest.approx(plain - 90 * np.log(c), rel=1e-12)


def test_the_covariance_is_symmetric_to_the_bit_and_positive() -> None:
    for n, p in SIZES:
        S = posterior(*data(n, p))[1]
        assert np.array_equal(S, S.T)
        assert np.linalg.eigvalsh(S)[0] > 0


def test_update_needs_no_inverse_and_keeps_what_is_known() -> None:
    S = np.array([[1.0, 0.0], [0.0, 0.0]])
    m, new = update(np.array([1.0, 2.0]), S, np.array([1.0, 1.0]), 4.0, 1.0)
    np.testing.assert_allclose(m, [1.5, 2.0])
    np.testing.assert_allclose(new, [[0.5, 0.0], [0.0, 0.0]])


def test_predictions_by_simulation_of_their_own_definition() -> None:
    """Moments of x·β + ε over the 2p + 1 sigma points, which are exact for a linear function."""
    rng = np.random.default_rng(4)
    Xs, m, sigma_s = rng.normal(size=(5, 3)), rng.normal(size=3), rng.uniform(0.2, 1.0, size=5)
    S = data(4, 3)[4]
    root = np.linalg.cholesky(S)
    cloud = np.vstack([m + np.sqrt(3) * root.T, m - np.sqrt(3) * root.T])
    heights = cloud @ Xs.T
    mean, var = predict(Xs, m, S, sigma_s)
    np.testing.assert_allclose(mean, heights.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(var, heights.var(axis=0) + sigma_s**2, rtol=1e-12)


def test_evidence_by_degree_through_the_covariance_function() -> None:
    rng = np.random.default_rng(5)
    x, y, sigma = rng.uniform(-1.5, 1.5, size=8), rng.normal(size=8), rng.uniform(0.2, 1.0, size=8)
    values = evidence_by_degree(x, y, sigma, [4, 0, 9], 1.3)
    for degree, value in zip([4, 0, 9], values, strict=True):
        C = np.diag(sigma**2) + 1.3**2 * sum(np.outer(x, x) ** k for k in range(degree + 1))
        expected = distributions.MultivariateNormal(torch.zeros(8).double(), torch.tensor(C)).log_prob(torch.tensor(y))
        assert value == pytest.approx(float(expected), rel=1e-11)


def test_best_degree() -> None:
    assert best_degree([4, 1, 3], np.array([-12.0, -14.0, -11.5])) == 3
    assert best_degree([7, 4, 2, 5], np.array([-31.5, -30.0, -35.0, -30.0])) == 4
    assert best_degree([5, 2], np.array([-250001.0, -250000.0])) == 2


@pytest.mark.parametrize(("n", "p"), [(7, 3), (3, 5)])
def test_ridge_is_the_posterior_and_its_slope_vanishes(n: int, p: int) -> None:
    X, y, *_ = data(n, p)
    theta, alpha = map_is_ridge(X, y, 0.25, 3.0)
    assert alpha == 0.75
    prior = posterior(X, y, np.full(n, 0.5), np.zeros(p), np.eye(p) / 3)
    np.testing.assert_allclose(theta, prior[0], rtol=1e-11)
    np.testing.assert_allclose(X.T @ (y - X @ theta) / 0.25 - 3.0 * theta, 0, atol=1e-12)


@pytest.mark.parametrize("level", [0.01, 0.3, 0.5, 0.68, 0.9, 0.999])
def test_coverage_by_the_quantile(level: float) -> None:
    rng = np.random.default_rng(6)
    mean, var = rng.normal(size=500), rng.uniform(0.2, 3.0, size=500)
    y = mean + rng.normal(size=500) * np.sqrt(var)
    z = NormalDist().inv_cdf((1 + level) / 2)
    assert coverage(mean, var, y, level) == np.mean(np.abs(y - mean) <= z * np.sqrt(var))

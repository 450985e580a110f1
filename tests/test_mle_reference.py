"""The reference of "Maximum likelihood, line by line" by independent means, and the claims that its statement makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from statements import names_after, road_map

from autograder.course import find
from autograder.graders.ps04_statistics.mle.cases import CIRCLES
from autograder.grading.marks import parts_of, variants_of
from solutions.ps04_statistics import mle as ref

Array = NDArray[np.float64]
PROBLEM = find("ps04_statistics/mle")


def derivatives(f: Callable[[torch.Tensor], torch.Tensor], point: Any) -> tuple[float, Array, Array]:
    """The value, the gradient and the Hessian of f, by torch's automatic differentiation."""
    x = torch.tensor(point, dtype=torch.float64)
    gradient = torch.autograd.functional.jacobian(f, x)  # type: ignore[no-untyped-call]
    hessian = torch.autograd.functional.hessian(f, x)  # type: ignore[no-untyped-call]
    return float(f(x)), gradient.numpy(), hessian.numpy()


def line(seed: int, n: int = 7, p: int = 2) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=p), rng.normal(size=(n, p)), rng.normal(size=n), rng.uniform(0.2, 2, size=n)


class TestLine:
    @pytest.mark.parametrize(("n", "p"), [(7, 2), (4, 1), (9, 3)])
    def test_equals_the_normal_density_and_its_derivatives(self, n: int, p: int) -> None:
        beta, X, y, sigma = line(n, n, p)

        def loglik(b: torch.Tensor) -> torch.Tensor:
            normal = torch.distributions.Normal(torch.tensor(X) @ b, torch.tensor(sigma))
            total: torch.Tensor = normal.log_prob(torch.tensor(y)).sum()  # type: ignore[no-untyped-call]
            return total

        value, gradient, hessian = derivatives(loglik, beta)
        assert ref.line_loglik(beta, X, y, sigma) == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(ref.line_score(beta, X, y, sigma), gradient, rtol=1e-11)
        np.testing.assert_allclose(ref.line_fisher(X, sigma), -hessian, rtol=1e-11)
        np.testing.assert_allclose(ref.line_cov(X, sigma) @ -hessian, np.eye(p), atol=1e-12)
        assert np.max(np.abs(ref.line_score(ref.line_mle(X, y, sigma), X, y, sigma))) < 1e-12

    def test_exact_arithmetic_over_six_decades(self) -> None:
        """Normal equations in rational numbers, with errors from 1e-3 to 1e3."""
        sigma = np.array([1e-3, 1e3, 1e-1, 1e1, 1e-2, 1e2])
        x, y = np.array([1.0, 5.0, 2.0, 4.0, 3.0, 6.0]), np.array([1.0, -7.0, 3.5, 2.0, 2.25, 9.0])
        w = [1 / Fraction(float(s)) ** 2 for s in sigma]
        points = list(zip(w, map(Fraction, x.tolist()), map(Fraction, y.tolist()), strict=True))
        s0, s1, s2 = (sum(a * b**k for a, b, _ in points) for k in range(3))
        t0, t1 = (sum(a * b**k * c for a, b, c in points) for k in range(2))
        det = s0 * s2 - s1**2
        exact = [float((s2 * t0 - s1 * t1) / det), float((s0 * t1 - s1 * t0) / det)]
        X = np.column_stack([np.ones(6), x])
        np.testing.assert_allclose(ref.line_mle(X, y, sigma), exact, rtol=1e-12)
        cov = [[float(s2 / det), float(-s1 / det)], [float(-s1 / det), float(s0 / det)]]
        np.testing.assert_allclose(ref.line_cov(X, sigma), cov, rtol=1e-12)

    def test_a_zero_column_is_an_error(self) -> None:
        X, y, sigma = np.zeros((3, 1)), np.ones(3), np.ones(3)
        with pytest.raises(np.linalg.LinAlgError):
            ref.line_mle(X, y, sigma)
        with pytest.raises(np.linalg.LinAlgError):
            ref.line_cov(X, sigma)


def window_loglik(n: int, sum_t: float, m: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tau: -n * torch.log(tau) - sum_t / tau - n * torch.log(-torch.expm1(-m / tau))


class TestLife:
    @pytest.mark.parametrize("r", [0.06, 0.2, 1.0, 1.8, 10.0, 50.0])
    def test_score_and_information_by_quadrature(self, r: float) -> None:
        tau, m = 1.7, 1.7 * r
        x, weight = np.polynomial.legendre.leggauss(120)
        t, weight = m * (x + 1) / 2, m * weight / 2
        density = np.array([math.exp(ref.life_loglik_suff(tau, 1, s, m)) for s in t])
        score = np.array([ref.life_score_suff(tau, 1, s, m) for s in t])
        information = ref.life_fisher_per_event(tau, m)
        assert weight @ density == pytest.approx(1, rel=1e-12)
        assert weight @ (density * score) == pytest.approx(0, abs=1e-11 * math.sqrt(information))
        assert weight @ (density * score**2) == pytest.approx(information, rel=1e-9)

    @pytest.mark.parametrize("r", [0.3, 1.8, 20.0])
    def test_derivatives_by_autograd(self, r: float) -> None:
        tau, n, sum_t, m = 2.0, 7, 4.5, 2.0 * r
        value, slope, _ = derivatives(window_loglik(n, sum_t, m), tau)
        assert ref.life_loglik_suff(tau, n, sum_t, m) == pytest.approx(value, rel=1e-13)
        assert ref.life_score_suff(tau, n, sum_t, m) == pytest.approx(float(slope), rel=1e-10)

    @pytest.mark.parametrize(("function", "border"), [("score", 0.05), ("information", 0.1)])
    def test_series_and_closed_form_meet(self, function: str, border: float) -> None:
        values = []
        for r in (border * (1 - 1e-12), border * (1 + 1e-12)):
            both = {
                "score": ref.life_score_suff(1 / r, 1, 0.8, 1.0),
                "information": ref.life_fisher_per_event(1 / r, 1.0),
            }
            values.append(both[function])
        assert values[0] == pytest.approx(values[1], rel=1e-10)

    def test_limits(self) -> None:
        """Warnings are errors here: nothing overflows on the way."""
        for r in (715.0, 2000.0, 1e6):
            assert ref.life_fisher_per_event(2.0, 2.0 * r) == pytest.approx(0.25, rel=1e-15)
            assert ref.life_score_suff(2.0, 3, 9.0, 2.0 * r) == pytest.approx((9 - 3 * 2) / 4, rel=1e-15)
        # τ → ∞: ℐ₁ = m²/(12 τ⁴), and for a mean of m/2 the score is n m²/(12 τ³).
        assert ref.life_fisher_per_event(1e8, 4.0) == pytest.approx(16 / 12 * 1e-32, rel=1e-12)
        assert ref.life_score_suff(1e4, 3, 6.0, 4.0) == pytest.approx(3 * 16 / 12 * 1e-12, rel=1e-6)

    def test_figures_of_the_statement(self) -> None:
        assert ref.life_fisher_per_event(2.2, 4.0) == pytest.approx(0.0486151, abs=5e-8)
        assert 2.2 - 4.0 / math.expm1(4.0 / 2.2) == pytest.approx(1.425, abs=1e-3)

    @pytest.mark.parametrize("q", [1e-3, 0.05, 0.2, 0.35, 0.45, 0.499, 0.4999])
    def test_estimate_solves_the_equation(self, q: float) -> None:
        tau = ref.life_mle(np.array([3.0 * q]), 3.0)
        spread = 1 / math.sqrt(ref.life_fisher_per_event(tau, 3.0))
        assert abs(ref.life_score_suff(tau, 1, 3.0 * q, 3.0)) * spread < 1e-9
        curve = [ref.life_loglik_suff(tau * c, 1, 3.0 * q, 3.0) for c in (0.8, 1.0, 1.2)]
        assert curve[1] > max(curve[0], curve[2])

    def test_no_maximum(self) -> None:
        """With a mean of m/2 or more ℓ still grows where τ is a thousand windows."""
        assert ref.life_mle(np.array([1.0, 2.0]), 3.0) == math.inf
        curve = [ref.life_loglik_suff(tau, 2, 3.1, 3.0) for tau in (1.0, 10.0, 100.0, 1000.0)]
        assert np.all(np.diff(curve) > 0)

    def test_share_of_experiments_without_a_maximum(self) -> None:
        """One percent at n = 20, as the statement says: 20 000 experiments, ± 5 standard errors."""
        rng = np.random.default_rng(0)
        means = np.mean(-2.2 * np.log1p(rng.uniform(size=(20_000, 20)) * np.expm1(-4 / 2.2)), axis=1)
        assert np.mean(means >= 2.0) == pytest.approx(0.010, abs=0.0036)

    def test_censored_maximises_its_likelihood(self) -> None:
        t, observed = np.array([0.3, 2.0, 1.1, 2.0, 0.7]), np.array([True, False, True, False, True])
        best = ref.life_mle_censored(t, observed)
        _, slope, curvature = derivatives(lambda tau: -3 * torch.log(tau) - float(t.sum()) / tau, best)
        assert abs(float(slope)) < 1e-14
        assert float(curvature) < 0
        assert ref.life_mle_censored(t, np.zeros(5, dtype=bool)) == math.inf


def spectrum(seed: int, A: float = 60.0, B: float = 5.0, bins: int = 30) -> tuple[Array, Array, NDArray[np.int64]]:
    x = np.arange(bins)
    g, w = np.exp(-0.5 * ((x - bins / 2) / 1.8) ** 2), np.exp(-x / bins)
    return g, w, np.random.default_rng(seed).poisson(A * g / g.sum() + B * w)


class TestSpec:
    def test_equals_the_poisson_law_and_its_derivatives(self) -> None:
        g, w, counts = spectrum(1)
        J = torch.tensor(np.stack([g, w], axis=1))

        def loglik(theta: torch.Tensor) -> torch.Tensor:
            total: torch.Tensor = torch.distributions.Poisson(J @ theta).log_prob(torch.tensor(counts).double()).sum()  # type: ignore[no-untyped-call]
            return total

        theta = np.array([11.0, 4.0])
        value, gradient, _ = derivatives(loglik, theta)
        assert ref.spec_loglik(theta, g, w, counts) == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(ref.spec_score(theta, g, w, counts), gradient, rtol=1e-11)

    def test_information_is_the_hessian_at_expected_counts(self) -> None:
        """−∂²ℓ is linear in the counts, so that its mean is its value at the mean counts."""
        g, w, _ = spectrum(2)
        theta = np.array([9.0, 3.0])
        J = torch.tensor(np.stack([g, w], axis=1))
        lam = J @ torch.tensor(theta)
        _, _, hessian = derivatives(lambda x: torch.sum(lam * torch.log(J @ x) - J @ x), theta)
        np.testing.assert_allclose(ref.spec_fisher(theta, g, w), -hessian, rtol=1e-12)

    @pytest.mark.parametrize("seed", range(10))
    def test_fit_equals_expectation_maximisation(self, seed: int) -> None:
        """EM is another algorithm for the same maximum, and counts are kept."""
        g, w, counts = spectrum(seed)
        A, B = ref.spec_fit(g, w, counts)
        a = b = 5.0
        for _ in range(3000):
            share = a * g / (a * g + b * w)
            a, b = float(np.sum(counts * share) / g.sum()), float(np.sum(counts * (1 - share)) / w.sum())
        assert pytest.approx((a, b), rel=1e-9) == (A, B)
        assert np.sum(A * g + B * w) == pytest.approx(counts.sum(), rel=1e-12)

    def test_step_stays_inside(self) -> None:
        g, w, _ = spectrum(3)
        counts = np.where(g > 0.5, 40, 0)
        theta = np.array([10.0, 3.0])
        new = ref.spec_scoring_step(theta, g, w, counts)
        full = np.linalg.solve(ref.spec_fisher(theta, g, w), ref.spec_score(theta, g, w, counts))
        k = round(math.log2(full[0] / (new[0] - theta[0])))
        assert k >= 1
        np.testing.assert_allclose(new, theta + full / 2**k, rtol=1e-12)
        assert np.min(new[0] * g + new[1] * w) > 0
        twice = theta + full / 2 ** (k - 1)
        assert np.min(twice[0] * g + twice[1] * w) <= 0

    def test_step_onto_zero_is_halved(self) -> None:
        """The full step ends at (5, 0) exactly, where the second λ is 0."""
        new = ref.spec_scoring_step(np.array([3.0, 4.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([5, 0]))
        assert new.tolist() == [4.0, 2.0]

    def test_at_the_edge_and_beyond(self) -> None:
        """Counts under the line alone leave no background; no counts at all leave nothing to fit."""
        g, w = np.array([0.0, 1.0, 0.0]), np.ones(3)
        np.testing.assert_allclose(ref.spec_fit(g, w, np.array([0, 5, 0])), [5, 0], atol=1e-9)
        with pytest.raises(RuntimeError, match="No counts"):
            ref.spec_fit(g, w, np.array([0, 0, 0]))

    @pytest.mark.parametrize(("g", "w", "counts"), CIRCLES)
    def test_fit_where_full_steps_go_in_circles(self, g: Any, w: Any, counts: Any) -> None:
        g, w, counts = np.array(g, dtype=float), np.array(w, dtype=float), np.array(counts)
        best = ref.spec_fit(g, w, counts)
        assert np.max(np.abs(ref.spec_score(best, g, w, counts))) < 1e-10
        theta = np.full(2, np.sum(counts) / np.sum(g + w))
        for _ in range(500):
            theta = ref.spec_scoring_step(theta, g, w, counts)
        errors = np.sqrt(np.diag(np.linalg.inv(ref.spec_fisher(best, g, w))))
        assert np.max(np.abs(theta - best) / errors) > 0.4


class TestScale:
    def test_maximises_the_likelihood(self) -> None:
        rng = np.random.default_rng(4)
        y, g = rng.normal(size=6), rng.uniform(0.5, 2, size=6)

        def loglik(x: torch.Tensor) -> torch.Tensor:
            width = torch.sqrt(x[1]) * torch.tensor(g)
            return torch.sum(-0.5 * ((torch.tensor(y) - x[0]) / width) ** 2 - torch.log(width))

        _, gradient, hessian = derivatives(loglik, ref.scale_mle_mu_s2(y, g))
        assert np.max(np.abs(gradient)) < 1e-12
        assert np.max(np.linalg.eigvalsh(hessian)) < 0

    @pytest.mark.parametrize("n", [1, 2, 3, 5])
    def test_bias_by_exact_average(self, n: int) -> None:
        """ŝ² is quadratic in the noise: its mean over all signs of ±s gᵢ is its mean over the normal law."""
        g = np.random.default_rng(n).uniform(0.5, 2, size=n)
        estimates = [ref.scale_mle_mu_s2(4.0 + 1.3 * g * np.array(e), g)[1] for e in product((-1, 1), repeat=n)]
        assert np.mean(estimates) == pytest.approx(ref.scale_bias_factor(n) * 1.3**2, abs=1e-12)


class TestMap:
    def test_gradient_vanishes_at_the_ridge_solutions(self) -> None:
        rng = np.random.default_rng(5)
        X, y, sigma2, lam, n = rng.normal(size=(9, 4)), rng.normal(size=9), 0.25, 3.0, 9
        summed = np.linalg.solve(X.T @ X + ref.map_ridge_lambda(sigma2, lam) * np.eye(4), X.T @ y).astype(np.float64)
        mean_alpha = ref.map_ridge_lambda_mean_loss(sigma2, lam, n)
        mean = np.linalg.solve(X.T @ X / n + mean_alpha * np.eye(4), X.T @ y / n)

        def log_posterior(theta: torch.Tensor) -> torch.Tensor:
            noise = torch.distributions.Normal(torch.tensor(X) @ theta, math.sqrt(sigma2))
            prior = torch.distributions.Normal(torch.zeros(4).double(), 1 / math.sqrt(lam))
            total: torch.Tensor = noise.log_prob(torch.tensor(y)).sum() + prior.log_prob(theta).sum()  # type: ignore[no-untyped-call]
            return total

        np.testing.assert_allclose(summed, mean, rtol=1e-12)
        value, gradient, _ = derivatives(log_posterior, summed)
        assert np.max(np.abs(gradient)) < 1e-12
        other: Array = rng.normal(size=4)
        expected = float(log_posterior(torch.tensor(other))) - value
        mine = ref.map_log_posterior(other, X, y, sigma2, lam) - ref.map_log_posterior(summed, X, y, sigma2, lam)
        assert mine == pytest.approx(expected, rel=1e-12)


def test_efficiency_and_the_notes_on_normality() -> None:
    """n·var of the rate of an exponential is near 1/ℐ₁ = rate² = 4, and far from ℐ₁ = ¼ (E23)."""
    times = np.random.default_rng(6).exponential(0.5, size=(20_000, 200))
    rates = 1 / times.mean(axis=1)
    # 20 000 runs know a variance to 1 %; at n = 200 it is 2 % above its limit.
    assert 200 * np.var(rates) == pytest.approx(4, rel=0.06)


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    return names_after(PROBLEM)


class TestStatement:
    def test_points_of_the_road_map(self) -> None:
        parts = parts_of(PROBLEM.test_module)
        assert road_map(PROBLEM) == [(part.id, part.points) for part in parts]
        assert sum(part.points for part in parts) == 28

    def test_every_function_carries_its_model(self) -> None:
        for part in parts_of(PROBLEM.test_module):
            assert all(name.startswith(f"{part.id}_") for name in part.functions)

    def test_claims_about_the_line(self, notebook: dict[str, Any]) -> None:
        assert 0.82 < notebook["inside"] < 0.91
        X, voltage = np.column_stack([np.ones(7), notebook["frequency"]]), notebook["voltage"]
        moves = []
        for sigma in (notebook["sigma"], np.ones(7)):
            with_it, without = ref.line_mle(X, voltage, sigma), ref.line_mle(X[:-1], voltage[:-1], sigma[:-1])
            moves.append((without - with_it)[1] / math.sqrt(notebook["cov"][1, 1]))
        assert moves == pytest.approx([0.7, 4.35], abs=0.05)

    def test_claims_about_the_window(self, notebook: dict[str, Any]) -> None:
        estimates, means = notebook["estimates"], notebook["means"]
        assert means.mean() == pytest.approx(1.42, abs=0.02)
        assert np.median(estimates) == pytest.approx(2.2, abs=0.1)
        low, middle, high = np.quantile(estimates, (0.025, 0.5, 0.975))
        assert high - middle > 1.5 * (middle - low)  # "a long tail to the right"
        truncated, censored, complete = notebook["spread"]
        assert truncated > 1.8 * censored
        assert censored < 1.15 * complete  # "nearly as good as waiting for it"

    def test_claims_about_the_spectrum(self, notebook: dict[str, Any]) -> None:
        fits, squares, predicted = notebook["fits"], notebook["squares"], notebook["predicted"]
        np.testing.assert_allclose(fits.mean(axis=0), [60, 5], rtol=0.03)
        np.testing.assert_allclose(fits.std(axis=0), predicted, rtol=0.1)
        assert squares[:, 1].mean() < 4.1  # "about a count per channel"
        assert abs(squares[:, 0].mean() - 60) < 3

    def test_claims_about_the_bias(self, notebook: dict[str, Any]) -> None:
        assert notebook["biased"].var() < 0.4 < notebook["corrected"].var()
        errors = [np.mean((s2 - 1) ** 2) for s2 in (notebook["biased"], notebook["corrected"])]
        assert errors[0] < errors[1]

    def test_claims_about_ridge(self, notebook: dict[str, Any]) -> None:
        assert notebook["steepest"] < 1e-8


def test_hints_are_different() -> None:
    """But where two mistakes are the same one, in `line_mle` and `line_cov` or in another form."""
    mistakes = variants_of(PROBLEM.catalogue("mistakes"))
    assert len({mistake.hint for mistake in mistakes}) == len(mistakes) - 2
    assert len({mistake.name for mistake in mistakes}) == len(mistakes)

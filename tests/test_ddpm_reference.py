"""The reference of "Diffusion with an oracle" by independent means, and the figures that its statement quotes."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autograder.course import find
from autograder.grading.marks import parts_of, variants_of
from solutions.ps09_generative import ddpm as ref

Array = NDArray[np.float64]
Schedule = dict[str, Array]
PROBLEM = find("ps09_generative/ddpm")
GMM = {
    "weights": np.array([0.5, 0.3, 0.2]),
    "means": np.array([[-1.6, -0.8], [1.6, -0.6], [0.2, 1.7]]),
    "covs": np.array([[[0.21, 0.08], [0.08, 0.11]], [[0.09, 0.0], [0.0, 0.16]], [[0.15, -0.07], [-0.07, 0.09]]]),
}
schedules = pytest.mark.parametrize("sch", [ref.schedule(T, k, 1e-4, 2e-2) for T, k in ((50, "linear"), (9, "cosine"))])


def close(left: Any, right: Any, rtol: float = 1e-12) -> None:
    scale = float(np.max(np.abs(right)))
    np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol * scale)


def draw(seed: int, sch: Schedule, B: int = 7, d: int = 2) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    x0, xt, eps = rng.normal(size=(3, B, d))
    return x0, xt, eps, rng.integers(1, len(sch["beta"]), size=B)


def points(n: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    k = rng.choice(3, size=n, p=GMM["weights"])
    x: Array = GMM["means"][k] + np.einsum("nij,nj->ni", np.linalg.cholesky(GMM["covs"])[k], rng.normal(size=(n, 2)))
    return x


class TestSchedule:
    @pytest.mark.parametrize("T", [1, 2, 3, 19, 50])
    def test_linear_in_exact_arithmetic(self, T: int) -> None:
        low, high = Fraction(1, 10000), Fraction(1, 50)
        steps = [Fraction(1000, T) * (low + (high - low) * Fraction(i, max(T - 1, 1))) for i in range(T)]
        beta = [Fraction(0), *(min(step, Fraction(999, 1000)) for step in steps)]
        product, abar = Fraction(1), []
        for value in beta:
            product *= 1 - value
            abar.append(float(product))
        sch = ref.schedule(T, "linear", 1e-4, 2e-2)
        close(sch["beta"], [float(value) for value in beta])
        close(sch["abar"], abar, 1e-12)

    def test_cosine_is_its_own_product_until_the_cut(self) -> None:
        T = 40
        sch = ref.schedule(T, "cosine", 0.0, 0.0)
        f = np.cos(0.5 * np.pi * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
        close(sch["abar"][:T], f[:T] / f[0])
        assert sch["beta"][T] == 0.999

    def test_the_trap_of_the_statement(self) -> None:
        assert round(float(ref.schedule(100, "linear", 1e-5, 2e-3)["abar"][-1]), 2) == 0.36
        assert ref.schedule(100, "linear", 1e-4, 2e-2)["abar"][-1] < 3e-5

    def test_bad_arguments(self) -> None:
        with pytest.raises(ValueError, match="no schedule 'square'"):
            ref.schedule(5, "square", 1e-4, 2e-2)
        with pytest.raises(ValueError, match="at least one step"):
            ref.schedule(0, "linear", 1e-4, 2e-2)


class TestForward:
    @schedules
    def test_one_jump_has_the_moments_of_many_steps(self, sch: Schedule) -> None:
        mean, variance = 1.0, 0.0
        for t in range(1, len(sch["beta"])):
            mean, variance = np.sqrt(sch["alpha"][t]) * mean, sch["alpha"][t] * variance + sch["beta"][t]
            time, one, zero = np.array([t]), np.ones((1, 1)), np.zeros((1, 1))
            close(ref.q_sample(one, time, zero, sch), [[mean]])
            close(ref.q_sample(zero, time, one, sch) ** 2, [[variance]])

    @schedules
    def test_conversions_undo_each_other(self, sch: Schedule) -> None:
        x0, _, eps, t = draw(1, sch)
        xt = ref.q_sample(x0, t, eps, sch)
        close(ref.x0_from_eps(xt, t, eps, sch), x0, 1e-9)
        close(ref.eps_from_x0(xt, t, x0, sch), eps, 1e-9)


class TestPosterior:
    @schedules
    def test_is_the_conditional_of_the_joint_gaussian(self, sch: Schedule) -> None:
        """Given x0, (x_{t−1}, x_t) is Gaussian with a 2×2 covariance: the Schur complement."""
        x0, xt, _, t = draw(2, sch)
        before, alpha = sch["abar"][t - 1], sch["alpha"][t]
        cross, total = np.sqrt(alpha) * (1 - before), 1 - sch["abar"][t]
        mean, variance = ref.posterior(x0, xt, t, sch)
        gain = (cross / total)[:, None]
        close(mean, np.sqrt(before)[:, None] * x0 + gain * (xt - np.sqrt(sch["abar"][t])[:, None] * x0), 1e-10)
        close(variance, 1 - before - cross**2 / total, 1e-10)

    @schedules
    def test_ends_at_the_clean_point(self, sch: Schedule) -> None:
        x0, xt, _, t = draw(3, sch)
        mean, variance = ref.posterior(x0, xt, np.ones_like(t), sch)
        close(mean, x0)
        assert np.all(variance == 0)


class TestOracle:
    @schedules
    def test_is_the_gradient_of_the_density(self, sch: Schedule) -> None:
        _, x, _, t = draw(4, sch)
        y, abar = torch.tensor(2 * x, requires_grad=True), torch.tensor(sch["abar"][t])
        wells = []
        for w, mu, cov in zip(GMM["weights"], GMM["means"], GMM["covs"], strict=True):
            C = abar[:, None, None] * torch.tensor(cov) + (1 - abar)[:, None, None] * torch.eye(2)
            well = torch.distributions.MultivariateNormal(abar.sqrt()[:, None] * torch.tensor(mu), C)
            wells.append(np.log(w) + well.log_prob(y))  # type: ignore[no-untyped-call]
        (slope,) = torch.autograd.grad(torch.logsumexp(torch.stack(wells), 0).sum(), y)
        eps = ref.optimal_eps(2 * x, t, GMM, sch)
        close(ref.score_from_eps(eps, t, sch), slope.numpy(), 1e-11)

    def test_is_the_mean_of_the_noise_by_quadrature(self) -> None:
        """E[ε | x_t] as an integral over x0 on a grid, with no formula for mixtures."""
        sch, t = ref.schedule(10, "linear", 1e-4, 2e-2), np.array([3])
        line = np.linspace(-5, 5, 401)
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        dx = grid[:, None] - GMM["means"]
        square = np.einsum("nki,kij,nkj->nk", dx, np.linalg.inv(GMM["covs"]), dx)
        prior = np.exp(-square / 2) @ (GMM["weights"] / np.sqrt(np.linalg.det(GMM["covs"])))
        x = np.array([[0.3, 0.4]])
        eps = ref.eps_from_x0(np.repeat(x, len(grid), axis=0), np.repeat(t, len(grid)), grid, sch)
        weight = prior * np.exp(-np.sum(eps**2, axis=1) / 2)
        close(ref.optimal_eps(x, t, GMM, sch)[0], weight @ eps / weight.sum(), 1e-9)

    def test_far_away_only_the_wells_as_a_whole_count(self) -> None:
        sch = ref.schedule(9, "linear", 1e-4, 2e-2)
        eps = ref.optimal_eps(np.array([[1e4, 2e3], [-1e4, 1e4]]), np.array([1, 9]), GMM, sch)
        assert np.isfinite(eps).all()

    def test_the_floor_of_the_statement(self) -> None:
        sch = ref.schedule(50, "linear", 1e-4, 2e-2)
        rng, x0 = np.random.default_rng(0), points(100_000, 1)
        t, eps = rng.integers(1, 51, size=len(x0)), rng.normal(size=x0.shape)
        best = ref.optimal_eps(ref.q_sample(x0, t, eps, sch), t, GMM, sch)
        # The standard error of both means is 0.001.
        assert abs(np.mean((best - eps) ** 2) - 0.217) < 0.006
        assert abs(np.mean(best**2) - 0.783) < 0.008


class TestLoss:
    def test_gradient_by_differences(self) -> None:
        sch = ref.schedule(7, "linear", 1e-4, 2e-2)
        x0, _, eps, t = draw(5, sch)

        def loss(a: torch.Tensor) -> torch.Tensor:
            inputs = torch.tensor(x0), torch.tensor(t), torch.tensor(eps)
            return ref.ddpm_loss(lambda x, s: a * x + torch.sin(s)[:, None], *inputs, sch)

        a = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(a), a)
        with torch.no_grad():
            numerical = (loss(a + 1e-5) - loss(a - 1e-5)) / 2e-5
        close(slope.numpy(), numerical.numpy(), 1e-8)

    def test_single_precision_keeps_the_first_step(self) -> None:
        sch = ref.schedule(1000, "linear", 1e-4, 2e-2)
        seen = []

        def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x

        one = torch.ones(1, 1)
        ref.ddpm_loss(model, 0 * one, torch.tensor([1]), one, sch)
        assert seen[0].dtype == torch.float32
        assert seen[0].item() == pytest.approx(0.01, rel=2e-7)


class TestTraining:
    def test_a_short_training_already_helps(self) -> None:
        torch.manual_seed(0)
        sch, gen = ref.schedule(50, "linear", 1e-4, 2e-2), torch.Generator().manual_seed(0)
        data = torch.tensor(points(5000, 2), dtype=torch.float32)
        losses = ref.train(ref.make_model(50), data, sch, gen, 150)
        assert len(losses) == 150
        assert np.mean(losses[-30:]) < 0.5 < np.mean(losses[:3])


class TestReverse:
    @schedules
    def test_step_is_the_posterior_of_the_guess(self, sch: Schedule) -> None:
        _, xt, eps, t = draw(6, sch)
        z = np.random.default_rng(7).normal(size=xt.shape)
        mean, variance = ref.posterior(ref.x0_from_eps(xt, t, eps, sch), xt, t, sch)
        close(ref.p_step(xt, t, eps, z, sch), mean + np.sqrt(variance)[:, None] * z, 1e-9)

    @schedules
    def test_chain_is_exact_for_a_gaussian_that_noise_leaves_alone(self, sch: Schedule) -> None:
        """For data N(0, 1) the mean of a step is √α_t x, and the chain's variance can be followed by hand."""
        single = {"weights": np.ones(1), "means": np.zeros((1, 1)), "covs": np.ones((1, 1, 1))}
        T = len(sch["beta"]) - 1
        factor, variance = 1.0, 0.0
        for t in range(T, 0, -1):
            factor *= np.sqrt(sch["alpha"][t])
            spread = sch["beta"][t] * (1 - sch["abar"][t - 1]) / (1 - sch["abar"][t])
            variance = sch["alpha"][t] * variance + spread
        xT = np.array([[1.0], [-2.0]])
        rng = np.random.default_rng(8)
        oracle: Callable[[Array, NDArray[np.int64]], Array] = lambda x, t: ref.optimal_eps(x, t, single, sch)  # noqa: E731
        close(ref.sample(oracle, xT, sch, np.zeros), factor * xT, 1e-9)
        x = ref.sample(oracle, np.zeros((20000, 1)), sch, lambda shape: rng.normal(size=shape))
        assert abs(float(np.var(x)) / variance - 1) < 7 * np.sqrt(2 / 20000)

    @schedules
    def test_ddim_contains_ddpm(self, sch: Schedule) -> None:
        _, xt, eps, t = draw(9, sch)
        z = np.random.default_rng(10).normal(size=xt.shape)
        close(ref.ddim_step(xt, t, t - 1, eps, 1.0, z, sch), ref.p_step(xt, t, eps, z, sch), 1e-9)

    @schedules
    def test_ddim_keeps_the_marginals(self, sch: Schedule) -> None:
        """With the true noise, x_s has the mean and variance of q(x_s | x0), whatever η is."""
        x0, _, _, t = draw(11, sch)
        s, one, zero = t // 2, np.ones_like(x0), np.zeros_like(x0)
        for eta in (0.0, 0.4, 1.0):
            mean = ref.ddim_step(ref.q_sample(x0, t, zero, sch), t, s, zero, eta, zero, sch)
            close(mean, ref.q_sample(x0, s, zero, sch), 1e-10)
            by_eps = ref.ddim_step(ref.q_sample(zero, t, one, sch), t, s, one, eta, zero, sch)
            by_z = ref.ddim_step(zero, t, s, zero, eta, one, sch)
            close(by_eps**2 + by_z**2, np.broadcast_to(1 - sch["abar"][s][:, None], x0.shape), 1e-9)

    def test_ddim_without_noise_is_an_ode(self) -> None:
        """For N(0, c²) the map from noise to data is x_T ↦ c x_T, up to the first order in the step."""
        c, errors = 0.5, []
        single = {"weights": np.ones(1), "means": np.zeros((1, 1)), "covs": np.full((1, 1, 1), c**2)}
        for T in (100, 200):
            sch = ref.schedule(T, "linear", 1e-4, 2e-2)
            ts = list(range(T, -1, -1))
            oracle = lambda x, t, sch=sch: ref.optimal_eps(x, t, single, sch)  # noqa: E731
            errors.append(abs(ref.ddim_sample(oracle, np.ones((1, 1)), ts, 0.0, sch, np.zeros)[0, 0] - c))
        assert errors[0] < 0.05
        assert 1.6 < errors[0] / errors[1] < 2.6


class TestBound:
    @schedules
    def test_weight_is_the_relative_entropy(self, sch: Schedule) -> None:
        _, xt, eps, _ = draw(12, sch)
        t = np.random.default_rng(13).integers(2, len(sch["beta"]), size=len(xt))
        guess = eps + 0.1
        right, variance = ref.posterior(ref.x0_from_eps(xt, t, eps, sch), xt, t, sch)
        entropy = np.sum((right - ref.p_step(xt, t, guess, 0 * xt, sch)) ** 2, axis=1) / (2 * variance)
        close(ref.vlb_weight(t, sch) * np.sum((eps - guess) ** 2, axis=1), entropy, 1e-8)

    def test_terminal_snr(self) -> None:
        sch = ref.schedule(50, "linear", 1e-4, 2e-2)
        signal, noise = ref.q_sample(*_unit(1.0, 0.0), sch), ref.q_sample(*_unit(0.0, 1.0), sch)
        assert ref.terminal_snr(sch) == pytest.approx(float((signal / noise)[0, 0] ** 2), rel=1e-12)


def _unit(x0: float, eps: float) -> tuple[Array, NDArray[np.int64], Array]:
    return np.full((1, 1), x0), np.array([50]), np.full((1, 1), eps)


class TestGraders:
    def test_points_of_the_road_map(self) -> None:
        parts = parts_of(PROBLEM.test_module)
        assert sum(part.points for part in parts) == 36
        text = PROBLEM.statement.read_text()
        for letter, part in zip("abcdefghij", parts, strict=True):
            assert f"| {letter}. `{part.id}` | {', '.join(f'`{name}`' for name in part.functions)} |" in text
            assert f"({part.points:g} points)" in text

    def test_every_hint_is_about_one_function(self) -> None:
        """Several ways to go wrong in it may have one cause."""
        hints = {(item.hint, item.function) for item in variants_of(PROBLEM.catalogue("mistakes"))}
        assert len(hints) == len({hint for hint, _ in hints}) > 50

    def test_the_wells_of_the_graders_are_those_of_the_statement(self) -> None:
        wells: dict[str, Any] = {}
        text = PROBLEM.statement.read_text()
        exec(text[text.index("WELLS = {") : text.index("tiny = ")], {"np": np}, wells)
        for name, value in GMM.items():
            np.testing.assert_array_equal(wells["WELLS"][name], value)

    def test_the_moments_are_those_of_the_reference_chain(self) -> None:
        graders = "autograder.graders.ps09_generative.ddpm"
        measure, calibrated = (importlib.import_module(f"{graders}.{name}") for name in ("measure", "calibrated"))
        moments = json.loads(calibrated.MOMENTS.read_text())
        assert moments["samples"] == measure.BATCHES * calibrated.SAMPLES
        assert np.linalg.eigvalsh(moments["cov"]).min() > 0
        # 31.8 is exceeded with probability 1e-4; the seed is fixed.
        assert measure.t_squared(np.random.default_rng(14)) < 31.8

    def test_the_pictures_of_the_samples_tell_right_from_wide(self) -> None:
        graders = "autograder.graders.ps09_generative.ddpm"
        calibrated, cases = (importlib.import_module(f"{graders}.{name}") for name in ("calibrated", "cases"))
        x = cases.draw_points(GMM, calibrated.SAMPLES, np.random.default_rng(14))
        # 40 points each, which are outside once in 370.
        assert [picture.outside <= 1 for picture in calibrated.marginals(x)] == [True, True]
        assert [picture.outside > 10 for picture in calibrated.marginals(1.15 * x)] == [True, True]

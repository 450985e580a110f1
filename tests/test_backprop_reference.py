"""The reference of "Two-layer backprop" by independent means, and the claims that its statement makes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from statements import names_after, road_map

from autograder.course import find
from autograder.grading.marks import parts_of, variants_of
from solutions.ps01_linear_algebra import backprop as ref

Array = NDArray[np.float64]
PROBLEM = find("ps01_linear_algebra/backprop")
KINDS = ("tanh", "relu", "sigmoid", "softplus")
SIZES = ((5, 7, 3), (1, 1, 1), (4, 1, 2), (3, 9, 1))
TORCH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    # torch's softplus is linear beyond z = 20 unless it is told otherwise.
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=700.0),
}
kinds = pytest.mark.parametrize("kind", KINDS)
sizes = pytest.mark.parametrize("size", SIZES)


def close(left: Any, right: Any, rtol: float = 1e-12) -> None:
    """Two results agree to rounding, on the scale of the larger one."""
    scale = float(np.max(np.abs(right)))
    np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol * scale)


def draw(seed: int, size: tuple[int, int, int]) -> tuple[Array, Array, Array, Array, Array]:
    B, N, d = size
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, d)), rng.normal(size=B), rng.normal(size=N), rng.normal(size=N), rng.normal(size=(N, d))


def exact(z: float, kind: str) -> tuple[float, float]:
    """σ(z) and σ′(z) in the decimal numbers of the standard library."""
    # log(1 + e⁻⁷⁰⁰) needs 305 digits to see the second term at all.
    with localcontext(prec=330):
        t, one = Decimal(z), Decimal(1)
        rising, falling = t.exp(), (-t).exp()
        fermi = one / (one + falling)
        match kind:
            case "tanh":
                return float((rising - falling) / (rising + falling)), float(4 / (rising + falling) ** 2)
            case "sigmoid":
                return float(fermi), float(falling * fermi**2)
            case "softplus":
                return float((one + rising).ln()), float(fermi)
        return max(z, 0.0), float(z > 0)


def by_autograd(X: Array, y: Array, a: Array, b: Array, W: Array, kind: str) -> tuple[dict[str, Array], Array]:
    """The gradients of the batch loss by a, b and W, and of ŷ by the inputs."""
    ta, tb, tW, tX = (torch.tensor(value, requires_grad=True) for value in (a, b, W, X))
    yhat = TORCH[kind](tX @ tW.T + tb) @ ta / len(a)
    (slope,) = torch.autograd.grad(yhat.sum(), tX, retain_graph=True)
    gradient = torch.autograd.grad(torch.mean((torch.tensor(y) - yhat) ** 2), (ta, tb, tW))
    return {name: value.numpy() for name, value in zip(("a", "b", "W"), gradient, strict=True)}, slope.numpy()


class TestActivations:
    @kinds
    def test_exact_values(self, kind: str) -> None:
        z = np.array([-700.0, -300.0, -37.5, -18.0, -2.0, -1e-9, 1e-9, 0.3, 1.0, 18.0, 37.5, 300.0, 700.0])
        values = np.array([exact(t, kind) for t in z])
        # e⁻⁷⁰⁰ by the exponential has a relative error of 700 roundings; nothing is lost to cancellation.
        np.testing.assert_allclose(ref.act(z, kind), values[:, 0], rtol=1e-12)
        np.testing.assert_allclose(ref.dact(z, kind), values[:, 1], rtol=1e-12)

    @kinds
    def test_no_overflow_at_800(self, kind: str) -> None:
        """Warnings are errors here, so that not even an intermediate result may overflow."""
        z = np.array([-800.0, 800.0])
        low, high = {"tanh": (-1, 1), "relu": (0, 800), "sigmoid": (0, 1), "softplus": (0, 800)}[kind]
        np.testing.assert_array_equal(ref.act(z, kind), [low, high])
        np.testing.assert_array_equal(ref.dact(z, kind), [0, 0 if kind in {"tanh", "sigmoid"} else 1])

    @kinds
    @pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
    def test_keeps_the_shape(self, kind: str, shape: tuple[int, ...]) -> None:
        z = np.random.default_rng(0).normal(size=shape)
        assert ref.act(z, kind).shape == ref.dact(z, kind).shape == shape

    def test_kink_as_in_torch(self) -> None:
        z = torch.zeros(1, requires_grad=True)
        torch.relu(z).backward()  # type: ignore[no-untyped-call]
        assert z.grad is not None
        assert ref.dact(np.zeros(1), "relu")[0] == float(z.grad[0]) == 0.0

    @pytest.mark.parametrize("function", [ref.act, ref.dact])
    def test_unknown_kind(self, function: Any) -> None:
        with pytest.raises(ValueError, match="no activation 'gelu'; choose tanh"):
            function(np.zeros(2), "gelu")


class TestNetwork:
    @kinds
    @sizes
    def test_gradients_equal_autograd(self, kind: str, size: tuple[int, int, int]) -> None:
        X, y, a, b, W = draw(1, size)
        gradient, slope = by_autograd(X, y, a, b, W, kind)
        mine = ref.grad_batch(X, y, a, b, W, kind)
        assert {name: value.shape for name, value in mine.items()} == {"a": a.shape, "b": b.shape, "W": W.shape}
        for name, value in gradient.items():
            close(mine[name], value)
        close(ref.grad_input(X, a, b, W, kind), slope)

    @kinds
    @sizes
    def test_batch_is_the_mean_of_single_ones(self, kind: str, size: tuple[int, int, int]) -> None:
        X, y, a, b, W = draw(2, size)
        each = [ref.grad_single(x, t, a, b, W, kind) for x, t in zip(X, y, strict=True)]
        for name, value in ref.grad_batch(X, y, a, b, W, kind).items():
            close(value, np.mean([gradient[name] for gradient in each], axis=0))

    def test_gradients_equal_the_complex_step(self) -> None:
        """Im L(θ + iε)/ε is the derivative without cancellation, for an analytic σ."""
        X, y, a, b, W = draw(3, (5, 7, 3))

        def loss(a: Any, b: Any, W: Any) -> complex:
            return complex(np.mean((y - np.tanh(X @ W.T + b) @ a / 7) ** 2))

        gradient, eps = ref.grad_batch(X, y, a, b, W, "tanh"), 1e-30
        for i in range(7):
            e = 1j * eps * (np.arange(7) == i)
            assert gradient["a"][i] == pytest.approx(loss(a + e, b, W).imag / eps, rel=1e-12)
            assert gradient["b"][i] == pytest.approx(loss(a, b + e, W).imag / eps, rel=1e-12)
            for j in range(3):
                moved = W + e[:, None] * (np.arange(3) == j)
                assert gradient["W"][i, j] == pytest.approx(loss(a, b, moved).imag / eps, rel=1e-12)

    @kinds
    def test_forward_by_the_formula(self, kind: str) -> None:
        X, _, a, b, W = draw(4, (5, 7, 3))
        terms = [[a[i] * exact(float(W[i] @ x + b[i]), kind)[0] for i in range(7)] for x in X]
        close(ref.forward(X, a, b, W, kind), np.mean(terms, axis=1))

    def test_loss_by_hand(self) -> None:
        value = ref.loss(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
        assert isinstance(value, float)
        assert value == pytest.approx(4 / 3, rel=1e-15)

    def test_force_on_a_neuron_is_of_order_one(self) -> None:
        """The rms of N ∂L/∂W is of order one from a hundred neurons to ten thousand."""
        for N in (100, 1000, 10000):
            X, y, a, b, W = draw(5, (20, N, 2))
            assert 0.05 < N * np.sqrt(np.mean(ref.grad_batch(X, y, a, b, W, "tanh")["W"] ** 2)) < 1


class TestLinearLayer:
    @pytest.mark.parametrize(("n", "m"), [(5, 3), (1, 1), (2, 7)])
    def test_equals_autograd(self, n: int, m: int) -> None:
        rng = np.random.default_rng(n)
        W, b, x, g = rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=m), rng.normal(size=n)
        arguments = tuple(torch.tensor(value) for value in (W, b, x))
        by_W, by_b, by_x = torch.autograd.functional.jacobian(lambda V, c, t: V @ t + c, arguments)  # type: ignore[no-untyped-call]
        close(ref.linear_jacobian(W, b, x), by_W.numpy())
        for mine, jacobian in zip(ref.linear_vjp(g, W, x), (by_W, by_b, by_x), strict=True):
            close(mine, np.tensordot(g, jacobian.numpy(), axes=1))

    def test_the_notes_have_lost_an_index(self) -> None:
        """Eq. (2.4) as printed, x_j whatever the output, is another array: the statement says so."""
        x = np.array([1.0, -2.0, 0.5])
        as_printed = np.broadcast_to(x, (2, 2, 3))
        mine = ref.linear_jacobian(np.ones((2, 3)), np.zeros(2), x)
        assert np.max(np.abs(mine - as_printed)) == 2.0
        np.testing.assert_array_equal(mine[[0, 1], [0, 1]], [x, x])


class TestGradcheck:
    theta = np.array([0.4, -0.9, 1.3])

    @staticmethod
    def f(theta: Array) -> float:
        return float(np.sum(np.sin(theta)) + theta[0] * theta[1])

    @staticmethod
    def grad(theta: Array) -> Array:
        coupling: Array = np.array([theta[1], theta[0], 0.0])
        return np.cos(theta) + coupling

    @pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
    def test_right_gradients_pass_at_any_scale(self, scale: float) -> None:
        before = self.theta.copy()
        assert ref.gradcheck(lambda t: scale * self.f(t), lambda t: scale * self.grad(t), before) < 1e-9
        np.testing.assert_array_equal(before, self.theta)

    def test_errors_are_what_the_definition_says(self) -> None:
        assert ref.gradcheck(self.f, lambda t: -self.grad(t), self.theta) == pytest.approx(2, rel=1e-8)
        assert ref.gradcheck(self.f, lambda t: 2 * self.grad(t), self.theta) == pytest.approx(0.5, rel=1e-8)
        one_off = np.array([1.0, 1.0, 1.1])
        g = np.abs(self.grad(self.theta))
        expected = 0.1 * g[2] / max(g[0], g[1], 1.1 * g[2])
        assert ref.gradcheck(self.f, lambda t: self.grad(t) * one_off, self.theta) == pytest.approx(expected, rel=1e-8)

    def test_truncation_falls_as_the_square_of_the_step(self) -> None:
        errors = [ref.gradcheck(self.f, self.grad, self.theta, h) for h in (1e-2, 1e-3)]
        assert errors[0] / errors[1] == pytest.approx(100, rel=1e-3)

    def test_a_cubic_exactly(self) -> None:
        """The central difference of θ³ is 3θ² + h², so that the error is h²/(3θ² + h²)."""
        error = ref.gradcheck(lambda t: float(t[0] ** 3), lambda t: 3 * t**2, np.array([2.0]), 0.5)
        assert error == pytest.approx(0.25 / 12.25, rel=1e-12)

    def test_nothing_to_compare(self) -> None:
        assert ref.gradcheck(lambda t: 1.0, np.zeros_like, self.theta) == 0.0

    def test_nan_is_not_a_pass(self) -> None:
        assert np.isnan(ref.gradcheck(self.f, lambda t: np.nan * t, self.theta))
        assert np.isnan(ref.gradcheck(lambda t: float("nan"), np.zeros_like, self.theta))


class TestTrain:
    def test_equals_torch_sgd(self) -> None:
        X, y, a, b, W = draw(6, (6, 5, 2))
        leaves = [torch.tensor(value, requires_grad=True) for value in (a, b, W)]
        optimiser = torch.optim.SGD(leaves, lr=5 * 0.03)
        for _ in range(50):
            optimiser.zero_grad()
            yhat = torch.tanh(torch.tensor(X) @ leaves[2].T + leaves[1]) @ leaves[0] / 5
            torch.mean((torch.tensor(y) - yhat) ** 2).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        trained = ref.train(X, y, {"a": a, "b": b, "W": W}, 0.03, 50)
        for name, leaf in zip(("a", "b", "W"), leaves, strict=True):
            close(trained[name], leaf.detach().numpy(), rtol=1e-11)

    def test_starting_point_stays(self) -> None:
        X, y, a, b, W = draw(7, (6, 5, 2))
        start = {"a": a, "b": b, "W": W}
        before = {name: value.copy() for name, value in start.items()}
        for steps in (0, 3):
            trained = ref.train(X, y, start, 0.1, steps)
            for name in start:
                np.testing.assert_array_equal(start[name], before[name])
                assert not np.shares_memory(trained[name], start[name])


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    return names_after(PROBLEM)


class TestStatement:
    def test_points_of_the_road_map(self) -> None:
        parts = parts_of(PROBLEM.test_module)
        assert road_map(PROBLEM) == [(part.id, part.points) for part in parts]
        assert sum(part.points for part in parts) == 26

    def test_claims_about_the_training(self, notebook: dict[str, Any]) -> None:
        losses = notebook["losses"]
        assert np.var(notebook["y_data"]) == pytest.approx(1.4, abs=0.05)
        assert losses[1] < losses[0] / 5  # "a fast drop in the first hundred steps"
        assert losses[-1] < 0.01
        assert all(later < earlier for earlier, later in pairwise(losses))

    def test_neurons_align_with_the_axes(self, notebook: dict[str, Any]) -> None:
        """H is a sum of a function of q and one of p: neurons that grew point along one of the axes."""
        W = notebook["params"]["W"]
        long = W[np.linalg.norm(W, axis=1) > 2]
        assert len(long) >= 10
        assert np.median(np.min(np.abs(long), axis=1) / np.max(np.abs(long), axis=1)) < 0.1

    def test_claims_about_the_force(self, notebook: dict[str, Any]) -> None:
        slope, true = notebook["learned_slope"], notebook["energy_slope"]
        assert notebook["error"] < 0.2
        edge = np.array([[2.4, 0.0]])
        assert abs(slope(edge)[0, 0]) < 0.5 * abs(true(edge)[0, 0])  # "flattens at the edge of the data"

    def test_claims_about_the_step(self, notebook: dict[str, Any]) -> None:
        """The V: h² on the right, rounding on the left, and a tip below 1e-7 near h = 1e-5."""
        steps, errors = notebook["steps"], np.array(notebook["errors"])
        assert errors.min() < 1e-8
        assert 1e-6 < steps[np.argmin(errors)] < 1e-4
        assert errors[0] > 1e-5
        assert errors[-1] > 1e-2

    def test_learned_motion_is_periodic(self, notebook: dict[str, Any]) -> None:
        """The orbit on the learned energy closes, with the period of the true one to five percent."""
        periods = []
        for slope in (notebook["energy_slope"], notebook["learned_slope"]):
            q = notebook["orbit"](slope, (1.4, 0.0), 0.01, 1200)[:, 0]
            crossings = 0.01 * np.flatnonzero((q[:-1] > 0) & (q[1:] <= 0))
            periods.append(crossings[1] - crossings[0])
            assert np.max(q[450:600]) == pytest.approx(1.4, abs=0.02)
        assert periods[1] == pytest.approx(periods[0], rel=0.05)


def test_learning_is_the_same_for_any_number_of_neurons() -> None:
    """With the factor N in the step, 16 and 256 neurons learn at one pace: the statement invites to try it."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(200, 2))
    y = X[:, 1] ** 2 / 2 + X[:, 0] ** 2 / 2 + X[:, 0] ** 4 / 10
    losses = []
    for N in (16, 256):
        start = {"a": 3 * rng.normal(size=N), "b": rng.uniform(-2, 2, size=N), "W": rng.normal(size=(N, 2))}
        params = ref.train(X, y, start, 0.1, 500)
        losses.append(ref.loss(y, ref.forward(X, params["a"], params["b"], params["W"], "tanh")))
    assert 0.5 < losses[0] / losses[1] < 2


def test_every_hint_is_different() -> None:
    mistakes = variants_of(PROBLEM.catalogue("mistakes"))
    assert len({mistake.hint for mistake in mistakes}) == len(mistakes)
    assert len({mistake.name for mistake in mistakes}) == len(mistakes)

"""The reference of the Woodbury problem against other mathematics: fractions, enumeration, quadrature, autograd."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from autograder.grading import Mismatch
from autograder.proof import PRIME, candidates, evaluate, modular
from solutions.ps01_linear_algebra.woodbury import (
    chi2_correlated,
    false_accept_bound,
    is_identity,
    sherman_morrison,
    verdicts,
    woodbury_logdet,
    woodbury_solve,
)

cases = importlib.import_module("autograder.graders.ps01_linear_algebra.woodbury.cases")
draws = importlib.import_module("autograder.graders.ps01_linear_algebra.woodbury.draws")
pairs = importlib.import_module("autograder.graders.ps01_linear_algebra.woodbury.pairs")

Exact = list[list[Fraction]]
TRUE = {"(1.23), minus", "(1.30), minus", "push-through", "resolvent"}
ALSO_TRUE = {"inverse of a product", "difference of inverses", "Hua"}


def exact(array: Any) -> Exact:
    return [[Fraction(float(value)) for value in row] for row in np.atleast_2d(array)]


def times(left: Exact, right: Exact) -> Exact:
    return [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in zip(*right, strict=True)]
            for row in left]  # fmt: skip


def solved(matrix: Exact, right: Exact) -> Exact:
    """Gauss and Jordan without rounding."""
    n = len(matrix)
    work = [row + other for row, other in zip(matrix, right, strict=True)]
    for column in range(n):
        pivot = next(row for row in range(column, n) if work[row][column])
        work[column], work[pivot] = work[pivot], work[column]
        work[column] = [value / work[column][column] for value in work[column]]
        for row in range(n):
            if row != column:
                work[row] = [a - work[row][column] * b for a, b in zip(work[row], work[column], strict=True)]
    return [row[n:] for row in work]


def determinant(matrix: Exact) -> Fraction:
    """By Leibniz: the sum over all permutations."""
    total = Fraction(0)
    for order in itertools.permutations(range(len(matrix))):
        inversions = sum(a > b for a, b in itertools.combinations(order, 2))
        total += (-1) ** inversions * math.prod((matrix[i][j] for i, j in enumerate(order)), start=Fraction(1))
    return total


def corrected(A: Any, U: Any, C: Any, V: Any) -> Exact:
    change = times(times(exact(U), exact(C)), exact(V))
    return [[a + b for a, b in zip(row, other, strict=True)] for row, other in zip(exact(A), change, strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_solve_agrees_with_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    A, U, C, V, b = cases.system(rng, n, k, 2)
    if seed % 3 == 0:
        C[:, 0] = 0.0
    answer = woodbury_solve(lambda right: np.linalg.solve(A, right), U, C, V, b)
    assert np.allclose(answer, np.array(solved(corrected(A, U, C, V), exact(b)), dtype=float), rtol=1e-10, atol=1e-12)


def test_a_correction_of_any_strength_agrees_with_fractions() -> None:
    rng = np.random.default_rng(1)
    A, U, _, V, b = cases.system(rng, 5, 2)
    for strength in (1e-15, 1.0, 1e8, 1e15):
        C = strength * np.eye(2)
        answer = woodbury_solve(lambda right: np.linalg.solve(A, right), U, C, V, b)
        right = np.array(solved(corrected(A, U, C, V), [[value] for value in exact(b)[0]]), dtype=float)[:, 0]
        assert np.allclose(answer, right, rtol=1e-9, atol=1e-11)


def test_solve_refuses_a_core_of_another_shape() -> None:
    A, U, C, V, b = cases.system(np.random.default_rng(2), 4, 2)
    wrongs: tuple[Any, ...] = np.diag(C), C[:, :1], np.eye(3), np.float64(1.0)
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"C must be \(2, 2\)"):
            woodbury_solve(lambda right: np.linalg.solve(A, right), U, wrong, V, b)


def test_solve_raises_where_the_corrected_matrix_is_singular() -> None:
    e = np.eye(3)[:, :1]
    with pytest.raises(np.linalg.LinAlgError):
        woodbury_solve(lambda right: right, e, np.array([[-1.0]]), e.T, np.ones(3))


@pytest.mark.parametrize("seed", range(10))
def test_a_rank_one_update_agrees_with_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 1 + seed % 5
    A, U, _, V, _ = cases.system(rng, n, 1)
    u, v = U[:, 0], 0.3 * V[0]
    unit = exact(np.eye(n))
    right = solved(corrected(A, u[:, None], [[1.0]], v[None, :]), unit)
    assert np.allclose(sherman_morrison(np.linalg.inv(A), u, v), np.array(right, dtype=float), rtol=1e-9, atol=1e-11)


def test_the_bound_of_the_denominator() -> None:
    rng = np.random.default_rng(3)
    for scale in (0.1, 1.0, 1e3, 1e6):
        bound = 1e-12 * (1 + np.hypot(1.0, scale))
        for factor, singular in ((0.3, True), (3.0, False)):
            arguments = cases.nearly_singular(rng, 5, scale, factor * bound)
            # Beyond 1e3 the denominator's own rounding is no longer small against the bound's third.
            if singular:
                with pytest.raises(np.linalg.LinAlgError):
                    sherman_morrison(*arguments)
            else:
                assert np.isfinite(sherman_morrison(*arguments)).all()


@pytest.mark.parametrize("seed", range(12))
def test_logdet_agrees_with_leibniz(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    A, U, C, V = cases.system(rng, n, k)[:4] if seed % 2 else cases.flipped(rng, n, k)
    sign, log = np.linalg.slogdet(A)
    answer = woodbury_logdet((float(sign), float(log)), lambda right: np.linalg.solve(A, right), U, C, V)
    right = determinant(corrected(A, U, C, V))
    assert answer[0] == math.copysign(1.0, right)
    assert answer[1] == pytest.approx(math.log(abs(right)), abs=1e-10)


def test_the_derivative_of_logdet_is_the_trace_with_the_inverse() -> None:
    """∂ log det(A + UCV)/∂C = (V (A + UCV)⁻¹ U)ᵀ: autograd on the full matrix against woodbury_solve."""
    A, U, C, V, _ = cases.system(np.random.default_rng(4), 6, 2)
    core = torch.tensor(C, requires_grad=True)
    log = torch.logdet(torch.tensor(A) + torch.tensor(U) @ core @ torch.tensor(V))
    (by_torch,) = torch.autograd.grad(log, core)
    slope = V @ woodbury_solve(lambda right: np.linalg.solve(A, right), U, C, V, U)
    assert np.allclose(by_torch.numpy(), slope.T, rtol=1e-10)


def test_the_likelihood_is_the_integral_over_the_nuisance_parameter() -> None:
    """For k = 1: ∫ N(r; Uθ, stat²) N(θ; 0, c) dθ by Gauss-Hermite quadrature against χ² and log det."""
    rng = np.random.default_rng(5)
    n, c = 6, 0.7
    r, stat, U = rng.normal(size=n), rng.uniform(0.8, 1.5, size=n), 0.4 * rng.normal(size=(n, 1))
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    theta = np.sqrt(c) * nodes
    likelihood = np.exp(-0.5 * np.sum(((r[:, None] - U * theta) / stat[:, None]) ** 2, axis=0))
    integral = np.sum(weights * likelihood) / np.sqrt(2 * np.pi) / np.prod(stat)
    chi2 = chi2_correlated(r, stat, U, np.array([[c]]))
    _, log = woodbury_logdet(
        (1.0, float(np.sum(np.log(stat**2)))), lambda b: (b.T / stat**2).T, U, np.array([[c]]), U.T
    )
    assert -2 * np.log(integral) == pytest.approx(chi2 + log, rel=1e-10)


def test_chi2_has_the_mean_and_the_width_of_its_law() -> None:
    """400 experiments, n = 40: mean n and variance 2n, within five standard errors each (fails once in 1e6 seeds)."""
    rng = np.random.default_rng(6)
    n, runs = 40, 400
    stat, U, C = rng.uniform(0.5, 1.5, size=n), rng.normal(size=(n, 3)), np.diag([0.5, 1.0, 2.0])
    noise = rng.normal(size=(runs, n)) * stat + rng.multivariate_normal(np.zeros(3), C, size=runs) @ U.T
    values = [chi2_correlated(r, stat, U, C) for r in noise]
    assert np.mean(values) == pytest.approx(n, abs=5 * np.sqrt(2 * n / runs))
    assert np.var(values) == pytest.approx(2 * n, rel=5 * np.sqrt((2 + 12 / n) / runs))


def test_the_verdicts_are_those_of_algebra_and_of_floating_point() -> None:
    assert {name for name, verdict in verdicts(pairs.ten()).items() if verdict} == TRUE
    assert {name for name, verdict in verdicts(pairs.more_candidates()).items() if verdict} == ALSO_TRUE
    rng = np.random.default_rng(7)
    shapes = {"A": (3, 3), "B": (3, 3), "U": (3, 2), "C": (2, 2), "V": (2, 3), "u": (3, 1), "v": (1, 3)}
    matrices = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    sizes: dict[str | int, int] = {"n": 3, "k": 2, 1: 1}
    for name, sides in candidates().items():
        left, right = (evaluate(side, matrices, sizes) for side in sides)
        assert np.allclose(left, right, rtol=1e-8) == (name in TRUE)


def test_a_value_modulo_p_is_the_fraction_modulo_p() -> None:
    p, rng = 10007, np.random.default_rng(8)
    A, U, C, V = (rng.integers(0, 50, size=shape) for shape in ((3, 3), (3, 2), (2, 2), (2, 3)))
    left, _ = candidates()["(1.30), minus"]
    value = modular(left)({"A": A, "U": U, "C": C, "V": V}, p)
    assert value is not None
    fractions = solved(corrected(A, U, C, V), exact(np.eye(3)))
    expected = [[f.numerator * pow(f.denominator, -1, p) % p for f in row] for row in fractions]
    assert value.tolist() == expected


@pytest.mark.parametrize("p", [2, 3, 5, 7])
def test_the_bound_holds_for_all_matrices_at_n_1(p: int) -> None:
    """All draws of F_p: where both sides of the notes' (1.30) exist, they agree if and only if 2ucv = 0."""
    left, right = pairs.ten()["(1.30), notes"]
    agreed = existed = 0
    for a, u, c, v in itertools.product(range(p), repeat=4):
        matrices = {name: np.array([[value]]) for name, value in zip("AUCV", (a, u, c, v), strict=True)}
        sides = left(matrices, p), right(matrices, p)
        if sides[0] is not None and sides[1] is not None:
            existed, agreed = existed + 1, agreed + bool(np.array_equal(*sides))
            assert np.array_equal(*sides) == (2 * u * c * v % p == 0)
    # The statement's factor for draws without an inverse: the denominators a, c and a + ucv have degree 5 in all.
    assert agreed / existed <= (false_accept_bound(3, p, 1) / max(1 - 5 / p, 1e-9))
    assert p == 2 or agreed < existed


def test_a_pair_that_never_exists_raises() -> None:
    with pytest.raises(ValueError, match="no draw modulo 7"):
        is_identity(lambda matrices, p: None, lambda matrices, p: None, [(1, 1)], 7, 1)


Change = Callable[[dict[str, Any], int], dict[str, Any]]


def looked_at(change: Change, seed_of: Callable[[int, int], int] = lambda seed, trial: 100 * seed + trial) -> None:
    """What the hidden test of the draws looks at, of draws that are changed; each trial has a seed of its own."""

    def drawing(lhs: Any, rhs: Any, sizes: Any, p: int, trials: int, seed: int) -> bool:
        for trial, (n, k) in enumerate(size for size in sizes for _ in range(trials)):
            rng = np.random.default_rng(seed_of(seed, trial))
            shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
            matrices = change({name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}, p)
            lhs(matrices, p), rhs(matrices, p)
        return True

    student = SimpleNamespace(is_identity=drawing)
    one, again, another = (draws.run(student, PRIME, seed) for seed in (1, 1, 5001))
    draws.shaped([one, again, another])
    draws.spread(one)
    draws.independent(one)
    draws.seeded(one, again, another)


def test_fair_draws_are_taken() -> None:
    looked_at(lambda M, p: M)
    # A seed for each trial, which begins anew at each size.
    looked_at(lambda M, p: M, lambda seed, trial: seed + trial % draws.TRIALS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda M, p: M | {"B": M["A"]}, "agree with others"),
        (lambda M, p: M | {"B": -M["A"] % p}, "up to a sign"),
        (lambda M, p: M | {"A": np.tril(M["A"])}, "that are 0"),
        (lambda M, p: M | {"V": M["U"].T}, "agree with others"),
        (lambda M, p: {name: value % 2**31 for name, value in M.items()}, "entries from"),
        (lambda M, p: {name: value for name, value in M.items() if name != "B"}, "a draw with the shapes"),
        (lambda M, p: M | {"u": M["u"].T}, "a draw with the shapes"),
    ],
)
def test_draws_that_are_not_fair_are_refused(change: Change, words: str) -> None:
    with pytest.raises(Mismatch) as caught:
        looked_at(change)
    assert words in caught.value.measured


def test_one_draw_for_all_trials_or_for_all_seeds_is_refused() -> None:
    with pytest.raises(Mismatch) as caught:
        looked_at(lambda M, p: M, lambda seed, trial: seed)
    assert "after 2 calls" in caught.value.measured
    with pytest.raises(Mismatch) as caught:
        looked_at(lambda M, p: M, lambda seed, trial: trial)
    assert caught.value.hint == draws.ONE_SEED

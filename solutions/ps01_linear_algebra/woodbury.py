"""Reference for "Woodbury: what a few modes do to a large matrix": eqs. (1.23)-(1.30) of the notes, signs repaired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from autograder.proof import Expr, Proof, eye, inv, let, verify


def sherman_morrison(Ainv: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of A + u vᵀ from that of A: A⁻¹ - A⁻¹u vᵀA⁻¹ / (1 + vᵀA⁻¹u).

    Ainv: (n, n). u, v: (n,). Returns a new (n, n) array, float64. No argument is changed.
    Raises numpy.linalg.LinAlgError if |1 + vᵀA⁻¹u| <= 1e-12 (1 + ‖v‖ ‖A⁻¹u‖), with Euclidean lengths: then A + u vᵀ is
    singular to rounding.
    Source: eq. (1.23) with the sign of (1.29).
    """
    ### BEGIN SOLUTION
    left, right = Ainv @ u, v @ Ainv
    denominator = 1.0 + v @ left
    if abs(denominator) <= 1e-12 * (1.0 + np.linalg.norm(v) * np.linalg.norm(left)):
        raise np.linalg.LinAlgError("A + u vᵀ is singular: 1 + vᵀA⁻¹u vanishes to rounding.")
    return np.asarray(Ainv - np.outer(left, right) / denominator)
    ### END SOLUTION


def is_identity(
    lhs: Callable[[Mapping[str, NDArray[np.int64]], int], NDArray[np.int64] | None],
    rhs: Callable[[Mapping[str, NDArray[np.int64]], int], NDArray[np.int64] | None],
    sizes: Sequence[tuple[int, int]],
    p: int,
    trials: int,
    seed: int = 0,
) -> bool:
    """Whether lhs = rhs for random matrices modulo the prime p: at every size (n, k), in every trial.

    lhs, rhs: functions f(matrices, p). `matrices` is a dict with the int64 arrays A, B (n, n), U (n, k), C (k, k),
    V (k, n), u (n, 1), v (1, n), each entry drawn from 0, 1, …, p-1; f returns its value modulo p, an int64 array, or
    None if it needs an inverse that does not exist modulo p. A draw with a None says nothing: another one replaces it,
    and it does not count as a trial. sizes: pairs (n, k). trials: how many at each size. p < 2**63. seed: for the
    random numbers; the same seed gives the same answer. Returns a bool.
    Raises ValueError after 500 draws in a row that say nothing.
    Source: Schwartz, J. ACM 27, 701 (1980); Zippel (1979).
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            for _ in range(500):
                matrices = {name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}
                left = lhs(matrices, p)
                right = None if left is None else rhs(matrices, p)
                if left is not None and right is not None:
                    break
            else:
                raise ValueError(f"At n = {n}, k = {k} no draw modulo {p} has the inverses that are needed.")
            if not np.array_equal(left, right):
                return False
    return True
    ### END SOLUTION


def verdicts(
    candidates: Mapping[
        str,
        tuple[
            Callable[[Mapping[str, NDArray[np.int64]], int], NDArray[np.int64] | None],
            Callable[[Mapping[str, NDArray[np.int64]], int], NDArray[np.int64] | None],
        ],
    ],
    seed: int = 0,
) -> dict[str, bool]:
    """For each candidate (lhs, rhs), whether lhs = rhs for all matrices of all sizes for which both exist.

    candidates: pairs of functions as `is_identity` takes them, by name. seed: for the random numbers. Returns a dict
    with the same names. Calls each function 100 times at most. Sizes, prime and trials are for you to choose.
    """
    ### BEGIN SOLUTION
    sizes = [(3, 3), (4, 2), (2, 4), (5, 1)]
    return {name: is_identity(lhs, rhs, sizes, 2**61 - 1, 1, seed) for name, (lhs, rhs) in candidates.items()}
    ### END SOLUTION


def false_accept_bound(degree: int, p: int, trials: int) -> float:
    """A bound on the probability that `trials` random trials modulo p accept a false identity: min(1, d/p)^trials.

    degree: d, the degree of the polynomial that would have to vanish, 0, 1, 2, …; p: a prime; trials: 0, 1, 2, …
    Returns a float between 0 and 1. Source: the lemma of Schwartz and Zippel.
    """
    ### BEGIN SOLUTION
    return float(min(1.0, degree / p) ** trials)
    ### END SOLUTION


def woodbury_proof(A: Expr, U: Expr, C: Expr, V: Expr) -> Proof:
    """A proof that A + UCV has the inverse A⁻¹ - A⁻¹U S⁻¹ V A⁻¹, S = C⁻¹ + VA⁻¹U, where A, C and S are invertible.

    A: n,n. U: n,k. C: k,k. V: k,n: letters of `matrix_algebra`. Returns what `verify`, `derive` or `solve` returns, of
    at most 40 lines, of which `check(proof, woodbury())` says that it is a proof.
    Source: eq. (1.30) with the sign of (1.29).
    """
    ### BEGIN SOLUTION
    one, S, T = eye("n"), let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
    return verify(
        T @ (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)),
        one + U @ C @ V @ inv(A) - (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        one + U @ C @ V @ inv(A) - U @ C @ (inv(C) + V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        one,
    )
    ### END SOLUTION


def woodbury_solve(
    solve_A: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    U: NDArray[np.float64],
    C: NDArray[np.float64],
    V: NDArray[np.float64],
    rhs: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The solution x of (A + UCV) x = rhs, with A known by its solver alone: A⁻¹b - A⁻¹U C (I + VA⁻¹UC)⁻¹ VA⁻¹b.

    solve_A: takes (n,) or (n, m), returns A⁻¹ times it in the same shape. U: (n, k). C: (k, k), perhaps singular.
    V: (k, n). rhs: (n,) or (n, r). Returns x in the shape of rhs, float64. No argument is changed.
    Costs: solve_A sees k + r columns at most, and nothing larger than k×k is factorised or formed besides n×k and n×r.
    No inverse is formed: the residual is that of rounding also where A + UCV is nearly singular.
    Raises ValueError if C is not (k, k), and numpy.linalg.LinAlgError if A + UCV is singular.
    Source: eq. (1.30) with the sign of (1.29), in the form that does without C⁻¹.
    """
    ### BEGIN SOLUTION
    k = U.shape[1]
    if np.shape(C) != (k, k):
        raise ValueError(f"C has shape {np.shape(C)}; U has {k} columns, so C must be ({k}, {k}).")
    solved, modes = solve_A(rhs), solve_A(U)
    weights = C @ np.linalg.solve(np.eye(k) + V @ modes @ C, V @ solved)
    return np.asarray(solved - modes @ weights)
    ### END SOLUTION


def woodbury_logdet(
    logdet_A: tuple[float, float],
    solve_A: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    U: NDArray[np.float64],
    C: NDArray[np.float64],
    V: NDArray[np.float64],
) -> tuple[float, float]:
    """Sign and logarithm of |det(A + UCV)| = |det A · det(I + VA⁻¹UC)|, the matrix determinant lemma.

    logdet_A: the tuple (sign, log|det A|) that numpy.linalg.slogdet(A) would give. solve_A, U, C, V: as for
    `woodbury_solve`; C may be singular. Returns (sign, log|det|), floats; natural logarithm. No overflow.
    Where A + UCV is singular this is (0, -inf), as slogdet has it; nothing is raised.
    Source: Harville, Matrix Algebra From a Statistician's Perspective (1997), theorem 18.1.1.
    """
    ### BEGIN SOLUTION
    sign_A, log_A = logdet_A
    sign, log = np.linalg.slogdet(np.eye(len(C)) + V @ solve_A(U) @ C)
    return float(sign_A * sign), float(log_A + log)
    ### END SOLUTION


def chi2_correlated(
    r: NDArray[np.float64], stat: NDArray[np.float64], U: NDArray[np.float64], C: NDArray[np.float64]
) -> float:
    """χ² = rᵀ Σ⁻¹ r with Σ = diag(stat²) + U C Uᵀ: independent errors, and k modes that move all channels together.

    r: (n,), the residuals. stat: (n,), standard deviations, in the units of r. U: (n, k): how far each channel moves
    per unit of each nuisance parameter. C: (k, k), the covariance of the parameters, perhaps singular. Returns a float
    without units. Costs n k², and forms no n×n matrix. Source: eq. (1.30), and eq. (5.7) with correlated errors.
    """
    ### BEGIN SOLUTION
    weighted = woodbury_solve(lambda b: (b.T / stat**2).T, U, C, U.T, r)
    return float(r @ np.asarray(weighted))
    ### END SOLUTION

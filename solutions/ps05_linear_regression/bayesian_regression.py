"""Reference for "Bayesian linear regression: what a spring has told us": eqs. (5.1)-(5.16) of the notes, carried on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def posterior(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    sigma: NDArray[np.float64],
    m0: NDArray[np.float64],
    S0: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and covariance of p(β∣y) = 𝒩(β; m, S) for y = Xβ + ε, ε_i ~ 𝒩(0, σ_i²), and the prior β ~ 𝒩(m₀, S₀).

    S⁻¹ = S₀⁻¹ + XᵀΣ⁻¹X,    S⁻¹ m = S₀⁻¹ m₀ + XᵀΣ⁻¹y,    Σ = diag(σ₁², …, σ_n²)

    X: (n, p), one observation per row; n may be 0, and less than p. y: (n,). sigma: (n,), standard deviations, all
    positive, in the units of y. m0: (p,). S0: (p, p), symmetric and positive definite, with correlations.
    Returns the tuple (m, S) of shapes (p,) and (p, p), float64: S in the units of β squared, symmetric. No argument is
    changed. Source: Bayes's formula (5.16) with the likelihood (5.7).
    """
    ### BEGIN SOLUTION
    # With S₀ = LLᵀ and β = m₀ + Lγ the prior says γ ~ 𝒩(0, 1): p more observations, of value zero and error one.
    # QR of all rows together does not square the condition number of X, as XᵀΣ⁻¹X would.
    p = len(m0)
    L = np.linalg.cholesky(S0)
    rows = np.vstack([(X / sigma[:, None]) @ L, np.eye(p)])
    targets = np.concatenate([(y - X @ m0) / sigma, np.zeros(p)])
    Q, R = np.linalg.qr(rows)
    half = np.linalg.solve(R.T, L.T)  # S = LR⁻¹(LR⁻¹)ᵀ
    return m0 + half.T @ (Q.T @ targets), half.T @ half
    ### END SOLUTION


def update(
    m: NDArray[np.float64], S: NDArray[np.float64], x: NDArray[np.float64], y: float, sigma: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One more observation, y = x·β + ε with ε ~ 𝒩(0, σ²), on top of what is known, β ~ 𝒩(m, S): Sherman-Morrison.

    g = Sx / (σ² + xᵀSx),    m ← m + g (y − x·m),    S ← S − g (Sx)ᵀ

    m: (p,). S: (p, p), symmetric and positive semidefinite: a parameter that is known exactly has a row of zeros, so S
    need not have an inverse. x: (p,). y, sigma: numbers in the same units, sigma > 0.
    Returns the tuple (m, S) as new arrays of shapes (p,) and (p, p), float64. No p×p system is solved.
    Source: eq. (1.23) of the notes with the sign repaired, for A = S⁻¹ and u = v = x/σ.
    """
    ### BEGIN SOLUTION
    Sx = S @ x
    total = sigma**2 + x @ Sx  # the variance of y before it is seen
    return m + Sx * ((y - x @ m) / total), S - np.outer(Sx, Sx) / total
    ### END SOLUTION


def predict(
    Xs: NDArray[np.float64], m: NDArray[np.float64], S: NDArray[np.float64], sigma_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each of q new observations y*_j = x*_j·β + ε_j, ε_j ~ 𝒩(0, σ*_j²), when β ~ 𝒩(m, S).

    mean_j = x*_j·m,    var_j = x*_jᵀ S x*_j + σ*_j²: the noise of the new observation is part of it.

    Xs: (q, p), one new point per row; q may be 0, or so large that there is no room for a q×q matrix. m: (p,).
    S: (p, p), symmetric and positive semidefinite. sigma_s: (q,), standard deviations in the units of y.
    Returns the tuple (mean, var) of shapes (q,) and (q,), float64; var is a variance, in the units of y squared, of
    each observation by itself. Source: eq. (5.15) with its uncertainty.
    """
    ### BEGIN SOLUTION
    return Xs @ m, np.sum((Xs @ S) * Xs, axis=1) + sigma_s**2
    ### END SOLUTION


def log_evidence(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    sigma: NDArray[np.float64],
    m0: NDArray[np.float64],
    S0: NDArray[np.float64],
) -> float:
    """The logarithm of the denominator p(y) of Bayes's formula (5.16), with all its constants: natural logarithm.

    log p(y) = log ∫ p(y∣β) p(β) dβ = −½ [n log 2π + log det C + (y − Xm₀)ᵀ C⁻¹ (y − Xm₀)],    C = Σ + X S₀ Xᵀ

    X: (n, p). y: (n,). sigma: (n,), all positive. m0: (p,). S0: (p, p), positive definite.
    Returns a float; 0 for n = 0. Finite also where det C itself is beyond the range of floating-point numbers.
    """
    ### BEGIN SOLUTION
    # As in `posterior`: det C = Πσ_i² · det(R)², and the quadratic form is the smallest sum of squares.
    n, p = X.shape
    L = np.linalg.cholesky(S0)
    rows = np.vstack([(X / sigma[:, None]) @ L, np.eye(p)])
    targets = np.concatenate([(y - X @ m0) / sigma, np.zeros(p)])
    Q, R = np.linalg.qr(rows)
    rest = targets - Q @ (Q.T @ targets)
    log_det = 2.0 * np.sum(np.log(sigma)) + 2.0 * np.sum(np.log(np.abs(np.diag(R))))
    return float(-0.5 * (n * math.log(2.0 * math.pi) + log_det + rest @ rest))
    ### END SOLUTION


def posterior_dual(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    sigma: NDArray[np.float64],
    m0: NDArray[np.float64],
    S0: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The posterior of `posterior` when parameters are many and points are few: only n×n systems are solved.

    m = m₀ + S₀Xᵀ C⁻¹ (y − Xm₀),    S = S₀ − S₀Xᵀ C⁻¹ X S₀,    C = Σ + X S₀ Xᵀ of shape (n, n)

    X: (n, p). y: (n,). sigma: (n,), all positive. m0: (p,). S0: (p, p), symmetric and positive semidefinite: it is
    never inverted, so it may be singular. Returns the tuple (m, S) of shapes (p,) and (p, p), float64.
    Source: Woodbury's identity, eq. (1.30) of the notes with the sign repaired.
    """
    ### BEGIN SOLUTION
    XS = X @ S0
    L = np.linalg.cholesky(XS @ X.T + np.diag(sigma**2))
    half = np.linalg.solve(L, XS)
    return m0 + half.T @ np.linalg.solve(L, y - X @ m0), S0 - half.T @ half
    ### END SOLUTION


def evidence_by_degree(
    x: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64], degrees: list[int], s0: float
) -> NDArray[np.float64]:
    """The log evidence of each of several models: a polynomial of degree d, y = Σ_{k≤d} β_k xᵏ + ε, for d in degrees.

    All d + 1 coefficients, the constant included, have the prior 𝒩(0, s0²), independently.
    x, y, sigma: (n,). degrees: integers ≥ 0, in any order, repeated or not. s0: a standard deviation,
    positive. Returns (len(degrees),), float64, natural logarithms, in the order of `degrees`.
    """
    ### BEGIN SOLUTION
    evidence = []
    for degree in degrees:
        powers = np.vander(x, degree + 1, increasing=True)
        prior = s0**2 * np.eye(degree + 1)
        evidence.append(float(log_evidence(powers, y, sigma, np.zeros(degree + 1), prior)))
    return np.array(evidence)
    ### END SOLUTION


def best_degree(degrees: list[int], evidence: NDArray[np.float64]) -> int:
    """The degree whose log evidence is largest; of degrees that are exactly equal in it, the smallest.

    degrees: integers, in any order. evidence: (len(degrees),), natural logarithms, which may be far below −1000.
    Returns one of `degrees`, an int.
    """
    ### BEGIN SOLUTION
    largest = max(evidence)
    return int(min(degree for degree, value in zip(degrees, evidence, strict=True) if value == largest))
    ### END SOLUTION


def map_is_ridge(
    X: NDArray[np.float64], y: NDArray[np.float64], sigma2: float, lam: float
) -> tuple[NDArray[np.float64], float]:
    """The maximum θ of the log posterior (4.13), repaired, and the coefficient α with which ridge regression finds it.

    log p(θ∣y) = −½ Σ_i (y_i − x_i·θ)²/σ² − (λ/2) ‖θ‖² + const    has the maximum of    −Σ_i (y_i − x_i·θ)² − α ‖θ‖²

    X: (n, p), also with p > n. y: (n,). sigma2: the variance σ² of every y_i. lam: λ > 0, the inverse of the prior
    variance. Returns the tuple (θ, α): (p,) float64, and a float in the units of X squared.
    """
    ### BEGIN SOLUTION
    p = X.shape[1]
    alpha = lam * sigma2
    rows = np.vstack([X, math.sqrt(alpha) * np.eye(p)])
    theta = np.linalg.lstsq(rows, np.concatenate([y, np.zeros(p)]), rcond=None)[0]
    return theta, float(alpha)
    ### END SOLUTION


def coverage(mean: NDArray[np.float64], var: NDArray[np.float64], y: NDArray[np.float64], level: float) -> float:
    """The fraction of the observations y_j that lie in the central interval of probability `level` of 𝒩(mean_j, var_j).

    The interval is mean_j ± z √var_j, with z such that a standard normal number lies in [−z, z] with probability
    `level`: erf(z/√2) = level.

    mean, var, y: (q,), var a variance. level: 0 < level < 1. Returns a float from 0 to 1; close to `level` if the
    predictions are honest.
    """
    ### BEGIN SOLUTION
    pull = np.abs(y - mean) / np.sqrt(var)
    return float(np.mean([math.erf(z / math.sqrt(2.0)) <= level for z in pull]))
    ### END SOLUTION

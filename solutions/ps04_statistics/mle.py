"""Reference for "Maximum likelihood, line by line": section 4 of the notes, its (4.8), (4.13), Normality repaired."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def line_loglik(
    beta: NDArray[np.float64], X: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64]
) -> float:
    """The log-likelihood of yᵢ ∼ 𝒩(xᵢ·β, σᵢ²), independent, with every constant.

    ℓ(β) = −½ Σᵢ [ (yᵢ − xᵢ·β)²/σᵢ² + log(2π σᵢ²) ]

    beta: (p,). X: (n, p), one point xᵢ per row. y, sigma: (n,), in the same units; σᵢ > 0 is a standard deviation.
    Returns a float. Source: eqs. (4.6)-(4.8), the last one with its sign, its ½ and its constant; (5.6).
    """
    ### BEGIN SOLUTION
    pull = (y - X @ beta) / sigma
    return float(-0.5 * np.sum(pull**2) - np.sum(np.log(sigma)) - 0.5 * len(y) * np.log(2 * np.pi))
    ### END SOLUTION


def line_score(
    beta: NDArray[np.float64], X: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The score of `line_loglik`, s_j = ∂ℓ/∂β_j.

    beta: (p,). X: (n, p). y, sigma: (n,). Returns (p,), float64, in the units of 1/β. Source: the derivative of (4.8).
    """
    ### BEGIN SOLUTION
    return X.T @ ((y - X @ beta) / sigma**2)
    ### END SOLUTION


def line_fisher(X: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Fisher information of all n points, ℐ_jk = E[s_j s_k] = −E[∂²ℓ/∂β_j∂β_k].

    X: (n, p). sigma: (n,). Returns (p, p), float64, symmetric, in the units of 1/β².
    """
    ### BEGIN SOLUTION
    A = X / sigma[:, None]
    return A.T @ A
    ### END SOLUTION


def line_mle(X: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """The β at which the score of `line_loglik` vanishes: weighted least squares.

    X: (n, p) of rank p, n ≥ p. y, sigma: (n,). Returns (p,), float64.
    Raises LinAlgError if a column of X is zero. Source: eqs. (5.12)-(5.14).
    """
    ### BEGIN SOLUTION
    Q, R = np.linalg.qr(X / sigma[:, None])
    return np.linalg.solve(R, Q.T @ (y / sigma))
    ### END SOLUTION


def line_cov(X: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of `line_mle` over repeated data with the same X and σ: the inverse of `line_fisher`.

    X: (n, p) of rank p, n ≥ p. sigma: (n,). Returns (p, p), float64, symmetric, in the units of β².
    Raises LinAlgError if a column of X is zero. Source: Normality, with the inverse that the notes leave out.
    """
    ### BEGIN SOLUTION
    R = np.linalg.qr(X / sigma[:, None], mode="r")
    half = np.linalg.solve(R, np.eye(len(R)))
    return half @ half.T
    ### END SOLUTION


def life_loglik_suff(tau: float, n: int, sum_t: float, t_max: float) -> float:
    """The log-likelihood of n decay times that were recorded because they fell into 0 < t < t_max (truncation).

    p(t) = e^{−t/τ} / [τ (1 − e^{−m/τ})] for 0 < t < m = t_max, and ℓ(τ) = Σᵢ log p(tᵢ).

    tau, t_max: positive, in one unit of time, as is sum_t = Σᵢ tᵢ. n: number of recorded decays. Returns a float,
    finite for t_max/tau up to 2000 and more.
    """
    ### BEGIN SOLUTION
    return float(-n * np.log(tau) - sum_t / tau - n * np.log(-np.expm1(-t_max / tau)))
    ### END SOLUTION


def life_score_suff(tau: float, n: int, sum_t: float, t_max: float) -> float:
    """The score of `life_loglik_suff`, s = dℓ/dτ = n (t̄ − E t)/τ², with E t the mean of the truncated law.

    tau, t_max, sum_t: in one unit of time. n: number of recorded decays. Returns a float, in 1/time, finite for
    t_max/tau up to 2000 and more.
    """
    ### BEGIN SOLUTION
    r = t_max / tau
    if r < 0.05:  # 1/r − 1/(eʳ − 1) is a difference of large numbers here; what follows is its series
        expected = t_max * (0.5 - r / 12 + r**3 / 720 - r**5 / 30240)
    else:
        expected = tau - t_max * math.exp(-r) / -math.expm1(-r)
    return (sum_t - n * expected) / tau**2
    ### END SOLUTION


def life_fisher_per_event(tau: float, t_max: float) -> float:
    """The Fisher information about τ in one recorded decay, ℐ₁ = E[s²] for n = 1, with 0 < t < t_max.

    tau, t_max: positive, in one unit of time. Returns a float, in 1/time², finite for t_max/tau up to 2000 and more.
    """
    ### BEGIN SOLUTION
    r = t_max / tau
    if r < 0.1:  # one minus nearly one; the series keeps its digits
        bracket = r**2 / 12 - r**4 / 240 + r**6 / 6048 - r**8 / 172800
    else:
        bracket = 1 - r**2 * math.exp(-r) / math.expm1(-r) ** 2
    return bracket / tau**2
    ### END SOLUTION


def life_mle(t: NDArray[np.float64], t_max: float) -> float:
    """The τ that maximises the likelihood of the truncated decay times t, to a millionth of its standard error.

    t: (n,), n ≥ 1, all in (0, t_max). t_max: in the unit of t; it may be 1000 times the mean of t and more. Returns a
    positive float in that unit, or inf if the mean of t is t_max/2 or more: then the likelihood grows with τ for ever.
    """
    ### BEGIN SOLUTION
    q = float(np.mean(t)) / t_max
    if q >= 0.5:
        return math.inf
    # With r = t_max/τ, E t = t̄ reads 1/r − 1/(eʳ − 1) = q. The left side falls from ½ to 0 and is less than 1/r.
    low, high = 0.0, 1 / q
    while high - low > 1e-15 * high:
        r = 0.5 * (low + high)
        if r in (low, high):
            break
        series = 0.5 - r / 12 + r**3 / 720 - r**5 / 30240
        mean = series if r < 0.05 else 1 / r - math.exp(-r) / -math.expm1(-r)
        low, high = (r, high) if mean > q else (low, r)
    return t_max / high
    ### END SOLUTION


def life_mle_censored(t: NDArray[np.float64], observed: NDArray[np.bool_]) -> float:
    """The maximum-likelihood τ of decays of which some were not waited for (censoring).

    Where observed[i] is True the decay came at t[i]; where it is False, nothing had happened by the time t[i], and that
    happens with probability e^{−t/τ}.

    t: (n,), positive. observed: (n,), bool. Returns a positive float in the unit of t, or inf if nothing was observed.
    """
    ### BEGIN SOLUTION
    decays = int(np.sum(observed))
    return float(np.sum(t)) / decays if decays else math.inf
    ### END SOLUTION


def spec_loglik(
    theta: NDArray[np.float64], g: NDArray[np.float64], w: NDArray[np.float64], counts: NDArray[np.int64]
) -> float:
    """The log-likelihood of independent Poisson counts with means λᵢ = A gᵢ + B wᵢ, with every constant.

    ℓ(A, B) = Σᵢ [ nᵢ log λᵢ − λᵢ − log nᵢ! ]

    theta: (2,), the strengths (A, B), such that every λᵢ > 0. g, w: (bins,), the shapes of the line and of the
    background. counts: (bins,), the integers nᵢ ≥ 0. Returns a float.
    """
    ### BEGIN SOLUTION
    lam = theta[0] * g + theta[1] * w
    factorials = sum(math.lgamma(count + 1) for count in counts)
    return float(np.sum(counts * np.log(lam) - lam)) - factorials
    ### END SOLUTION


def spec_score(
    theta: NDArray[np.float64], g: NDArray[np.float64], w: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The score of `spec_loglik`, (∂ℓ/∂A, ∂ℓ/∂B).

    theta: (2,), such that every λᵢ > 0. g, w, counts: (bins,). Returns (2,), float64.
    """
    ### BEGIN SOLUTION
    J = np.stack([g, w], axis=1)
    return J.T @ (counts / (J @ theta) - 1)
    ### END SOLUTION


def spec_fisher(theta: NDArray[np.float64], g: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Fisher information of all bins about (A, B): the *expected* one, which knows no counts.

    theta: (2,), such that every λᵢ > 0. g, w: (bins,). Returns (2, 2), float64, symmetric.
    """
    ### BEGIN SOLUTION
    J = np.stack([g, w], axis=1)
    return J.T @ (J / (J @ theta)[:, None])
    ### END SOLUTION


def spec_scoring_step(
    theta: NDArray[np.float64], g: NDArray[np.float64], w: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One step of Fisher scoring: θ + 2^{−k} ℐ(θ)⁻¹ s(θ), with the smallest k = 0, 1, 2, … that keeps every λᵢ > 0.

    theta: (2,), such that every λᵢ > 0; left as it is. g, w, counts: (bins,), g and w not proportional to each other.
    Returns the new (A, B) as (2,), float64.
    """
    ### BEGIN SOLUTION
    J = np.stack([g, w], axis=1)
    lam = J @ theta
    step = np.linalg.solve(J.T @ (J / lam[:, None]), J.T @ (counts / lam - 1))
    while np.min(J @ (theta + step)) <= 0:
        step = step / 2
    return theta + step
    ### END SOLUTION


def spec_fit(g: NDArray[np.float64], w: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The maximum-likelihood (A, B), to a millionth of its standard errors or better.

    g, w, counts: (bins,), with a maximum at which every λᵢ > 0. Returns (2,), float64.
    Raises RuntimeError for a spectrum without any counts, which has no maximum.
    """
    ### BEGIN SOLUTION
    if not np.any(counts):
        raise RuntimeError("No counts at all: −Σ λᵢ has no maximum with every λᵢ > 0.")
    theta = np.full(2, np.sum(counts) / np.sum(g + w))
    for _ in range(500):
        step = spec_scoring_step(theta, g, w, counts) - theta
        if np.max(np.abs(step)) <= 1e-12 * np.max(np.abs(theta)):
            return theta + step
        # ℓ is concave, and may be more than twice as curved as expected: then a full step ends farther from the top
        # than it began. Its slope there tells, down to the last digit; ℓ itself is too flat for that.
        for _ in range(60):  # halvings, after which a step is below the last digit
            if spec_score(theta + step, g, w, counts) @ step >= -0.5 * (spec_score(theta, g, w, counts) @ step):
                break
            step = step / 2
        theta = theta + step
    raise RuntimeError("Fisher scoring did not settle in 500 steps: do these counts have a maximum with every λᵢ > 0?")
    ### END SOLUTION


def scale_mle_mu_s2(y: NDArray[np.float64], g: NDArray[np.float64]) -> tuple[float, float]:
    """The maximum-likelihood (μ̂, ŝ²) of yᵢ ∼ 𝒩(μ, s² gᵢ²) with known gᵢ and unknown μ and s.

    y: (n,), n ≥ 1. g: (n,), positive, the quoted errors of y, in the units of y. Returns the tuple (mu, s2) of floats;
    mu in the units of y, s2 without. This is the maximum of the likelihood, and not an unbiased estimate.
    """
    ### BEGIN SOLUTION
    weight = 1 / g**2
    mu = float(np.sum(weight * y) / np.sum(weight))
    return mu, float(np.mean(weight * (y - mu) ** 2))
    ### END SOLUTION


def scale_bias_factor(n: int) -> float:
    """E[ŝ²]/s² for the ŝ² of `scale_mle_mu_s2` on n measurements, n ≥ 1. Returns a float."""
    ### BEGIN SOLUTION
    return (n - 1) / n
    ### END SOLUTION


def map_log_posterior(
    theta: NDArray[np.float64], X: NDArray[np.float64], y: NDArray[np.float64], sigma2: float, lam: float
) -> float:
    """log p(θ | y) of yᵢ ∼ 𝒩(xᵢ·θ, σ²) with the prior θ ∼ 𝒩(0, 𝕀/λ), up to a constant that does not depend on θ.

    theta: (p,). X: (n, p). y: (n,). sigma2: the variance σ² > 0 of the noise. lam: the precision λ > 0 of the prior.
    Returns a float. Source: eq. (4.13), with its signs and factors.
    """
    ### BEGIN SOLUTION
    return float(-0.5 * np.sum((y - X @ theta) ** 2) / sigma2 - 0.5 * lam * np.sum(theta**2))
    ### END SOLUTION


def map_ridge_lambda(sigma2: float, lam: float) -> float:
    """The α for which ridge regression, argmin Σᵢ (yᵢ − xᵢ·θ)² + α‖θ‖², gives the maximum of `map_log_posterior`.

    sigma2: σ² of the noise. lam: λ, the precision of the prior. Returns a float.
    """
    ### BEGIN SOLUTION
    return lam * sigma2
    ### END SOLUTION


def map_ridge_lambda_mean_loss(sigma2: float, lam: float, n: int) -> float:
    """The same α if the loss is a mean over the n points: argmin (1/n) Σᵢ (yᵢ − xᵢ·θ)² + α‖θ‖².

    sigma2: σ² of the noise. lam: λ, the precision of the prior. n: number of points. Returns a float.
    """
    ### BEGIN SOLUTION
    return lam * sigma2 / n
    ### END SOLUTION

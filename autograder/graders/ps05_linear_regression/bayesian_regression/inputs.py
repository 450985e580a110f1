"""What the hidden tests of this problem are fed with, and the densities that its laws are about."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Data = tuple[Array, Array, Array, Array, Array]  # X, y, sigma, m0, S0

# (n, p), odd and distinct, with fewer points than parameters among them.
SIZES = ((7, 3), (5, 2), (9, 4), (4, 1), (3, 5))


def covariance(rng: np.random.Generator, p: int, size: float = 1.0) -> Array:
    """A covariance matrix with correlations; standard deviations between 0.5 and 1.5 of `size`, condition below 300."""
    spread = np.diag(rng.uniform(0.5, 1.5, size=p))
    loose = rng.normal(size=(p, p))
    gram = loose @ loose.T + p * np.eye(p)
    width = np.sqrt(np.diag(gram))
    return np.asarray(size**2 * spread @ (gram / np.outer(width, width)) @ spread)


def draw(rng: np.random.Generator, n: int, p: int, size: float = 1.0) -> Data:
    """X, y, sigma, m0, S0: n observations of p parameters, all in units of `size` but X, which is of order one."""
    X = rng.normal(size=(n, p))
    y = size * 2 * rng.normal(size=n)
    sigma = size * rng.uniform(0.2, 2.0, size=n)
    m0 = size * (rng.uniform(0.5, 1.5, size=p) * rng.choice([-1, 1], size=p))
    return X, y, sigma, m0, covariance(rng, p, size)


def with_condition(rng: np.random.Generator, n: int, p: int, kappa: float) -> Array:
    """A matrix (n, p) of condition number kappa: its singular values fall from √n to √n/kappa."""
    U, _ = np.linalg.qr(rng.normal(size=(n, p)))
    V, _ = np.linalg.qr(rng.normal(size=(p, p)))
    return np.asarray(math.sqrt(n) * (U * np.geomspace(1, 1 / kappa, p)) @ V.T)


def edges(rng: np.random.Generator) -> dict[str, Data]:
    """What a formula for ordinary data may stumble over, by name."""
    X, y, sigma, m0, S0 = draw(rng, 6, 3)
    return {
        "no data at all": (X[:0], y[:0], sigma[:0], m0, S0),
        "one observation": (X[:1], y[:1], sigma[:1], m0, S0),
        "more parameters than observations": draw(rng, 4, 9),
        "two equal columns": (X[:, [0, 1, 1]], y, sigma, m0, S0),
        "one observation twice": (X[[0, 0, 2, 3]], y[[0, 0, 2, 3]], sigma[[0, 0, 2, 3]], m0, S0),
    }


def log_normal(r: Array, C: Array) -> float:
    """log 𝒩(r; 0, C) for a vector r and a covariance C, by the definition."""
    L = np.linalg.cholesky(C)
    z = np.linalg.solve(L, r)
    return float(-0.5 * (len(r) * math.log(2 * math.pi) + z @ z) - np.sum(np.log(np.diag(L))))


def log_joint(beta: Array, X: Array, y: Array, sigma: Array, m0: Array, S0: Array) -> float:
    """log p(y∣β) + log p(β)."""
    return log_normal(y - X @ beta, np.diag(sigma**2)) + log_normal(beta - m0, S0)


def log_integral(X: Array, y: Array, sigma: Array, m0: Array, S0: Array) -> float:
    """log ∫ p(y∣β) p(β) dβ for a single β, by the trapezoidal rule around the peak of the integrand."""
    x, s0 = X[:, 0], math.sqrt(S0[0, 0])
    weight = np.append(x / sigma, 1 / s0)
    target = np.append(y / sigma, m0[0] / s0)
    peak, width = weight @ target / (weight @ weight), 1 / math.sqrt(weight @ weight)
    beta = peak + width * np.linspace(-12, 12, 1201)
    exponent = -0.5 * np.sum((np.outer(beta, weight) - target) ** 2, axis=1)
    constant = -0.5 * len(weight) * math.log(2 * math.pi) - float(np.sum(np.log(sigma))) - math.log(s0)
    top = float(exponent.max())
    return top + math.log(float(np.sum(np.exp(exponent - top)) * (beta[1] - beta[0]))) + constant

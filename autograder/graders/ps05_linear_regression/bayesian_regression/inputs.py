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


def in_units(rng: np.random.Generator, n: int, p: int) -> tuple[Data, Array]:
    """The data of `draw` with a unit for each parameter, and the units (p,): prior widths from some 0.01 to 100."""
    X, y, sigma, m0, S0 = draw(rng, n, p)
    units = rng.permutation(np.geomspace(0.01, 100, p))
    return (X / units, y, sigma, m0 * units, S0 * np.outer(units, units)), units


def accurate(rng: np.random.Generator, n: int, p: int) -> Data:
    """Fewer points than parameters, with errors of 1e-7 where the prior has one: S₀XᵀΣ⁻¹X is of order 1e15."""
    _, y, sigma, m0, S0 = draw(rng, n, p)
    return with_condition(rng, p, n, 3.0).T, y, 1e-7 * sigma, m0, S0


def with_condition(rng: np.random.Generator, n: int, p: int, kappa: float) -> Array:
    """A matrix (n, p) of condition number kappa: its singular values fall from √n to √n/kappa."""
    U, _ = np.linalg.qr(rng.normal(size=(n, p)))
    V, _ = np.linalg.qr(rng.normal(size=(p, p)))
    return np.asarray(math.sqrt(n) * (U * np.geomspace(1, 1 / kappa, p)) @ V.T)


def edges(rng: np.random.Generator) -> dict[str, Data]:
    """What a formula for ordinary data may stumble over, by name."""
    X, y, sigma, m0, S0 = draw(rng, 6, 3)
    far = y + np.eye(6)[0] * 1e3 * np.sqrt(X[0] @ S0 @ X[0] + sigma[0] ** 2)
    return {
        "no data at all": (X[:0], y[:0], sigma[:0], m0, S0),
        "one observation": (X[:1], y[:1], sigma[:1], m0, S0),
        "more parameters than observations": draw(rng, 4, 9),
        "two equal columns": (X[:, [0, 1, 1]], y, sigma, m0, S0),
        "one observation twice": (X[[0, 0, 2, 3]], y[[0, 0, 2, 3]], sigma[[0, 0, 2, 3]], m0, S0),
        "one reading a thousand standard deviations off": (X, far, sigma, m0, S0),
    }


def observation(rng: np.random.Generator, p: int, size: float = 1.0) -> tuple[Array, Array, Array, float, float]:
    """m, S, x, y, sigma for one update. The numbers are numpy's: of Python's own torch.tensor would make float32."""
    X, y, sigma, m, S = draw(rng, 1, p, size)
    return m, S, X[0], y[0], sigma[0]


def outlier(rng: np.random.Generator, far: float) -> tuple[Array, Array, Array, float, float]:
    """m, S, x, y, sigma with a reading so many standard deviations above what was expected."""
    m, S, x, _, sigma = observation(rng, 3)
    return m, S, x, x @ m + far * np.sqrt(sigma**2 + x @ S @ x), sigma


def small_x(rng: np.random.Generator, size: float) -> tuple[Array, Array, Array, float, float]:
    """m, S, x, y, sigma in a unit that makes x so small and the parameters as large: y says as much as ever."""
    m, S, x, y, sigma = observation(rng, 3)
    return m / size, S / size**2, x * size, y, sigma


def special_observations(rng: np.random.Generator) -> dict[str, tuple[Array, Array, Array, float, float]]:
    """Observations that are no special cases of the formula, though a program may make some of them, by name."""
    m, S, _, y, sigma = observation(rng, 3)
    # Integers, so that the surprise is zero exactly in whatever order one sums.
    whole, steps = rng.integers(1, 9, size=(2, 3)).astype(float)
    return {
        "x = 0": (m, S, np.zeros(3), y, sigma),
        "a reading exactly where it was expected": (whole, S, steps, steps @ whole, sigma),
        **{f"a reading {far} standard deviations off": outlier(rng, float(far)) for far in (10, 50, -50, 60)},
        **{f"x of the size of {size:g}": small_x(rng, size) for size in (1e-9, 1e-10, 1e-12)},
        "very small units": observation(rng, 3, 1e-9),
        "very large units": observation(rng, 4, 1e9),
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

"""What the hidden tests of this problem are fed with, and how they read what comes back."""

import numpy as np

from autograder.grading import ALGEBRA, Mismatch, Tolerance, agree, as_array, as_float, check, conditioned

# A slope of the student's own log-likelihood, by a central difference of step h·(1 + |θ|): the rounding of a
# log-likelihood of order 100 over a step of 1e-5 is 1e-9, and scores are of order 1 to 1000.
STEP = 1e-5
SLOPE = Tolerance(1e-5, 1e-6, "a finite difference of a log-likelihood carries about seven digits")

# To maximise ℓ itself finds τ to √ε of its standard error at best: right programs were off by 1e-8 to 1e-7 of it.
ESTIMATE = Tolerance(1e-6, 1e-8, "an estimate that is right to a millionth is far better than its standard error")

# The information of a window, 1 − r²eʳ/(eʳ − 1)², is a difference: at r = 0.05 it costs right programs 12/r² = 5000
# times the rounding, or 5e-13. The quadratures below are as good.
CANCELLING = Tolerance(1e-8, 1e-9, "the formula subtracts numbers that are nearly equal, which costs some digits")


def line(rng, n, p=2):
    """β, X, y, σ of n points on a straight line (or with p columns): errors that differ by factors up to three."""
    X = np.column_stack([np.ones(n), rng.uniform(1.0, 3.0, size=(n, p - 1))])[:, :p]
    beta, sigma = rng.normal(size=p), rng.uniform(0.2, 0.6, size=n)
    return beta, X, X @ beta + sigma * rng.normal(size=n), sigma


LINES = ((7, 2), (5, 3), (9, 2), (4, 1))


def six_decades(rng, n=9):
    """β, X, y, σ with errors from 1e-3 to 1e3, and the tolerance that the normal equations need for it."""
    beta, X, _, _ = line(rng, n)
    X[:, 1] = rng.permutation(np.linspace(1.0, 3.0, n))
    sigma = rng.permutation(np.logspace(-3, 3, n))
    # Normal equations square the condition number: about 1e4 here.
    kappa = float(np.linalg.cond(X / sigma[:, None])) ** 2
    return beta, X, X @ beta + sigma * rng.normal(size=n), sigma, conditioned(kappa)


def decays(rng, n, tau, t_max):
    """n decay times of the truncated law."""
    return -tau * np.log1p(rng.uniform(size=n) * np.expm1(-t_max / tau))


def decays_with_maximum(rng, n, tau, t_max):
    """The same, drawn again until their mean is below 0.47 t_max: nearer to the edge ℓ is too flat for an optimiser."""
    while np.mean(t := decays(rng, n, tau, t_max)) >= 0.47 * t_max:
        pass
    return t


def around(rng, n, mean):
    """n times within 1.6 of `mean`, which is their mean exactly."""
    t = rng.uniform(1.2, 2.8, size=n)
    return t - np.mean(t) + mean


def windows(rng, count=6):
    """(τ, n, Σt, t_max) with t_max/τ from 0.05 to 30, and Σt well off its expectation, so that no score vanishes."""
    result = []
    for i, r in enumerate(np.geomspace(0.05, 30, count) * rng.uniform(0.9, 1.1, size=count)):
        tau, n = float(rng.uniform(0.5, 5.0)), int(rng.integers(5, 40))
        expected = tau - r * tau / np.expm1(r)
        factor = rng.uniform(0.5, 0.8) if i % 2 else rng.uniform(1.2, 1.5)
        result.append((tau, n, float(n * factor * expected), float(r * tau)))
    return result


def spectrum(rng, bins, A, B):
    """g, w of a Gaussian line on a falling background, and counts for the strengths A and B."""
    x = np.arange(bins) + 0.5
    g = np.exp(-0.5 * ((x - bins * rng.uniform(0.4, 0.6)) / rng.uniform(1.5, 2.5)) ** 2)
    w = np.exp(-x / bins * rng.uniform(0.3, 0.8))
    g = g / np.sum(g)
    return g, w, rng.poisson(A * g + B * w)


def near(rng, A, B):
    """A point (A, B) in the neighbourhood of the truth, where no score vanishes."""
    return np.array([A, B]) * rng.uniform(0.5, 1.6, size=2)


def spectra(rng):
    """(g, w, counts) with many and with few counts a bin; the maximum lies well inside A, B > 0 in all of them."""
    return [spectrum(rng, *size) for size in ((30, 60.0, 5.0), (23, 200.0, 40.0), (41, 90.0, 2.5), (17, 900.0, 7.0))]


def too_long_steps(rng, count=4):
    """(θ, g, w, counts) whose full scoring step leaves the region where every λᵢ > 0: nothing but the line is seen."""
    result = []
    while len(result) < count:
        g, w, _ = spectrum(rng, 25, 0, 0)
        counts = rng.poisson(np.where(g > 0.5 * np.max(g), 30.0, 0.0))
        theta = np.array([rng.uniform(5, 50), rng.uniform(1, 4)])
        J = np.stack([g, w], axis=1)
        weight = J / (J @ theta)[:, None]
        full = J @ np.linalg.solve(J.T @ weight, weight.T @ counts)
        # Clearly outside, and no tie within rounding for the number of halvings.
        halved = [np.min(J @ theta + (full - J @ theta) / 2**k) for k in range(12)]
        if np.min(full) < -0.05 and min(abs(value) for value in halved) > 1e-6:
            result.append((theta, g, w, counts))
    return result


def measurements(rng, n):
    """y and quoted errors g of n measurements of one constant, all errors too small by one factor."""
    g = rng.uniform(0.5, 2.0, size=n)
    return rng.normal() + 1.7 * g * rng.normal(size=n), g


def regression(rng, n=8, p=3):
    """X, y, σ², λ of a small regression."""
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) + rng.normal(size=n), float(rng.uniform(0.2, 0.5)), float(rng.uniform(1.5, 4.0))


def difference(function, first, second, *rest):
    """function(second, …) − function(first, …): what remains when a constant drops out, and the scale of the two."""
    values = [as_float(function(point, *rest), of="the log-likelihood") for point in (first, second)]
    return values[1] - values[0]


def slopes(loglik, point, *rest):
    """The gradient of a function of an array, by central differences."""
    point = np.asarray(point, dtype=float)
    result = np.zeros_like(point)
    for i in range(len(point)):
        step = np.zeros_like(point)
        step[i] = STEP * (1 + abs(point[i]))
        result[i] = difference(loglik, point - step, point + step, *rest) / (2 * step[i])
    return result


def own_slope(score, slope):
    """Check a score against the slope of the student's own log-likelihood, which must depend on the parameter."""
    check(
        np.max(np.abs(slope)) > 1e-9,
        measured="your log-likelihood does not change with its parameters",
        allowed="a log-likelihood that depends on them",
        next_step="Print your log-likelihood at two values of the parameter.",
    )
    agree(score, slope, SLOPE, of="the score, against the slope of your own log-likelihood", shape="vector")


def nodes(t_max, count=64):
    """Nodes and weights of Gauss and Legendre on (0, t_max)."""
    x, weight = np.polynomial.legendre.leggauss(count)
    return 0.5 * t_max * (x + 1), 0.5 * t_max * weight


def information_by_quadrature(tau, t_max):
    """Var(t)/τ⁴ of the truncated law, by quadrature of its density alone."""
    t, weight = nodes(t_max)
    p = weight * np.exp(-t / tau)
    p = p / np.sum(p)
    mean = np.sum(p * t)
    return float(np.sum(p * (t - mean) ** 2) / tau**4)


def check_infinite(value, *, of):
    """The answer is +∞, as a float or an array of one: `as_float` would refuse it."""
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.empty(0)
    if found.dtype.kind not in "iuf" or found.size != 1:
        raise Mismatch(f"{of} is not one number", "inf", "Return float('inf') where no finite maximum exists.")
    check(
        found.item() == np.inf,
        measured=f"{of} is {found.item():.3g}",
        allowed="inf",
        next_step="Plot the log-likelihood of one such data set for τ from t_max to 100 t_max: where is its maximum?",
    )


def check_equal(left, right, law, next_step, tolerance=ALGEBRA):
    """Check a law with two computed sides, relative to the larger of them."""
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    scale = max(float(np.max(np.abs(left))), float(np.max(np.abs(right))))
    deviation = float(np.max(np.abs(left - right))) / (scale or 1.0)
    check(
        deviation <= tolerance.rtol,
        measured=f"the two sides of {law} differ by {deviation:.3g}",
        allowed=f"{tolerance.rtol:.3g}",
        next_step=next_step,
    )


def pair(value):
    """The two numbers that scale_mle_mu_s2 returned."""
    value = list(value) if isinstance(value, np.ndarray) and value.ndim else value
    check(
        isinstance(value, (tuple, list)) and len(value) == 2,
        measured="a result that is not a tuple of two",
        allowed="the tuple (mu, s2)",
        next_step="Return the two numbers, separated by a comma.",
    )
    return as_float(value[0], of="μ̂"), as_float(value[1], of="ŝ²")


def sized(value, shape, *, of):
    """`value` as numbers in `shape`, whatever layout they came in: for laws, which compare no shapes."""
    array = as_array(value, of=of)
    check(
        array.size == np.prod(shape, dtype=int),
        measured=f"{of} has shape {array.shape}",
        allowed=f"shape {shape}",
        next_step="Write the shape of each factor beside your formula.",
    )
    return array.reshape(shape)


def untouched(before, after):
    """Refuse a call that has changed its arguments; both are tuples of arrays and numbers in the order of the call."""
    changed = [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if not np.array_equal(old, new)]
    check(
        not changed,
        measured=f"after the call argument number {changed[0] + 1 if changed else 0} had other values than before",
        allowed="arguments that stay as they were",
        next_step="Operators such as -= and indexed assignments write into the caller's array: make a new one.",
    )

"""What the hidden tests of this problem are fed with."""

import numpy as np

from autograder.grading import conditioned


def line(rng, n, p=2, unit=1.0):
    """β, X, y, σ of n points, y and σ in some unit; no column of X is constant, errors within a factor 3."""
    while np.linalg.cond(X := rng.normal(size=(n, p))) > 30:  # nearly parallel columns would measure rounding alone
        pass
    beta, sigma = unit * rng.normal(size=p), unit * rng.uniform(0.2, 0.6, size=n)
    return beta, X, X @ beta + sigma * rng.normal(size=n), sigma


def lines(rng):
    """β, X, y, σ with one, two and three columns, in kilovolts and in tenths of a millivolt; one has an outlier."""
    sizes = ((7, 2, 1.0), (5, 3, 1e-4), (9, 2, 1e3), (4, 1, 1.0))
    result = [line(rng, *size) for size in sizes]
    _, _, y, sigma = result[0]
    y[0] += 100 * sigma[0]
    return result


def in_gigahertz(rng):
    """X and σ of a line in ν, beside a column of ones; ν in units of 10 GHz, so that light has some 1e4 to 1e5.

    The columns differ by 1e5 and XᵀWX by 1e10. Normal equations by solve, inv or pinv are right to 1e-8 here.
    """
    nu = 1e4 * rng.permutation(np.linspace(5.0, 12.0, 8))
    return np.column_stack([np.ones(8), nu]), rng.uniform(0.2, 0.6, size=8)


def six_decades(rng, n=9):
    """β, X, y, σ with errors from 1e-3 to 1e3, and the tolerance that the normal equations need for it."""
    beta, X, _, _ = line(rng, n)
    X[:, 0], X[:, 1] = rng.permutation(np.linspace(0.5, 1.5, n)), rng.permutation(np.linspace(1.0, 3.0, n))
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


def windows(rng):
    """(τ, n, Σt, t_max) with t_max/τ from 0.051 to 33, and Σt well off its expectation, so that no score vanishes.

    At 12 and at 20 an infinite window would be a good approximation, and is none: it errs by 1e-3 and 1e-6.
    """
    result = []
    ratios = [*(np.geomspace(0.057, 30, 6) * rng.uniform(0.9, 1.1, size=6)), rng.uniform(11, 13), rng.uniform(19, 21)]
    for i, r in enumerate(ratios):
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


def odd_spectra(rng):
    """(θ, g, w, counts): bins without line and bins without background, a hole for a line, a hole for a background."""
    compact, everywhere = np.array([0.0, 0, 0, 1, 2, 3, 2, 1, 0, 0]), np.array([2.0, 3, 3, 4, 5, 5, 4, 3, 3, 2])
    gap, falling = np.array([1.0, 1, 1, 1, 0, 0, 1, 1, 1, 1]), np.linspace(2.0, 1.0, 10)
    result = []
    for g, w, A, B in ((compact, gap, 6.0, 4.0), (compact, falling, -1.5, 7.0), (everywhere, gap, 8.0, -6.0)):
        theta = np.array([A, B]) * rng.uniform(0.9, 1.1, size=2)  # all λᵢ > 0, whatever the two factors are
        result.append((theta, g, w, rng.poisson(theta[0] * g + theta[1] * w)))
    return result


def faint(rng):
    """(θ, g, w, counts) with counts in every bin, and λᵢ of 1e-7 to 3e-3: an optimiser may pass through such a θ."""
    units = (1e-4, 1e-5, 1e-6)
    return [(c * near(rng, 60, 5), *spectrum(rng, 14, 0, 0)[:2], rng.integers(1, 4, 14)) for c in units]


# Four bins whose true curvature at the maximum is 2.7 to 4.3 times the expected one: g, w, counts. Repeated full steps
# of Fisher scoring go in circles there, half a standard error and more away from the maximum.
CIRCLES = (
    ((0, 4, 4, 3), (2, 4, 5, 1), (4, 0, 0, 11)),
    ((2, 4, 0, 5), (1, 5, 1, 5), (6, 2, 5, 4)),
    ((2, 6, 0, 6), (1, 6, 2, 6), (5, 1, 10, 3)),
    ((5, 2, 6, 1), (6, 1, 6, 2), (2, 10, 5, 8)),
)


def circles(rng):
    """(g, w, counts) for which full scoring steps near the maximum overshoot; bins in any order, shapes in any unit."""
    result = []
    for g, w, counts in CIRCLES:
        order = rng.permutation(4)
        a, b = rng.uniform(0.5, 2.0, size=2)
        result.append((a * np.array(g)[order], b * np.array(w)[order], np.array(counts)[order]))
    return result


def near(rng, A, B):
    """A point (A, B) in the neighbourhood of the truth, where no score vanishes."""
    return np.array([A, B]) * rng.uniform(0.5, 1.6, size=2)


def spectra(rng):
    """(g, w, counts) with many and with few counts a bin; the maximum lies well inside A, B > 0 in all of them."""
    return [spectrum(rng, *size) for size in ((30, 60.0, 5.0), (23, 200.0, 40.0), (41, 90.0, 2.5), (17, 900.0, 7.0))]


def full_step(theta, g, w, counts):
    """Where the full step of Fisher scoring ends: weighted least squares with the weights 1/λ."""
    J = np.stack([g, w], axis=1)
    weight = J / (J @ theta)[:, None]
    return np.linalg.solve(J.T @ weight, weight.T @ counts)


def lowest(theta, g, w):
    """The smallest λᵢ."""
    return np.min(theta[0] * g + theta[1] * w)


def halvings(theta, g, w, counts):
    """How often the full step has to be halved; None if that is a tie within rounding."""
    step = full_step(theta, g, w, counts) - theta
    values = [lowest(theta + step / 2**k, g, w) for k in range(12)]
    return next(k for k, value in enumerate(values) if value > 0) if min(map(abs, values)) > 1e-6 else None


def too_long_steps(rng):
    """(θ, g, w, counts) whose full step has to be halved one to four times; in the last two λ < 0 because of A < 0."""
    result = []
    for hole, wanted in ((False, 1), (False, 2), (False, 3), (False, 4), (True, 1), (True, 2)):
        while True:
            g, w, _ = spectrum(rng, 25, 0, 0)
            # Nothing but the line is seen, and the background falls below zero; or a hole that is wider than the line.
            counts = rng.poisson(
                np.where(g > 0.1 * np.max(g), 0.0, 8.0) if hole else np.where(g > 0.5 * np.max(g), 30.0, 0)
            )
            theta = np.array([rng.uniform(5, 50), np.exp(rng.uniform(np.log(0.008), np.log(4.0)))])
            if halvings(theta, g, w, counts) == wanted:
                result.append((theta, g, w, counts))
                break
    return result


def close_starts(rng, count=3, wanted=15):
    """(θ, g, w, counts) so close to the boundary that 15 halvings are needed, and by a factor of √2 no more."""
    result = []
    while len(result) < count:
        g, w, _ = spectrum(rng, 25, 0, 0)
        theta, counts = rng.uniform(0.5, 5, size=2), rng.poisson(np.where(g > 0.5 * np.max(g), 30.0, 0))
        # Where the full step ends does not depend on the size of θ.
        reach = np.max(-(np.stack([g, w], axis=1) @ full_step(theta, g, w, counts)) / (theta[0] * g + theta[1] * w))
        if reach > 0.01:
            result.append((np.sqrt(2) * reach / 2**wanted * theta, g, w, counts))
    return result


def line_alone(rng, count=3):
    """(θ, g, w, counts) whose full step makes λ < 0 only in bins in which there is no background."""
    g, w = np.array([2.0, 3, 3, 4, 5, 5, 4, 3, 3, 2]), np.array([1.0, 1, 1, 1, 0, 0, 1, 1, 1, 1])
    result = []
    while len(result) < count:
        theta, counts = rng.uniform([1, 4], [3, 12]), rng.poisson((14 - 3 * g) * w)
        end = full_step(theta, g, w, counts)
        if lowest(end, g[w == 0], w[w == 0]) < -1e-3 and lowest(end, g[w > 0], w[w > 0]) > 1e-3:
            result.append((theta, g, w, counts))
    return result


def barely_inside(rng, smallest, count):
    """(θ, g, w, counts) whose full step ends with this smallest λ: it is positive, and no reason to halve."""
    result = []
    while len(result) < count:
        g, w, counts = spectrum(rng, 25, 20.0, 0.15)
        first, second = (np.array([rng.uniform(5, 50), rng.uniform(0.2, 4)]) for _ in range(2))
        if not lowest(full_step(first, g, w, counts), g, w) < 0 < lowest(full_step(second, g, w, counts), g, w):
            continue
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            theta = first + middle * (second - first)
            low, high = (low, middle) if lowest(full_step(theta, g, w, counts), g, w) > smallest else (middle, high)
        result.append((first + high * (second - first), g, w, counts))
    return result


def onto_zero(rng):
    """(θ, g, w, counts) whose full step ends at λ = 0 in one of two bins, exactly: powers of four are not rounded."""
    g, w = np.eye(2)
    return [(4.0 ** rng.integers(0, 4, 2), g, w, rng.integers(1, 9, 2) * [i % 2, 1 - i % 2]) for i in range(4)]


def overshooting(rng, reference):
    """(θ, g, w, counts) whose full step keeps every λᵢ > 0 and lowers ℓ: to be made all the same."""
    result = []
    for g, w, counts in circles(rng):
        top = reference.spec_fit(g, w, counts)
        # Along Σλ = Σn, where all full steps lead: they change A by a tenth of its error, and turn round.
        along = np.array([1.0, -np.sum(g) / np.sum(w)])
        error = np.sqrt(np.linalg.inv(reference.spec_fisher(top, g, w))[0, 0])
        result.append((top + rng.choice([-0.1, 0.1]) * error * along, g, w, counts))
    return result


def measurements(rng, n):
    """y and quoted errors g of n measurements of one constant, all errors too small by one factor."""
    g = rng.uniform(0.5, 2.0, size=n)
    return rng.normal() + 1.7 * g * rng.normal(size=n), g


def awkward_measurements(rng):
    """(y, g): far from zero, with hardly any scatter, and with several equal results."""
    y, g = measurements(rng, 6)
    return [(1e6 + y, g), (3.0 + 1e-5 * y, g), (np.array([2.0, 2.0, 3.0, 3.0, 3.0, 2.5]), g)]


def extremes(rng):
    """Two pairs (σ², λ) with the products 1e-4 and 1e4, about."""
    return rng.uniform(0.8, 1.2, size=(2, 2)) * [[0.01], [100.0]]


def regression(rng, n=8, p=3):
    """X, y, σ², λ of a small regression."""
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) + rng.normal(size=n), float(rng.uniform(0.2, 0.5)), float(rng.uniform(1.5, 4.0))

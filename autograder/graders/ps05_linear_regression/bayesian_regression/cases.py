"""How the hidden tests of this problem read what comes back: tolerances, shapes and laws."""

import numpy as np

from autograder.grading import ALGEBRA, Tolerance, agree, as_array, check, conditioned

# It leaves no trace in the numbers: right for a regular prior, noise for a singular one.
TOO_LARGE = "This inverts or factorises a p×p matrix, and S₀ may be singular. Only C, n×n, needs a solve."

# It leaves no trace in the numbers either, but for a point so accurate that 1 + Sxxᵀ/σ² loses the 1.
SOLVED = "You solve or invert a p×p matrix, and S may have no inverse: Sherman–Morrison divides by a number, σ² + xᵀSx."

# With S₀ = 10⁵ and a well-conditioned X the posterior differs from the maximum of the likelihood by 4e-5 at most; the
# n-form, which subtracts two numbers of the size of S₀, was off by 1e-5.
BROAD = Tolerance(1e-3, 1e-3, "a prior of finite width moves the result by some 1e-5")

# The trapezoidal rule over ±12 standard deviations of the integrand's own peak was off by 1e-13.
QUADRATURE = Tolerance(1e-8, 1e-10, "the integral over β is done by a rule that is right to about 1e-13")


# Widths of the prior that differ by 1e4 give S₀ a condition number of 2e7 to 6e8. Right programs were off by up to
# 5e-8 of the largest entry in 40 seeds, most where they take its eigenvalues. A direction cut off is off by one.
UNITS = Tolerance(1e-6, 1e-6, "parameters in very different units cost right programs up to nine digits")

# S is what up to ten points leave of a singular S₀, 2e-3 of it at worst: right programs, which subtract, were off by
# up to 2e-11 of the largest entry in 40 seeds. A pseudo-inverse, or the inverse of rounding noise, is off by one.
REMAINDER = conditioned(1e5)

# Bayes's formula at the prior mean subtracts terms of order χ² and more: with powers of x it was off by up to 8e-7 in
# 300 seeds, and every other right program by 6e-13. A power too few, or a rescaled x, is off by 1e-3 and more.
EVIDENCE = Tolerance(1e-5, 1e-5, "one right way to the evidence of a polynomial loses ten digits by cancellation")

# XᵀX has eigenvalues up to about 25, and α is 3e-6 at least: in the kernel form a condition number of 1e7 at worst.
# Right programs were off by up to 6e-10 in 40 seeds; α itself is compared like any other product.
RIDGE = conditioned(1e7)


def pair(actual, names="(m, S)"):
    """The two members of what a function returned."""
    check(
        isinstance(actual, (tuple, list)) and len(actual) == 2,
        measured="a result that is not a tuple of two",
        allowed=f"the tuple {names}",
        next_step="Return the two, separated by a comma.",
    )
    return actual


def rows(actual, names="(mean, var)"):
    """The same for two vectors of one length, which may also be the rows of one array."""
    stacked = isinstance(actual, np.ndarray) and actual.ndim > 1 and len(actual) == 2
    return list(actual) if stacked else pair(actual, names)


def as_vector(value, p, *, of="the mean m"):
    """`value` as p numbers in a row, whatever layout they came in: for laws, which compare no shapes."""
    array = as_array(value, of=of)
    check(
        array.size == p and array.size in (0, max(array.shape, default=1)),
        measured=f"{of} has shape {array.shape}",
        allowed=f"shape ({p},)",
        next_step="Write the shape of each factor beside your formula.",
    )
    return array.reshape(p)


def as_covariance(value, p, *, of="the covariance S"):
    """`value` as a symmetric (p, p) array; what rounding leaves of asymmetry is let through."""
    array = as_array(value, of=of)
    check(
        array.shape == (p, p),
        measured=f"{of} has shape {array.shape}",
        allowed=f"shape {(p, p)}",
        next_step="Write the shape of each factor beside your formula.",
    )
    scale = float(np.max(np.abs(array), initial=0.0)) or 1.0
    apart = float(np.max(np.abs(array - array.T), initial=0.0)) / scale
    # Right programs were asymmetric by 1e-11 at worst, where X is nearly collinear.
    check(
        apart <= 1e-8,
        measured=f"{of} is not symmetric: S and its transpose differ by {apart:.3g} of the largest entry",
        allowed="1e-08: a covariance of β_i with β_j is that of β_j with β_i",
        next_step="Look for a product of symmetric matrices in which one of three factors is lost: A B is not "
        "symmetric, A B A is.",
    )
    return array


def agree_mean(actual, expected, tolerance=ALGEBRA, what=""):
    agree(pair(actual)[0], expected[0], tolerance, of=f"the mean m{what}", shape="vector")


def agree_covariance(actual, expected, tolerance=ALGEBRA, what=""):
    S = as_covariance(pair(actual)[1], len(expected[0]), of=f"the covariance S{what}")
    agree(S, expected[1], tolerance, of=f"the covariance S{what}")


def agree_posterior(actual, expected, tolerance=ALGEBRA, what=""):
    """Compare (m, S) with (m, S)."""
    agree_mean(actual, expected, tolerance, what)
    agree_covariance(actual, expected, tolerance, what)

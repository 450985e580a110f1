"""How the hidden tests of this problem read what comes back, and how far from right it may be."""

import numpy as np

from autograder.grading import Mismatch, Tolerance, agree, as_float, check, sized

# A slope of the student's own log-likelihood, by a central difference of step h·(1 + |θ|): the rounding of a
# log-likelihood of order 100 over a step of 1e-5 is 1e-9, and scores are of order 1 to 1000.
STEP = 1e-5
SLOPE = Tolerance(1e-5, 1e-6, "a finite difference of a log-likelihood carries about seven digits")

# Covariances, and sides of laws. Over 200 seeds, inv and pinv of normal equations were right to 2e-9 on these data.
ESTIMATE = Tolerance(1e-6, 1e-8, "six digits are far more than a covariance or a mean of estimates is needed to")

# In standard errors, the natural unit of an estimate. To maximise ℓ itself finds the top to √ε of a standard error at
# best: a golden section was off by up to 8e-8 in 200 seeds.
MILLIONTH = 1e-6

# The information of a window, 1 − r²eʳ/(eʳ − 1)², is a difference: at r = 0.05 it costs right programs 12/r² = 5000
# times the rounding, or 5e-13. The quadratures below are as good.
CANCELLING = Tolerance(1e-8, 1e-9, "the formula subtracts numbers that are nearly equal, which costs some digits")

ZERO_COLUMN = "A column of zeros leaves its β unknown, yet you return a result: pinv and lstsq never raise LinAlgError."
ZERO_ENTRY = "Some entries of a column may be 0, as in one of zeros and ones: it is an error if all of them are."
NO_COUNTS = "Without any counts ℓ = −Σ λᵢ has no maximum: there are no strengths to return, so raise RuntimeError."
CLOSE_TO_HALF = (
    "Below a mean of t_max/2 there is a maximum, however close: the lifetime is long then, but not infinite."
)
FIXED_UNIT = "X may be in any unit: a column is zero if all of it is 0, not if it is smaller than a fixed number."


def difference(function, first, second, *rest):
    """function(second, …) − function(first, …): what remains when a constant drops out."""
    values = [as_float(function(point, *rest), of="the log-likelihood") for point in (first, second)]
    return values[1] - values[0]


def of_terms(total, *terms):
    """How exact `total` is, the sum of `terms` which may cancel, where scales may be in single precision.

    torch's Normal keeps a scale that is a Python float so, and squares it: three roundings of 6e-8 at worst.
    """
    lost = sum(map(abs, terms)) / abs(total)
    return Tolerance(3e-7 * lost, 0.0, "a scale may be in single precision, and nothing else")


def slopes(loglik, point, *rest):
    """The gradient of a function of an array, by central differences."""
    point = np.asarray(point, dtype=float)
    result = np.zeros_like(point)
    for i in range(len(point)):
        step = np.zeros_like(point)
        step[i] = STEP * (1 + abs(point[i]))
        result[i] = difference(loglik, point - step, point + step, *rest) / (2 * step[i])
    return result


def own_slope(score, loglik, point, data, other):
    """Check a score against the slope of the student's own log-likelihood, which must depend on parameter and data."""
    slope = slopes(loglik, point, *data)
    check(
        np.max(np.abs(slope)) > 1e-9,
        measured="your log-likelihood does not change with its parameters",
        allowed="a log-likelihood that depends on them",
        next_step="Print your log-likelihood at two values of the parameter.",
    )
    check(
        np.max(np.abs(slope - slopes(loglik, point, *other))) > 1e-9,
        measured="the slope of your log-likelihood is the same for other data",
        allowed="a slope that depends on the data",
        next_step="Print the slope of your log-likelihood for two sets of data.",
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


def agree_within_errors(answer, right, cov, *, of, next_step, allowed=MILLIONTH):
    """Check that an estimate is right to `allowed` times its standard errors, the roots of the diagonal of `cov`."""
    right, errors = np.atleast_1d(right), np.sqrt(np.diag(np.atleast_2d(cov)))
    off = np.abs(sized(answer, right.shape, of=of) - right) / errors
    worst = int(np.argmax(off))
    place = f" at index [{worst}]" if off.size > 1 else ""
    check(
        off[worst] <= allowed,
        measured=f"{of} is {off[worst]:.3g} standard errors away from the maximum of the likelihood{place}",
        allowed=f"{allowed:.3g} standard errors",
        next_step=next_step,
    )


def check_lifetime(answer, t, t_max, reference, of="τ̂"):
    """Check a τ̂ of data whose mean is below t_max/2."""
    right = reference.life_mle(t, t_max)
    check(
        not is_infinite(answer),
        measured=f"{of} is infinite",
        allowed="a finite number: the mean of t is below t_max/2, so that a maximum exists",
        next_step="Compare the mean of t with t_max/2, and nothing else: a single late decay does no harm.",
        hint=CLOSE_TO_HALF,
    )
    variance = 1 / (len(t) * reference.life_fisher_per_event(right, t_max))
    next_step = "Put τ̂ into the score: is it zero there? An iteration must run until τ no longer changes, however far."
    agree_within_errors(as_float(answer, of=of), right, variance, of=of, next_step=next_step)


def is_infinite(value):
    """Whether a value is +∞, as a float or an array of one."""
    try:
        found = np.asarray(value)
    except ValueError:
        return False
    return found.dtype.kind == "f" and found.size == 1 and found.item() == np.inf


def check_singular(attempt, of):
    """Check that a call with a column of zeros ended in LinAlgError, as the docstring promises."""
    check(
        any("LinAlgError" in name for name in attempt.raised),  # torch has one of its own
        measured=f"with a column of zeros {of} {f'raised {attempt.raised[0]}' if attempt.raised else 'gave a result'}",
        allowed="a LinAlgError: no data tell a β that multiplies zeros",
        next_step="Try your function on an X with a column of zeros.",
        hint=None if attempt.raised else ZERO_COLUMN,
    )


def small_column(attempt, of):
    """The result for columns that are small in the units of X, and that are measured as well as any others."""
    check(
        not attempt.raised,
        measured=f"with columns of size 1e-12 {of} raised {attempt.raised[0] if attempt.raised else ''}",
        allowed="a result: only a column of zeros has none",
        next_step="Try your function on 1e-12 X: β̂ is 1e12 times as large, and nothing else changes.",
        hint=FIXED_UNIT if "LinAlgError" in "".join(attempt.raised) else None,
    )
    return attempt.value


def indicator(attempt, of):
    """The result where a column of X has zeros and ones."""
    check(
        not attempt.raised,
        measured=f"with a column of zeros and ones {of} raised {attempt.raised[0] if attempt.raised else ''}",
        allowed="a result: some entries of the column are not zero",
        next_step="Try your function on an X with the rows (1, 0), (1, 1), (1, 0) and (1, 1).",
        hint=ZERO_ENTRY if "LinAlgError" in "".join(attempt.raised) else None,
    )
    return attempt.value


def check_refusal(spec_fit, g, w):
    """Check that a spectrum without any counts is a RuntimeError, as the docstring of spec_fit promises."""
    raised = spec_fit.attempt(g, w, np.zeros(len(g), dtype=int)).raised
    found = f"raised {raised[0]}" if raised else "returned a result"
    check(
        "RuntimeError" in raised,
        measured=f"for a spectrum without any counts your code {found}",
        allowed="a RuntimeError: ℓ = −Σ λᵢ has no maximum at which every λᵢ > 0",
        next_step="Raise RuntimeError where there is nothing to fit, or where your iteration ends in NaN.",
        hint=None if raised else NO_COUNTS,
    )


def check_no_maximum(value):
    """The answer of life_mle where the likelihood grows for ever."""
    next_step = "Plot the log-likelihood of one such data set for τ from t_max to 100 t_max: where is its maximum?"
    check_infinite(value, "τ̂ where the mean is t_max/2 or more", next_step)


def check_infinite(value, of, next_step):
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

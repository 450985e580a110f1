"""The statistical test of this problem: predictions are honest if 90 % of what is measured falls into 90 % intervals.

The truth of each of SETS simulated experiments is drawn from the prior, its data from the truth, and a new observation
from the truth as well. For an exact posterior the new observation falls into the central 90 % interval of its
prediction with probability 0.9, exactly and independently, so the number of hits has the binomial law of SETS throws.
"""

import math

import numpy as np

from autograder.grading import as_array, check, coverage

SETS, LEVEL = 500, 0.9

# The binomial law of 500 throws with p = 0.9 has 4.5e-4 below 427 and 2.9e-4 above 471: a right answer leaves the
# bounds once in 1300 seeds, and for three seeds of three once in 2.4e9 gradings. `measure.py` measures both.
LOWEST, HIGHEST = 427, 471
SEEDS = 3

# An exact posterior predicts with 0.30 to 0.46 of the variance that the prior alone leaves (median of a series). One
# that ignores the data has 1, and is calibrated too.
SHARP = 0.7

# Observations and parameters of one experiment. Prior, data and the noise of the new observation weigh about the same,
# and the errors of the points span a factor of 40: so a mistake about any of them shows.
N, P = 4, 2


def experiments(rng):
    """Arguments of `many_predictions` for SETS experiments, and the observation that each is to predict."""
    m0, s0 = np.array([4.0, -3.0]), np.array([2.0, 1.5])
    S0 = np.outer(s0, s0) * np.array([[1.0, 0.9], [0.9, 1.0]])
    truth = m0 + rng.normal(size=(SETS, P)) @ np.linalg.cholesky(S0).T
    X, Xs = rng.normal(size=(SETS, N, P)), rng.normal(size=(SETS, P))
    sigma = np.exp(rng.uniform(np.log(0.15), np.log(6.0), size=(SETS, N)))
    sigma_s = rng.uniform(0.2, 2.0, size=SETS)
    y = np.einsum("snp,sp->sn", X, truth) + sigma * rng.normal(size=(SETS, N))
    new = np.sum(Xs * truth, axis=1) + sigma_s * rng.normal(size=SETS)
    return (X, y, sigma, m0, S0, Xs, sigma_s), new


def reached(mean, var, new):
    """The probability of the central interval that just reaches each of `new`; nan if a variance is not positive."""
    pull = np.abs(new - mean) / np.sqrt(np.where(var > 0, var, np.nan))
    return np.array([math.erf(z / math.sqrt(2)) for z in pull])


def hits(found, level=LEVEL):
    """How many of the observations that an interval `found` just reaches lie in that of probability `level`."""
    return int(np.sum(found <= level))


def at_every_level(found):
    """A picture of the hits against the probability of the interval."""
    levels = np.linspace(0.05, 0.95, 19)
    counts = np.array([hits(found, level) for level in levels])
    return coverage("New observations within your intervals", "probability of the interval", levels, counts, SETS)


def experiment(many_predictions, rng):
    """`reached` for one seed, and the predicted variance as a fraction of what the prior alone leaves (median)."""
    args, new = experiments(rng)
    result = many_predictions(*args)
    check(
        isinstance(result, dict) and {"mean", "var"} <= result.keys(),
        measured="the given function many_predictions returned something else than it was written to",
        allowed="the given cells as they are",
        next_step="Do not use the names of the given functions for your own.",
    )
    mean, var = (as_array(result[name], of=f"the predicted {name}") for name in ("mean", "var"))
    check(
        mean.shape == var.shape == (SETS,),
        measured=f"one prediction each of {SETS} experiments gave arrays of shape {mean.shape} and {var.shape}",
        allowed="one mean and one variance per new observation",
        next_step="Call predict with a single new point, and print the shapes of what it returns.",
    )
    _, _, _, _, S0, Xs, sigma_s = args
    before = np.sum((Xs @ S0) * Xs, axis=1) + sigma_s**2
    return reached(mean, var, new), float(np.median(var / before))


def check_calibrated(many_predictions, rng):
    """Raise Mismatch unless one of SEEDS seeds finds the hits between their bounds, and the predictions are sharp."""
    counts = []
    for _ in range(SEEDS):
        found, sharpness = experiment(many_predictions, rng)
        counts.append(hits(found))
        if LOWEST <= counts[-1] <= HIGHEST:
            break
    else:
        shares = ", ".join(f"{count / SETS:.3f}" for count in counts)
        check(
            False,
            measured=f"the 90 % intervals held these fractions of {SETS} new observations each: {shares}",
            allowed=f"from {LOWEST / SETS:.3f} to {HIGHEST / SETS:.3f} in one of {SEEDS} series",
            next_step="Too few: your errors are too small, so look for a source of uncertainty that you left out. "
            "Too many: one is counted twice. The plot at the end of the notebook shows it at every level.",
            pictures=(at_every_level(found),),
        )
    check(
        sharpness <= SHARP,
        measured=f"the variance of your predictions is {sharpness:.3g} of what the prior alone leaves",
        allowed=f"{SHARP:g}: four observations of two parameters leave less than half",
        next_step="Honest is not enough, one must also learn something: do the data enter your posterior?",
    )

"""Measures the statistical test of this problem: how often right answers fail, and how often wrong ones do.

    python -m autograder.graders.ps05_linear_regression.bayesian_regression.measure [runs of the reference, 2000]

It takes about 50 ms per run of the reference, and three minutes for the mistakes, whatever they are.
"""

import sys
from math import comb

import numpy as np

from autograder.graders.ps05_linear_regression.bayesian_regression import mistakes
from autograder.graders.ps05_linear_regression.bayesian_regression.calibration import (
    HIGHEST,
    LEVEL,
    LOWEST,
    SEEDS,
    SETS,
    check_calibrated,
    experiment,
    hits,
)
from autograder.grading import Mismatch
from autograder.grading.marks import variants_of
from solutions.ps05_linear_regression import bayesian_regression as reference

RUNS_OF_A_MISTAKE = 50


def false_fail():
    """The probability that a right answer leaves the bounds with one seed: the binomial law, exactly."""
    chance = [comb(SETS, k) * LEVEL**k * (1 - LEVEL) ** (SETS - k) for k in range(SETS + 1)]
    return sum(chance[:LOWEST]) + sum(chance[HIGHEST + 1 :])


def many_predictions(posterior=reference.posterior, predict=reference.predict):
    """The notebook's helper of that name, with these two functions in the place of the student's."""

    def predictions(X, y, sigma, m0, S0, Xs, sigma_s):
        found = []
        for i in range(len(y)):
            m, S = posterior(X[i], y[i].copy(), sigma[i], m0, S0)
            found.append(predict(Xs[i : i + 1], m, S, sigma_s[i : i + 1]))
        return {"mean": np.array([mean[0] for mean, _ in found]), "var": np.array([var.ravel()[0] for _, var in found])}

    return predictions


def right(runs):
    """Hits and sharpness of the reference with one seed each: (runs,) and (runs,)."""
    found = [experiment(many_predictions(), np.random.default_rng([1, run])) for run in range(runs)]
    return np.array([hits(each) for each, _ in found]), np.array([sharpness for _, sharpness in found])


def fails(predictions, run):
    """Whether the whole test, with its three seeds, refuses these predictions."""
    try:
        with np.errstate(all="ignore"):
            check_calibrated(predictions, np.random.default_rng([2, run]))
    except Mismatch:
        return True
    return False


def power():
    """How many of RUNS_OF_A_MISTAKE runs find each mistake of `posterior` and `predict`."""
    for item in variants_of(mistakes):
        if item.function in {"posterior", "predict"}:
            predictions = many_predictions(**{item.function: item.code})
            yield item, sum(fails(predictions, run) for run in range(RUNS_OF_A_MISTAKE))


def main(runs):
    counts, sharpness = right(runs)
    outside = int(np.sum((counts < LOWEST) | (counts > HIGHEST)))
    nominal = false_fail()
    print(f"reference, {runs} runs of one seed: coverage {counts.mean() / SETS:.4f} ± {counts.std() / SETS:.4f}")
    print(f"  binomial law: {LEVEL} ± {(LEVEL * (1 - LEVEL) / SETS) ** 0.5:.4f}")
    print(f"  outside of [{LOWEST}, {HIGHEST}]: {outside} runs; nominal {nominal * runs:.2f}")
    print(f"  a right answer fails {SEEDS} of {SEEDS} with probability {nominal**SEEDS:.1e}")
    print(f"  its variance is {sharpness.min():.3f} to {sharpness.max():.3f} of the prior's")
    for item, found in power():
        print(f"{found:3d} of {RUNS_OF_A_MISTAKE}: {item.function}: {item.name}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

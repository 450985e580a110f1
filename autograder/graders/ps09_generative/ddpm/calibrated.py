"""The two statistical tests of this problem: the law of the samples, and how well a network was trained."""

import json
from pathlib import Path
from statistics import NormalDist

import numpy as np

from autograder.graders.ps09_generative.ddpm.cases import BETAS, WELLS, draw_points, turned
from autograder.grading import histogram

# Hotelling's T² of 8 features is chi-squared with 8 degrees of freedom to good accuracy at 2000 samples; it exceeds 60
# with probability 4.7e-10, and a test fails only if three independent samples of three exceed it. `measure.py`
# compares nominal and observed rates, and measures the power.
SAMPLES, STEPS, THRESHOLD, TRIES = 2000, 50, 60.0, 3
MOMENTS = Path(__file__).with_name("reference_chain.json")

# The mean over points and dimensions of (ε_θ − ε*)², and how a model is trained before that is measured: in calls of
# ROUND steps, each a third of a second, so that a busy machine does not bring one near its limit of ten seconds.
PASS, HALF = 0.06, 0.15
POINTS, DATA, ROUND, ROUNDS = 4000, 20000, 400, 4
# The loss of the oracle on WELLS, turned or not.
FLOOR = 0.217


def features(x):
    """Eight numbers for each point: in which well (2), x, y, distance from its centre in widths, x², y², xy."""
    dx = x[:, None, :] - WELLS["means"]
    square = np.einsum("nki,kij,nkj->nk", dx, np.linalg.inv(WELLS["covs"]), dx)
    well = np.argmin(square, axis=1)
    # Clipped, so that its mean is close to normal whatever the tails do.
    radius = np.minimum(square.min(axis=1), 9.0)
    a, b = x.T
    return np.stack([well == 0, well == 1, a, b, radius, a**2, b**2, a * b], axis=1).astype(float)


def hotelling(x):
    """T² of the samples x (n, 2) against the moments of the reference chain of STEPS steps."""
    moments = json.loads(MOMENTS.read_text())
    gap = features(x).mean(axis=0) - moments["mean"]
    return float(len(x) * gap @ np.linalg.solve(np.array(moments["cov"]), gap))


def marginals(x):
    """Pictures of the samples x (n, 2): each coordinate, against the wells' own density of it."""
    edges = np.linspace(-3.0, 3.0, 41)  # wells of widths 0.3 to 0.46, in bins of half of that
    return tuple(
        histogram(f"{name} of your samples", name, x[:, axis], edges, lambda at, axis=axis: marginal(at, axis))
        for axis, name in enumerate("xy")
    )


def marginal(at, axis):
    """The probability that a coordinate of a point of WELLS is below each of `at`."""
    each = zip(WELLS["weights"], WELLS["means"], WELLS["covs"], strict=True)
    wells = [(weight, NormalDist(mean[axis], cov[axis, axis] ** 0.5)) for weight, mean, cov in each]
    return np.array([sum(weight * well.cdf(value) for weight, well in wells) for value in at])


def training_set(rng):
    """Wells that no statement shows, data from them, a schedule, and points of the forward process with their times."""
    gmm = turned(WELLS, rng.uniform(np.pi / 3, 5 * np.pi / 3))
    data = draw_points(gmm, DATA, rng)
    t = rng.integers(1, STEPS + 1, size=POINTS)
    return gmm, data, t, draw_points(gmm, POINTS, rng), rng.normal(size=(POINTS, 2))


def start(rng):
    """Starting points of the reverse chain."""
    return rng.normal(size=(SAMPLES, 2))


def chain_schedule(reference):
    return reference.schedule(STEPS, "linear", *BETAS)

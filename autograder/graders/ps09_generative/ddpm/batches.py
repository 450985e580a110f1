"""What `train` did, worked out from what the network saw and said: how many steps, from where, on which data."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from autograder.graders.ps09_generative.ddpm.cases import keyed, recorded, sized
from autograder.graders.ps09_generative.ddpm.steps import AGAIN, losses_of, only_call, pair, same_points
from autograder.grading import as_array, check, same_values

# Points near those of a square lattice, each displaced by up to JITTER, with a mean that is not 0: shifted data fit
# nowhere. The noise of TRICKLE leaves no doubt which point it was: with a displacement it reaches half the spacing at
# 5.8 of its widths, 0.007 at most, or more: in less than one run of 10⁵. It is so large that 1 − ᾱ has two digits even
# if taken in single precision.
SIDE, SPACING, STEPS = 50, 0.12, 30
JITTER, CENTRE = 0.02, 0.5
TRICKLE = {"beta": np.array([0.0, *[1.2e-5] * 4]), "alpha": np.array([1.0, *[1 - 1.2e-5] * 4])}
TRICKLE["abar"] = np.cumprod(TRICKLE["alpha"])

RESTARTED = "train begins with new parameters: what earlier calls have learned is lost. Leave the model as it is."
ONE_BATCH = "Every step sees the same few points: draw a new random batch of x0 inside the loop."
ONE_HALF = "One half of x0 is never drawn: take rows from all of it, by randint(len(x0), …) or by randperm(len(x0))."
TOO_FEW = "Your loop makes fewer steps than `steps` says: one call of train_step for each."
TOO_MANY = "Your loop makes more steps than `steps` says: one call of train_step for each, and no other."
SEEDED = "train gives the generator a seed of its own: every call repeats the same numbers. Use gen as it comes."
NOT_BY_GEN = "The batches of train do not depend on gen: draw them with generator=gen, and not from another generator."
OTHER_GEN = "train hands another generator to train_step, so that its t and ε do not depend on gen: pass gen itself."
SMOOTHED = "Your list is a running mean of the losses: append what train_step returns, and smooth it for the plot only."
OTHER_POINTS = (
    "Your steps see other points than the rows of x0: train_step gets them as they are, not shifted or scaled."
)
OVERWRITTEN = "train writes into x0, which belongs to the caller: take rows by x0[rows], and leave x0 in its order."
DOUBLE = "Your network gives float64: the statement asks for float32, which is what torch's layers have."

ONE_NETWORK = "Every call of make_model returns the same network: make it inside the function, so that each is fresh."
ONE_T = "Your network is made for one T: use the T that make_model is given, also for the size of an embedding."
SQUEEZED = "For a single point your network gives (2,) and not (1, 2): squeeze() removes the axis of the batch as well."


class Training(NamedTuple):
    """One call of train: for each step the rows of the data, their noise, and the loss that belongs to them."""

    found: dict
    returned: np.ndarray
    batches: list
    noise: list
    losses: np.ndarray


def lattice(rng):
    """SIDE² points of the plane, float32, in an order that tells nothing."""
    axis = CENTRE + SPACING * (np.arange(SIDE) - (SIDE - 1) / 2)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return rng.permutation(grid + rng.uniform(-JITTER, JITTER, grid.shape)).astype(np.float32)


def watched(student, data, seed):
    """The Training of STEPS steps on the lattice; refuses one that changes its arguments."""
    answer, (after, sch, *_) = student.watch_train.inputs_after(data, TRICKLE, seed, STEPS)
    found = keyed(answer, ("losses", "seen", "said", "before", "first", "dtype"))
    check(
        all(isinstance(found[name], list) for name in ("seen", "said", "before", "first"))
        and len(found["seen"]) == len(found["said"]),
        measured="watch_train returned something else than it was written to",
        allowed="the given cells as they are",
        next_step="Do not use the names of the given functions for your own.",
    )
    returned = losses_of(found["losses"], STEPS)
    points = data[np.argsort(_number(data))].astype(float)
    rows = [_row(seen, said, points) for seen, said in zip(recorded(found["seen"]), found["said"], strict=True)]
    batches, noise, losses = ([row[k] for row in rows] for k in range(3))
    check(
        same_values(data, after) and all(same_values(TRICKLE[name], sch.get(name)) for name in TRICKLE),
        measured="after train x0 or sch had other values than before",
        allowed="arguments that stay as they were",
        next_step="Indexed assignments such as x0[:] = … write into the caller's tensor: make a new one.",
        hint=None if same_values(data, after) else OVERWRITTEN,
    )
    return Training(found, returned, batches, noise, np.array(losses))


def _row(seen, said, points):
    """Which of the points, in the order of their numbers, one step saw, the noise that they had, and its loss."""
    shown = pair(seen)
    shown = shown if np.ndim(shown[0]) == 2 else shown[::-1]  # who names the arguments may turn them round
    x, t = only_call([shown], (*as_array(shown[0], of="what the model was shown").shape[:1], 2))
    y = sized(said, x.shape, "the output of your model")
    number = _number(x)
    # A t beyond both ends is the affair of the test of the draws.
    abar = TRICKLE["abar"][np.clip(t, 1, len(TRICKLE["abar"]) - 1)][:, None]
    eps = (x - np.sqrt(abar) * points[number]) / np.sqrt(1 - abar)
    return number, eps, np.mean((y - eps) ** 2)


def _number(points):
    """The number, from 0 to SIDE² − 1, of the lattice point that is nearest to each of `points`."""
    place = np.rint((points - CENTRE) / SPACING + (SIDE - 1) / 2)
    return np.clip(place, 0, SIDE - 1).astype(int) @ [SIDE, 1]


def check_training(training, data):
    """It must have made all steps, from the network as it was, on new rows of x0 at each, and say their losses."""
    found, batches = training.found, training.batches
    check(
        len(batches) == STEPS,
        measured=f"the model was trained {len(batches)} times in {STEPS} steps",
        allowed="one call of train_step in each step, which calls the model once",
        next_step="Call train_step `steps` times.",
        hint=AGAIN if _asked_again(found["seen"]) else TOO_FEW if len(batches) < STEPS else TOO_MANY,
    )
    pairs = zip(found["first"], found["before"], strict=True)
    check(
        len(found["first"]) == len(found["before"]) and all(np.array_equal(first, before) for first, before in pairs),
        measured="at the first step the parameters were not those with which the network came",
        allowed="the network as train finds it: a second call goes on with the training",
        next_step="Look for what makes, loads or draws parameters inside train.",
        hint=RESTARTED,
    )
    check(
        # It is 1, of data shifted by the spacing about 12; even 60 numbers never have 4 by chance.
        np.mean(np.concatenate(training.noise) ** 2) < 4,
        measured="the model was trained on points that are no rows of x0 with a little noise",
        allowed="the rows of x0 as they are, through train_step",
        next_step="Do not shift, scale or blur x0 in train: the network itself may scale what it is shown.",
        hint=OTHER_POINTS,
    )
    _check_halves(batches, data)
    _check_variety(batches)
    _check_losses(training)
    check(
        found["dtype"] == "torch.float32",
        measured=f"the model gives {found['dtype']}",
        allowed="torch.float32, as the docstring of make_model says",
        next_step="Leave the layers in torch's own precision, or end forward with .float().",
        hint=DOUBLE,
    )


def _asked_again(seen):
    """Whether every second call of the model, at least, repeats the one before: no loop of train does that."""
    return sum(same_points(one, two) for one, two in pairwise(seen)) >= len(seen) // 2 > 0


def _check_halves(batches, data):
    """Rows from the first half of the data, and rows from the second: it is all the same where in x0 a row stands."""
    seen = np.isin(_number(data), np.concatenate(batches))
    first, second = np.array_split(seen, 2)
    # 30 single rows miss a half with probability 2e-9; more of them, or the rows of a shuffled x0, with less.
    check(
        first.any() and second.any(),
        measured=f"{len(batches)} steps saw {np.sum(first)} rows of the first half of x0, and {np.sum(second)} others",
        allowed="some of both, wherever in x0 they stand",
        next_step="Print the smallest and the largest number of the rows that you draw.",
        hint=ONE_HALF,
    )


def _check_variety(batches):
    """Random rows: in each batch, and in all of them together, about as many different ones as chance gives."""
    n, drawn = SIDE**2, np.concatenate(batches)
    poorest = min(len(set(batch.tolist())) / min(len(batch), n) for batch in batches)
    union, expected = len(set(drawn.tolist())), n * (1 - np.exp(-len(drawn) / n))
    # Rows drawn with replacement, the worst that is right: a batch as large as the data has 63% of it. The union has a
    # standard deviation below 17; 30 single rows fall below 70% with a probability below 1e-7. Runs of 128 neighbouring
    # rows overlap as they like: one of 20,000 simulated trainings fell below 70%, one of 300 below 80%. Ten batches in
    # turn see 51%.
    check(
        poorest >= 0.5 and union >= 0.7 * expected,
        measured=f"{len(batches)} steps with {len(drawn)} rows in all saw {union} of the {n} points",
        allowed=f"new random batches at every step, which see about {expected:.0f}",
        next_step="Print the first row of each batch.",
        hint=ONE_BATCH,
    )


def _check_losses(training):
    """The list must be that of the losses; a running mean m ← a m + (1 − a) loss has a hint of its own."""
    returned, right = training.returned, training.losses
    gap, lag = returned[1:] - right[1:], returned[:-1] - right[1:]
    a = float(gap @ lag / (lag @ lag)) if np.any(lag) else 0.0
    smoothed = a > 0.2 and np.abs(gap - a * lag).max() < 0.1 * np.abs(gap).max()
    worst = int(np.argmax(np.abs(returned - right) / right))
    check(
        # Single precision of 1 − ᾱ = 1.2e-5 and of x_t changes a loss by half a percent; the losses of two batches
        # differ by 3% if they have 1024 points, and by more if they have fewer.
        np.allclose(returned, right, rtol=0.01, atol=0),
        measured=f"loss {worst} of the list is {returned[worst]:.3g}, while what the model said had {right[worst]:.3g}",
        allowed="the loss of each step on its own batch, to 1%",
        next_step="Collect what train_step returns; if test_draws fails as well, begin with that.",
        hint=SMOOTHED if smoothed else None,
    )


def check_randomness(training, again, other):
    """One seed gives one training, and another seed another: other batches, and other noise."""
    check(
        _alike(training.batches, again.batches) == 1 and _alike(training.noise, again.noise) == 1,
        measured="two generators with one seed gave different batches or different noise",
        allowed="all randomness from gen",
        next_step="Pass generator=gen to torch.randint or torch.randperm, and gen to train_step.",
    )
    # Two independent batches are hardly ever alike, and more than half of 30 never are, even if they have a single row.
    rows, noise = _alike(training.batches, other.batches) > 0.5, _alike(training.noise, other.noise) > 0.5
    names = " and the same ".join(name for name, same in (("batches", rows), ("noise", noise)) if same)
    check(
        not names,
        measured=f"two generators with different seeds gave the same {names}",
        allowed="all randomness from gen, as it is when train gets it",
        next_step="Look for manual_seed, default_rng, and for rows that are taken in their order.",
        hint=SEEDED if rows and noise else NOT_BY_GEN if rows else OTHER_GEN,
    )


def _alike(one, two):
    """The share of the steps in which two trainings had the same rows, or the same noise."""
    return np.mean([a.shape == b.shape and np.allclose(a, b, rtol=0, atol=0.02) for a, b in zip(one, two, strict=True)])

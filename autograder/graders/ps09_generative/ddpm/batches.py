"""What `train` did, worked out from the points that the network saw: how many steps, from where, on which data."""

import numpy as np

from autograder.graders.ps09_generative.ddpm.cases import keyed
from autograder.graders.ps09_generative.ddpm.steps import losses_of
from autograder.grading import as_array, check

# Points of a square lattice, so far apart that the noise of TRICKLE (0.002 at most) leaves no doubt which one it was.
SIDE, SPACING, STEPS = 50, 0.1, 30
TRICKLE = {"beta": np.array([0.0, *[1e-6] * 4]), "alpha": np.array([1.0, *[1 - 1e-6] * 4])}
TRICKLE["abar"] = np.cumprod(TRICKLE["alpha"])

RESTARTED = "train begins with new parameters: what earlier calls have learned is lost. Leave the model as it is."
ONE_BATCH = "Every step sees the same few points: draw a new random batch of x0 inside the loop."
TOO_FEW = "Your loop makes fewer steps than `steps` says: one call of train_step for each."
DOUBLE = "Your network gives float64: the statement asks for float32, which is what torch's layers have."


def lattice(rng):
    """SIDE² points of the plane, in an order that tells nothing."""
    axis = SPACING * (np.arange(SIDE) - (SIDE - 1) / 2)
    return rng.permutation(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))


def watched(student, data, seed):
    """What watch_train says of STEPS steps on the lattice, and for each step which points it saw."""
    found = keyed(student.watch_train(data, TRICKLE, seed, STEPS), ("losses", "points", "before", "first", "dtype"))
    check(
        all(isinstance(found[name], list) for name in ("points", "before", "first")),
        measured="watch_train returned something else than it was written to",
        allowed="the given cells as they are",
        next_step="Do not use the names of the given functions for your own.",
    )
    batches = []
    for points in found["points"]:
        x = as_array(points, of="what the model was shown")
        check(
            x.ndim == 2 and x.shape[1] == 2,
            measured=f"the model was shown points of shape {x.shape}",
            allowed="(B, 2)",
            next_step="A batch is some rows of x0.",
        )
        place = np.rint(x / SPACING + (SIDE - 1) / 2).astype(int)
        batches.append(place @ [SIDE, 1])
    return found, batches


def check_training(found, batches):
    """It must have taken the network as it was, made all steps, and seen new points at each."""
    losses_of(found["losses"], STEPS)
    check(
        len(batches) >= STEPS,
        measured=f"the model was called {len(batches)} times in {STEPS} steps",
        allowed="one call in each step",
        next_step="Call train_step `steps` times.",
        hint=TOO_FEW,
    )
    pairs = zip(found["first"], found["before"], strict=True)
    check(
        len(found["first"]) == len(found["before"]) and all(np.array_equal(first, before) for first, before in pairs),
        measured="at the first step the parameters were not those with which the network came",
        allowed="the network as train finds it: a second call goes on with the training",
        next_step="Look for what makes, loads or draws parameters inside train.",
        hint=RESTARTED,
    )
    sizes = [len(set(batch.tolist())) for batch in batches]
    union = len(set(np.concatenate(batches).tolist()))
    # Random batches of any size miss one of the points of three of them with a probability below 1e-9.
    check(
        union >= min(0.9 * SIDE**2, 3 * max(sizes)),
        measured=f"{len(batches)} steps with batches of {max(sizes)} saw {union} of the {SIDE**2} points",
        allowed="new random batches at every step",
        next_step="Print the first row of each batch.",
        hint=ONE_BATCH,
    )
    check(
        found["dtype"] == "torch.float32",
        measured=f"the model gives {found['dtype']}",
        allowed="torch.float32, as the docstring of make_model says",
        next_step="Leave the layers in torch's own precision, or end forward with .float().",
        hint=DOUBLE,
    )

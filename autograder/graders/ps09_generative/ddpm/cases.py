"""What the hidden tests of this problem are fed with, and how they read what comes back."""

import math

import numpy as np
import torch

from autograder.grading import Tolerance, agree, as_array, check, untouched

BETAS = (1e-4, 2e-2)

# Odd and distinct, and with B = d once, where a vector of times broadcasts along the wrong axis without a word.
SIZES = ((7, 2, 50), (5, 1, 13), (4, 5, 6), (1, 2, 9), (3, 3, 11), (6, 2, 1000))

# Each step amplifies the rounding of those before, by 2000 at most in 13,000 walks; the nearest mistake was 1e-2 away.
CHAIN = Tolerance(1e-8, 1e-9, "each step of the chain amplifies the rounding of the steps before it")

# Near t = 0 the form of ε* with x̂0 subtracts numbers of order one to get one of order √(1 − ᾱ) = 1e-4.
CANCELLED = Tolerance(1e-6, 1e-6, "the noise is the small difference of two points here")

SHARED_BY_SAMPLES = "All samples get the same noise: ask for randn(x.shape), a number for each entry of x."
BY_ROWS = "Your chain asks randn for the noise of one row after the other: randn(x.shape) gives that of all at once."
WITHOUT_AXIS = "np.squeeze takes the axis of the batch away if B = 1, and that of the space if d = 1: leave it out."
SHARED_BY_STEPS = "The noise is drawn once and used at every step: ask randn anew inside the loop."

WELLS = {
    "weights": np.array([0.5, 0.3, 0.2]),
    "means": np.array([[-1.6, -0.8], [1.6, -0.6], [0.2, 1.7]]),
    "covs": np.array([[[0.21, 0.08], [0.08, 0.11]], [[0.09, 0.0], [0.0, 0.16]], [[0.15, -0.07], [-0.07, 0.09]]]),
}


def draw(reference, rng, size, first=1):
    """x0, xt, eps of one size, a time from `first` on for each sample, and a schedule; the kinds take turns.

    Both ends are among the times, where there are two samples: a slip may show there alone.
    """
    B, d, T = size
    sch = reference.schedule(T, "cosine" if T % 3 == 0 else "linear", *BETAS)
    x0, xt, eps = rng.normal(size=(3, B, d))
    t = rng.integers(first, T + 1, size=B)
    if B > 1:
        t[rng.permutation(B)[:2]] = first, T
    return x0, xt, eps, t, sch


def refused(student, name, *args):
    """Check that a student's function raises ValueError, or a kind of it, for these arguments."""
    raised = getattr(student, name).attempt(*args).raised
    found = f"raised {raised[0]}" if raised else "returned a result"
    check(
        "ValueError" in raised,
        measured=f"the call with {', '.join(map(repr, args[:2]))} {found}",
        allowed="a ValueError",
        next_step="Read in the docstring what the function raises, and when.",
    )


def draw_wells(rng, K, d):
    """A mixture of K Gaussians of different widths and weights in d dimensions."""
    root = rng.normal(size=(K, d, d)) * 0.4
    covs = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(d)
    weights = rng.uniform(0.3, 1.0, size=K)
    return {"weights": weights / weights.sum(), "means": 2 * rng.normal(size=(K, d)), "covs": covs}


def turned(gmm, angle):
    """The mixture rotated about the origin of the plane."""
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return {"weights": gmm["weights"], "means": gmm["means"] @ R.T, "covs": R @ gmm["covs"] @ R.T}


def draw_points(gmm, n, rng):
    """n independent points of a mixture."""
    k = rng.choice(len(gmm["weights"]), size=n, p=gmm["weights"])
    widths = np.linalg.cholesky(gmm["covs"])[k]
    return gmm["means"][k] + np.einsum("nij,nj->ni", widths, rng.normal(size=(n, gmm["means"].shape[1])))


def judge(function, cases, right, tolerance, of):
    """Compare a student's function with the reference on all cases, and see that it leaves its arguments alone."""
    answers = [function.inputs_after(*args) for args in cases]
    for args, (answer, after) in zip(cases, answers, strict=True):
        agree(answer, right(*args), tolerance, of=of)
        untouched(right, args, after)


class Model:
    """A model that depends on x and t smoothly, for ddpm_loss: takes tensors or arrays, gives tensors."""

    def __init__(self, rng, d):
        self.A, self.b = rng.normal(size=(d, d)), rng.normal(size=d)

    def __call__(self, x, t):
        x, t = np.asarray(x, dtype=float), np.asarray(t, dtype=float)
        return torch.tensor(x @ self.A + 0.2 * np.reshape(t, (-1, 1)) * self.b)


class Oracle:
    """The exact denoiser as a function for the samplers; remembers what was odd about the calls."""

    def __init__(self, reference, gmm, sch):
        # The function and not the module, which could not be copied for the diagnosis.
        self.optimal_eps, self.gmm, self.sch = reference.optimal_eps, gmm, sch
        self.called, self.oddity = False, None

    def __call__(self, x, t):
        # What is odd gives numbers all the same, not an exception: they say more to the diagnosis.
        x, t = np.asarray(x, dtype=float), np.asarray(t)
        self.called = True
        if x.ndim != 2 or x.shape[1] != self.gmm["means"].shape[1] or len(x) > MOST_POINTS:
            self.oddity = self.oddity or f"eps_fn was given points of shape {x.shape}"
            return np.zeros_like(x)
        if t.dtype.kind not in "iu" or t.shape != (len(x),):
            odd = f"eps_fn was given times of dtype {t.dtype} and shape {t.shape} for {len(x)} points"
            self.oddity = self.oddity or odd
        times = np.resize(t.astype(float), len(x)) if t.size else np.ones(len(x))
        nearest = np.clip(np.rint(np.nan_to_num(times)), 1, len(self.sch["beta"]) - 1).astype(int)
        return self.optimal_eps(x, nearest, self.gmm, self.sch)

    def check_calls(self):
        """It must have been asked as the statement says."""
        check(
            self.called and self.oddity is None,
            measured=self.oddity or "eps_fn was never called",
            allowed="points of shape (B, d) with an array of B integers, one call for each step",
            next_step="Pass x and np.full(len(x), t): t itself, not t/T, not a float, and one for each sample.",
        )


# Ten times the points, and five times all the noise, of the largest chain that is tested: what a student's code asks
# for is made in the grader's own memory.
MOST_POINTS, MOST_NUMBERS = 20_000, 1_000_000
# Ten times what a chain of fifty steps needs; a call for each of 2000 rows would take a minute.
MOST_CALLS = 500


class Constant:
    """A randn whose numbers are all the same, in any shape; counts how many were asked for."""

    def __init__(self, value):
        self.value, self.count = value, 0

    def __call__(self, *shape):
        shape = as_shape(shape)
        self.count += int(np.prod(shape))
        return np.full(shape, self.value)


class Normal:
    """A randn of independent standard normal numbers; counts how often, and how many were asked for."""

    def __init__(self, rng):
        self.rng, self.count, self.calls = rng, 0, 0

    def __call__(self, *shape):
        shape = as_shape(shape)
        self.count, self.calls = self.count + int(np.prod(shape)), self.calls + 1
        if self.calls > MOST_CALLS:
            raise ValueError(f"randn was called more than {MOST_CALLS} times.")
        return self.rng.normal(size=shape)

    def check_calls(self):
        """Refuse a chain that was stopped because it asks for the noise bit by bit."""
        check(
            self.calls <= MOST_CALLS,
            measured=f"randn was called more than {MOST_CALLS} times, and the chain was stopped",
            allowed="one call for each step of the chain, for all samples at once",
            next_step="Ask for randn(x.shape), not row by row: each call of randn takes its time.",
            hint=BY_ROWS,
        )


def as_shape(arguments):
    """randn((5, 2)), randn([5, 2]) and randn(5, 2) ask for the same; randn() asks for one number, as numpy's does."""
    nested = arguments and isinstance(arguments[0], (tuple, list, np.ndarray))
    shape = tuple(int(n) for n in (arguments[0] if nested else arguments))
    if any(n < 0 for n in shape) or math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"There is no noise of shape {shape}.")
    return shape


def check_amount(randn, steps, shape):
    """All noise must come from randn, and every coordinate of every sample needs its own at every noisy step."""
    B, d = shape
    hint = None
    by_steps = B > 1 and randn.count in {steps, steps + 1, steps * d, (steps + 1) * d}
    by_samples = steps > 1 and randn.count == B * d
    if by_steps != by_samples:  # both numbers may be the same, and then nobody knows which it was
        hint = SHARED_BY_SAMPLES if by_steps else SHARED_BY_STEPS
    check(
        randn.count >= steps * B * d,
        measured=f"randn was asked for {randn.count} numbers in the whole chain",
        allowed=f"at least {steps * B * d}: one for each sample, coordinate and step, but for the last step",
        next_step="Ask for randn(x.shape) anew at every step.",
        hint=hint,
    )


def keyed(value, names):
    """What a given cell's function returned; a notebook may have put another function in its place."""
    check(
        isinstance(value, dict) and set(names) <= set(value),
        measured="a function of a given cell returned something else than it was written to",
        allowed="the given cells as they are",
        next_step="Do not use the names of the given functions for your own.",
    )
    return value


def recorded(value):
    """What a given cell noted: a list with a list of arrays for each call. A student's code can reach these lists."""
    rows = value if isinstance(value, list | tuple) else [None]
    check(
        all(isinstance(row, list | tuple) and all(isinstance(entry, np.ndarray) for entry in row) for row in rows),
        measured="what a given cell notes of your model was overwritten",
        allowed="arrays of numbers, as the given cell notes them",
        next_step="Do not write to attributes of the model such as seen: they belong to the given cells.",
    )
    return rows


def sized(value, shape, of):
    """`value` as numbers, which must have this shape."""
    array = as_array(value, of=of)
    check(
        array.shape == tuple(shape),
        measured=f"{of} has shape {array.shape}",
        allowed=f"shape {tuple(shape)}",
        next_step="Print the shapes of what goes in and of what you return.",
    )
    return array

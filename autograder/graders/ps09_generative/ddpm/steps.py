"""What the loss and a training step did, worked out from what the model was shown: no order of draws is prescribed."""

import math

import numpy as np

from autograder.graders.ps09_generative.ddpm import independence
from autograder.graders.ps09_generative.ddpm.cases import BETAS, draw, keyed, recorded, sized
from autograder.grading import ALGEBRA, Tolerance, agree, as_array, as_float, check

# ε_θ of a float32 net is fed with x_t of seven digits; 1 − ᾱ₁ = 1e-4 taken in single precision is off by 1.7e-4.
SINGLE = Tolerance(1e-4, 1e-5, "single precision carries about seven digits, if 1 − ᾱ is taken in double precision")

# Samples in each of the three steps whose draws are judged.
BATCH = 3000

# The probability that a standard normal number is between −1 and 1.
NEAR = 0.6827

CUT_OFF = "The loss is detached from the model: return the tensor itself, with its graph."
ONE_TIME = "All samples of the batch have the same t: draw B of them, one for each sample."
ONE_NOISE = "All samples of the batch have the same ε: draw an array of the shape of x0."
FROM_ZERO = "Your t starts at 0, where there is no noise; the steps are 1, …, T, and randint(1, T + 1) draws them."
NEVER_LAST = "The last step T is never drawn: the upper end of randint is exclusive, so it must be T + 1."
LEFT_OVER = "The gradient of the step before was not cleared: torch adds to .grad until you call opt.zero_grad()."
REPEATED = "Part of the noise occurs twice, perhaps with the other sign: draw one number for each entry of x0."
AS_TENSOR = "train_step returns the loss as a float, by loss.item(): a tensor keeps the whole graph of the step alive."
AGAIN = "train_step asks the model about the same x_t more than once: one call gives the loss for backward and return."
WRITTEN = "train_step writes into x0, which belongs to the caller: zero_, +=, x0[:] = … change it. Make a new tensor."
NOT_MOVED = "The parameters do not move: after loss.backward() comes opt.step(), with no zero_grad between the two."


def story_of(value, steps, d):
    """The steps that watch_train_step recorded of a probe in d dimensions, each a dict of plain data."""
    whole = isinstance(value, list) and len(value) == steps
    story = [keyed(step, ("loss", "seen", "before", "after", "x0")) for step in (value if whole else [None])]
    for step in story:
        shapes = [[entry.shape for entry in row] for row in recorded([step["before"], step["after"]])]
        check(
            shapes == [[(d, d), (d,)]] * 2,
            measured=f"before and after train_step the model had parameters of the shapes {shapes[0]} and {shapes[1]}",
            allowed="the parameters that the model came with",
            next_step="train_step changes the values of the parameters only, by opt.step().",
        )
    return story


def check_kept(story, x0):
    """x0 is the caller's: after each step it must be what it was."""
    check(
        all(np.array_equal(as_array(step["x0"], of="x0"), x0) for step in story),
        measured="after train_step x0 had other values than before",
        allowed="arguments that stay as they were",
        next_step="Operators such as += and indexed assignments write into the caller's tensor: make a new one.",
        hint=WRITTEN,
    )


def through_probe(student, reference, rng, size, dtype, tolerance):
    """Compare the loss and what autograd makes of it with the gradient of a linear model, worked out by hand."""
    x0, _, eps, t, sch = draw(reference, rng, size)
    A, b = rng.normal(size=(size[1], size[1])), 0.1 * rng.normal(size=size[1])
    A, b, x0, eps = (value.astype(dtype) for value in (A, b, x0, eps))
    found = keyed(student.loss_through_probe(A, b, x0, t, eps, sch), ("loss", "A", "b", "flows", "seen"))
    check(
        found["flows"],
        measured="a loss without a gradient: the graph between it and the model is cut",
        allowed="a loss through which autograd reaches the model's parameters",
        next_step="Look for .detach(), .item(), .numpy(), torch.no_grad() or torch.tensor(loss) on the way.",
        hint=CUT_OFF,
    )
    A, b, x0, eps = (value.astype(float) for value in (A, b, x0, eps))
    xt = reference.q_sample(x0, t, eps, sch)
    residual = xt @ A + t[:, None] * b - eps
    agree(as_float(found["loss"], of="the loss"), np.mean(residual**2), tolerance, of="the loss")
    agree(found["A"], 2 * xt.T @ residual / residual.size, tolerance, of="the gradient of your loss")
    agree(found["b"], 2 * t @ residual / residual.size, tolerance, of="the gradient of your loss", shape="vector")
    only_call(found["seen"], x0.shape)


def single_precision(student, reference, rng):
    """Look at the x_t of the first steps, which is pure noise for x0 = 0: √(1 − ᾱ) ε, with 1 − ᾱ about 1e-4."""
    d, T = 2, 1000
    t = np.array([1, 2, 3, 1, 2])
    sch = reference.schedule(T, "linear", *BETAS)
    eps = rng.normal(size=(len(t), d)).astype(np.float32)
    A, b, x0 = (np.zeros(shape, dtype=np.float32) for shape in ((d, d), d, eps.shape))
    found = keyed(student.loss_through_probe(A, b, x0, t, eps, sch), ("seen",))
    xt, _ = only_call(found["seen"], eps.shape)
    # A float32 ᾱ is right to 6e-8, and 1 − ᾱ made of it to 6e-4; made in double precision, x_t has its seven digits.
    allowed = Tolerance(1e-6, 1e-8, "x_t has seven digits if 1 − ᾱ is taken in double precision")
    agree(xt, reference.q_sample(x0.astype(float), t, eps.astype(float), sch), allowed, of="x_t at the first steps")


def only_call(seen, shape):
    """x_t and t of the only call of the model, which must be of the kinds that the statement says."""
    seen = recorded(seen)
    check(
        len(seen) == 1,
        measured=f"the model was called {len(seen)} times",
        allowed="one call",
        next_step="Call the model once for the whole batch, with a t and an ε for each sample.",
        hint=AGAIN if len(seen) > 1 and same_points(*seen[:2]) else None,
    )
    xt, t = pair(seen[0])
    check(
        t.dtype.kind in "iu" and t.shape == shape[:1],
        measured=f"the model was shown times of dtype {t.dtype} and shape {t.shape}",
        allowed=f"integers of shape ({shape[0]},)",
        next_step="Pass the integers of t as they are, one for each sample.",
    )
    return sized(xt, shape, "the x_t that the model was shown"), t.astype(int)


def pair(call):
    """x_t and t, which a model must be called with."""
    check(
        len(call) == 2,
        measured=f"the model was called with {len(call)} arguments",
        allowed="x_t and t",
        next_step="Call model(xt, t).",
    )
    return call


def same_points(one, two):
    """Whether two calls of the model were shown the same."""
    return len(one) == len(two) and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def draws(step, x0, sch):
    """x_t, t and ε of one step; checks that t and ε are what algorithm 1 asks for."""
    xt, t = only_call(step["seen"], x0.shape)
    _check_times(t, len(sch["beta"]) - 1)
    abar = sch["abar"][t][:, None]
    eps = (xt - np.sqrt(abar) * x0) / np.sqrt(1 - abar)
    _check_noise(eps)
    return xt, t, eps


def check_pool(drawn, sch):
    """The draws of several steps together: the same laws, seen more sharply, and independence."""
    _check_times(np.concatenate([t for _, t, _ in drawn]), len(sch["beta"]) - 1)
    _check_noise(np.concatenate([eps for _, _, eps in drawn]))
    independence.check_times([t for _, t, _ in drawn], len(sch["beta"]) - 1)
    independence.check_means([eps for _, _, eps in drawn])
    independence.check_widths([eps for _, _, eps in drawn])


def _check_times(t, T):
    B, lowest, highest, kinds = len(t), int(t.min()), int(t.max()), len(set(t.tolist()))
    hint = None
    if kinds == 1 and B > 1:
        hint = ONE_TIME
    elif lowest == 0:
        hint = FROM_ZERO
    elif lowest == 1 and highest == T - 1:
        hint = NEVER_LAST
    # With 600 samples and T = 8 a right draw misses one of the times with probability 1e-34, with more even less.
    check(
        set(t.tolist()) == set(range(1, T + 1)),
        measured=f"the times of {B} samples with T = {T} ran from {lowest} to {highest}, {kinds} different ones",
        allowed="1, …, T, all of them",
        next_step="Draw a time for each sample, uniform in 1, …, T, both ends included.",
        hint=hint,
    )
    counts = np.bincount(t, minlength=T + 1)[1:]
    chi2 = float(np.sum((counts - B / T) ** 2) / (B / T))
    # Chi-squared with 7 degrees of freedom exceeds 70 with probability 1.5e-12.
    check(
        chi2 < 70,
        measured=f"the times are not uniform: χ² = {chi2:.3g} with {T - 1} degrees of freedom",
        allowed="χ² below 70",
        next_step="Draw the times with equal probabilities.",
    )


def _check_noise(eps):
    B, d = eps.shape
    check(
        np.ptp(eps, axis=0).max() > 1e-6,
        measured="ε was the same for all samples of the batch",
        allowed="independent noise for each sample",
        next_step="Look at the shape of the noise that you draw.",
        hint=ONE_NOISE,
    )
    sizes = np.sort(np.abs(eps).ravel())
    twice = float(np.mean(np.diff(sizes) < 1e-9))
    # Of 27,000 numbers of single precision one in a thousand has a twin by chance, of half antithetic ones each second.
    check(
        twice < 0.05,
        measured=f"of the numbers in ε {twice:.0%} occur twice, sign aside",
        allowed="5%: independent normal numbers are all different",
        next_step="Draw ε from the standard normal distribution, one number for each entry of x0.",
        hint=REPEATED,
    )
    # Seven standard errors are exceeded with a probability of 3e-12; by the mean square, whose law is skew, of 3e-11
    # with 1800 numbers, and of less with more.
    n = eps.size
    mean, square, inside = float(eps.mean()), float(np.mean(eps**2)), float(np.mean(np.abs(eps) < 1))
    twins = float(np.abs(np.corrcoef(eps.T)[0, 1])) if d > 1 else 0.0
    errors = np.array([1.0, np.sqrt(2), np.sqrt(NEAR * (1 - NEAR)), np.sqrt(d)]) / np.sqrt(n)
    check(
        np.all(np.abs([mean, square - 1, inside - NEAR, twins]) < 7 * errors),
        measured=f"ε of {B} samples has mean {mean:.3g}, mean square {square:.3g}, correlation {twins:.3g}, "
        f"and {inside:.0%} of it are between −1 and 1",
        allowed=f"0, 1, 0 and {NEAR:.0%}, but for chance",
        next_step="Draw ε from the standard normal distribution, one number for each entry of x0.",
    )


def check_update(step, x0, sch, lr, stale):
    """The loss is that of the step's own draws, and gradient descent follows its gradient and nothing else."""
    xt, t, eps = draws(step, x0, sch)
    A, b = (as_array(value, of="the model") for value in step["before"])
    residual = xt @ A + t[:, None] * b - eps
    check(
        isinstance(step["loss"], float),
        measured="train_step returned something else than a float",
        allowed="a float",
        next_step="Return loss.item().",
        hint=AS_TENSOR if isinstance(step["loss"], np.ndarray) else None,
    )
    agree(step["loss"], np.mean(residual**2), ALGEBRA, of="the loss that train_step returns")
    gradient = 2 * xt.T @ residual / residual.size, 2 * (t[:, None] * residual).sum(axis=0) / residual.size
    moves = [as_array(after, of="the model") - before for after, before in zip(step["after"], (A, b), strict=True)]
    hint = None
    if all(np.all(move == 0) for move in moves):
        hint = NOT_MOVED
    elif all(np.allclose(move, -lr * (g + s)) for move, g, s in zip(moves, gradient, stale, strict=True)):
        hint = LEFT_OVER
    right = all(np.allclose(move, -lr * g, rtol=1e-8, atol=1e-10) for move, g in zip(moves, gradient, strict=True))
    check(
        right,
        measured="plain gradient descent did not move the parameters by −lr times the gradient of the step's loss",
        allowed="that move, to 1e-8: it is algebra in double precision",
        next_step="The order is zero_grad, loss, backward, step, each once.",
        hint=hint,
    )
    return gradient


def losses_of(value, steps):
    """The list that train returned, as numbers; losses that are NaN or infinite have a likely cause of their own."""
    lost = [isinstance(loss, float) and not math.isfinite(loss) for loss in value] if isinstance(value, list) else []
    check(
        not any(lost),
        measured=f"the loss is NaN or infinite in {sum(lost)} of {len(lost)} steps",
        allowed="finite losses",
        next_step="Either the model returns NaN, or the training runs away: then take a smaller learning rate.",
    )
    return sized(value, (steps,), "the list of losses")

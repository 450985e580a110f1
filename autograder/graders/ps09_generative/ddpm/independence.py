"""Whether the draws of a batch are independent: sample from sample, and the mean of the noise from nothing at all."""

import numpy as np

from autograder.grading import check

TIED_TIMES = "The times within a batch depend on each other: draw B of them, and do not sort or repeat any."
CENTRED = "Each batch's noise has a mean of exactly 0: use randn as it comes, whose mean scatters as 1/√B."


def check_times(batches, T):
    """The times of neighbours, and those of the two halves of a batch, make all pairs equally often.

    χ² of T² = 64 kinds of pairs: with 63 degrees of freedom it exceeds 180 with probability 4e-13. The pairs of one
    sort have no sample in common, so that right ones are independent; 4500 of them fill each kind 70 times.
    """
    halves = [np.split(t[: len(t) // 2 * 2], 2) for t in batches]
    for one, two, what in (
        (np.concatenate([t[:-1:2] for t in batches]), np.concatenate([t[1::2] for t in batches]), "neighbours"),
        (*np.concatenate(halves, axis=1), "one half of the batch and the other"),
    ):
        counts = np.bincount((one - 1) * T + two - 1, minlength=T**2)
        expected = len(one) / T**2
        chi2 = float(np.sum((counts - expected) ** 2) / expected)
        check(
            chi2 < 180,
            measured=f"the times of {what} are not independent: χ² = {chi2:.3g} with {T**2 - 1} degrees of freedom",
            allowed="χ² below 180",
            next_step="Print the first ten times of a batch, several times over.",
            hint=TIED_TIMES,
        )


def check_means(batches):
    """The means of ε over a batch are not zero: they scatter, with a variance of 1/B in each dimension.

    Of nine means, B times the sum of squares is below 0.01 with probability 8e-13; of three means over the dimensions
    as well, below 1e-7 with 8e-12. Noise that was centred has 0 but for rounding.
    """
    apart = sum(float(np.sum(len(eps) * eps.mean(axis=0) ** 2)) for eps in batches)
    together = sum(float(eps.size * eps.mean() ** 2) for eps in batches)
    check(
        apart > 0.01 and together > 1e-7,
        measured=f"the mean of ε over a batch is too near to 0: B Σ mean² = {min(apart, together):.2g}",
        allowed=f"about {sum(eps.shape[1] for eps in batches)}, or {len(batches)} over the dimensions as well",
        next_step="Draw ε from the standard normal distribution, and do not subtract its mean or divide by its width.",
        hint=CENTRED,
    )

"""Whether the draws of a batch are independent: sample from sample, and the mean of the noise from nothing at all."""

import numpy as np

from autograder.grading import check

TIED_TIMES = "The times within a batch depend on each other: draw B of them, and do not sort or repeat any."
CENTRED = "Each batch's noise has a mean of exactly 0: use randn as it comes, whose mean scatters as 1/√B."

SCALED = "Each batch's noise has a width of exactly 1: use randn as it comes, whose width over a batch scatters."
CUT = "Your noise has no tails: use randn as it comes, without clamp or a truncated law."


def check_times(batches, T):
    """The times of samples that form a pair make all pairs equally often, and each time has its share by chance.

    χ² of T² = 64 kinds of pairs: with 63 degrees of freedom it exceeds 180 with probability 4e-13. The pairs of one
    sort have no sample in common, so that right ones are independent; 4500 of them fill each kind 70 times.
    The shares: χ² of T times summed over three batches has 21 degrees of freedom, and is below 1 with probability
    4e-11. Times that were dealt out like cards have 0.
    """
    apart = sum(float(np.sum((np.bincount(t, minlength=T + 1)[1:] - len(t) / T) ** 2)) * T / len(t) for t in batches)
    check(
        apart > 1,
        measured=f"each time occurs too exactly as often as the others: χ² = {apart:.2g} in {len(batches)} batches",
        allowed=f"about {len(batches) * (T - 1)}, and more than 1",
        next_step="Draw each time by itself, with torch.randint: do not shuffle a list in which each has its place.",
        hint=TIED_TIMES,
    )
    for pairs in zip(*(list(_pairs(t)) for t in batches), strict=True):
        what = pairs[0][0]
        one, two = (np.concatenate([pair[side] for pair in pairs]) for side in (1, 2))
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


def _pairs(t):
    """Pairs of samples of a batch without a common one: neighbours, the first and the last, about half of it apart."""
    half = len(t) // 2
    yield "neighbours", t[0 : 2 * half : 2], t[1 : 2 * half : 2]
    yield "the first sample and the last, the second and the last but one, and so on", t[:half], t[: -half - 1 : -1]
    for apart in (half - 1, half, half + 1):
        n = min(apart, len(t) - apart)
        yield f"one half of the batch and the other, {apart} samples apart,", t[:n], t[apart : apart + n]


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


def check_widths(batches):
    """The widths of ε over a batch are not 1, and no draw is cut off.

    n/2 (variance − 1)² of three batches has the law of χ² with 3 degrees of freedom: below 1e-7 with probability 8e-12
    for each of three ways to take a variance; noise that was divided by its width has 0 for one. Of 27,000 normal
    numbers none is beyond 3.3 with probability 5e-12.
    """
    ways = zip(*([np.mean(eps**2), eps.var(), eps.var(ddof=1)] for eps in batches), strict=True)
    apart = min(sum(eps.size / 2 * (v - 1) ** 2 for eps, v in zip(batches, way, strict=True)) for way in ways)
    check(
        apart > 1e-7,
        measured=f"the variance of ε over a batch is too near to 1: n/2 Σ (variance − 1)² = {apart:.2g}",
        allowed=f"about {len(batches)}",
        next_step="Draw ε from the standard normal distribution, and do not divide by its width.",
        hint=SCALED,
    )
    largest = max(float(np.abs(eps).max()) for eps in batches)
    check(
        largest > 3.3,
        measured=f"the largest of {sum(eps.size for eps in batches)} numbers in ε is {largest:.3g}",
        allowed="about 4: normal numbers have tails",
        next_step="Draw ε from the standard normal distribution, and do not cut it off.",
        hint=CUT,
    )

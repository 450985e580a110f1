"""What is_identity draws: that it is what the statement asks for, as the two functions see it that it is given."""

from dataclasses import dataclass

import numpy as np

from autograder.grading import as_array, as_bool, check

SIZES, TRIALS = ((4, 2), (2, 5)), 3
UNSEEDED = "Your draws are others with each call: make one generator at the start, np.random.default_rng(seed)."
INCLUSIVE = "p itself is 0 modulo p, which you then draw twice as often as the rest: rng.integers(0, p) leaves p out."
ONE_SEED = "Your draws are the same for every seed: hand `seed` to np.random.default_rng, and not a number of your own."


class Watch:
    """A function that keeps what it is given."""

    def __init__(self):
        self.seen = []

    def __call__(self, matrices, p):
        if not self.seen or any(not np.array_equal(matrices[name], self.seen[-1][0][name]) for name in matrices):
            self.seen.append((matrices, p))
        return np.zeros((1, 1), dtype=np.int64)


@dataclass(frozen=True)
class Run:
    """One call of is_identity: the prime, the answer, and (matrices, p) of each draw, as either side was given them."""

    p: int
    verdict: bool
    left: list
    right: list

    def numbers(self, size):
        """All entries that were drawn at that one of SIZES."""
        draws = self.left[TRIALS * size : TRIALS * (size + 1)]
        return [entry for matrices, _ in draws for name in "ABUCVuv" for entry in np.ravel(matrices[name]).tolist()]


def run(student, p, seed):
    """Watch the student's is_identity on SIZES."""
    left, right = Watch(), Watch()
    verdict = as_bool(student.is_identity(left, right, list(SIZES), p, TRIALS, seed), of="is_identity")
    return Run(p, verdict, left.seen, right.seen)


def shaped(runs):
    """Check that there are as many draws as trials, the same for both sides, each of the right shapes."""
    for made in runs:
        check(
            made.verdict and len(made.left) == len(made.right) == TRIALS * len(SIZES),
            measured=f"{made.verdict} after {len(made.left)} calls of lhs and {len(made.right)} of rhs",
            allowed="True after 6 calls of each: three trials at each of two sizes",
            next_step="Count the rounds of your loops.",
        )
        for index, ((mine, p), (other, q)) in enumerate(zip(made.left, made.right, strict=True)):
            n, k = SIZES[index // TRIALS]
            shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
            found = {name: np.shape(mine[name]) for name in shapes if name in mine}
            check(
                found == shapes
                and p == q == made.p
                and all(name in other and np.array_equal(mine[name], other[name]) for name in shapes),
                measured=f"at n = {n}, k = {k} a draw with the shapes {found}, or another draw or p for the other side",
                allowed=f"one draw for both sides, with the shapes {shapes}",
                next_step="Draw all seven matrices once in each trial, and hand the same dict to both functions.",
            )


def spread(made):
    """Check that the entries come from all of 0, …, p - 1."""
    drawn = as_array([entry for size in range(len(SIZES)) for entry in made.numbers(size)], of="a draw")
    # Of 351 fair draws none in a given quarter of the range: probability (3/4)^351 = 1e-44; at p = 3 thirds, 1e-62.
    quarters = np.histogram(drawn, bins=min(4, made.p), range=(0, made.p - 1))[0]
    check(
        drawn.min() >= 0 and drawn.max() <= made.p - 1 and quarters.min() > 0,
        measured=f"entries from {drawn.min():.3g} to {drawn.max():.3g}",
        allowed=f"entries from all of 0, …, {made.p - 1} at p = {made.p}",
        next_step="rng.integers(0, p, size=shape) draws from 0 to p - 1.",
        hint=INCLUSIVE if drawn.max() == made.p else None,
    )


def independent(made):
    """Check that each entry at one size is drawn by itself. Two of 180 agree up to a sign with probability 3e-14."""
    for size, (n, k) in enumerate(SIZES):
        drawn = made.numbers(size)
        signed = {*drawn, *(made.p - entry for entry in drawn)}
        check(
            len(signed) == 2 * len(drawn),
            measured=f"at n = {n}, k = {k} entries that are 0, or agree with others up to a sign",
            allowed=f"{len(drawn)} entries that differ, as almost all draws have them modulo {made.p}",
            next_step="Draw each matrix by itself and as a whole, anew in each trial; leave its entries as they are.",
        )


def seeded(one, again, other):
    """Check that a seed gives the same draws with each call, and another seed gives others."""
    first, second, third = ([made.numbers(size) for size in range(len(SIZES))] for made in (one, again, other))
    check(
        first == second,
        measured="two calls with the same seed drew different matrices",
        allowed="the same draws for the same seed",
        next_step="Print the first matrix that is drawn, for two calls with the same seed.",
        hint=UNSEEDED,
    )
    check(
        not {entry for size in first for entry in size} & {entry for size in third for entry in size},
        measured="two calls with different seeds drew the same numbers",
        allowed="other draws for another seed",
        next_step="Print the first matrix that is drawn, for two seeds.",
        hint=ONE_SEED,
    )

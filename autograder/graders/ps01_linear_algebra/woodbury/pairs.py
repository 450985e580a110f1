"""Pairs of functions for is_identity and verdicts: ours, and run here, so that they can look at what they are given."""

import numpy as np

from autograder.proof import candidates, inv, modular, symbols

PRIME = 2**61 - 1

GIVE_UP = (
    "Give up after 500 draws in a row that say nothing, no earlier and no later: those that say something may be rare."
)
TOO_OFTEN = (
    "Each function may be called 100 times: one trial modulo a large prime is worth more than many modulo a small."
)


def pair(left, right):
    """Two expressions as the functions that is_identity compares."""
    return modular(left), modular(right)


def ten():
    """The ten candidates of the statement, as functions."""
    return {name: pair(*sides) for name, sides in candidates().items()}


def more_candidates():
    """Others, by name: each with the answer."""
    A, B, U, C, V = symbols("A:n,n  B:n,n  U:n,k  C:k,k  V:k,n")
    AB, CVU = A @ B - B @ A, C @ V @ U - V @ U @ C
    return {
        "core commutes": pair(V @ A @ U @ C, C @ V @ A @ U),
        "inverse of a product": pair(inv(A @ B), inv(B) @ inv(A)),
        "inverse of a product, in order": pair(inv(A @ B), inv(A) @ inv(B)),
        "difference of inverses": pair(inv(A) - inv(B), inv(A) @ (B - A) @ inv(B)),
        "difference of inverses, sign": pair(inv(A) - inv(B), inv(A) @ (A - B) @ inv(B)),
        "square of a sum": pair((A + B) @ (A + B), A @ A + 2 * A @ B + B @ B),
        "Hua": pair(inv(A + A @ inv(B) @ A), inv(A) - inv(A + B)),
        "Hall": pair(AB @ AB @ A, A @ AB @ AB),
        "Hall for the core": pair(CVU @ CVU @ C, C @ CVU @ CVU),
    }


def of(name, form=np.array):
    """The function of the matrices that is a form of one of them."""
    return lambda matrices, p: np.array(form(np.asarray(matrices[name])))


def special():
    """Pairs that are equal for all matrices of a special kind, and for no others."""
    return [
        (of("V"), of("U", np.transpose)),
        (of("v"), of("u", np.transpose)),
        (of("A"), of("A", np.transpose)),
        (of("C"), of("C", np.transpose)),
        (of("A", np.tril), of("A", lambda A: np.diag(np.diag(A)))),
        (of("A", np.triu), of("A", lambda A: np.diag(np.diag(A)))),
        (of("C"), of("C", lambda C: np.diag(np.diag(C)))),
    ]


class Late:
    """0, and 1 from draw number `late` on and at draw `first`; None for the first `gone`. A copy counts anew."""

    def __init__(self, late, first=None, gone=0):
        self.late, self.first, self.gone, self.count, self.last = late, first, gone, 0, None

    def __deepcopy__(self, memo):
        return Late(self.late, self.first, self.gone)

    def __call__(self, matrices, p):
        # Whoever evaluates twice on one draw has still made one draw. (All 24 entries repeat with probability 7⁻²⁴.)
        drawn = tuple(np.asarray(matrices[name]).tobytes() for name in "ABCUVuv")
        self.count, self.last = self.count + (drawn != self.last), drawn
        if self.count <= self.gone:
            return None
        differs = self.count >= self.late or self.count == self.first
        return np.full((2, 2), int(differs), dtype=np.int64)


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, matrices, p):
        self.calls += 1
        return self.function(matrices, p)


def zero(matrices, p):
    """What the functions below should equal, and do not quite."""
    return np.zeros((2, 2), dtype=np.int64)


def last_entry(matrices, p):
    return np.array([[0, 0], [0, 1]], dtype=np.int64)


def corner(matrices, p):
    """0 on the diagonal."""
    return np.array([[0, 1], [0, 0]], dtype=np.int64)


def antisymmetric(matrices, p):
    """0 on the diagonal, and in sum."""
    return np.array([[0, 1], [p - 1, 0]], dtype=np.int64)


def wrapped(matrices, p):
    """0 in the last 32 bits."""
    return np.full((2, 2), 2**32, dtype=np.int64)


def almost(matrices, p):
    """Large entries, off by one in the last digit."""
    return np.full((2, 2), p - 2, dtype=np.int64)


def large(matrices, p):
    return np.full((2, 2), p - 1, dtype=np.int64)


def wide(matrices, p):
    """0 where all entries are below 1000."""
    biggest = max(int(np.max(np.asarray(value))) for value in matrices.values())
    return np.full((2, 2), int(biggest >= 1000), dtype=np.int64)


def quarter(matrices, p):
    """1 for a quarter of all draws."""
    return np.full((2, 2), int(int(np.asarray(matrices["A"]).flat[0]) % 4 == 0), dtype=np.int64)

"""What the hidden tests of this problem are fed with, and how they read what comes back."""

from functools import lru_cache

import numpy as np

from autograder.grading import Mismatch, Tolerance, as_array, as_float, check, conditioned
from autograder.grading.compare import plain_array
from autograder.proof import Unreadable, done_laws, read, woodbury
from autograder.proof import check as judge

# Odd and distinct (n, k), with k > n and the sizes 1 among them.
SIZES = ((7, 3), (5, 1), (3, 5), (1, 1), (6, 2))

# Well-conditioned systems of these sizes, solved in other orders, were apart by 1e-12 at most over 5000 draws.
SOLVED = Tolerance(1e-8, 1e-9, "two stable ways to solve a small, well-conditioned system agree to about 1e-12")

NO_CHECK = "Look at 1 + vᵀA⁻¹u before you divide by it: where it vanishes, raise numpy.linalg.LinAlgError."
EXACT_ZERO = "In floating point 1 + vᵀA⁻¹u is hardly ever exactly 0: compare it with the bound of the statement."
ABSOLUTE = "How small 1 + vᵀA⁻¹u is depends on the size of v and A⁻¹u: the bound has the factor 1 + ‖v‖ ‖A⁻¹u‖."
NORM = "‖v‖ and ‖A⁻¹u‖ are Euclidean lengths, √(Σ vᵢ²): np.linalg.norm of a vector without further arguments."
HALVED = "The bound is a sum, 1 + ‖v‖ ‖A⁻¹u‖: you left one of the two out, half of it where v and A⁻¹u are parallel."
DOUBLED = "Your bound is larger than that of the statement: 1e-12 (1 + ‖v‖ ‖A⁻¹u‖), without another factor."
INVERTED = (
    "Give `solve` the right side itself: to invert the k×k matrix first costs as many digits as its condition has."
)
SHAPE = "Compare the shape of C with (k, k) first: numpy would stretch it silently."
SIZE = "It is the shape of C that counts, not how many entries it has: compare np.shape(C) with (k, k)."
SINGULAR = "C may be singular: use a form without C⁻¹, such as C (I + VA⁻¹UC)⁻¹."
TOO_MANY = "Only U and the right sides need the solver of A: a matrix with n columns, such as its inverse, is too dear."
AGAIN = "Each column needs the solver once: keep what solve_A(U) and solve_A(rhs) return, and combine these."
ZERO = "A determinant of 0 is an answer, and no error: (0, -inf), as numpy.linalg.slogdet has it."
DENSE = "You form an n×n matrix. Everything that you need is n×k or k×k."
DENSE_SIGMA = "diag(stat²) as an n×n array has 320 GB at n = 200,000: divide by stat² instead."


def system(rng, n, k, r=None):
    """A, U, C, V and a right side (n,) or (n, r), such that A and A + UCV are well conditioned."""
    A = n * np.eye(n) + rng.uniform(-0.7, 0.7, size=(n, n))
    U, V = rng.normal(size=(n, k)), rng.normal(size=(k, n))
    # The correction has half the size of the smallest part of A, whatever is drawn.
    C = rng.normal(size=(k, k))
    C *= 0.15 * n / np.linalg.norm(U @ C @ V, 2)
    return A, U, C, V, rng.normal(size=n if r is None else (n, r))


class Solver:
    """A⁻¹ times what it is given, counting columns: the student's only way to A."""

    def __init__(self, A):
        self.A, self.columns, self.widest = A, 0, 0

    def __call__(self, b):
        b = np.asarray(b, dtype=float)
        if b.ndim not in {1, 2} or len(b) != len(self.A):
            raise ValueError(f"b has the shape {b.shape}, and must be a vector or a matrix of {len(self.A)} rows.")
        columns = 1 if b.ndim == 1 else b.shape[1]
        self.columns, self.widest = self.columns + columns, max(self.widest, columns)
        return self.solve(b)

    def solve(self, b):
        return np.linalg.solve(self.A, b)

    def check(self, allowed):
        """Refuse more columns than that."""
        check(
            self.columns <= allowed,
            measured=f"solve_A was given {self.columns} columns",
            allowed=f"k + r = {allowed} columns",
            next_step="Write down what solve_A is called with, and the shape of each.",
            hint=TOO_MANY if self.widest >= len(self.A) else AGAIN,
        )


class Diagonal(Solver):
    """The solver of diag(A), for a vector A that may be long."""

    def solve(self, b):
        return (b.T / self.A).T


def raised(attempt, error, what, hint=None):
    """Check that an attempt ended in that kind of exception."""
    check(
        any(error in name for name in attempt.raised),  # torch has a LinAlgError of its own
        measured=f"{what} raised {attempt.raised[0]}" if attempt.raised else f"{what} returned a result",
        allowed=f"a {error}",
        next_step="Read in the docstring when the function raises what.",
        hint=hint if not attempt.raised else None,
    )


def returned(attempt, what, hint=None, dense=DENSE):
    """The result of an attempt, which must not have raised."""
    check(
        not attempt.raised,
        measured=f"{what} raised {attempt.raised[0] if attempt.raised else ''}",
        allowed="a result",
        next_step="Call the function with arguments like these in your notebook, and read the traceback from below.",
        hint=dense if "MemoryError" in attempt.raised else hint,
    )
    return as_array(attempt.value, of=what)


def flipped(rng, n, k):
    """A, U, C, V such that A + UCV has about the determinant of A, with the other sign."""
    A, U, C, V, _ = system(rng, n, k)
    U[:, 0], V[0], C[0], C[:, 0] = A[:, 0], np.eye(n)[0], 0.0, 0.0
    rest = U @ C @ V
    C *= 0.1 * n / (np.linalg.norm(rest, 2) or 1.0)
    C[0, 0] = -2.0
    return A, U, C, V


def nearly_singular(rng, n, scale, denominator, size=1.0):
    """A⁻¹ of about that size, u and v with 1 + vᵀA⁻¹u = `denominator`, and ‖v‖ ‖A⁻¹u‖ about `scale`."""
    Ainv = size * np.linalg.inv(n * np.eye(n) + rng.uniform(-0.7, 0.7, size=(n, n)))
    u = rng.normal(size=n)
    w = Ainv @ u
    across = rng.normal(size=n)
    across -= w * (across @ w) / (w @ w)
    v = w * (denominator - 1) / (w @ w) + across * scale / np.linalg.norm(w) / np.linalg.norm(across)
    return Ainv, u, v


def long_vectors(rng, times):
    """A⁻¹ = I, u and v of 100 entries of size one, and 1 + vᵀA⁻¹u = `times` the bound that the statement sets for it.

    Sums of absolute values would make a bound 100 times as large, and the largest entries one 30 times as small.
    """
    n = 100
    u, v = rng.choice([-1.0, 1.0], size=(2, n))
    v[: n // 2] = -u[: n // 2]
    v[n // 2 :] = u[n // 2 :]
    # The products of the entries add up to zero; now to -1 + 1e-12 · times · (1 + ‖v‖ ‖u‖), exactly but for rounding.
    v[0] += u[0] * (times * 1e-12 * (1 + n) - 1)
    return np.eye(n), u, v


def nearly_singular_system(rng, n, k):
    """A, U, C, V and b such that A + UCV has a condition number near 1e10, and the solution is of order one."""
    A, U, _, _, x = system(rng, n, k)
    U, turn, left, right = (np.linalg.qr(m)[0] for m in (U, *rng.normal(size=(3, k, k))))
    # Then VA⁻¹U is a rotation, and I + VA⁻¹UC = left · diag · right.
    C = turn.T @ (left @ np.diag([1e-10, *np.linspace(0.5, 1.0, k - 1)]) @ right - np.eye(k))
    V = turn @ U.T @ A
    return A, U, C, V, (A + U @ C @ V) @ x


def judged(student):
    """The student's proof, read from plain data and judged here; and the laws that an incomplete one is done with."""
    try:
        return judgment(read(student.proof_as_data(), THEOREM))
    except Unreadable as why:
        raise Mismatch(
            str(why),
            "what verify, derive or solve returns",
            "Run check(woodbury_proof(A, U, C, V), woodbury()) in your notebook.",
        ) from None


THEOREM = woodbury()


@lru_cache(maxsize=1)
def judgment(proof):
    """The same for a proof that has been read; the five tests of a submission ask for the same one."""
    report = judge(proof, THEOREM)
    return report, set() if report.complete else done_laws(report, proof.mode, THEOREM, core="S")


# The condition number of A enters, although that of A + UCV is 10: measured 3e-13 at 1e6.
STEEP = conditioned(1e6)


def logarithms(answers, expected):
    """Compare pairs (sign, log|det|): an error of the determinant is relative, and so absolute in its logarithm."""
    for answer, (sign, log) in zip(answers, expected, strict=True):
        found = answer if isinstance(answer, (tuple, list)) else np.ravel(as_array(answer, of="(sign, log|det|)"))
        check(
            len(found) == 2,
            measured=f"a result with {len(found)} members",
            allowed="the pair (sign, log|det|)",
            next_step="Return two numbers, the sign first.",
        )
        mine = as_float(found[0], of="the sign"), as_float(found[1], of="log|det|")
        check(
            mine[0] == sign and abs(mine[1] - log) <= 1e-9 * (1 + abs(log)),
            measured=f"the sign {mine[0]:g}, and a logarithm that is off by {abs(mine[1] - log):.3g}",
            allowed="the sign of the determinant, and 1e-09 of its logarithm: at this size they are good to 1e-13",
            next_step="Work out det(A + uvᵀ) for n = 2 and k = 1 by hand, and compare factor by factor.",
        )


def is_logarithm_of_zero(value):
    """Whether it is the pair (0, -inf), which `logarithms` cannot read: it takes finite numbers only."""
    try:
        pair = plain_array(value)
    except ValueError:
        return False
    return pair.dtype.kind in "biuf" and pair.ravel().tolist() == [0.0, -np.inf]

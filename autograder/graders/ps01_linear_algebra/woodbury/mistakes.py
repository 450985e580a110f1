"""Typical wrong answers to "Woodbury: what a few modes do to a large matrix", each with the hint for it."""

import numpy as np

from autograder.graders.ps01_linear_algebra.woodbury.cases import (
    ABSOLUTE,
    DENSE,
    DENSE_SIGMA,
    DOUBLED,
    EXACT_ZERO,
    HALVED,
    INVERTED,
    NO_CHECK,
    NORM,
    SHAPE,
    SINGULAR,
    SIZE,
    TOO_MANY,
    ZERO,
)
from autograder.graders.ps01_linear_algebra.woodbury.draws import INCLUSIVE, ONE_SEED, UNSEEDED
from autograder.graders.ps01_linear_algebra.woodbury.pairs import GIVE_UP, TOO_OFTEN
from autograder.grading import mistake
from autograder.proof import COMMUTE, CORE, LONG, SIGN, SUM, eye, inv, let, verify
from solutions.ps01_linear_algebra.woodbury import (
    chi2_correlated,
    false_accept_bound,
    is_identity,
    sherman_morrison,
    verdicts,
    woodbury_logdet,
    woodbury_solve,
)


@mistake("sherman_morrison", hint="The sign is that of (1.29), a minus; (1.23) of the notes has it wrong.")
def sign_of_the_notes(Ainv, u, v):
    return 2 * Ainv - sherman_morrison(Ainv, u, v)


@mistake("sherman_morrison", hint="The denominator is 1 + vᵀA⁻¹u; yours has a minus.")
def minus_in_the_denominator(Ainv, u, v):
    sherman_morrison(Ainv, u, v)
    return Ainv - np.outer(Ainv @ u, v @ Ainv) / (1 - v @ Ainv @ u)


@mistake("sherman_morrison", hint="The update is u vᵀ, with u on the left; yours is v uᵀ.")
def factors_exchanged(Ainv, u, v):
    return sherman_morrison(Ainv, v, u)


@mistake("sherman_morrison", hint="The numerator A⁻¹u vᵀA⁻¹ has A⁻¹ on both sides of u vᵀ.")
def one_inverse_too_few(Ainv, u, v):
    sherman_morrison(Ainv, u, v)
    return Ainv - np.outer(Ainv @ u, v) / (1 + v @ Ainv @ u)


@mistake("sherman_morrison", hint="vᵀA⁻¹ is a row: it is v @ Ainv, and not Ainv @ v unless A is symmetric.")
def takes_a_for_symmetric(Ainv, u, v):
    sherman_morrison(Ainv, u, v)
    return Ainv - np.outer(Ainv @ u, Ainv @ v) / (1 + v @ Ainv @ u)


@mistake("sherman_morrison", hint="The correction is divided by 1 + vᵀA⁻¹u; yours is not.")
def first_order_only(Ainv, u, v):
    sherman_morrison(Ainv, u, v)
    return Ainv - np.outer(Ainv @ u, v @ Ainv)


@mistake("sherman_morrison", hint="The denominator is 1 + vᵀA⁻¹u; the 1 is missing.")
def no_one_in_the_denominator(Ainv, u, v):
    sherman_morrison(Ainv, u, v)
    return Ainv - np.outer(Ainv @ u, v @ Ainv) / (v @ Ainv @ u)


@mistake("sherman_morrison", hint=NO_CHECK)
def no_denominator_check(Ainv, u, v):
    with np.errstate(all="ignore"):
        return Ainv - np.outer(Ainv @ u, v @ Ainv) / (1 + v @ Ainv @ u)


@mistake("sherman_morrison", hint=EXACT_ZERO)
def compared_with_zero(Ainv, u, v):
    d = 1 + v @ Ainv @ u
    if d == 0:
        raise np.linalg.LinAlgError
    return Ainv - np.outer(Ainv @ u, v @ Ainv) / d


@mistake("sherman_morrison", hint=ABSOLUTE)
def absolute_bound(Ainv, u, v):
    d = 1 + v @ Ainv @ u
    if abs(d) <= 1e-12:
        raise np.linalg.LinAlgError
    return Ainv - np.outer(Ainv @ u, v @ Ainv) / d


@mistake("sherman_morrison", hint=NORM)
def largest_entries(Ainv, u, v):
    w = Ainv @ u
    d = 1 + v @ w
    if abs(d) <= 1e-12 * (1 + np.max(np.abs(v)) * np.max(np.abs(w))):
        raise np.linalg.LinAlgError
    return Ainv - np.outer(w, v @ Ainv) / d


@mistake("sherman_morrison", hint=HALVED)
def bound_without_the_one(Ainv, u, v):
    w = Ainv @ u
    if abs(1 + v @ w) <= 1e-12 * np.linalg.norm(v) * np.linalg.norm(w):
        raise np.linalg.LinAlgError
    return Ainv - np.outer(w, v @ Ainv) / (1 + v @ w)


@mistake("sherman_morrison", hint=DOUBLED)
def twice_the_bound(Ainv, u, v):
    w = Ainv @ u
    if abs(1 + v @ w) <= 2e-12 * (1 + np.linalg.norm(v) * np.linalg.norm(w)):
        raise np.linalg.LinAlgError
    return Ainv - np.outer(w, v @ Ainv) / (1 + v @ w)


@mistake(
    "is_identity", hint="You look at the first size only, and at n = k = 1 everything commutes: go through all sizes."
)
def first_size_only(lhs, rhs, sizes, p, trials, seed=0):
    return is_identity(lhs, rhs, sizes[:1], p, trials, seed)


@mistake("is_identity", hint="Only one draw at each size counts in yours: make `trials` of them, each new.")
def one_trial(lhs, rhs, sizes, p, trials, seed=0):
    return is_identity(lhs, rhs, sizes, p, 1, seed)


@mistake("is_identity", hint="Both sides need the same matrices: draw once, and hand the same dict to both functions.")
def another_draw_for_each_side(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            values = []
            for side in (lhs, rhs):
                value = None
                while value is None:
                    value = side({name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}, p)
                values.append(value)
            if not np.array_equal(*values):
                return False
    return True


@mistake("is_identity", hint="A draw without the inverse says nothing against the identity: draw again.")
def none_is_a_difference(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            M = {name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}
            left, right = lhs(M, p), rhs(M, p)
            if left is None or right is None or not np.array_equal(left, right):
                return False
    return True


@mistake(
    "is_identity",
    hint="A draw without the inverse says nothing for the identity either: it is no trial, so draw again.",
)
def none_is_a_trial(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            M = {name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}
            left, right = lhs(M, p), rhs(M, p)
            if left is not None and right is not None and not np.array_equal(left, right):
                return False
    return True


@mistake("is_identity", hint="Draw the entries from all of 0, …, p - 1: the error bound counts on it.")
def small_entries(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            left = right = None
            while left is None or right is None:
                M = {name: rng.integers(0, min(p, 10), size=shape) for name, shape in shapes.items()}
                left, right = lhs(M, p), rhs(M, p)
            if not np.array_equal(left, right):
                return False
    return True


@mistake("is_identity", hint="All entries of the two matrices have to agree: one that does is not enough.")
def any_entry(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            left = right = None
            while left is None or right is None:
                M = {name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}
                left, right = lhs(M, p), rhs(M, p)
            if not np.any(np.asarray(left) == np.asarray(right)):
                return False
    return True


@mistake("is_identity", hint="One trial that agrees proves nothing: return False as soon as one does not.")
def any_trial(lhs, rhs, sizes, p, trials, seed=0):
    return any(is_identity(lhs, rhs, sizes, p, 1, seed + trial) for trial in range(trials))


@mistake("is_identity", hint="Compare integers exactly: np.allclose forgives a difference in the last ten digits.")
def compared_as_floats(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            left = right = None
            while left is None or right is None:
                M = {name: rng.integers(0, p, size=shape) for name, shape in shapes.items()}
                left, right = lhs(M, p), rhs(M, p)
            if not np.allclose(np.asarray(left, dtype=float), np.asarray(right, dtype=float)):
                return False
    return True


@mistake("is_identity", hint="Draw V by itself: yours is Uᵀ, and many a formula holds for UCUᵀ only.")
def v_from_u(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "V": M["U"].T.copy()}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="Draw v by itself: yours is uᵀ, and many a formula holds for u uᵀ only.")
def one_vector(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "v": M["u"].T.copy()}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="Your A is symmetric: draw all its entries, those below the diagonal too.")
def symmetric_a(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "A": np.triu(M["A"]) + np.triu(M["A"], 1).T}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="Your A is triangular: where it has no inverse draw again, but all of its entries.")
def triangular_a(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "A": np.triu(M["A"])}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="Your C is symmetric, as covariances are; the identity is claimed for every C.")
def symmetric_c(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "C": np.triu(M["C"]) + np.triu(M["C"], 1).T}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="Your C is diagonal: draw the entries off the diagonal as well.")
def diagonal_c(lhs, rhs, sizes, p, trials, seed=0):
    def given(side):
        return lambda M, p: side({**M, "C": np.diag(np.diag(M["C"]))}, p)

    return is_identity(given(lhs), given(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint="You compare the diagonals only: the entries off the diagonal have to agree as well.")
def diagonals_compared(lhs, rhs, sizes, p, trials, seed=0):
    def part(side):
        return lambda M, p: None if (value := side(M, p)) is None else np.diagonal(value)

    return is_identity(part(lhs), part(rhs), sizes, p, trials, seed)


@mistake(
    "is_identity",
    hint="You compare the sums of all entries, where differences can cancel: compare entry by entry.",
)
def sums_compared(lhs, rhs, sizes, p, trials, seed=0):
    def part(side):
        return lambda M, p: None if (value := side(M, p)) is None else sum(np.ravel(value).tolist()) % p

    return is_identity(part(lhs), part(rhs), sizes, p, trials, seed)


@mistake(
    "is_identity",
    hint="An int32 has the last 32 bits only, and p has up to 63: compare the int64 arrays as they come.",
)
def last_32_bits(lhs, rhs, sizes, p, trials, seed=0):
    def part(side):
        return lambda M, p: None if (value := side(M, p)) is None else np.asarray(value).astype(np.int32)

    return is_identity(part(lhs), part(rhs), sizes, p, trials, seed)


@mistake("is_identity", hint=ONE_SEED)
def one_seed_for_all(lhs, rhs, sizes, p, trials, seed=0):
    return is_identity(lhs, rhs, sizes, p, trials, 0)


@mistake("is_identity", hint=UNSEEDED)
def no_seed(lhs, rhs, sizes, p, trials, seed=0):
    return is_identity(lhs, rhs, sizes, p, trials, int(np.random.default_rng().integers(2**32)))


@mistake("is_identity", hint=GIVE_UP)
def gives_up_early(lhs, rhs, sizes, p, trials, seed=0):
    silent = 0

    def counted(M, p):
        nonlocal silent
        value = lhs(M, p)
        silent = silent + 1 if value is None else 0
        if silent == 450:
            raise ValueError("no draw has the inverses that are needed")
        return value

    return is_identity(counted, rhs, sizes, p, trials, seed)


@mistake("is_identity", hint=GIVE_UP)
def gives_up_late(lhs, rhs, sizes, p, trials, seed=0):
    try:
        return is_identity(lhs, rhs, sizes, p, trials, seed)
    except ValueError:
        return is_identity(lhs, rhs, sizes, p, trials, seed + 1)


@mistake("is_identity", hint=INCLUSIVE)
def p_among_the_entries(lhs, rhs, sizes, p, trials, seed=0):
    rng = np.random.default_rng(seed)
    for n, k in sizes:
        shapes = {"A": (n, n), "B": (n, n), "U": (n, k), "C": (k, k), "V": (k, n), "u": (n, 1), "v": (1, n)}
        for _ in range(trials):
            for _ in range(500):
                M = {name: rng.integers(0, p, size=shape, endpoint=True) for name, shape in shapes.items()}
                left, right = lhs(M, p), rhs(M, p)
                if left is not None and right is not None:
                    break
            else:
                raise ValueError("no draw has the inverses that are needed")
            if not np.array_equal(left, right):
                return False
    return True


@mistake("verdicts", hint="At n = k = 1 your matrices are numbers, and numbers commute: test larger sizes.")
def numbers_only(candidates, seed=0):
    return {name: is_identity(*sides, [(1, 1)], 2**61 - 1, 2, seed) for name, sides in candidates.items()}


@mistake("verdicts", hint="Modulo 2 a wrong sign cannot be seen: take a large prime.")
def modulo_two(candidates, seed=0):
    return {name: is_identity(*sides, [(3, 2)], 2, 4, seed) for name, sides in candidates.items()}


@mistake("verdicts", hint="With k = 1 the core C is a number and commutes with everything: test k > 1.")
def one_mode_only(candidates, seed=0):
    return {name: is_identity(*sides, [(4, 1), (3, 1)], 2**61 - 1, 1, seed) for name, sides in candidates.items()}


@mistake(
    "verdicts", hint="Some identities hold for 2×2 matrices and for no larger ones, Hall's for example: test n > 2."
)
def two_by_two_only(candidates, seed=0):
    return {name: is_identity(*sides, [(2, 2), (2, 3)], 2**61 - 1, 1, seed) for name, sides in candidates.items()}


@mistake("verdicts", hint="For a 2×2 core C Hall's identity holds as well, and for no larger one: test k > 2.")
def two_modes_only(candidates, seed=0):
    return {name: is_identity(*sides, [(4, 2), (3, 1)], 2**61 - 1, 2, seed) for name, sides in candidates.items()}


@mistake("verdicts", hint="Your verdicts are the wrong way round: True stands for an identity.")
def the_wrong_way_round(candidates, seed=0):
    return {name: not verdict for name, verdict in verdicts(candidates, seed).items()}


@mistake("verdicts", hint=TOO_OFTEN)
def called_too_often(candidates, seed=0):
    sizes = [(3, 3), (4, 2), (2, 4), (5, 1)]
    return {name: is_identity(*sides, sizes, 2**61 - 1, 26, seed) for name, sides in candidates.items()}


@mistake("false_accept_bound", hint="A probability is at most 1: where d > p the bound is 1.")
def above_one(degree, p, trials):
    return (degree / p) ** trials


@mistake("false_accept_bound", hint="The trials are independent: their probabilities multiply, they do not add.")
def trials_added(degree, p, trials):
    return min(1.0, trials * degree / p)


@mistake(
    "false_accept_bound", hint="One trial accepts with probability d/p at most; the number of trials is an exponent."
)
def one_trial_only(degree, p, trials):
    return min(1.0, degree / p)


@mistake(
    "false_accept_bound", hint="This is the probability to catch the false identity; asked for is that to miss it."
)
def probability_to_catch(degree, p, trials):
    return 1 - false_accept_bound(degree, p, trials)


@mistake("false_accept_bound", hint="A polynomial of degree d has up to d zeros, so it is d/p and not 1/p.")
def degree_forgotten(degree, p, trials):
    return (1 / p) ** trials


@mistake("woodbury_proof", hint=SIGN)
def proof_with_the_sign_of_the_notes(A, U, C, V):
    S, T = let("S", inv(C) + V @ inv(A) @ U), A + U @ C @ V
    return verify(
        T @ (inv(A) + inv(A) @ U @ inv(S) @ V @ inv(A)),
        eye("n") + U @ C @ V @ inv(A) + (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        eye("n") + U @ C @ V @ inv(A) + U @ C @ S @ inv(S) @ V @ inv(A),
        eye("n"),
    )


@mistake("woodbury_proof", hint=LONG)
def shortcut(A, U, C, V):
    S, T = inv(C) + V @ inv(A) @ U, A + U @ C @ V
    return verify(T @ (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)), eye("n"))


@mistake("woodbury_proof", hint=COMMUTE)
def commuted_factors(A, U, C, V):
    S, T = let("S", inv(C) + V @ inv(A) @ U), A + U @ C @ V
    return verify(
        T @ (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)),
        eye("n") + U @ C @ V @ inv(A) - (U + U @ V @ inv(A) @ U @ C) @ inv(S) @ V @ inv(A),
        eye("n"),
    )


@mistake("woodbury_proof", hint=SUM)
def inverse_of_a_sum(A, U, C, V):
    S, T = inv(C) + V @ inv(A) @ U, A + U @ C @ V
    return verify(
        T @ (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)),
        eye("n") + U @ C @ V @ inv(A) - (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        eye("n") + U @ C @ V @ inv(A) - (U + U @ C @ V @ inv(A) @ U) @ (C + inv(V @ inv(A) @ U)) @ V @ inv(A),
        eye("n"),
    )


@mistake("woodbury_proof", hint=CORE)
def core_without_the_inverse_of_c(A, U, C, V):
    S, T = let("S", C + V @ inv(A) @ U), A + U @ C @ V
    return verify(
        T @ (inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)),
        eye("n") + U @ C @ V @ inv(A) - (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
        eye("n"),
    )


@mistake("woodbury_proof", hint="U is n×k: only square matrices have inverses.")
def inverse_of_u(A, U, C, V):
    return verify((A + U @ C @ V) @ inv(A), eye("n") + U @ C @ V @ inv(A), eye("n") + U @ inv(U))


@mistake("woodbury_proof", hint="U stands on the left of C, V on the right.")
def u_and_v_exchanged(A, U, C, V):
    return verify((A + V @ C @ U) @ inv(A), eye("n"))


@mistake("woodbury_solve", hint="The correction is subtracted, as in (1.29); the sign in (1.30) of the notes is wrong.")
def plus_sign(solve_A, U, C, V, rhs):
    return 2 * solve_A(rhs) - woodbury_solve(solve_A, U, C, V, rhs)


@mistake("woodbury_solve", hint="The k×k matrix is C⁻¹ + VA⁻¹U; yours has C in the place of its inverse.")
def c_for_its_inverse(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return solve_A(rhs) - solve_A(U) @ np.linalg.lstsq(C + V @ solve_A(U), V @ solve_A(rhs))[0]


@mistake("woodbury_solve", hint="U and V are exchanged: A + UCV, with U on the left.")
def u_and_v_swapped(solve_A, U, C, V, rhs):
    return woodbury_solve(solve_A, V.T, C, U.T, rhs)


@mistake("woodbury_solve", hint="The k×k matrix enters through its inverse; you multiply by it.")
def core_not_inverted(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return solve_A(rhs) - solve_A(U) @ C @ (np.eye(len(C)) + V @ solve_A(U) @ C) @ V @ solve_A(rhs)


@mistake("woodbury_solve", hint="C is missing: your correction is that of A + UV.")
def core_ignored(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return woodbury_solve(solve_A, U, np.eye(len(C)), V, rhs)


@mistake("woodbury_solve", hint="(I + VA⁻¹UC)⁻¹ is missing: what you have is the first order in C.")
def first_order(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return solve_A(rhs) - solve_A(U) @ C @ V @ solve_A(rhs)


@mistake("woodbury_solve", hint="The U in front of the correction needs A⁻¹ as well: A⁻¹U.")
def no_solve_for_u(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return solve_A(rhs) - U @ C @ np.linalg.solve(np.eye(len(C)) + V @ solve_A(U) @ C, V @ solve_A(rhs))


@mistake(
    "woodbury_solve",
    hint="C does not commute with VA⁻¹U: C stands on the left of (I + VA⁻¹UC)⁻¹, or on the right of (I + CVA⁻¹U)⁻¹.",
)
def core_on_the_wrong_side(solve_A, U, C, V, rhs):
    woodbury_solve(solve_A, U, C, V, rhs)
    return solve_A(rhs) - solve_A(U) @ np.linalg.solve(np.eye(len(C)) + V @ solve_A(U) @ C, C @ V @ solve_A(rhs))


@mistake("woodbury_solve", hint=SINGULAR)
def inverse_of_a_singular_core(solve_A, U, C, V, rhs):
    if np.shape(C) != (U.shape[1], U.shape[1]):
        raise ValueError
    solved, modes = solve_A(rhs), solve_A(U)
    return solved - modes @ np.linalg.solve(np.linalg.inv(C) + V @ modes, V @ solved)


@mistake("woodbury_solve", hint=INVERTED)
def inverse_of_the_core(solve_A, U, C, V, rhs):
    if np.shape(C) != (U.shape[1], U.shape[1]):
        raise ValueError
    solved, modes = solve_A(rhs), solve_A(U)
    return solved - modes @ (C @ (np.linalg.inv(np.eye(len(C)) + V @ modes @ C) @ (V @ solved)))


@mistake("woodbury_solve", hint=TOO_MANY)
def inverse_of_a(solve_A, U, C, V, rhs):
    if np.shape(C) != (U.shape[1], U.shape[1]):
        raise ValueError
    Ainv = solve_A(np.eye(len(rhs)))
    return Ainv @ rhs - Ainv @ U @ C @ np.linalg.solve(np.eye(len(C)) + V @ Ainv @ U @ C, V @ Ainv @ rhs)


@mistake("woodbury_solve", hint=DENSE)
def large_product(solve_A, U, C, V, rhs):
    if np.shape(C) != (U.shape[1], U.shape[1]):
        raise ValueError
    solved, modes = solve_A(rhs), solve_A(U)
    return np.linalg.solve(np.eye(len(solved)) + modes @ C @ V, solved)


@mistake("woodbury_solve", hint=SHAPE)
def no_look_at_the_shape(solve_A, U, C, V, rhs):
    return woodbury_solve(solve_A, U, np.resize(C, (U.shape[1], U.shape[1])), V, rhs)


@mistake("woodbury_solve", hint=SIZE)
def no_look_but_at_the_size(solve_A, U, C, V, rhs):
    k = U.shape[1]
    if np.size(C) != k * k:
        raise ValueError("C is not k×k.")
    return woodbury_solve(solve_A, U, np.reshape(C, (k, k)), V, rhs)


@mistake("woodbury_solve", hint="`rhs -= …` writes into the caller's right side: make a new array.")
def written_into_the_right_side(solve_A, U, C, V, rhs):
    x = woodbury_solve(solve_A, U, C, V, rhs)
    rhs[...] = x
    return rhs


@mistake("woodbury_logdet", hint="log det C is missing: det(C⁻¹ + VA⁻¹U) det C is what stands in the lemma.")
def no_determinant_of_c(logdet_A, solve_A, U, C, V):
    sign, log = np.linalg.slogdet(np.linalg.pinv(C) + V @ solve_A(U))
    return logdet_A[0] * sign, logdet_A[1] + log


@mistake("woodbury_logdet", hint="The determinant of the k×k matrix multiplies that of A: its logarithm is added.")
def logarithm_subtracted(logdet_A, solve_A, U, C, V):
    sign, log = woodbury_logdet(logdet_A, solve_A, U, C, V)
    return sign, 2 * logdet_A[1] - log


@mistake("woodbury_logdet", hint="The sign of the k×k determinant is lost: the sign is the product of both.")
def sign_of_a_alone(logdet_A, solve_A, U, C, V):
    return logdet_A[0], woodbury_logdet(logdet_A, solve_A, U, C, V)[1]


@mistake("woodbury_logdet", hint="The sign of det A is lost: the sign is the product of both.")
def sign_of_the_core_alone(logdet_A, solve_A, U, C, V):
    return woodbury_logdet((1.0, logdet_A[1]), solve_A, U, C, V)


@mistake("woodbury_logdet", hint="C is missing in I + VA⁻¹UC.")
def core_missing(logdet_A, solve_A, U, C, V):
    return woodbury_logdet(logdet_A, solve_A, U, np.eye(len(C)), V)


@mistake("woodbury_logdet", hint="The logarithm is the natural one.")
def in_bits(logdet_A, solve_A, U, C, V):
    sign, log = woodbury_logdet((logdet_A[0], 0.0), solve_A, U, C, V)
    return sign, logdet_A[1] + log / np.log(2)


@mistake("woodbury_logdet", hint="A determinant overflows at 1e308: take slogdet, which never forms it.")
def determinant_first(logdet_A, solve_A, U, C, V):
    with np.errstate(all="ignore"):
        d = np.linalg.det(np.eye(len(C)) + V @ solve_A(U) @ C)
        return logdet_A[0] * np.sign(d), logdet_A[1] + np.log(np.abs(d))


@mistake("woodbury_logdet", hint=ZERO)
def singular_is_an_error(logdet_A, solve_A, U, C, V):
    sign, log = woodbury_logdet(logdet_A, solve_A, U, C, V)
    if sign == 0:
        raise np.linalg.LinAlgError
    return sign, log


@mistake("woodbury_logdet", hint=ZERO)
def sign_of_zero(logdet_A, solve_A, U, C, V):
    sign, log = woodbury_logdet(logdet_A, solve_A, U, C, V)
    return sign or 1.0, log


@mistake("chi2_correlated", hint="stat holds standard deviations: the covariance has their squares.")
def deviation_for_variance(r, stat, U, C):
    return chi2_correlated(r, np.sqrt(stat), U, C)


@mistake("chi2_correlated", hint="The systematic errors are missing: this is the χ² of the statistical errors alone.")
def systematics_ignored(r, stat, U, C):
    return float(np.sum((r / stat) ** 2))


@mistake(
    "chi2_correlated",
    hint="Errors added in quadrature, channel by channel, forget that the modes move all channels together.",
)
def added_in_quadrature(r, stat, U, C):
    return float(np.sum(r**2 / (stat**2 + np.einsum("ij,jk,ik->i", U, C, U))))


@mistake("chi2_correlated", hint="The sign of the correction is wrong: systematic errors make χ² smaller, not larger.")
def larger_by_systematics(r, stat, U, C):
    return 2 * float(np.sum((r / stat) ** 2)) - chi2_correlated(r, stat, U, C)


@mistake("chi2_correlated", hint="χ² is not divided by the number of channels here.")
def per_channel(r, stat, U, C):
    return chi2_correlated(r, stat, U, C) / len(r)


@mistake("chi2_correlated", hint="C is missing: your nuisance parameters all have unit variance and no correlation.")
def unit_covariance(r, stat, U, C):
    return chi2_correlated(r, stat, U, np.eye(len(C)))


@mistake("chi2_correlated", hint="C is the covariance of the parameters, not its inverse.")
def inverse_covariance(r, stat, U, C):
    return chi2_correlated(r, stat, U, np.linalg.pinv(C))


@mistake("chi2_correlated", hint="You take only the variances from C: its off-diagonal elements count as well.")
def diagonal_of_c(r, stat, U, C):
    return chi2_correlated(r, stat, U, np.diag(np.diag(C)))


@mistake("chi2_correlated", hint=DENSE_SIGMA)
def dense_covariance(r, stat, U, C):
    return float(r @ np.linalg.solve(np.diag(stat**2) + U @ C @ U.T, r))

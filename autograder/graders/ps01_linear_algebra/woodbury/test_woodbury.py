"""Hidden tests of "Woodbury: what a few modes do to a large matrix"."""

import numpy as np

from autograder.graders.ps01_linear_algebra.woodbury import draws
from autograder.graders.ps01_linear_algebra.woodbury.cases import (
    ABSOLUTE,
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
    SIZES,
    SOLVED,
    STEEP,
    ZERO,
    Diagonal,
    Solver,
    flipped,
    is_logarithm_of_zero,
    judged,
    logarithms,
    long_vectors,
    nearly_singular,
    nearly_singular_system,
    raised,
    returned,
    system,
)
from autograder.graders.ps01_linear_algebra.woodbury.pairs import (
    GIVE_UP,
    PRIME,
    TOO_OFTEN,
    Counted,
    Late,
    almost,
    antisymmetric,
    corner,
    large,
    last_entry,
    more_candidates,
    quarter,
    special,
    ten,
    wide,
    wrapped,
    zero,
)
from autograder.grading import ALGEBRA, Tolerance, agree, as_array, as_bool, as_float, check, part, points, untouched

# In each test the student's function is called on every input before any answer is judged: a typical mistake is
# recognised by all its numbers.


def rank_one(rng, n):
    """A⁻¹, u, v of a well-conditioned update."""
    A, U, _, V, _ = system(rng, n, 1)
    return np.linalg.inv(A), U[:, 0], 0.3 * V[0]


def turned(rng, n):
    """The same with 1 + vᵀA⁻¹u = -1.5: the update turns the sign of the determinant."""
    Ainv, u, v = rank_one(rng, n)
    w = Ainv @ u
    return Ainv, u, v - w * (2.5 + v @ w) / (w @ w)


@part("rank_one", "A rank-one update", functions=("sherman_morrison",))
class TestRankOne:
    @points(1.5)
    def test_equals_reference(self, student, reference, rng):
        """sherman_morrison is the inverse of A + u vᵀ, for several sizes."""
        inputs = [*(rank_one(rng, n) for n in (7, 5, 4, 2, 1)), *(turned(rng, n) for n in (6, 3, 1))]
        answers = [student.sherman_morrison(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(answer, reference.sherman_morrison(*args), SOLVED, of="(A + u vᵀ)⁻¹")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """sherman_morrison gives the right inverse and leaves its arguments as they were."""
        args = rank_one(rng, 6)
        answer, after = student.sherman_morrison.inputs_after(*args)
        agree(answer, reference.sherman_morrison(*args), SOLVED, of="(A + u vᵀ)⁻¹")
        untouched(reference.sherman_morrison, args, after)

    @points(1)
    def test_singular(self, student, reference, rng):
        """sherman_morrison raises LinAlgError where A + u vᵀ is singular to rounding, and only there."""
        exact = np.eye(4), 2.0 * np.eye(4)[1], -0.5 * np.eye(4)[1]
        rounded, scaled = nearly_singular(rng, 5, 1.0, 5e-13), nearly_singular(rng, 5, 1e6, 1e-8)
        # ‖v‖ ‖u‖ is 200 times less than ‖v‖ ‖A⁻¹u‖ here, so that a bound with the former would let it pass.
        long = nearly_singular(rng, 5, 1e6, 1e-7, size=1000.0)
        regular, close = nearly_singular(rng, 5, 1.0, 1e-8), nearly_singular(rng, 5, 1.0, 2e-11)
        above, below = long_vectors(rng, 5.0), long_vectors(rng, 0.1)
        # v and A⁻¹u are parallel here, so that the bound is 2e-12 (to 1e-4: the sums are known to 1e-16).
        inside, outside = nearly_singular(rng, 5, 0.0, 1.5e-12), nearly_singular(rng, 5, 0.0, 3e-12)
        inputs = exact, rounded, scaled, regular, long, close, above, below, inside, outside
        answers = [student.sherman_morrison.attempt(*args) for args in inputs]
        inverse = returned(answers[3], "sherman_morrison with 1 + vᵀA⁻¹u = 1e-8")
        returned(answers[5], "sherman_morrison with 1 + vᵀA⁻¹u = 2e-11, ten times the bound")
        returned(answers[6], "sherman_morrison with 100 entries and 1 + vᵀA⁻¹u five times the bound", NORM)
        returned(answers[9], "sherman_morrison with v along A⁻¹u and 1 + vᵀA⁻¹u = 3e-12", DOUBLED)
        # The denominator 1e-8 is known to 1e-16, so the result to 1e-8 and a factor for the sums.
        loose = Tolerance(1e-5, 1e-5, "1 + vᵀA⁻¹u is a small difference of numbers of order one here")
        agree(inverse, reference.sherman_morrison(*regular), loose, of="the inverse where 1 + vᵀA⁻¹u = 1e-8")
        raised(answers[0], "LinAlgError", "sherman_morrison with 1 + vᵀA⁻¹u = 0", NO_CHECK)
        raised(answers[1], "LinAlgError", "sherman_morrison with 1 + vᵀA⁻¹u = 5e-13", EXACT_ZERO)
        raised(answers[2], "LinAlgError", "sherman_morrison with ‖v‖ ‖A⁻¹u‖ = 1e6 and 1 + vᵀA⁻¹u = 1e-8", ABSOLUTE)
        raised(answers[4], "LinAlgError", "sherman_morrison with ‖v‖ ‖A⁻¹u‖ = 1e6 and 1 + vᵀA⁻¹u = 1e-7", ABSOLUTE)
        raised(answers[7], "LinAlgError", "sherman_morrison with 100 entries and a tenth of the bound", NORM)
        raised(answers[8], "LinAlgError", "sherman_morrison with v along A⁻¹u and 1 + vᵀA⁻¹u = 1.5e-12", HALVED)


PRINT = "Print the matrices that you draw and the two values, for p = 5 and n = k = 1."


def same_verdicts(student, reference, rng, inputs):
    """Compare is_identity on all inputs, each a tuple of arguments, in an order that tells nothing."""
    inputs = [inputs[i] for i in rng.permutation(len(inputs))]
    answers = [student.is_identity(*args) for args in inputs]
    for args, answer in zip(inputs, answers, strict=True):
        # The functions that count must begin anew for the reference.
        fresh = [Late(f.late, f.first, f.gone) if isinstance(f, Late) else f for f in args[:2]]
        expected = reference.is_identity(*fresh, *args[2:])
        check(
            as_bool(answer, of="is_identity") == expected,
            measured=f"{not expected} for a pair that is {'' if expected else 'not '}equal, p = {args[3]}",
            allowed=str(expected),
            next_step=PRINT,
        )


ALL_SIZES = ((1, 1), (4, 2), (3, 3), (2, 4), (5, 1))


@part("identity", "Is it an identity?", functions=("is_identity", "verdicts"))
class TestIdentity:
    @points(1)
    def test_is_identity(self, student, reference, rng):
        """is_identity tells true identities from false ones, at all sizes, modulo primes from 101 to 2⁶¹ - 1."""
        pairs = {**ten(), **more_candidates()}
        names = ["(1.23), minus", "(1.30), notes", "(1.30), minus", "resolvent", "Hua", "commuting", "core commutes"]
        primes = (PRIME, 101, 10007, 65537, PRIME, 2**31 - 1, 104729)
        inputs = [
            (*pairs[name], ALL_SIZES, p, 2, int(rng.integers(1000))) for name, p in zip(names, primes, strict=True)
        ]
        hall = pairs["Hall"]
        inputs += [(*hall, sizes, PRIME, 2, 1) for sizes in ([(1, 1)], [(2, 3)], [(2, 1), (3, 1)])]
        inputs += [(*pairs["commuting"], [(1, 1), (3, 2)], PRIME, 1, seed) for seed in (1, 2)]
        # A fair C is symmetric with probability p⁻³, twice in a row with 1e-30 at most.
        seeds = rng.integers(1000, size=3).tolist()
        primes = (PRIME, 104729, 2**31 - 1)
        inputs += [(*sides, [(4, 3)], p, 2, seed) for sides in special() for p, seed in zip(primes, seeds, strict=True)]
        same_verdicts(student, reference, rng, inputs)

    @points(1)
    def test_small_primes(self, student, reference, rng):
        """Modulo 2 the notes' sign is invisible, modulo 101 it is not; draws without an inverse are replaced."""
        pairs = ten()
        inputs = [(*pairs["(1.30), notes"], [(2, 2)], p, 4, int(rng.integers(1000))) for p in (2, 2, 101, 103, 107)]
        inputs += [(*pairs["(1.30), minus"], [(2, 1), (2, 2)], p, 3, int(rng.integers(1000))) for p in (2, 3, 5)]
        inputs += [(Late(60, gone=50), zero, [(2, 2)], p, 12, 3) for p in (7, 101, 103)]
        same_verdicts(student, reference, rng, inputs)
        patient = student.is_identity.attempt(Late(5000, gone=490), zero, [(2, 2)], 101, 1, 0)
        # One function for both sides: whichever is asked, and whether the other is asked too, a draw counts once.
        never = Late(5000, gone=5000)
        valueless = student.is_identity.attempt(never, never, [(2, 2)], 101, 1, 0)
        check(
            not patient.raised and as_bool(patient.value, of="is_identity"),
            measured=f"{patient.raised[0] if patient.raised else False} where draw 491 is the first to say something",
            allowed="True, as the two sides are equal there",
            next_step="Count the draws that your loop makes before it gives up.",
            hint=GIVE_UP if "ValueError" in patient.raised else None,
        )
        raised(valueless, "ValueError", "is_identity with a side that never has a value")
        check(
            never.count <= 501,  # whoever counts from 0 may make one more
            measured=f"a ValueError after {never.count} draws that say nothing",
            allowed="one after 500",
            next_step="Count the draws that your loop makes before it gives up.",
            hint=GIVE_UP,
        )

    @points(1)
    def test_every_trial(self, student, reference, rng):
        """One entry that differs, in one trial, at one size, makes it no identity."""
        seeds = [int(rng.integers(1000)) for _ in range(4)]
        inputs = [(zero, zero, [(2, 2)], PRIME, 3, 0)]
        inputs += [(Late(late), zero, [(1, 1), (2, 2)], PRIME, 6, 0) for late in (3, 5, 8, 12)]
        inputs += [(Late(99, first=1), zero, [(2, 2)], p, 4, 0) for p in (7, 101, PRIME)]
        inputs += [(zero, last_entry, [(2, 3)], p, 2, 0) for p in (2, 101, PRIME)]
        inputs += [(zero, off, [(2, 3)], p, 2, 0) for off in (corner, antisymmetric) for p in (5, 101, PRIME)]
        inputs += [(zero, wrapped, [(2, 3)], p, 2, 0) for p in (2**32 + 15, 10**12 + 39, PRIME)]
        inputs += [(almost, large, [(2, 3)], p, 2, 0) for p in (PRIME, 2**31 - 1, 104729, 2**61 - 1)]
        inputs += [
            (wide, zero, [(3, 2)], p, 2, seed) for p, seed in zip((PRIME, 104729, 2**31 - 1), seeds, strict=False)
        ]
        # A quarter of all draws differ: 80 trials miss that with probability 1e-10.
        inputs += [(quarter, zero, [(2, 2)], PRIME, 80, seed) for seed in (*seeds, *(seed + 1 for seed in seeds))]
        same_verdicts(student, reference, rng, inputs)

    @points(0.5)
    def test_draws(self, student, rng):
        """Both sides get the same matrices, of the right shapes, with entries from all of 0, …, p - 1, by the seed."""
        seed = int(rng.integers(1000))
        # Far apart: a trial may well have the seed after that of the trial before.
        calls = (3, seed), (10007, seed), (PRIME, seed), (PRIME, seed), (PRIME, seed + 5000)
        least, small, one, again, another = runs = [draws.run(student, p, s) for p, s in calls]
        other = as_bool(student.is_identity(zero, last_entry, draws.SIZES, 10007, 3, 0), of="is_identity")
        check(not other, measured="True for 0 and a matrix that is not 0", allowed="False", next_step=PRINT)
        draws.shaped(runs)
        draws.spread(least)
        draws.spread(small)
        draws.spread(one)
        draws.independent(one)
        draws.seeded(one, again, another)

    @points(1.5)
    def test_verdicts(self, student, reference, rng):
        """verdicts tells which candidates are identities, in 100 calls of each function: the ten, and others."""
        pool = {**ten(), **more_candidates()}
        always = ["(1.30), notes", "commuting", "core commutes", "Hall", "Hall for the core", "(1.30), minus"]
        inputs = [ten()]
        for _ in range(3):
            others = [str(name) for name in rng.permutation([name for name in pool if name not in always])[:3]]
            names = rng.permutation([*always, *others])
            inputs.append({f"candidate {i}": pool[str(name)] for i, name in enumerate(names)})
        inputs = [{name: tuple(map(Counted, sides)) for name, sides in given.items()} for given in inputs]
        answers = [student.verdicts(given, seed) for seed, given in enumerate(inputs)]
        most = max(side.calls for given in inputs for sides in given.values() for side in sides)
        for given, answer in zip(inputs, answers, strict=True):
            expected = reference.verdicts(given)
            check(
                isinstance(answer, dict) and set(answer) == set(given),
                measured="a result that is not a dict with the names of the candidates",
                allowed="a dict with a bool for each name",
                next_step="Start with {} and add one entry for each candidate.",
            )
            wrong = sum(as_bool(answer[name], of=f"verdicts[{name!r}]") != expected[name] for name in given)
            check(
                not wrong,
                measured=f"{wrong} of {len(given)} verdicts are wrong",
                allowed="none",
                next_step="Which sizes and which prime could not tell them apart?",
            )
        check(
            most <= 100,
            measured=f"a function of a candidate was called {most} times",
            allowed="100 times at most",
            next_step="Multiply the number of your sizes by that of your trials and primes.",
            hint=TOO_OFTEN,
        )


@part("bound", "How sure is that?", functions=("false_accept_bound",))
class TestBound:
    @points(1)
    def test_bound(self, student, reference):
        """false_accept_bound is min(1, d/p)^trials: for small and large primes, for d above p, and for no trial."""
        inputs = [
            (3, 101, 2),
            (5, 7, 4),
            (12, 5, 3),
            (40, 2**61 - 1, 1),
            (7, 10007, 3),
            (9, 2, 2),
            (4, 11, 1),
            (3, 7, 0),
            (8, 3, 5),
            (0, 7, 0),
            (0, 11, 3),
            (3, 2**61 - 1, 20),
        ]
        answers = [student.false_accept_bound(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the bound"), reference.false_accept_bound(*args), ALGEBRA, of="the bound")


RUN = "Run check(woodbury_proof(A, U, C, V), woodbury()) in your notebook; it says the same."
REPAIR = "Repair the first line that check(woodbury_proof(A, U, C, V), woodbury()) does not call legal."


def law_is_done(student, law):
    """Check that a law is done with in lines connected with the start or the end, or that the proof is complete."""
    report, done = judged(student)
    check(
        report.complete or law in done,
        measured=f"what is legal and connected with the start or the end leaves {law} {law}⁻¹ = I to be used",
        allowed=f"lines in which {law} {law}⁻¹ = I has been used, so that the rest does without it",
        next_step=REPAIR,
        hint=report.cause,
    )


@part("proof", "The proof", functions=("woodbury_proof",))
class TestProof:
    @points(3)
    def test_ends(self, student):
        """The proof starts where it must, ends where it must, and all its lines are expressions with given inverses."""
        report, _ = judged(student)
        check(
            report.starts and report.ends and not report.unreadable and len(report.verdicts) > 1,
            measured=" ".join((*report.unreadable, *report.sentences)),
            allowed="the right first and last line, and only letters and inverses that are given",
            next_step=RUN,
            hint=report.cause,
        )

    @points(2)
    def test_law_of_a(self, student):
        """A A⁻¹ = I is done with: what is left to prove does without it."""
        law_is_done(student, "A")

    @points(2)
    def test_law_of_c(self, student):
        """C C⁻¹ = I is done with: what is left to prove does without it."""
        law_is_done(student, "C")

    @points(2)
    def test_law_of_s(self, student):
        """S S⁻¹ = I is done with: what is left to prove does without it."""
        law_is_done(student, "S")

    @points(3)
    def test_complete(self, student):
        """Every line follows from the one before by at most one law: the proof is complete."""
        report, _ = judged(student)
        check(
            report.complete,
            measured=f"your proof, line by line:\n{report!r}",
            allowed="a proof, every line of which is legal",
            next_step=RUN,
            hint=report.cause,
        )


def sized(value, like):
    """`value` as a vector of that length."""
    x = as_array(value, of="x")
    check(
        x.size == like.size,
        measured=f"x has shape {x.shape}",
        allowed=f"shape {like.shape}",
        next_step="x has the shape of the right side.",
    )
    return x.ravel()


def solved(student, reference, inputs):
    """Compare woodbury_solve on all inputs (A, U, C, V, rhs); the solvers that were used."""
    solvers = [Solver(A) for A, *_ in inputs]
    answers = [student.woodbury_solve(f, *rest) for f, (_, *rest) in zip(solvers, inputs, strict=True)]
    for (A, *rest), answer in zip(inputs, answers, strict=True):
        shape = "vector" if rest[-1].ndim == 1 else "exact"
        agree(answer, reference.woodbury_solve(Solver(A), *rest), SOLVED, of="x", shape=shape)
    return solvers


@part("solve", "Solving with a correction", functions=("woodbury_solve",))
class TestSolve:
    @points(2)
    def test_equals_reference(self, student, reference, rng):
        """woodbury_solve solves (A + UCV) x = b, for one and for several right sides, and for k > n."""
        inputs = [system(rng, *size, r) for size in SIZES for r in (None, 1, 2)]
        solved(student, reference, inputs)

    @points(1)
    def test_edges(self, student, reference, rng):
        """A singular C, C = 0, U = 0 and an A that is not symmetric are no trouble."""
        inputs, singular = [], []
        for n, k in ((6, 3), (4, 2), (5, 4)):
            A, U, C, V, b = system(rng, n, k)
            inputs.append((A, 0 * U, C, V, b))
            # C = 0 between large U and V: whoever inverts C + 1e-9 in its place is off by 0.1.
            singular += [
                (A, 1e4 * U, 0 * C, 1e4 * V, b),
                (A, U, 0 * C, V, b),
                (A, U, np.diag([0.0, *rng.uniform(0.5, 1.0, size=k - 1)]), V, b),
            ]
        answers = [student.woodbury_solve.attempt(Solver(A), *rest) for A, *rest in singular]
        solved(student, reference, inputs)
        for (A, *rest), answer in zip(singular, answers, strict=True):
            x = returned(answer, "woodbury_solve with a singular C", SINGULAR)
            agree(x, reference.woodbury_solve(Solver(A), *rest), SOLVED, of="x with a singular C", shape="vector")

    @points(1.5)
    def test_cost(self, student, reference, rng):
        """solve_A sees k + r columns at most, and no n×n matrix is formed: n may be 300,000."""
        inputs = [system(rng, 60, 3), system(rng, 45, 4, 2), system(rng, 50, 1, 3)]
        for solver, (_, U, _, _, b) in zip(solved(student, reference, inputs), inputs, strict=True):
            solver.check(U.shape[1] + (1 if b.ndim == 1 else b.shape[1]))
        n = 300_000
        d, b = rng.uniform(1.0, 2.0, size=(2, n))
        U, V = rng.normal(size=(2, n, 1)) / np.sqrt(n)
        args, solver = (U, np.array([[0.5]]), V.T, b), Diagonal(d)
        answer = returned(student.woodbury_solve.attempt(solver, *args), "woodbury_solve at n = 300,000")
        solver.check(2)
        agree(answer, reference.woodbury_solve(Diagonal(d), *args), SOLVED, of="x at n = 300,000")

    @points(0.5)
    def test_conditioning(self, student, reference, rng):
        """C of size 1e15, a nearly singular A and a nearly singular A + UCV cost no more digits than they must.

        The residual where A + UCV is nearly singular: over 1500 draws, at most 6e-15 for solve, QR and least squares
        with any of the forms, and at least 1e-11 for all in which the k×k matrix is inverted, or C or V divided by it.
        """
        A, U, _, V, b = system(rng, 6, 2)
        args = U, 1e15 * np.eye(2), V, b
        strong = student.woodbury_solve(Solver(A), *args)
        basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        steep = basis @ np.diag([1e-6, 0.3, 0.5, 0.7, 0.9, 1.0]) @ basis.T
        weak = basis[:, :1], np.array([[1.0]]), basis[:, :1].T, b
        repaired = student.woodbury_solve(Solver(steep), *weak)
        hard = [nearly_singular_system(rng, *size) for size in ((7, 3), (6, 2), (8, 4))]
        answers = [student.woodbury_solve(Solver(A), *rest) for A, *rest in hard]
        agree(strong, reference.woodbury_solve(Solver(A), *args), SOLVED, of="x with C = 1e15", shape="vector")
        exact = np.linalg.solve(steep + weak[0] @ weak[2], b)
        agree(repaired, exact, STEEP, of="x where A alone is nearly singular", shape="vector")
        for (A, U, C, V, b), answer in zip(hard, answers, strict=True):
            x = sized(answer, b)
            size = np.linalg.norm(A, 2) + np.linalg.norm(U @ C @ V, 2)
            residual = float(np.linalg.norm((A + U @ C @ V) @ x - b) / size / np.linalg.norm(x))
            check(
                residual < 1e-12,
                measured=f"(A + UCV) x - b is {residual:.2g} of ‖A + UCV‖ ‖x‖, where A + UCV is nearly singular",
                allowed="1e-12: solve leaves 1e-15 there, whatever the condition",
                next_step="Factorise the k×k matrix once, with the right side at hand.",
                hint=INVERTED if residual < 1e-3 else None,
            )

    @points(0.5)
    def test_shape_of_c(self, student, reference, rng):
        """woodbury_solve raises ValueError for a C that is not k×k, and LinAlgError where A + UCV is singular."""
        A, U, C, V, b = system(rng, 6, 3)
        solver = Solver(A)
        wrong = [C[0], np.diag(C)[:, None], C[:, :2], np.float64(2.0)]
        answers = [student.woodbury_solve.attempt(solver, U, bad, V, b) for bad in wrong]
        # With n = k = r numpy stretches all that comes of a diagonal, and stumbles nowhere by itself.
        square = system(rng, 3, 3, 3)
        stretched = student.woodbury_solve.attempt(Solver(square[0]), square[1], np.diag(square[2]), *square[3:])
        # With as many entries as it should have, it stumbles nowhere either.
        stacked = student.woodbury_solve.attempt(solver, U, C[None], V, b)
        flat = student.woodbury_solve.attempt(Solver(np.eye(4)), U[:4, :1], np.array([0.5]), V[:1, :4], b[:4, None])
        right = student.woodbury_solve(solver, U, C, V, b)
        first = np.eye(4)[:, :1]
        none = student.woodbury_solve.attempt(Solver(np.eye(4)), first, np.array([[-1.0]]), first.T, np.ones(4))
        agree(right, reference.woodbury_solve(solver, U, C, V, b), SOLVED, of="x", shape="vector")
        for bad, answer in zip(wrong, answers, strict=True):
            raised(answer, "ValueError", f"woodbury_solve with C of shape {np.shape(bad)} and k = 3", SHAPE)
        raised(stretched, "ValueError", "woodbury_solve with C of shape (3,) and n = k = 3", SHAPE)
        raised(stacked, "ValueError", "woodbury_solve with C of shape (1, 3, 3) and k = 3", SIZE)
        raised(flat, "ValueError", "woodbury_solve with C of shape (1,) and k = 1", SIZE)
        raised(none, "LinAlgError", "woodbury_solve with A + UCV = diag(0, 1, 1, 1)")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """woodbury_solve gives the right x and leaves its arguments as they were."""
        A, *rest = system(rng, 7, 2, 3)
        args = Solver(A), *rest
        answer, after = student.woodbury_solve.inputs_after(*args)
        agree(answer, reference.woodbury_solve(*args), SOLVED, of="x")
        untouched(reference.woodbury_solve, args, after)


def determinants(student, inputs):
    """Compare woodbury_logdet with a determinant of n×n matrices, on all inputs (A, U, C, V)."""
    solvers = [Solver(A) for A, *_ in inputs]
    logs = [tuple(map(float, np.linalg.slogdet(A))) for A, *_ in inputs]
    answers = [student.woodbury_logdet(log, f, *rest) for log, f, (_, *rest) in zip(logs, solvers, inputs, strict=True)]
    logarithms(answers, [np.linalg.slogdet(A + U @ C @ V) for A, U, C, V in inputs])
    for solver, (_, U, _, _) in zip(solvers, inputs, strict=True):
        solver.check(U.shape[1])


def detector(rng, n, k):
    """Residuals, errors and modes of n channels, all of order one."""
    r, stat, root = rng.normal(size=n), rng.uniform(0.5, 1.5, size=n), rng.normal(size=(k, k))
    return r, stat, rng.normal(size=(n, k)), root @ root.T + 0.1 * np.eye(k)


@part("likelihood", "Determinant and χ²", functions=("woodbury_logdet", "chi2_correlated"))
class TestLikelihood:
    @points(1.5)
    def test_logdet(self, student, rng):
        """woodbury_logdet gives sign and logarithm of det(A + UCV), for determinants of both signs, and for k > n."""
        inputs = [system(rng, n, k)[:4] for n, k in SIZES]
        for A, *_ in inputs[::2]:
            A[0] *= -1
        inputs += [flipped(rng, n, k) for n, k in ((5, 3), (4, 2), (6, 1))]
        determinants(student, inputs)

    @points(0.5)
    def test_logdet_edges(self, student, reference, rng):
        """A singular C, U = 0, determinants far beyond 1e308 and one that is 0 are no trouble."""
        inputs = []
        for n, k in ((6, 3), (5, 2)):
            A, U, C, V, _ = system(rng, n, k)
            inputs += [(A, U, np.outer(C[:, 0], C[0]), V), (A, 0 * U, C, V)]
        determinants(student, inputs)
        extreme = []
        for n, k, scale in ((6, 4, 1e120), (7, 5, 1e90), (5, 3, 1e150), (8, 6, 1e-60)):
            A, U, C, V, _ = system(rng, n, k)
            # Weak: the correction goes with A. Strong: it is all that matters, and has no small part.
            A, C = (scale * A, scale * C) if scale < 1 else (A, scale * np.eye(k))
            extreme.append((tuple(map(float, np.linalg.slogdet(A))), Solver(A), U, C, V))
        answers = [student.woodbury_logdet(*args) for args in extreme]
        first = np.eye(4)[:, :1]
        none = student.woodbury_logdet.attempt((1.0, 0.0), Solver(np.eye(4)), first, np.array([[-1.0]]), first.T)
        logarithms(answers, [reference.woodbury_logdet(*args) for args in extreme])
        check(
            not none.raised and is_logarithm_of_zero(none.value),
            measured=f"{none.raised[0] if none.raised else 'another pair'} where A + UCV is diag(0, 1, 1, 1)",
            allowed="(0, -inf)",
            next_step="Print numpy.linalg.slogdet(np.diag([0.0, 1.0, 1.0, 1.0])).",
            hint=ZERO,
        )

    @points(1.5)
    def test_chi2(self, student, reference, rng):
        """chi2_correlated is rᵀΣ⁻¹r with the full covariance, also where that of the parameters is singular."""
        inputs = [detector(rng, n, k) for n, k in ((7, 3), (12, 2), (5, 6), (9, 1), (1, 1))]
        r, stat, U, C = detector(rng, 8, 3)
        inputs += [(r, stat, U, np.outer(C[0], C[0])), (r, stat, U, 0 * C)]
        answers = [student.chi2_correlated(*args) for args in inputs]
        for (r, stat, U, C), answer in zip(inputs, answers, strict=True):
            expected = r @ np.linalg.solve(np.diag(stat**2) + U @ C @ U.T, r)
            agree(as_float(answer, of="χ²"), expected, SOLVED, of="χ²")

    @points(0.5)
    def test_profile(self, student, rng):
        """χ² is what remains if the nuisance parameters are fitted, with their covariance as a penalty."""
        inputs = [detector(rng, n, k) for n, k in ((11, 3), (8, 2), (6, 1))]
        answers = [student.chi2_correlated(*args) for args in inputs]
        for (r, stat, U, C), answer in zip(inputs, answers, strict=True):
            root = np.linalg.cholesky(np.linalg.inv(C)).T
            rows, target = np.vstack([U / stat[:, None], root]), np.concatenate([r / stat, np.zeros(len(C))])
            fitted = np.linalg.lstsq(rows, target)[0]
            # C may be poorly conditioned, and its inverse is used here: 1e-6 is far from any mistake.
            loose = Tolerance(1e-6, 1e-6, "the fit inverts the covariance of the parameters")
            agree(as_float(answer, of="χ²"), np.sum((target - rows @ fitted) ** 2), loose, of="χ²")

    @points(0.5)
    def test_scale(self, student, reference, rng):
        """χ² of 200,000 channels comes without any n×n matrix."""
        r, stat, U, C = detector(rng, 200_000, 2)
        answer = student.chi2_correlated.attempt(r, stat, U, C)
        chi2 = returned(answer, "chi2_correlated at n = 200,000", dense=DENSE_SIGMA)
        agree(as_float(chi2, of="χ²"), reference.chi2_correlated(r, stat, U, C), SOLVED, of="χ² at n = 200,000")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """woodbury_logdet and chi2_correlated give the right numbers and leave their arguments as they were."""
        args = detector(rng, 9, 2)
        answer, after = student.chi2_correlated.inputs_after(*args)
        agree(as_float(answer, of="χ²"), reference.chi2_correlated(*args), SOLVED, of="χ²")
        untouched(reference.chi2_correlated, args, after)
        A, *rest, _ = system(rng, 6, 3)
        log = tuple(map(float, np.linalg.slogdet(A)))
        args = log, Solver(A), *rest
        answer, after = student.woodbury_logdet.inputs_after(*args)
        logarithms([answer], [reference.woodbury_logdet(*args)])
        untouched(reference.woodbury_logdet, args, after)

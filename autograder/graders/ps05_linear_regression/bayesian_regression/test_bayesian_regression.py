"""Hidden tests of "Bayesian linear regression: what a spring has told us"."""

from statistics import NormalDist

import numpy as np

from autograder.graders.ps05_linear_regression.bayesian_regression.calibration import check_calibrated
from autograder.graders.ps05_linear_regression.bayesian_regression.cases import (
    BROAD,
    EVIDENCE,
    QUADRATURE,
    REMAINDER,
    RIDGE,
    SOLVED,
    TOO_LARGE,
    UNITS,
    agree_covariance,
    agree_mean,
    agree_posterior,
    as_covariance,
    as_vector,
    pair,
    rows,
)
from autograder.graders.ps05_linear_regression.bayesian_regression.inputs import (
    SIZES,
    accurate,
    covariance,
    draw,
    edges,
    in_units,
    log_integral,
    log_joint,
    log_normal,
    observation,
    special_observations,
    with_condition,
)
from autograder.grading import (
    ALGEBRA,
    agree,
    as_array,
    as_float,
    check,
    check_law,
    conditioned,
    part,
    points,
    untouched,
)

DATA = ("X", "y", "sigma", "m0", "S0")

# In each test the student's function is called on every input before any answer is judged: a typical mistake is
# recognised by all its numbers. Single numbers go in as numpy's: torch.tensor would make float32 of Python's own.


@part("posterior", "Prior times likelihood", functions=("posterior",))
class TestPosterior:
    @points(2)
    def test_mean(self, student, reference, rng):
        """The mean m is right, with an error of its own for each point, m₀ ≠ 0 and a correlated prior."""
        inputs = [draw(rng, n, p) for n, p in SIZES]
        answers = [student.posterior(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_mean(answer, reference.posterior(*args))

    @points(2)
    def test_covariance(self, student, reference, rng):
        """The covariance S is right and symmetric, with an error of its own for each point and a correlated prior."""
        inputs = [draw(rng, n, p) for n, p in SIZES]
        answers = [student.posterior(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_covariance(answer, reference.posterior(*args))

    @points(1)
    def test_edges(self, student, reference, rng):
        """The posterior is right for no data, one point, p > n, equal columns, a repeated point and a far outlier."""
        inputs = edges(rng)
        answers = {name: student.posterior(*args) for name, args in inputs.items()}
        for name, args in inputs.items():
            agree_posterior(answers[name], reference.posterior(*args), what=f" for {name}")

    @points(0.5)
    def test_conditioning(self, student, reference, rng):
        """With columns that are nearly collinear, κ(X) = 10⁵, the prior decides what the data cannot."""
        inputs = []
        for n, p in ((9, 4), (7, 3), (5, 2)):
            _, y, sigma, m0, S0 = draw(rng, n, p)
            inputs.append((with_condition(rng, n, p, 1e5), y, sigma, m0, S0))
        answers = [student.posterior(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_posterior(answer, reference.posterior(*args), conditioned(1e5))

    @points(0.5)
    def test_units(self, student, reference, rng):
        """In other units of y, or with its own unit for each parameter, the posterior is the same in these units."""
        inputs = [(draw(rng, n, p, size), np.full(p, size)) for n, p in ((7, 3), (3, 4)) for size in (1e-9, 1e9)]
        inputs += [in_units(rng, n, p) for n, p in ((9, 4), (6, 3), (3, 5))]
        answers = [student.posterior(*args) for args, _ in inputs]
        for (args, units), answer in zip(inputs, answers, strict=True):
            m, S = pair(answer)
            found = as_vector(m, len(units)) / units, as_covariance(S, len(units)) / np.outer(units, units)
            expected = reference.posterior(*args)
            agree_posterior(found, (expected[0] / units, expected[1] / np.outer(units, units)), UNITS, " in its units")

    @points(0.5)
    def test_laws(self, student, reference, rng):
        """p(y∣β) p(β) / p(β∣y) is the same at every β; a broad prior gives the maximum of the likelihood."""
        for n, p in ((7, 3), (3, 5)):
            args = draw(rng, n, p)
            m, S = pair(student.posterior(*args))
            m, S = as_vector(m, p), as_covariance(S, p)
            check_positive(S)
            betas = [m, *(args[3] + rng.normal(size=(3, p)))]
            evidence = [log_joint(beta, *args) - log_normal(beta - m, S) for beta in betas]
            check_law(evidence, evidence[0], "Bayes's formula at four β", "Complete the square in β on paper.")
        _, y, sigma, m0, _ = draw(rng, 9, 3)
        X = with_condition(rng, 9, 3, 3.0)
        m, S = pair(student.posterior(X, y, sigma, m0, 1e5 * np.eye(3)))
        weighted = X / sigma[:, None]
        agree(m, np.linalg.lstsq(weighted, y / sigma, rcond=None)[0], BROAD, of="m for a broad prior", shape="vector")
        agree(S, np.linalg.inv(weighted.T @ weighted), BROAD, of="S for a broad prior")

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """posterior returns the right numbers and leaves its arguments as they were."""
        args = draw(rng, 6, 2)
        answer, after = student.posterior.inputs_after(*args)
        agree_posterior(answer, reference.posterior(*args))
        untouched(reference.posterior, args, after)


def check_positive(S):
    """A covariance has no negative variance in any direction."""
    lowest = float(np.linalg.eigvalsh(S)[0] / np.max(np.abs(S)))
    check(
        lowest > 0,
        measured=f"the smallest eigenvalue of S is {lowest:.3g} of its largest entry",
        allowed="a positive number: a variance along some direction of β",
        next_step="Check the sign of each term: precisions add.",
    )


@part("update", "One more point", functions=("update",))
class TestUpdate:
    @points(1)
    def test_equals_posterior(self, student, reference, rng):
        """update gives the posterior that has seen one point more, in one to five dimensions."""
        inputs = [observation(rng, p) for p in (3, 2, 5, 1)]
        answers = [student.update(*args) for args in inputs]
        for (m, S, x, y, sigma), answer in zip(inputs, answers, strict=True):
            expected = reference.posterior(x[None, :], np.array([y]), np.array([sigma]), m, S)
            agree_posterior(answer, expected)

    @points(0.5)
    def test_no_special_cases(self, student, reference, rng):
        """update is right for x = 0 and x near 0, no surprise or one of up to 60 standard deviations, and other units.

        A point a million times more accurate than what was known shows a p×p system: 1 + Sxxᵀ/σ² loses the digits of
        the 1, and S⁻¹ + xxᵀ/σ² those of S⁻¹. In 900 draws right programs were off by 2e-15 at most, p×p ones by 7e-7
        at least.
        """
        inputs = special_observations(rng)
        answers = {name: student.update(*args) for name, args in inputs.items()}
        exact = [(m, S, x, y, 1e-6 * sigma) for m, S, x, y, sigma in (observation(rng, p) for p in (3, 4, 5))]
        accurately = [student.update(*args) for args in exact]
        for name, (m, S, x, y, sigma) in inputs.items():
            expected = reference.posterior(x[None, :], np.array([y]), np.array([sigma]), m, S)
            agree_posterior(answers[name], expected, what=f" for {name}")
        for args, answer in zip(exact, accurately, strict=True):
            m, S = pair(answer)
            # Not as_covariance: what a p×p system leaves is noise, and not symmetric either.
            found = as_vector(m, len(args[0])), as_array(S, of="the covariance S")
            for value, expected, name in zip(found, reference.update(*args), "mS", strict=True):
                apart = float(np.max(np.abs(value - expected)) / np.max(np.abs(expected)))
                check(
                    apart <= 1e-9,
                    measured=f"for a point 10⁶ times more accurate than what was known {name} is off by {apart:.3g}",
                    allowed="1e-09 of its largest entry",
                    next_step="Divide by the number σ² + xᵀSx, and solve nothing.",
                    hint=SOLVED,
                )

    @points(0.5)
    def test_order(self, student, reference, rng):
        """Seven points, one after the other and in any order, give the posterior of all seven."""
        X, y, sigma, m0, S0 = draw(rng, 7, 3)
        for order in (np.arange(7), rng.permutation(7)):
            m, S = m0, S0
            for i in order:
                m, S = pair(student.update(m, S, X[i], y[i], sigma[i]))
                m, S = as_vector(m, 3), as_covariance(S, 3)
            agree_posterior((m, S), reference.posterior(X, y, sigma, m0, S0), what=" after seven updates")

    @points(0.5)
    def test_known_parameter(self, student, reference, rng):
        """A parameter that is known exactly, so that S has no inverse, stays as it is, and the others are right."""
        inputs = []
        for p, known in ((3, 1), (4, 0), (2, 1)):
            m, S, x, y, sigma = observation(rng, p)
            S[known, :] = S[:, known] = 0.0
            inputs.append((m, S, x, y, sigma, known))
        answers = [student.update(*args[:5]) for args in inputs]
        for (m, S, x, y, sigma, known), answer in zip(inputs, answers, strict=True):
            free = np.arange(len(m)) != known
            left = y - x[known] * m[known]
            m_free, S_free = reference.posterior(
                x[None, free], np.array([left]), np.array([sigma]), m[free], S[np.ix_(free, free)]
            )
            expected_m, expected_S = m.copy(), S.copy()
            expected_m[free], expected_S[np.ix_(free, free)] = m_free, S_free
            agree_posterior(answer, (expected_m, expected_S))

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """update returns the right numbers and leaves m, S and x as they were."""
        args = observation(rng, 4)
        answer, after = student.update.inputs_after(*args)
        agree_posterior(answer, reference.update(*args))
        untouched(reference.update, args, after)


def new_points(rng, q, p, size=1.0):
    """Xs, m, S, sigma_s for q predictions, all in units of `size` but Xs."""
    Xs, m, sigma_s = rng.normal(size=(q, p)), size * rng.normal(size=p), size * rng.uniform(0.2, 2.0, size=q)
    return Xs, m, covariance(rng, p, size), sigma_s


PREDICTIONS = ((5, 3), (4, 2), (1, 4), (2, 5), (3, 1))


@part("predict", "What the next point will be", functions=("predict",))
class TestPredict:
    @points(1)
    def test_mean(self, student, reference, rng):
        """The mean of each of q predictions is right, also for q = 1 and q < p."""
        inputs = [new_points(rng, q, p) for q, p in PREDICTIONS]
        answers = [student.predict(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            mean, _ = rows(answer)
            agree(mean, reference.predict(*args)[0], ALGEBRA, of="the mean", shape="vector")

    @points(1)
    def test_variance(self, student, reference, rng):
        """The variance of each of q predictions is right, noise included, and is a vector; arguments stay the same."""
        inputs = [new_points(rng, q, p) for q, p in PREDICTIONS]
        answers = [student.predict.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            _, var = rows(answer)
            agree(var, reference.predict(*args)[1], ALGEBRA, of="the variance", shape="vector")
            untouched(reference.predict, args, after)

    @points(0.5)
    def test_all_kinds(self, student, reference, rng):
        """Predictions are right in other units, for an exactly known parameter, for no new point and for 20 000.

        For these a q×q matrix would need 3.2 GB, which is beyond what a submission may use.
        """
        known = new_points(rng, 6, 3)
        known[2][1, :] = known[2][:, 1] = 0.0
        sizes = ((6, 3, 1e-9), (5, 4, 1e9), (0, 3, 1.0), (20_000, 3, 1.0))
        inputs = [known, *(new_points(rng, *size) for size in sizes)]
        answers = [student.predict(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            for value, expected, name in zip(rows(answer), reference.predict(*args), ("mean", "variance"), strict=True):
                q, of = len(expected), f"the {name} for q = {len(expected)}"
                agree(as_vector(value, q, of=of), expected, ALGEBRA, of=of)

    @points(0.5)
    def test_chain(self, student, reference, rng):
        """Your posterior, handed to your predict, predicts what the right ones predict."""
        inputs = [(draw(rng, n, p), rng.normal(size=(4, p)), rng.uniform(0.2, 2.0, size=4)) for n, p in SIZES[:3]]
        answers = []
        for args, Xs, sigma_s in inputs:
            p = len(args[3])
            m, S = pair(student.posterior(*args))
            answers.append(student.predict(Xs, as_vector(m, p), as_covariance(S, p), sigma_s))
        for (args, Xs, sigma_s), answer in zip(inputs, answers, strict=True):
            mean, var = rows(answer)
            expected = reference.predict(Xs, *reference.posterior(*args), sigma_s)
            agree(mean, expected[0], ALGEBRA, of="the mean", shape="vector")
            agree(var, expected[1], ALGEBRA, of="the variance", shape="vector")

    @points(1)
    def test_calibration(self, student, rng):
        """In 500 experiments with truths from the prior, 90 % of new observations fall into your 90 % intervals.

        A right answer fails with probability 4.2e-10: three seeds of three, each 7.5e-4 by the exact binomial law. Of
        3000 seeds of the reference none was outside, where 2.2 were to be expected. Found in 50 of 50 gradings: a
        precision for S, m₀ ignored or misplaced, weights on one side only or upside down, S₀ not inverted, σ of the
        wrong point, no noise, x* once instead of twice, S inverted. In 49: the noise twice, the noise alone. In 46:
        no weights; in 45: one weight for all; in 43: standard deviations added; in 11: standard deviations for var. Not
        found, since they are calibrated or nearly so: the fit without the prior, the prior without its correlations,
        weights 1/σ, σ* for its square, S without its correlations. `measure.py` measures all of this again.
        """
        check_calibrated(student.many_predictions, rng)


@part("log_evidence", "The denominator", functions=("log_evidence",))
class TestLogEvidence:
    @points(2)
    def test_equals_reference(self, student, reference, rng):
        """log p(y) is right with all its constants, for fewer and for more parameters than points."""
        inputs = [draw(rng, n, p) for n, p in SIZES]
        compare_evidence(student, reference, inputs)

    @points(1)
    def test_edges(self, student, reference, rng):
        """log p(y) is right for no data (0), one point, p > n, equal columns, a repeated point and a far outlier."""
        compare_evidence(student, reference, list(edges(rng).values()))

    @points(1)
    def test_chain_rule(self, student, reference, rng):
        """log p(y) is the sum of the logarithms of what each point was given before it came."""
        for n, p in ((6, 3), (4, 7)):
            X, y, sigma, m0, S0 = draw(rng, n, p)
            total = 0.0
            for i in range(n):
                before = reference.posterior(X[:i], y[:i], sigma[:i], m0, S0)
                mean, var = reference.predict(X[i : i + 1], *before, sigma[i : i + 1])
                total += log_normal(y[i : i + 1] - mean, np.diag(var))
            answer = as_float(student.log_evidence(X, y, sigma, m0, S0), of="the log evidence")
            law = "log p(y₁…y_n) = Σ log p(y_i∣y₁…y_{i−1})"
            check_law(answer, total, law, "Take n = 1: then p(y) is one Gaussian. What are its mean and variance?")

    @points(0.5)
    def test_quadrature(self, student, rng):
        """For a single parameter log p(y) is the logarithm of the integral over it, done numerically."""
        inputs = [draw(rng, n, 1) for n in (1, 3, 6)]
        answers = [student.log_evidence(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the log evidence"), log_integral(*args), QUADRATURE, of="the log evidence")

    @points(0.5)
    def test_bayes(self, student, reference, rng):
        """log p(y∣β) + log p(β) − log p(β∣y) is log p(y), whichever β it is taken at."""
        for n, p in ((7, 3), (3, 5)):
            args = draw(rng, n, p)
            m, S = reference.posterior(*args)
            beta = m + rng.normal(size=p)
            expected = log_joint(beta, *args) - log_normal(beta - m, S)
            answer = as_float(student.log_evidence(*args), of="the log evidence")
            check_law(answer, expected, "Bayes's formula", "Which of the four densities lacks its normalisation?")

    @points(0.5)
    def test_units(self, student, reference, rng):
        """In other units log p(y) moves by −n log c, also where a determinant is no floating-point number any more."""
        inputs = [draw(rng, n, p, size) for n, p in ((90, 4), (40, 120)) for size in (1.0, 1e-9, 1e9)]
        # With a broad prior det C is out of range in any units: 150 errors are far below the spread of y.
        X, y, sigma, m0, S0 = draw(rng, 150, 3)
        inputs.append((X, y, sigma, m0, 1e4 * S0))
        compare_evidence(student, reference, inputs)

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """log_evidence returns the right number and leaves its arguments as they were."""
        args = draw(rng, 6, 2)
        answer, after = student.log_evidence.inputs_after(*args)
        agree(as_float(answer, of="the log evidence"), reference.log_evidence(*args), ALGEBRA, of="the log evidence")
        untouched(reference.log_evidence, args, after)


def compare_evidence(student, reference, inputs):
    answers = [student.log_evidence(*args) for args in inputs]
    for args, answer in zip(inputs, answers, strict=True):
        agree(as_float(answer, of="the log evidence"), reference.log_evidence(*args), ALGEBRA, of="the log evidence")


@part("posterior_dual", "More parameters than points", functions=("posterior_dual",))
class TestPosteriorDual:
    @points(1)
    def test_equals_posterior(self, student, reference, rng):
        """posterior_dual equals posterior: for p ≫ n, for p < n, for one point and for none."""
        inputs = [draw(rng, n, p) for n, p in ((4, 30), (3, 11), (7, 3), (1, 6), (0, 5))]
        answers = [student.posterior_dual(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree_posterior(answer, reference.posterior(*args))

    @points(1)
    def test_singular_prior(self, student, reference, rng):
        """A prior that leaves only a few directions open, so that S₀ has no inverse, gives the right posterior."""
        inputs = []
        # n + rank > p: then a pseudo-inverse for S₀⁻¹ gives wrong numbers, and not noise, by which it is recognised.
        for n, p, rank in ((7, 9, 3), (5, 7, 4), (10, 12, 5), (9, 5, 3)):
            X, y, sigma, m0, _ = draw(rng, n, p)
            basis = rng.normal(size=(p, rank))
            if n > p:
                basis[1] = 0  # rounding may let a Cholesky factor of S₀ pass, but not where a variance is zero exactly
            inputs.append((X, y, sigma, m0, covariance(rng, rank), basis))
        answers = [student.posterior_dual(*args, B @ T @ B.T) for *args, T, B in inputs]
        for (X, y, sigma, m0, T, B), answer in zip(inputs, answers, strict=True):
            m, S = reference.posterior(X @ B, y - X @ m0, sigma, np.zeros(T.shape[0]), T)
            agree_posterior(answer, (m0 + B @ m, B @ S @ B.T), REMAINDER)

    @points(0.5)
    def test_cost(self, student, reference, rng):
        """posterior_dual hands numpy.linalg and torch.linalg only n×n systems, and is right for very accurate points.

        Also where p < n, and a p×p system would be the smaller one: the statement asks for n×n ones, and S₀ is never
        inverted.

        Points a million times more accurate than the prior show p×p systems that no helper sees: 1 + S₀XᵀΣ⁻¹X rounds
        the 1 away, while C is as well-conditioned as X.
        """
        plain, exact = draw(rng, 3, 60), accurate(rng, 3, 60)
        answer, largest = pair(student.dual_cost(*plain), "((m, S), size)")
        largest = as_float(largest, of="the size of the largest system")
        agree_posterior(answer, reference.posterior(*plain))
        check(
            largest <= 3,
            measured=f"a matrix of {largest:g}×{largest:g} was factorised or inverted for 3 points and 60 parameters",
            allowed="3×3",
            next_step="Start from C = Σ + X S₀ Xᵀ, which is n×n. S₀ itself is only multiplied with.",
            hint=TOO_LARGE,
        )
        many = draw(rng, 9, 4)
        answer, largest = pair(student.dual_cost(*many), "((m, S), size)")
        agree_posterior(answer, reference.posterior(*many))
        check(
            as_float(largest, of="the size of the largest system") != 4,
            measured="the largest matrix that was factorised or inverted was 4×4, for 9 points and 4 parameters",
            allowed="9×9, or none",
            next_step="Use one formula for all n and p, that with C = Σ + X S₀ Xᵀ.",
            hint=TOO_LARGE,
        )
        m, S = pair(student.posterior_dual(*exact))
        found = as_vector(m, 60), as_covariance(S, 60)
        for value, expected, name in zip(found, reference.posterior(*exact), "mS", strict=True):
            apart = float(np.max(np.abs(value - expected)) / np.max(np.abs(expected)))
            # In 60 seeds n×n programs were off by 2e-14 at most, and p×p ones by 0.09 at least.
            check(
                apart <= 1e-9,
                measured=f"for points a million times more accurate than the prior {name} is off by {apart:.3g}",
                allowed="1e-09 of its largest entry",
                next_step="In a p×p matrix such as 1 + S₀XᵀΣ⁻¹X the 1 is rounded away. C = Σ + X S₀ Xᵀ is n×n.",
                hint=TOO_LARGE,
            )

    @points(0.5)
    def test_arguments(self, student, reference, rng):
        """posterior_dual returns the right numbers and leaves its arguments as they were."""
        args = draw(rng, 3, 8)
        answer, after = student.posterior_dual.inputs_after(*args)
        agree_posterior(answer, reference.posterior(*args))
        untouched(reference.posterior_dual, args, after)


def curve(rng, n, s0, reach=1.5):
    """x, y, sigma of a random polynomial of low degree, |x| up to `reach`: one point stands there."""
    x = rng.permutation(np.append(rng.uniform(-reach, reach, size=n - 1), reach))
    sigma = rng.uniform(0.1, 0.5, size=n)
    return x, np.polyval(s0 * rng.normal(size=3), x) + sigma * rng.normal(size=n), sigma


@part("degree", "Occam's factor", functions=("evidence_by_degree", "best_degree"))
class TestDegree:
    @points(1.5)
    def test_evidence_by_degree(self, student, reference, rng):
        """The log evidence of each polynomial is right, in the order of the degrees as they were given."""
        inputs = []
        # Large x with low powers only: high ones would cost right programs that use C or XᵀΣ⁻¹X most of their digits.
        for n, degrees, s0, reach in (
            (9, [3, 0, 1, 5], 2.0, 1.5),
            (4, [2, 7], 0.7, 1.5),
            (7, [1, 4, 2], 1.4, 1.5),
            (5, [2, 9, 2], 0.8, 1.1),
            (6, [1, 0], 1.3, 5.0),
            (1, [0, 2, 1, 2], 3.0, 5.0),
        ):
            inputs.append((*curve(rng, n, s0, reach), degrees, np.float64(s0)))
        answers = [student.evidence_by_degree.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            expected = reference.evidence_by_degree(*args)
            agree(answer, expected, EVIDENCE, of="the log evidence by degree", shape="vector")
            untouched(reference.evidence_by_degree, args, after)

    @points(0.5)
    def test_best_degree(self, student, reference, rng):
        """best_degree finds the largest log evidence, in any order, far below −1000, and if others are one ulp less."""
        inputs = [([3], np.array([-20.0]))]
        for shift in (40.0, -40.0, -900.0, -3000.0, -250000.0):
            degrees = [int(d) for d in rng.permutation([0, 2, 3, 5, 6, 9])]
            evidence = shift + rng.permutation([-9.0, -4.5, -12.0, -6.0, -3.25, -7.5])
            evidence[degrees.index(0)] = shift - 20.0  # exp of the last three is 0 for all, and 0 the first of equals
            inputs.append((degrees, evidence))
        for gap, best in ((0.3, -30.0), (1e-6, -30.0), (0.3, -3000.0), (1e-6, -3000.0), (1e-6, -250000.0)):
            low, high = sorted(int(d) for d in rng.permutation(9)[:2])
            inputs.append(([low, high, 10], np.array([best - gap, best, best - 5.0])))
        for best in (-3000.0, -3100.0, -2900.0):
            low, high = sorted(int(d) for d in rng.permutation(9)[:2])
            for more in (np.nextafter(best, 0.0), best + 2e-8):
                inputs.append(([high, low, 10], np.array([more, best, best - 5.0])))
        compare_best(student, reference, inputs)

    @points(0.5)
    def test_equals(self, student, reference, rng):
        """Of degrees whose log evidences are exactly equal, best_degree prefers the smallest, wherever it stands."""
        inputs = []
        for _ in range(4):
            low, high = sorted(int(d) for d in rng.permutation(9)[:2])
            for first, second in ((low, high), (high, low)):
                inputs.append(([10, first, 12, second, 11], np.array([-33.0, -30.5, -34.0, -30.5, -31.0])))
        compare_best(student, reference, inputs)

    @points(0.5)
    def test_chain(self, student, reference, rng):
        """Your two functions together find the degree of the polynomial that the data were made with."""
        for true in (3, 1, 4):
            x = np.linspace(-1.5, 1.5, 25)
            sigma = np.full(25, 0.02)
            y = np.polyval(rng.uniform(0.8, 1.6, size=true + 1), x) + sigma * rng.normal(size=25)
            degrees = [int(d) for d in rng.permutation(8)]
            evidence = student.evidence_by_degree(x, y, sigma, degrees, np.float64(1.0))
            evidence = as_vector(evidence, 8, of="the log evidence by degree")
            expected = reference.best_degree(degrees, reference.evidence_by_degree(x, y, sigma, degrees, 1.0))
            check_degree(student.best_degree(degrees, evidence), expected)


def pulled(rng, pull):
    """mean, var, y of observations that are so many standard deviations from their means."""
    mean, var = 3 * rng.normal(size=len(pull)), rng.uniform(0.1, 4.0, size=len(pull))
    return mean, var, mean + pull * np.sqrt(var)


def compare_best(student, reference, inputs):
    answers = [student.best_degree(*args) for args in inputs]
    for args, answer in zip(inputs, answers, strict=True):
        check_degree(answer, reference.best_degree(*args))


def check_degree(answer, expected):
    # By how much it is another would give away which is right.
    check(
        as_float(answer, of="the best degree") == expected,
        measured="the best degree is another one than that of the largest log evidence",
        allowed="that degree, and the smallest of several",
        next_step="Print the degrees beside their log evidences, and beside them what you return.",
    )


@part("checks", "Ridge, and honest errors", functions=("map_is_ridge", "coverage"))
class TestChecks:
    @points(1)
    def test_map_is_ridge(self, student, reference, rng):
        """θ is the maximum of the posterior, α the ridge coefficient that finds it; also p > n, tiny α, other units."""
        inputs = []
        for n, p in ((7, 3), (5, 2), (9, 4), (3, 5)):
            X, y, *_ = draw(rng, n, p)
            inputs.append((X, y, np.float64(rng.uniform(0.2, 0.7)), np.float64(rng.uniform(1.5, 4.0))))
        X, y, *_ = draw(rng, 8, 3)
        inputs.append((X, y, np.float64(rng.uniform(2e-4, 7e-4)), np.float64(rng.uniform(0.015, 0.04))))
        # In a unit a million times larger: X is as much smaller, and α, which has its square, about 1e-12.
        inputs += [(1e-6 * X, y, sigma2, 1e-12 * lam) for X, y, sigma2, lam in inputs[:3]]
        answers = [student.map_is_ridge.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            theta, alpha = pair(answer, "(θ, α)")
            expected = reference.map_is_ridge(*args)
            agree(theta, expected[0], RIDGE, of="θ", shape="vector")
            agree(as_float(alpha, of="α"), expected[1], ALGEBRA, of="α")
            untouched(reference.map_is_ridge, args, after)

    @points(1)
    def test_coverage(self, student, reference, rng):
        """The fraction of observations in the central interval is right at any level, for one too, and in any units."""
        inputs = []
        # At 99.9 % the pulls are wider, so that some leave the interval: 17 of 401 are to be expected.
        for q, level, width in (
            (301, 0.9, 1.1),
            (257, 0.5, 1.1),
            (199, 0.1, 1.1),
            (403, 0.68, 1.1),
            (151, 0.99, 1.1),
            (401, 0.999, 1.6),
        ):
            inputs.append((*pulled(rng, rng.normal(0.3, width, size=q)), np.float64(level)))
        for q, level in ((101, 0.9), (83, 0.6), (67, 0.3)):
            mean, var, y = pulled(rng, rng.normal(0.3, 1.1, size=q))
            inputs.append((1e-9 * mean, 1e-18 * var, 1e-9 * y, np.float64(level)))
        for q, level in ((20, 0.9), (14, 0.68), (24, 0.99)):
            # Around both ends of the interval, by 1e-5 of z: rational approximations of z are off by 4.5e-4.
            z = NormalDist().inv_cdf((1 + level) / 2)
            close = np.where(rng.permutation(q) < 0.4 * q, 1 - 1e-5, 1 + 1e-5)
            inputs.append((*pulled(rng, z * close * rng.choice([-1, 1], size=q)), np.float64(level)))
        for pull in (0.5, -2.5):
            inputs.append((*pulled(rng, np.array([pull])), np.float64(0.8)))
        answers = [student.coverage.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the coverage"), reference.coverage(*args), ALGEBRA, of="the coverage")
            untouched(reference.coverage, args, after)

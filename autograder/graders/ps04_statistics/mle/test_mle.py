"""Hidden tests of "Maximum likelihood, line by line".

No test compares estimates with an ideal normal law: at n = 1000 the right τ̂ has a skewness of 0.29. Every estimate is
compared data set by data set, so that no test here can fail by chance.
"""

import itertools
import math

import numpy as np

from autograder.graders.ps04_statistics.mle.cases import (
    around,
    awkward_measurements,
    barely_inside,
    circles,
    close_starts,
    decays_with_maximum,
    extremes,
    faint,
    in_gigahertz,
    line,
    line_alone,
    lines,
    measurements,
    near,
    odd_spectra,
    onto_zero,
    overshooting,
    regression,
    six_decades,
    spectra,
    spectrum,
    too_long_steps,
    windows,
)
from autograder.graders.ps04_statistics.mle.judging import (
    CANCELLING,
    ESTIMATE,
    MILLIONTH,
    agree_within_errors,
    check_infinite,
    check_lifetime,
    check_no_maximum,
    check_refusal,
    check_singular,
    difference,
    indicator,
    information_by_quadrature,
    nodes,
    of_terms,
    own_slope,
    pair,
    small_column,
)
from autograder.grading import ALGEBRA, agree, as_float, check, check_law, part, points, sized, untouched

# In each test the student's function is called on every input before any answer is judged: a typical mistake is
# recognised by all its numbers.


@part("line", "A straight line", functions=("line_loglik", "line_score", "line_fisher", "line_mle", "line_cov"))
class TestLine:
    @points(0.5)
    def test_loglik_differences(self, student, reference, rng):
        """line_loglik has the right differences between two values of β, whatever constant it carries."""
        pairs = [(beta, beta * rng.uniform(-1, 0.5, size=beta.shape), *rest) for beta, *rest in lines(rng)]
        answers = [difference(student.line_loglik, *args) for args in pairs]
        for args, answer in zip(pairs, answers, strict=True):
            agree(answer, difference(reference.line_loglik, *args), ALGEBRA, of="the difference of log-likelihoods")

    @points(1)
    def test_loglik_with_constants(self, student, reference, rng):
        """line_loglik is the log of the density with every constant, for 4 to 500 points, and changes no argument."""
        # A product of 500 of these σᵢ, or of 500 densities, is no double: it is below 1e-308 or above 1e308.
        inputs = [*lines(rng), *(line(rng, 500, unit=unit) for unit in (1e-4, 1e-4, 1e3))]
        answers = [student.line_loglik.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the log-likelihood"), reference.line_loglik(*args), ALGEBRA)
            untouched(reference.line_loglik, args, after)

    @points(1)
    def test_score(self, student, reference, rng):
        """line_score is the gradient of the log-likelihood, for one, two and three columns, and changes no argument."""
        inputs = [(beta * rng.uniform(-1, 0.5, size=beta.shape), *rest) for beta, *rest in lines(rng)]
        answers = [student.line_score.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(answer, reference.line_score(*args), ALGEBRA, of="the score", shape="vector")
            untouched(reference.line_score, args, after)

    @points(0.5)
    def test_score_of_own_loglik(self, student, rng):
        """line_score is the slope of your own line_loglik."""
        _, X, y, sigma = line(rng, 7)
        beta = rng.normal(size=2)
        score = student.line_score(beta, X, y, sigma)
        own_slope(score, student.line_loglik, beta, (X, y, sigma), (X, y + sigma, sigma))

    @points(1)
    def test_fisher(self, student, reference, rng):
        """line_fisher is the information of all points, doubles if all are measured twice, and changes no argument."""
        inputs = [(X, sigma) for _, X, _, sigma in lines(rng)]
        inputs += [(np.tile(X, (2, 1)), np.tile(sigma, 2)) for X, sigma in inputs[:2]]
        answers = [student.line_fisher.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(answer, reference.line_fisher(*args), ALGEBRA, of="the Fisher information")
            untouched(reference.line_fisher, args, after)

    @points(1)
    def test_mle(self, student, reference, rng):
        """line_mle is where the score vanishes, and changes no argument; two points and a line are no exception."""
        inputs = [args[1:] for args in (*lines(rng), line(rng, 2, 2))]
        X, sigma = in_gigahertz(rng)
        inputs.append((X, X @ [1.0, 2e-5] + sigma * rng.normal(size=8), sigma))
        answers = [student.line_mle.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            X, _, sigma = args
            agree_beta(answer, reference.line_mle(*args), reference.line_cov(X, sigma))
            untouched(reference.line_mle, args, after)

    @points(0.5)
    def test_six_decades(self, student, reference, rng):
        """line_mle and line_cov keep their digits with errors that range over six decades."""
        inputs = [six_decades(rng)[1:] for _ in range(3)]
        estimates = [student.line_mle(X, y, sigma) for X, y, sigma, _ in inputs]
        covariances = [student.line_cov(X, sigma) for X, _, sigma, _ in inputs]
        for (X, y, sigma, tolerance), answer, cov in zip(inputs, estimates, covariances, strict=True):
            agree_beta(answer, reference.line_mle(X, y, sigma), reference.line_cov(X, sigma))
            agree(cov, reference.line_cov(X, sigma), tolerance, of="the covariance")

    @points(0.5)
    def test_cov(self, student, reference, rng):
        """line_cov is the covariance matrix of the estimate, and changes no argument."""
        inputs = [*((X, sigma) for _, X, _, sigma in lines(rng)), in_gigahertz(rng)]
        answers = [student.line_cov.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            right = reference.line_cov(*args)
            # In standard errors, so that entries of different units count alike: the diagonal becomes ones.
            unit = np.sqrt(np.outer(np.diag(right), np.diag(right)))
            agree(sized(answer, right.shape, of="the covariance") / unit, right / unit, ESTIMATE, of="the covariance")
            untouched(reference.line_cov, args, after)

    @points(0.5)
    def test_zero_column(self, student, reference, rng):
        """A column of zeros is a LinAlgError of line_mle and line_cov; one of 1e-12, or with some zeros, is none."""
        small, zero = [], []
        for column in (0, 1):
            _, X, y, sigma = line(rng, 6)
            small.append((1e-12 * X, y, sigma))
            zero.append((X * (np.arange(2) != column), y, sigma))
        some = np.column_stack([np.ones(6), np.arange(6) % 2]), y, sigma
        inputs = [*small, *zero, some]
        estimates = [student.line_mle.attempt(*args) for args in inputs]
        covariances = [student.line_cov.attempt(X, sigma) for X, _, sigma in inputs]
        for estimate, covariance in zip(estimates[2:4], covariances[2:4], strict=True):
            check_singular(estimate, of="line_mle")
            check_singular(covariance, of="line_cov")
        for (X, y, sigma), estimate, covariance in zip(small, estimates[:2], covariances[:2], strict=True):
            right = reference.line_cov(X, sigma)
            agree_beta(small_column(estimate, of="line_mle"), reference.line_mle(X, y, sigma), right)
            agree(small_column(covariance, of="line_cov"), right, ESTIMATE, of="the covariance")
        right = reference.line_cov(some[0], sigma)
        agree_beta(indicator(estimates[4], of="line_mle"), reference.line_mle(*some), right)
        agree(indicator(covariances[4], of="line_cov"), right, ESTIMATE, of="the covariance")

    @points(0.5)
    def test_cov_laws(self, student, reference, rng):
        """line_cov halves if every point is measured twice, and is the response of your own line_mle to noise."""
        _, X, y, sigma = line(rng, 5)
        once = sized(student.line_cov(X, sigma), (2, 2), of="the covariance")
        twice = sized(student.line_cov(np.tile(X, (2, 1)), np.tile(sigma, 2)), (2, 2), of="the covariance")
        # β̂ is linear in y: moving each yᵢ by σᵢ moves it by the columns of a matrix M with Cov = M Mᵀ.
        start = sized(student.line_mle(X, y, sigma), (2,), of="β̂")
        moved = [student.line_mle(X, y + step, sigma) for step in np.diag(sigma)]
        M = np.stack([sized(value, (2,), of="β̂") - start for value in moved], axis=1)
        agree(once, reference.line_cov(X, sigma), ESTIMATE, of="the covariance")
        check_law(2 * twice, once, "the covariance of twice the data", "How does ℐ count points?", ESTIMATE)
        check_law(once, M @ M.T, "Cov β̂ = Σᵢ δᵢβ̂ δᵢβ̂ᵀ", "Move one yᵢ by σᵢ: by how much does β̂ move?", ESTIMATE)


def agree_beta(answer, right, cov):
    """Compare β̂ in units of its standard errors."""
    next_step = "Print XᵀW(y − Xβ̂) for your β̂: it must vanish, in units of the roots of the diagonal of ℐ."
    agree_within_errors(answer, right, cov, of="β̂", next_step=next_step)


@part(
    "life",
    "A lifetime in a window",
    functions=("life_loglik_suff", "life_score_suff", "life_fisher_per_event", "life_mle", "life_mle_censored"),
)
class TestLife:
    @points(0.5)
    def test_loglik_differences(self, student, reference, rng):
        """life_loglik_suff has the right differences between two lifetimes, whatever constant it carries."""
        inputs = [(tau, tau / rng.uniform(1.5, 2.0), *rest) for tau, *rest in windows(rng)]
        answers = [difference(student.life_loglik_suff, *args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            right = difference(reference.life_loglik_suff, *args)
            agree(answer, right, CANCELLING, of="the difference of log-likelihoods")

    @points(1)
    def test_loglik(self, student, reference, rng):
        """life_loglik_suff is the logarithm of the density, normalised in the window, for t_max/τ up to 2000."""
        inputs = windows(rng)
        inputs += [(1.3, 7, 7 * rng.uniform(0.7, 1.1), 1.3 * r) for r in (400.0, 800.0, 2000.0)]
        answers = [student.life_loglik_suff(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the log-likelihood"), reference.life_loglik_suff(*args), ALGEBRA)

    @points(1)
    def test_score(self, student, reference, rng):
        """life_score_suff is dℓ/dτ, in wide and in narrow windows, and stays finite for t_max/τ up to 2000."""
        inputs = windows(rng)
        inputs += [(1.0, 7, 7 * rng.uniform(0.5, 0.9), r) for r in (400.0, 800.0, 2000.0)]
        answers = [student.life_score_suff(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the score"), reference.life_score_suff(*args), CANCELLING)

    @points(0.5)
    def test_score_of_own_loglik(self, student, rng):
        """life_score_suff is the slope of your own life_loglik_suff."""
        for tau, n, total, t_max in windows(rng)[1:]:

            def loglik(x, *data):
                return student.life_loglik_suff(float(x[0]), *data)

            score = as_float(student.life_score_suff(tau, n, total, t_max), of="the score")
            own_slope([score], loglik, [tau], (n, total, t_max), (n, 0.9 * total, t_max))

    @points(1)
    def test_fisher(self, student, rng):
        """life_fisher_per_event is E[s²] of one recorded decay: against a quadrature of the density."""
        inputs = [(tau, t_max) for tau, _, _, t_max in windows(rng)]
        answers = [student.life_fisher_per_event(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            expected = information_by_quadrature(*args)
            agree(as_float(answer, of="the information"), expected, CANCELLING, of="the information")
        # Your own score has to have this variance too, and the mean 0.
        tau, t_max = inputs[2]
        t, weight = nodes(t_max, 16)
        p = weight * np.exp(-t / tau) / np.sum(weight * np.exp(-t / tau))
        score = np.array([as_float(student.life_score_suff(tau, 1, float(s), t_max), of="the score") for s in t])
        information = as_float(answers[2], of="the information")
        check_law(np.sum(p * score**2), information, "ℐ₁ = E[s²]", "Average the square of your score.", CANCELLING)

    @points(0.5)
    def test_fisher_in_wide_windows(self, student, reference, rng):
        """life_fisher_per_event stays finite, and becomes 1/τ², for t_max/τ up to 2000."""
        inputs = [
            (float(tau), float(tau * r)) for tau, r in zip(rng.uniform(0.5, 2, 4), (715, 800, 1000, 2000), strict=True)
        ]
        answers = [student.life_fisher_per_event(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the information"), reference.life_fisher_per_event(*args), ALGEBRA)

    @points(1.5)
    def test_mle(self, student, reference, rng):
        """life_mle maximises the likelihood on each of thirty sets of 1 to 200 decays, and changes no argument."""
        sizes = [(n, tau) for n in (1, 2, 5, 20, 200) for tau in (0.3, 1.0, 2.2)] * 2
        inputs = [decays_with_maximum(rng, n, tau, 4.0) for n, tau in sizes]
        answers = [student.life_mle.inputs_after(t, 4.0) for t in inputs]
        for t, (answer, after) in zip(inputs, answers, strict=True):
            check_lifetime(answer, t, 4.0, reference)
            untouched(reference.life_mle, (t, 4.0), after)

    @points(0.5)
    def test_no_maximum(self, student, reference, rng):
        """life_mle is inf if the mean time is half the window or more, and finite if it is 0.45 to 0.49998 of it."""
        late = [around(rng, n, rng.uniform(2.05, 2.3)) for n in (3, 8, 15, 20)]
        late += [np.array([2.0, 1.0, 3.0]), np.array([1.9, 1.9, 3.5])]
        early = [around(rng, n, rng.uniform(1.8, 1.9)) for n in (3, 8, 15, 20)]
        early += [around(rng, n, 4.0 * q) for n, q in ((3, 0.483), (5, 0.492), (4, 0.4992), (3, 0.4996), (6, 0.49998))]
        # One decay just before the window closes; most of them in its second half.
        early += [np.array([0.5, 1.2, 3.9995]), np.array([0.2, 2.2, 2.3])]
        answers = [student.life_mle(t, 4.0) for t in late]
        finite = [student.life_mle(t, 4.0) for t in early]
        for answer in answers:
            check_no_maximum(answer)
        for t, answer in zip(early, finite, strict=True):
            check_lifetime(answer, t, 4.0, reference, of="τ̂ near the edge")

    @points(0.5)
    def test_equivariance(self, student, reference, rng):
        """life_mle follows the unit of time, from 1e-6 to 1e6 times the first; a window of 1000 τ does not matter."""
        t = decays_with_maximum(rng, 15, 2.0, 5.0)
        inputs = [(c * t, c * 5.0) for c in (1.0, *(rng.uniform(1, 9) * np.array([1e-6, 30.0, 1e5])))]
        inputs.append((t, 1000.0 * float(np.mean(t))))
        answers = [student.life_mle(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            check_lifetime(answer, *args, reference)

    @points(1)
    def test_censored(self, student, reference, rng):
        """life_mle_censored is right with some, all or none of the decays waited for, and changes no argument."""
        inputs = []
        for n in (5, 9, 30, 1):
            t = rng.exponential(2.0, size=n)
            limit = 1.2 * float(np.min(t)) + 1.0
            inputs.append((np.minimum(t, limit), t < limit))
        inputs += [(rng.exponential(2.0, size=6), np.arange(6) < k) for k in (3, 5, 6)]
        inputs += [(c * t, observed) for c, (t, observed) in zip((1e-6, 1e6), inputs[1:3], strict=True)]
        answers = [student.life_mle_censored.inputs_after(*args) for args in inputs]
        waiting = [rng.exponential(2.0, size=n) for n in (2, 1, 1, 1)]
        never = [student.life_mle_censored(t, np.zeros(len(t), dtype=bool)) for t in waiting]
        for (t, observed), (answer, after) in zip(inputs, answers, strict=True):
            if decays := int(np.sum(observed)):
                tau = reference.life_mle_censored(t, observed)
                next_step = "Differentiate Σ log pᵢ by τ, where a censored pᵢ is e^{−tᵢ/τ}."
                answer = as_float(answer, of="τ̂ of censored decays")
                agree_within_errors(answer, tau, tau**2 / decays, of="τ̂ of censored decays", next_step=next_step)
            untouched(reference.life_mle_censored, (t, observed), after)
        for answer in never:
            check_infinite(answer, "τ̂ without a single decay", "Nothing decayed: the longer τ, the likelier that is.")


STRENGTHS = ((60.0, 5.0), (20.0, 0.8), (300.0, 40.0))


def points_of_spectra(rng):
    """(θ, g, w, counts), some with many empty bins."""
    return [(near(rng, A, B), *spectrum(rng, bins, A, B)) for bins, (A, B) in zip((31, 24, 17), STRENGTHS, strict=True)]


@part(
    "spec",
    "A line in a counting spectrum",
    functions=("spec_loglik", "spec_score", "spec_fisher", "spec_scoring_step", "spec_fit"),
)
class TestSpec:
    @points(0.5)
    def test_loglik_differences(self, student, reference, rng):
        """spec_loglik has the right differences between two values of (A, B), whatever constant it carries."""
        inputs = [(theta, theta * [1.3, 0.6], *rest) for theta, *rest in points_of_spectra(rng)]
        inputs += [(theta, theta * 1.3, *rest) for theta, *rest in odd_spectra(rng)]
        answers = [difference(student.spec_loglik, *args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(answer, difference(reference.spec_loglik, *args), CANCELLING, of="the difference of log-likelihoods")

    @points(0.5)
    def test_loglik_with_constants(self, student, reference, rng):
        """spec_loglik is the log-probability of the counts, with every constant, and changes no argument."""
        inputs = [*points_of_spectra(rng), (near(rng, 900, 150), *spectrum(rng, 11, 900, 150))]
        inputs += [*odd_spectra(rng), *faint(rng)]
        answers = [student.spec_loglik.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="the log-likelihood"), reference.spec_loglik(*args), ALGEBRA)
            untouched(reference.spec_loglik, args, after)

    @points(1)
    def test_score(self, student, reference, rng):
        """spec_score is the gradient, with empty bins, A or B below zero and small λᵢ too, and changes no argument."""
        inputs = [*points_of_spectra(rng), *points_of_spectra(rng), *odd_spectra(rng), *faint(rng)]
        answers = [student.spec_score.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(answer, reference.spec_score(*args), ALGEBRA, of="the score", shape="vector")
            untouched(reference.spec_score, args, after)

    @points(0.5)
    def test_score_of_own_loglik(self, student, rng):
        """spec_score is the slope of your own spec_loglik."""
        for theta, g, w, counts in points_of_spectra(rng):
            score = student.spec_score(theta, g, w, counts)
            own_slope(score, student.spec_loglik, theta, (g, w, counts), (g, w, counts + 1))

    @points(1)
    def test_fisher(self, student, reference, rng):
        """spec_fisher is E[s sᵀ], by a sum over counts of Poisson's law, also for small λᵢ, and changes no argument."""
        cases = (*points_of_spectra(rng), *points_of_spectra(rng), *odd_spectra(rng), *faint(rng))
        inputs = [args[:3] for args in cases]
        answers = [student.spec_fisher.inputs_after(*args) for args in inputs]
        counts = np.arange(1000)
        factorials = np.array([math.lgamma(k + 1) for k in counts])
        for (theta, g, w), (answer, after) in zip(inputs, answers, strict=True):
            J = np.stack([g, w], axis=1)
            lam = (J @ theta)[:, None]
            chance = np.exp(counts * np.log(lam) - lam - factorials)
            variance = np.sum(chance * (counts / lam - 1) ** 2, axis=1)
            agree(answer, J.T @ (variance[:, None] * J), CANCELLING, of="the Fisher information")
            untouched(reference.spec_fisher, (theta, g, w), after)

    @points(1)
    def test_step(self, student, reference, rng):
        """spec_scoring_step makes the step of Fisher scoring, with the expected information, even where ℓ falls."""
        inputs = [*((near(rng, 60, 5), *data) for data in spectra(rng)), *odd_spectra(rng)]
        inputs += overshooting(rng, reference)
        answers = [student.spec_scoring_step.inputs_after(*args) for args in inputs]
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree(answer, reference.spec_scoring_step(*args), CANCELLING, of="the new (A, B)", shape="vector")
            untouched(reference.spec_scoring_step, args, after)

    @points(0.5)
    def test_damped_step(self, student, reference, rng):
        """A step that would make some λᵢ zero or negative is halved, as often as it takes and no more often."""
        inputs = [*too_long_steps(rng), *barely_inside(rng, 1e-5, 2), *barely_inside(rng, 1e-9, 3)]
        inputs += [*close_starts(rng), *line_alone(rng), *onto_zero(rng)]
        answers = [student.spec_scoring_step(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(answer, reference.spec_scoring_step(*args), CANCELLING, of="the new (A, B)", shape="vector")

    @points(1)
    def test_fit(self, student, reference, rng):
        """spec_fit maximises the likelihood on each of twelve spectra, and keeps the number of counts."""
        inputs = [data for _ in range(3) for data in spectra(rng)]
        answers = [student.spec_fit.inputs_after(*args) for args in inputs]
        for (g, w, counts), (answer, after) in zip(inputs, answers, strict=True):
            right = reference.spec_fit(g, w, counts)
            agree_strengths(answer, right, g, w, reference)
            untouched(reference.spec_fit, (g, w, counts), after)
            A, B = sized(answer, (2,), of="(A, B)")
            law = "Σ λ̂ᵢ = Σ nᵢ"
            check_law(np.sum(A * g + B * w), np.sum(counts), law, "Contract the score with (A, B).", ESTIMATE)

    @points(1)
    def test_fit_laws(self, student, reference, rng):
        """spec_fit is right with few counts, a hole for a line, overshooting steps, any unit; no counts are refused."""
        # B = 1 on 60 bins is 8 standard errors from 0: the maximum is inside.
        inputs = [spectrum(rng, 60, 25.0, 1.0) for _ in range(3)]
        g, w, counts = inputs[0]
        inputs += [(4.0 * g, 0.5 * w, counts), (1e3 * g, 500.0 * w, counts)]
        # Counts that a model fits exactly: its strengths are the maximum, and three of the four A are negative.
        shape, flat = np.array([1.0, 2.0, 1.0, 0.0, 0.0]), np.ones(5)
        truths = ([4.0, 3.0], [-2.0, 7.0], [-3.0, 11.0], [-1.0, 4.0])
        inputs += [(shape, flat, (A * shape + B * flat).astype(int)) for A, B in truths]
        hard = circles(rng)
        fits = [student.spec_fit(*args) for args in inputs]
        settled = [student.spec_fit(*args) for args in hard]
        for (g, w, counts), fit in zip(inputs, fits, strict=True):
            agree_strengths(fit, reference.spec_fit(g, w, counts), g, w, reference)
        # To go by ℓ, and to allow for a rounding of 1e-9 in it, lets circles of √(2·1e-9) = 5e-5 standard errors pass.
        for (g, w, counts), fit in zip(hard, settled, strict=True):
            agree_strengths(fit, reference.spec_fit(g, w, counts), g, w, reference, allowed=1e-4)
        check_refusal(student.spec_fit, *hard[0][:2])


def agree_strengths(answer, right, g, w, reference, allowed=MILLIONTH):
    """Compare (A, B) in units of its standard errors."""
    cov = np.linalg.inv(reference.spec_fisher(right, g, w))
    next_step = "Put (A, B) into the score: is it zero there? If not, print both after each step of your iteration."
    agree_within_errors(answer, right, cov, of="(A, B)", next_step=next_step, allowed=allowed)


@part("scale", "Errors of unknown scale", functions=("scale_mle_mu_s2", "scale_bias_factor"))
class TestScale:
    @points(1.5)
    def test_mle(self, student, reference, rng):
        """scale_mle_mu_s2 maximises the likelihood, for one measurement, equal ones and ones far from 0 as well."""
        inputs = [*(measurements(rng, n) for n in (5, 3, 12, 7, 2)), *awkward_measurements(rng)]
        answers = [student.scale_mle_mu_s2.inputs_after(*args) for args in inputs]
        alone = student.scale_mle_mu_s2(np.array([3.5]), np.array([0.2]))
        for args, (answer, after) in zip(inputs, answers, strict=True):
            agree_scale(answer, *args, reference)
            untouched(reference.scale_mle_mu_s2, args, after)
        mu, s2 = pair(alone)
        agree(mu, 3.5, ALGEBRA, of="μ̂ of one measurement")
        agree(1 + s2, 1.0, ESTIMATE, of="1 + ŝ² of one measurement")

    @points(0.5)
    def test_units(self, student, reference, rng):
        """(μ̂, ŝ²) follows a change of unit, to 1e-6 of it, and of origin; ŝ² shrinks as the quoted errors grow."""
        y, g = measurements(rng, 6)
        inputs = [(y, g), (3.0 * y + 1.5, 3.0 * g), (y, 2.0 * g), *((c * y, c * g) for c in (1e-4, 1e-5, 1e-6))]
        answers = [student.scale_mle_mu_s2(*args) for args in inputs]
        advice = ["Average with weights 1/gᵢ².", "Which of the two has a unit?", "s multiplies g: σᵢ = s gᵢ."]
        advice += 3 * ["In another unit μ̂ is another number, and ŝ² is not: is there a fixed floor in your code?"]
        for args, answer, next_step in zip(inputs, answers, advice, strict=True):
            agree_scale(answer, *args, reference, next_step)

    @points(0.5)
    def test_bias_factor(self, student, reference):
        """scale_bias_factor is E[ŝ²]/s² for n from 1 to 1000."""
        answers = [student.scale_bias_factor(n) for n in (1, 2, 3, 7, 20, 1000)]
        for n, answer in zip((1, 2, 3, 7, 20, 1000), answers, strict=True):
            agree(1 + as_float(answer, of="the factor"), 1 + reference.scale_bias_factor(n), ALGEBRA, of="the factor")

    @points(0.5)
    def test_bias_of_own_estimate(self, student, rng):
        """The mean of your own ŝ² over noise of known second moments is your own bias factor times s²."""
        # ŝ² is quadratic in the noise, so that averaging over all signs of ±s gᵢ is exact: a quadrature of 2ⁿ nodes.
        n, s = 4, float(rng.uniform(0.5, 2.0))
        _, g = measurements(rng, n)
        signs = itertools.product((-1.0, 1.0), repeat=n)
        estimates = [pair(student.scale_mle_mu_s2(2.0 + s * g * np.array(e), g))[1] for e in signs]
        factor = as_float(student.scale_bias_factor(n), of="the factor")
        check(
            factor > 0,
            measured=f"a bias factor of {factor:.3g} for n = {n}",
            allowed="a positive number",
            next_step="Average your ŝ² over many simulated data sets of four measurements.",
        )
        check_law(np.mean(estimates), factor * s**2, "E ŝ² = factor · s²", "How far does μ̂ follow the noise?", ESTIMATE)


def agree_scale(answer, y, g, reference, next_step="Set both derivatives of ℓ(μ, s²) to zero."):
    """Compare (μ̂, ŝ²) in units of its standard errors: s²/Σ1/gᵢ² and 2s⁴/n are the inverse of the information."""
    mu, s2 = reference.scale_mle_mu_s2(y, g)
    cov = np.diag([s2 / np.sum(1 / g**2), 2 * s2**2 / len(y)])
    agree_within_errors(pair(answer), (mu, s2), cov, of="(μ̂, ŝ²)", next_step=next_step)


@part(
    "map",
    "A prior, and ridge regression",
    functions=("map_log_posterior", "map_ridge_lambda", "map_ridge_lambda_mean_loss"),
)
class TestMap:
    @points(1.5)
    def test_log_posterior(self, student, reference, rng):
        """map_log_posterior has the right differences between two values of θ, and changes no argument."""
        inputs = [(*rng.normal(size=(2, p)), *regression(rng, n, p)) for n, p in ((8, 3), (5, 2), (3, 4), (1, 1))]
        # With more parameters than points there is a direction that the data do not see, and the prior does.
        first, _, X, *rest = inputs[2]
        inputs.append((first, first + 3 * np.linalg.svd(X)[2][-1], X, *rest))
        function = student.map_log_posterior.inputs_after
        answers = [[function(theta, *rest) for theta in (first, second)] for first, second, *rest in inputs]
        for (first, second, *rest), found in zip(inputs, answers, strict=True):
            below, above = (as_float(value, of="the log posterior") for value, _ in found)
            right = difference(reference.map_log_posterior, first, second, *rest)
            likelihood = difference(reference.map_log_posterior, first, second, *rest[:3], 0.0)
            tolerance = of_terms(right, likelihood, right - likelihood)
            agree(above - below, right, tolerance, of="the difference of log posteriors")
            for theta, (_, after) in zip((first, second), found, strict=True):
                untouched(reference.map_log_posterior, (theta, *rest), after)

    @points(0.5)
    def test_ridge_lambda(self, student, reference, rng):
        """map_ridge_lambda gives the penalty of ridge regression with a summed loss, for weak and for strong priors."""
        inputs = [(float(a), float(b)) for a, b in (*rng.uniform(0.2, 4.0, size=(5, 2)), *extremes(rng))]
        answers = [student.map_ridge_lambda(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="α"), reference.map_ridge_lambda(*args), ALGEBRA, of="α")

    @points(0.5)
    def test_ridge_lambda_mean_loss(self, student, reference, rng):
        """map_ridge_lambda_mean_loss gives the penalty of ridge regression with a mean loss over 1 to 1000 points."""
        sizes, values = (3, 8, 20, 7, 2, 1000, 1), (*rng.uniform(0.2, 4.0, (5, 2)), *extremes(rng))
        inputs = [(float(a), float(b), n) for (a, b), n in zip(values, sizes, strict=True)]
        answers = [student.map_ridge_lambda_mean_loss(*args) for args in inputs]
        for args, answer in zip(inputs, answers, strict=True):
            agree(as_float(answer, of="α"), reference.map_ridge_lambda_mean_loss(*args), ALGEBRA, of="α")

    @points(0.5)
    def test_own_chain(self, student, rng):
        """Ridge regression with your own two penalties sits at the maximum of your own log posterior."""
        X, y, sigma2, lam = regression(rng, 9, 3)
        penalties = [as_float(student.map_ridge_lambda(sigma2, lam), of="α")]
        penalties.append(9 * as_float(student.map_ridge_lambda_mean_loss(sigma2, lam, 9), of="α"))
        check(
            min(penalties) > 0,
            measured=f"a penalty of {min(penalties):.3g}",
            allowed="a positive one: the prior holds θ back",
            next_step="Set the gradient of your log posterior to zero, times σ²: which α stands before θ?",
        )
        for alpha in penalties:
            top = np.linalg.lstsq(X.T @ X + alpha * np.eye(3), X.T @ y, rcond=None)[0]
            for direction in rng.normal(size=(3, 3)):
                ends = [top + direction, top - direction]
                up, down = (difference(student.map_log_posterior, top, end, X, y, sigma2, lam) for end in ends)
                # ℓ is quadratic: from its maximum it falls by the same amount on both sides.
                check(
                    max(up, down) < 0 and abs(up - down) <= 1e-6 * abs(up + down),
                    measured=f"away from the ridge solution your log posterior changes by {up:.3g} and {down:.3g}",
                    allowed="the same fall on both sides, for it is quadratic",
                    next_step="Set the gradient of your log posterior to zero, times σ²: which α stands before θ?",
                )

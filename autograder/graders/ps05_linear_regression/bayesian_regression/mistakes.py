"""Typical wrong answers to "Bayesian linear regression", each with the hint that names its cause."""

import math

import numpy as np

from autograder.graders.ps05_linear_regression.bayesian_regression.cases import SOLVED, TOO_LARGE
from autograder.grading import mistake
from solutions.ps05_linear_regression.bayesian_regression import (
    coverage,
    evidence_by_degree,
    log_evidence,
    map_is_ridge,
    posterior,
    posterior_dual,
    predict,
    update,
)


@mistake("posterior", hint="Your S is the precision S₀⁻¹ + XᵀΣ⁻¹X: the covariance is its inverse.")
def precision_returned(X, y, sigma, m0, S0):
    m, S = posterior(X, y, sigma, m0, S0)
    return m, np.linalg.inv(S)


@mistake("posterior", hint="You weight with 1/σ. The exponent of a Gaussian has σ²: the weights are 1/σ².")
def sigma_for_its_square(X, y, sigma, m0, S0):
    return posterior(X, y, np.sqrt(sigma), m0, S0)


@mistake("posterior", hint="The prior is centred at m₀, not at zero: S₀⁻¹m₀ is missing on the right side.")
def prior_mean_ignored(X, y, sigma, m0, S0):
    return posterior(X, y, sigma, np.zeros_like(m0), S0)


@mistake("posterior", hint="The points have errors of their own: σ appears nowhere in your XᵀX and Xᵀy.")
def unweighted(X, y, sigma, m0, S0):
    return posterior(X, y, np.ones_like(sigma), m0, S0)


@mistake("posterior", hint="You weight XᵀX but not Xᵀy: both carry Σ⁻¹.")
def right_side_unweighted(X, y, sigma, m0, S0):
    S = posterior(X, y, sigma, m0, S0)[1]
    return S @ (np.linalg.solve(S0, m0) + X.T @ y), S


@mistake("posterior", hint="You weight Xᵀy but not XᵀX: both carry Σ⁻¹.")
def left_side_unweighted(X, y, sigma, m0, S0):
    S = np.linalg.inv(np.linalg.inv(S0) + X.T @ X)
    return S @ (np.linalg.solve(S0, m0) + X.T @ (y / sigma**2)), S


@mistake("posterior", hint="S₀ is a covariance, and precisions add: S₀⁻¹ + XᵀΣ⁻¹X, with the inverse of S₀.")
def prior_not_inverted(X, y, sigma, m0, S0):
    return posterior(X, y, sigma, m0, np.linalg.inv(S0))


@mistake("posterior", hint="Only the diagonal of S₀ is used: a prior may know a combination of parameters best.")
def prior_correlations_ignored(X, y, sigma, m0, S0):
    return posterior(X, y, sigma, m0, np.diag(np.diag(S0)))


@mistake("posterior", hint="This is the fit to the data alone, eq. (5.14). The prior is p more measurements: add it.")
def maximum_likelihood(X, y, sigma, m0, S0):
    if len(X) < X.shape[1] or np.linalg.matrix_rank(X) < X.shape[1]:
        raise np.linalg.LinAlgError("Singular matrix")
    Q, R = np.linalg.qr(X / sigma[:, None])
    half = np.linalg.inv(R)
    return half @ (Q.T @ (y / sigma)), half @ half.T


@mistake("posterior", hint="m₀ enters as S₀⁻¹m₀ inside the bracket that S multiplies, not as a shift of the result.")
def prior_mean_added_outside(X, y, sigma, m0, S0):
    m, S = posterior(X, y, sigma, np.zeros_like(m0), S0)
    return m0 + m, S


@mistake("posterior", hint="You fitted y − Xm₀, the deviation from the prior. Add m₀ to what comes out.")
def prior_mean_not_added_back(X, y, sigma, m0, S0):
    m, S = posterior(X, y, sigma, m0, S0)
    return m - m0, S


@mistake("posterior", hint="Your weights are upside down: a large σ must make a point matter less.")
def weights_inverted(X, y, sigma, m0, S0):
    return posterior(X, y, 1 / sigma, m0, S0)


@mistake("posterior", hint="In your loop over the points, x and y are of one point and σ is of its neighbour.")
def sigma_of_the_wrong_point(X, y, sigma, m0, S0):
    return posterior(X, y, np.roll(sigma, 1), m0, S0)


@mistake("posterior", hint="In your loop over the points each one is given the σ of the first: use sigma[i].")
def sigma_of_the_first_point(X, y, sigma, m0, S0):
    return posterior(X, y, np.full_like(sigma, sigma[0] if len(sigma) else 1.0), m0, S0)


@mistake("posterior", hint="`y -= …` and `X /= …` write into the caller's data: divide and subtract into new arrays.")
def data_weighted_in_place(X, y, sigma, m0, S0):
    result = posterior(X, y, sigma, m0, S0)
    y -= X @ m0
    return result


@mistake("update", hint="The denominator is σ² + xᵀSx: its σ² is missing, as if the point had no error.")
def denominator_without_noise(m, S, x, y, sigma):
    gain = S @ x / (x @ S @ x)
    return m + gain * (y - x @ m), S - np.outer(gain, S @ x)


@mistake("update", hint="The denominator is σ² + xᵀSx: yours has σ.")
def denominator_with_sigma(m, S, x, y, sigma):
    return update(m, S, x, y, math.sqrt(sigma))


@mistake("update", hint="Your S grows with each point: the sign is minus. (1.23) of the notes has it wrong.")
def covariance_grows(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 + x @ S @ x)
    return m + gain * (y - x @ m), S + np.outer(gain, S @ x)


@mistake("update", hint="The denominator is σ² + xᵀSx, with a plus, as in (1.23) of the notes.")
def denominator_with_minus(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 - x @ S @ x)
    return m + gain * (y - x @ m), S - np.outer(gain, S @ x)


@mistake("update", hint="The mean moves by the surprise y − x·m, not by y: a point that was expected moves nothing.")
def surprise_is_y(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 + x @ S @ x)
    return m + gain * y, S - np.outer(gain, S @ x)


@mistake("update", hint="The surprise is y − x·m. Yours has the other sign, and the mean runs away from the data.")
def surprise_reversed(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 + x @ S @ x)
    return m - gain * (y - x @ m), S - np.outer(gain, S @ x)


@mistake("update", hint="The mean is right, but S stays as it was: a new point makes it smaller.")
def covariance_kept(m, S, x, y, sigma):
    return update(m, S, x, y, sigma)[0], S


@mistake("update", hint="The gain is computed with the new S; with the σ² + xᵀSx in it, it needs the old one.")
def gain_from_the_new_covariance(m, S, x, y, sigma):
    S = update(m, S, x, y, sigma)[1]
    return m + S @ x * (y - x @ m) / (sigma**2 + x @ S @ x), S


@mistake("update", hint="g (Sx)ᵀ is a matrix, np.outer; with `*` it is a vector, and each row of S loses the same.")
def entrywise_product(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 + x @ S @ x)
    return m + gain * (y - x @ m), S - gain * (S @ x)


@mistake("update", hint=SOLVED)
def through_the_inverse(m, S, x, y, sigma):
    precision = np.linalg.inv(S)
    new = np.linalg.inv(precision + np.outer(x, x) / sigma**2)
    return new @ (precision @ m + x * y / sigma**2), new


@mistake("update", hint=SOLVED)
def p_by_p_solve(m, S, x, y, sigma):
    new = np.linalg.solve(np.eye(len(m)) + np.outer(S @ x, x) / sigma**2, S)
    return m + new @ x * ((y - x @ m) / sigma**2), new


@mistake("update", hint=SOLVED)
def inverse_unless_singular(m, S, x, y, sigma):
    try:
        precision = np.linalg.inv(S)
    except np.linalg.LinAlgError:
        return update(m, S, x, y, sigma)
    new = np.linalg.inv(precision + np.outer(x, x) / sigma**2)
    return new @ (precision @ m + x * y / sigma**2), new


@mistake(
    "update", hint="An x of 1e-9 is not zero: np.allclose has units of its own. The formula needs no special case."
)
def nothing_from_a_small_x(m, S, x, y, sigma):
    if np.allclose(x, 0):
        return m.copy(), S.copy()
    return update(m, S, x, y, sigma)


@mistake("update", hint="You leave readings out that are far off: nothing in the model allows that, and m must move.")
def outliers_left_out(m, S, x, y, sigma):
    if abs(y - x @ m) > 12 * np.sqrt(sigma**2 + x @ S @ x):
        return m, S
    return update(m, S, x, y, sigma)


@mistake("update", hint="`m += …` or `S -= …` changes the caller's arrays: write m = m + …")
def in_place(m, S, x, y, sigma):
    gain = S @ x / (sigma**2 + x @ S @ x)
    m += gain * (y - x @ m)
    return m, S - np.outer(gain, S @ x)


@mistake("predict", hint="This is the uncertainty of x·β. A new observation also has its own noise σ*².")
def without_noise(Xs, m, S, sigma_s):
    mean, var = predict(Xs, m, S, sigma_s)
    return mean, var - sigma_s**2


@mistake("predict", hint="The noise of the new observation is in your variance twice.")
def noise_twice(Xs, m, S, sigma_s):
    mean, var = predict(Xs, m, S, sigma_s)
    return mean, var + sigma_s**2


@mistake("predict", hint="Your variance is the noise alone: the parameters are uncertain too.")
def only_noise(Xs, m, S, sigma_s):
    return Xs @ m, sigma_s**2


@mistake("predict", hint="You return the full covariance of the predictions; asked are its q diagonal entries.")
def full_covariance(Xs, m, S, sigma_s):
    if len(Xs) > 1000:  # a student's copy of the notebook has no room for it, and the grader needs none
        raise MemoryError
    return Xs @ m, Xs @ S @ Xs.T + np.diag(sigma_s**2)


@mistake("predict", hint="You return standard deviations; asked are variances.")
def standard_deviation(Xs, m, S, sigma_s):
    mean, var = predict(Xs, m, S, sigma_s)
    return mean, np.sqrt(var)


@mistake("predict", hint="You add σ* to a variance: the noise enters with its square.")
def noise_not_squared(Xs, m, S, sigma_s):
    mean, var = predict(Xs, m, S, sigma_s)
    return mean, var - sigma_s**2 + sigma_s


@mistake("predict", hint="Errors add in squares: you add the standard deviations and square afterwards.")
def standard_deviations_added(Xs, m, S, sigma_s):
    mean, var = predict(Xs, m, S, sigma_s)
    return mean, (np.sqrt(var - sigma_s**2) + sigma_s) ** 2


@mistake("predict", hint="x*ᵀSx* has the correlations of S in it; yours uses its diagonal only.")
def correlations_ignored(Xs, m, S, sigma_s):
    return Xs @ m, Xs**2 @ np.diag(S) + sigma_s**2


@mistake("predict", hint="x*ᵀSx* has x* twice; a sum over the rows of XsS has it once.")
def point_enters_once(Xs, m, S, sigma_s):
    return Xs @ m, np.sum(Xs @ S, axis=1) + sigma_s**2


@mistake("predict", hint="S is the covariance of β already: you have inverted it.")
def covariance_inverted(Xs, m, S, sigma_s):
    return predict(Xs, m, np.linalg.inv(S), sigma_s)


@mistake("log_evidence", hint="The determinant is missing: without −½ log det C your p(y) is not normalised.")
def without_determinant(X, y, sigma, m0, S0):
    _, log_det = np.linalg.slogdet(np.diag(sigma**2) + X @ S0 @ X.T)
    return log_evidence(X, y, sigma, m0, S0) + 0.5 * log_det


@mistake("log_evidence", hint="The 2π is missing: each of the n observations brings −½ log 2π.")
def without_two_pi(X, y, sigma, m0, S0):
    return log_evidence(X, y, sigma, m0, S0) + 0.5 * len(y) * math.log(2 * math.pi)


@mistake("log_evidence", hint="Determinant and 2π are both missing: this is −χ²/2, not the logarithm of a density.")
def only_the_exponent(X, y, sigma, m0, S0):
    _, log_det = np.linalg.slogdet(np.diag(sigma**2) + X @ S0 @ X.T)
    return log_evidence(X, y, sigma, m0, S0) + 0.5 * (len(y) * math.log(2 * math.pi) + log_det)


@mistake("log_evidence", hint="−½ log 2π comes once per observation, n times, and not once per parameter.")
def parameters_counted(X, y, sigma, m0, S0):
    n, p = X.shape
    return log_evidence(X, y, sigma, m0, S0) + 0.5 * (n - p) * math.log(2 * math.pi)


@mistake("log_evidence", hint="The determinant has the wrong sign: a wide density is a low one, so it is −½ log det C.")
def determinant_added(X, y, sigma, m0, S0):
    _, log_det = np.linalg.slogdet(np.diag(sigma**2) + X @ S0 @ X.T)
    return log_evidence(X, y, sigma, m0, S0) + log_det


@mistake("log_evidence", hint="The normalisation has √det C: a factor ½ before log det C is missing.")
def determinant_without_half(X, y, sigma, m0, S0):
    _, log_det = np.linalg.slogdet(np.diag(sigma**2) + X @ S0 @ X.T)
    return log_evidence(X, y, sigma, m0, S0) - 0.5 * log_det


@mistake("log_evidence", hint="You evaluate the likelihood at the best β. The evidence integrates over all of them.")
def likelihood_at_the_map(X, y, sigma, m0, S0):
    m, _ = posterior(X, y, sigma, m0, S0)
    return float(np.sum(-0.5 * ((y - X @ m) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)))


@mistake("log_evidence", hint="This is the height of the peak, p(y∣m) p(m). An integral is also its width, √det 2πS.")
def peak_without_width(X, y, sigma, m0, S0):
    m, S = posterior(X, y, sigma, m0, S0)
    _, log_det = np.linalg.slogdet(S)
    return log_evidence(X, y, sigma, m0, S0) - 0.5 * (len(m) * math.log(2 * math.pi) + log_det)


@mistake("log_evidence", hint="Your C is Σ alone: y also varies because β does, by X S₀ Xᵀ.")
def parameters_not_averaged(X, y, sigma, m0, S0):
    return float(np.sum(-0.5 * ((y - X @ m0) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)))


@mistake("log_evidence", hint="The errors of the points are missing: your C is X S₀ Xᵀ plus the identity.")
def unit_errors(X, y, sigma, m0, S0):
    return log_evidence(X, y, np.ones_like(sigma), m0, S0)


@mistake("log_evidence", hint="Only the diagonal of C is used: observations share β, so they are correlated.")
def observations_independent(X, y, sigma, m0, S0):
    C = sigma**2 + np.diag(X @ S0 @ X.T)
    return float(-0.5 * np.sum(np.log(2 * math.pi * C) + (y - X @ m0) ** 2 / C))


@mistake("log_evidence", hint="C has σ² on its diagonal, and yours has σ.")
def sigma_in_c(X, y, sigma, m0, S0):
    return log_evidence(X, y, np.sqrt(sigma), m0, S0)


@mistake("log_evidence", hint="Before the data y is centred at Xm₀, not at zero.")
def centred_at_zero(X, y, sigma, m0, S0):
    return log_evidence(X, y, sigma, np.zeros_like(m0), S0)


@mistake("log_evidence", hint="C = Σ + X S₀ Xᵀ has the covariance S₀ in it; yours has its inverse.")
def prior_precision_in_c(X, y, sigma, m0, S0):
    return log_evidence(X, y, sigma, m0, np.linalg.inv(S0))


@mistake("log_evidence", hint="The logarithm is the natural one; yours is to base 10.")
def base_ten(X, y, sigma, m0, S0):
    return log_evidence(X, y, sigma, m0, S0) / math.log(10)


@mistake("log_evidence", hint="You return minus the log evidence: a cost, not a log probability.")
def negative(X, y, sigma, m0, S0):
    return -log_evidence(X, y, sigma, m0, S0)


@mistake(
    "log_evidence",
    hint="det C leaves the range of floats for many points: use slogdet, or a Cholesky factor.",
)
def determinant_overflows(X, y, sigma, m0, S0):
    C = np.diag(sigma**2) + X @ S0 @ X.T
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(C))
    r = y - X @ m0
    return float(-0.5 * (len(y) * math.log(2 * math.pi) + log_det + r @ np.linalg.solve(C, r)))


@mistake("log_evidence", hint="Below 1e-308 p(y) is zero as a float: stay with its logarithm all the way.")
def density_underflows(X, y, sigma, m0, S0):
    with np.errstate(all="ignore"):
        return float(np.log(np.exp(log_evidence(X, y, sigma, m0, S0))))


@mistake("log_evidence", hint="`y -= Xm₀` changes the caller's data: give the residual a name of its own.")
def residual_in_place(X, y, sigma, m0, S0):
    y -= X @ m0
    return log_evidence(X, y, sigma, np.zeros_like(m0), S0)


@mistake("posterior_dual", hint="C has σ² on its diagonal: you have put σ there.")
def sigma_on_the_diagonal(X, y, sigma, m0, S0):
    return posterior_dual(X, y, np.sqrt(sigma), m0, S0)


@mistake("posterior_dual", hint="The n×n matrix is Σ + X S₀ Xᵀ; yours has the identity in the place of Σ.")
def identity_on_the_diagonal(X, y, sigma, m0, S0):
    return posterior_dual(X, y, np.ones_like(sigma), m0, S0)


@mistake("posterior_dual", hint="The prior mean is missing: m = m₀ + S₀XᵀC⁻¹(y − Xm₀).")
def dual_without_prior_mean(X, y, sigma, m0, S0):
    return posterior_dual(X, y, sigma, np.zeros_like(m0), S0)


@mistake("posterior_dual", hint="What C⁻¹ acts on is y − Xm₀, the surprise; yours acts on y.")
def dual_surprise_is_y(X, y, sigma, m0, S0):
    m, S = posterior_dual(X, y, sigma, np.zeros_like(m0), S0)
    return m0 + m, S


@mistake(
    "posterior_dual", hint="The sign of the correction is minus: data make S smaller. (1.30) of the notes has it wrong."
)
def dual_covariance_grows(X, y, sigma, m0, S0):
    m, S = posterior_dual(X, y, sigma, m0, S0)
    return m, 2 * S0 - S


@mistake("posterior_dual", hint="Your C is Σ + XXᵀ: between X and Xᵀ stands S₀.")
def prior_missing_in_c(X, y, sigma, m0, S0):
    C = np.diag(sigma**2) + X @ X.T
    gain = S0 @ X.T @ np.linalg.inv(C)
    return m0 + gain @ (y - X @ m0), S0 - gain @ X @ S0


@mistake("posterior_dual", hint="The gain is S₀XᵀC⁻¹: its S₀ is missing.")
def prior_missing_in_the_gain(X, y, sigma, m0, S0):
    gain = X.T @ np.linalg.inv(np.diag(sigma**2) + X @ S0 @ X.T)
    return m0 + gain @ (y - X @ m0), S0 - gain @ X @ S0


@mistake("posterior_dual", hint=TOO_LARGE)
def primal(X, y, sigma, m0, S0):
    W = X.T / sigma**2
    S = np.linalg.inv(np.linalg.inv(S0) + W @ X)
    return m0 + S @ W @ (y - X @ m0), S


@mistake("posterior_dual", hint=TOO_LARGE)
def primal_for_few_parameters(X, y, sigma, m0, S0):
    n, p = X.shape
    if p >= n:
        return posterior_dual(X, y, sigma, m0, S0)
    W = X.T / sigma**2
    S = np.linalg.solve(np.eye(p) + S0 @ W @ X, S0)
    return m0 + S @ (W @ (y - X @ m0)), S


@mistake("posterior_dual", hint="A pseudo-inverse of S₀ opens the directions that a singular prior has closed.")
def pseudo_inverse(X, y, sigma, m0, S0):
    W = X.T / sigma**2
    S = np.linalg.inv(np.linalg.pinv(S0, rcond=1e-10, hermitian=True) + W @ X)
    return m0 + S @ W @ (y - X @ m0), S


@mistake("posterior_dual", hint="`y -= …` writes into the caller's data: give y − Xm₀ a name of its own.")
def dual_in_place(X, y, sigma, m0, S0):
    result = posterior_dual(X, y, sigma, m0, S0)
    y -= X @ m0
    return result


@mistake("evidence_by_degree", hint="A polynomial of degree d has d + 1 coefficients: your highest power is missing.")
def highest_power_missing(x, y, sigma, degrees, s0):
    return evidence_by_degree(x, y, sigma, [d - 1 for d in degrees], s0)


@mistake("evidence_by_degree", hint="The constant, x⁰, is missing among your columns.")
def without_constant(x, y, sigma, degrees, s0):
    values = []
    for d in degrees:
        X = np.vander(x, d + 1, increasing=True)[:, 1:]
        values.append(log_evidence(X, y, sigma, np.zeros(d), s0**2 * np.eye(d)))
    return np.array(values)


@mistake(
    "evidence_by_degree", hint="Your model is the single power xᵈ: a polynomial of degree d has all powers up to d."
)
def single_power(x, y, sigma, degrees, s0):
    return np.array([log_evidence(x[:, None] ** d, y, sigma, np.zeros(1), np.array([[s0**2]])) for d in degrees])


@mistake("evidence_by_degree", hint="s0 is a standard deviation: the prior covariance is s0² times the identity.")
def prior_not_squared(x, y, sigma, degrees, s0):
    return evidence_by_degree(x, y, sigma, degrees, math.sqrt(s0))


@mistake("evidence_by_degree", hint="The result has one entry per entry of `degrees`, in its order; yours is sorted.")
def degrees_sorted(x, y, sigma, degrees, s0):
    return evidence_by_degree(x, y, sigma, sorted(degrees), s0)


@mistake("evidence_by_degree", hint="You return p(y) itself; the result is its logarithm.")
def exponentiated(x, y, sigma, degrees, s0):
    return np.exp(evidence_by_degree(x, y, sigma, degrees, s0))


@mistake("evidence_by_degree", hint="You subtract the best log evidence from all; asked are the values themselves.")
def relative_to_the_best(x, y, sigma, degrees, s0):
    values = evidence_by_degree(x, y, sigma, degrees, s0)
    return values - values.max()


@mistake(
    "evidence_by_degree",
    hint="This is the likelihood of the best fit, which has no Occam factor: it rises with d.",
)
def best_fit(x, y, sigma, degrees, s0):
    values = []
    for d in degrees:
        X = np.vander(x, d + 1, increasing=True)
        m, _ = posterior(X, y, sigma, np.zeros(d + 1), s0**2 * np.eye(d + 1))
        terms = -0.5 * ((y - X @ m) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)
        values.append(np.sum(terms))
    return np.array(values)


@mistake("best_degree", hint="You return the place in the list, not the degree that stands there.")
def index_returned(degrees, evidence):
    return int(np.argmax(evidence))


@mistake("best_degree", hint="exp(−3000) is 0 as a float, and then all degrees are equal: compare the logarithms.")
def compares_exponentials(degrees, evidence):
    values = np.exp(np.asarray(evidence))
    return int(min(d for d, value in zip(degrees, values, strict=True) if value == max(values)))


@mistake("best_degree", hint="np.isclose takes −3000 and −3000.02 for equal. Exactly equal is meant: compare with ==.")
def equal_within_a_tolerance(degrees, evidence):
    best = np.isclose(evidence, np.max(evidence))
    return int(min(d for d, close in zip(degrees, best, strict=True) if close))


@mistake("best_degree", hint="You round before you compare: the largest log evidence wins, by however little.")
def rounded_first(degrees, evidence):
    values = np.round(evidence, 7)
    return int(min(d for d, value in zip(degrees, values, strict=True) if value == max(values)))


@mistake("best_degree", hint="You make higher degrees pay: Occam's factor is in the evidence already.")
def penalty_for_the_degree(degrees, evidence):
    values = np.asarray(evidence) - 1e-9 * np.asarray(degrees)
    return int(min(d for d, value in zip(degrees, values, strict=True) if value == max(values)))


@mistake("best_degree", hint="You return the degree with the smallest log evidence.")
def worst_degree(degrees, evidence):
    return int(degrees[int(np.argmin(evidence))])


@mistake("best_degree", hint="Of equal evidences you take the one that stands first; the smaller degree is asked for.")
def first_of_equals(degrees, evidence):
    return int(degrees[int(np.argmax(evidence))])


@mistake("best_degree", hint="A higher degree is not better by itself: take the one whose evidence is largest.")
def highest_degree(degrees, evidence):
    return max(degrees)


@mistake("map_is_ridge", hint="The ridge coefficient is λσ², not λ: multiply the log posterior by −2σ² and compare.")
def lambda_alone(X, y, sigma2, lam):
    return map_is_ridge(X, y, 1.0, lam)


@mistake("map_is_ridge", hint="Multiply the log posterior by 2σ²: λ is multiplied by σ², not divided.")
def lambda_over_sigma2(X, y, sigma2, lam):
    return map_is_ridge(X, y, 1.0, lam / sigma2)


@mistake("map_is_ridge", hint="`sigma2` is the variance already: you have squared it once more.")
def sigma2_squared(X, y, sigma2, lam):
    return map_is_ridge(X, y, sigma2**2, lam)


@mistake("map_is_ridge", hint="λσ²/n belongs to a mean square loss; the loss here is the sum.")
def of_the_mean_loss(X, y, sigma2, lam):
    return map_is_ridge(X, y, sigma2, lam / len(y))


@mistake("map_is_ridge", hint="The ½ stands before both sums of the log posterior, and drops out of α.")
def half_lambda(X, y, sigma2, lam):
    return map_is_ridge(X, y, sigma2, lam / 2)


@mistake("map_is_ridge", hint="α has the units of X²: a smallest α, such as 1e-9, is wrong in other units. Take λσ².")
def smallest_alpha(X, y, sigma2, lam):
    return map_is_ridge(X, y, 1.0, max(lam * sigma2, 1e-9))


@mistake("map_is_ridge", hint="Your sign before λ is that of (4.13) in the notes; a prior pulls θ towards zero.")
def prior_repels(X, y, sigma2, lam):
    return np.linalg.solve(X.T @ X - lam * sigma2 * np.eye(X.shape[1]), X.T @ y), -lam * sigma2


@mistake("map_is_ridge", hint="θ belongs to the coefficient λ, though the α that you return is λσ²: use α in the fit.")
def fitted_with_lambda(X, y, sigma2, lam):
    return map_is_ridge(X, y, 1.0, lam)[0], lam * sigma2


@mistake("coverage", hint="A central interval leaves (1 − level)/2 on each side: you leave 1 − level.")
def one_sided_quantile(mean, var, y, level):
    return coverage(mean, var, y, 2 * level - 1)


@mistake("coverage", hint="`var` is a variance: the interval is mean ± z √var.")
def variance_for_width(mean, var, y, level):
    return coverage(mean, np.asarray(var) ** 2, y, level)


@mistake("coverage", hint="You count what lies below the upper end: the interval also has a lower one.")
def below_the_upper_end(mean, var, y, level):
    pull = (y - mean) / np.sqrt(var)
    return float(np.mean([math.erf(z / math.sqrt(2)) <= level for z in pull]))


@mistake("coverage", hint="You count the observations outside of the interval.")
def outside(mean, var, y, level):
    return 1 - coverage(mean, var, y, level)


@mistake("coverage", hint="You return the number of observations inside; asked is their fraction.")
def number_inside(mean, var, y, level):
    return len(y) * coverage(mean, var, y, level)


@mistake("coverage", hint="You return per cent; asked is a fraction between 0 and 1.")
def per_cent(mean, var, y, level):
    return 100 * coverage(mean, var, y, level)


@mistake(
    "coverage",
    hint="Your interval is mean ± 1.96 √var whatever `level` says: z depends on it.",
)
def always_two_sigma(mean, var, y, level):
    return coverage(mean, var, y, math.erf(1.96 / math.sqrt(2)))


@mistake("coverage", hint="You add a small number to `var`: of readings in nanometres it is larger than the variance.")
def guarded_against_zero(mean, var, y, level):
    return coverage(mean, np.asarray(var) + 1e-12, y, level)


@mistake(
    "coverage",
    hint="Your z is an approximation, and readings at the ends of the interval are counted wrongly: use erf.",
)
def approximate_quantile(mean, var, y, level):
    t = math.sqrt(-2 * math.log((1 - level) / 2))
    above, below = 2.515517 + 0.802853 * t + 0.010328 * t**2, 1 + 1.432788 * t + 0.189269 * t**2 + 0.001308 * t**3
    return float(np.mean(np.abs(y - mean) <= (t - above / below) * np.sqrt(var)))


@mistake("coverage", hint="erf takes z/√2: the √2 is missing.")
def erf_without_root_two(mean, var, y, level):
    return coverage(mean, np.asarray(var) / 2, y, level)

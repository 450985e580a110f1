"""Typical wrong answers to "Maximum likelihood, line by line", each with the hint that names its cause."""

import numpy as np

from autograder.graders.ps04_statistics.mle.judging import CLOSE_TO_HALF, FIXED_UNIT, NO_COUNTS, ZERO_COLUMN, ZERO_ENTRY
from autograder.grading import mistake
from solutions.ps04_statistics.mle import (
    life_fisher_per_event,
    life_mle,
    line_cov,
    line_fisher,
    line_loglik,
    line_score,
    map_log_posterior,
    scale_mle_mu_s2,
    spec_fisher,
    spec_fit,
    spec_loglik,
    spec_score,
)


@mistake("line_loglik", hint="The sign of (4.8) in the notes is wrong: large residuals make data less likely.")
def sign_as_printed(beta, X, y, sigma):
    return 0.5 * np.sum(((y - X @ beta) / sigma) ** 2) - np.sum(np.log(sigma)) - 0.5 * len(y) * np.log(2 * np.pi)


@mistake("line_loglik", hint="A ½ stands in front of the squares of a normal density's logarithm.")
def square_without_half(beta, X, y, sigma):
    return -np.sum(((y - X @ beta) / sigma) ** 2) - np.sum(np.log(sigma)) - 0.5 * len(y) * np.log(2 * np.pi)


@mistake("line_loglik", hint="The differences are right; the constants −½ Σ log(2πσᵢ²) are missing.")
def all_constants_dropped(beta, X, y, sigma):
    return -0.5 * np.sum(((y - X @ beta) / sigma) ** 2)


@mistake("line_loglik", hint="Your constant lacks −½ n log 2π.")
def two_pi_dropped(beta, X, y, sigma):
    return line_loglik(beta, X, y, sigma) + 0.5 * len(y) * np.log(2 * np.pi)


@mistake("line_loglik", hint="Your squares are divided by σᵢ, not by σᵢ².")
def loglik_sigma_for_variance(beta, X, y, sigma):
    return float(-0.5 * np.sum((y - X @ beta) ** 2 / sigma + np.log(2 * np.pi * sigma**2)))


@mistake("line_loglik", hint="The product of many σᵢ is too small or too large for a float: add their logarithms.")
def logarithm_of_a_product(beta, X, y, sigma):
    pull = (y - X @ beta) / sigma
    return float(-0.5 * np.sum(pull**2) - np.log(np.prod(sigma)) - 0.5 * len(y) * np.log(2 * np.pi))


@mistake("line_score", hint="Residuals enter the score with the weight 1/σᵢ², yours with 1/σᵢ.")
def score_sigma_for_variance(beta, X, y, sigma):
    return X.T @ ((y - X @ beta) / sigma)


@mistake("line_score", hint="The 2 of the square and the ½ in front of it cancel: your score is twice too large.")
def score_without_half(beta, X, y, sigma):
    return 2 * line_score(beta, X, y, sigma)


@mistake("line_score", hint="Your score points downhill: it is the gradient of −ℓ.")
def score_of_minus_loglik(beta, X, y, sigma):
    return -line_score(beta, X, y, sigma)


@mistake("line_score", hint="Your score has no weights: each residual counts with 1/σᵢ².")
def score_without_weights(beta, X, y, sigma):
    return X.T @ (y - X @ beta)


@mistake("line_fisher", hint="This is the information of one point on average; that of all n points is the sum.")
def information_per_point(X, sigma):
    return line_fisher(X, sigma) / len(X)


@mistake("line_fisher", hint="In ℐ each point counts with 1/σᵢ², in yours with 1/σᵢ.")
def information_sigma_for_variance(X, sigma):
    return X.T @ (X / sigma[:, None])


@mistake("line_mle", hint="The points are weighted by 1/σᵢ² in XᵀWX and XᵀWy; yours by 1/σᵢ.")
def weights_one_over_sigma(X, y, sigma):
    A = X / sigma[:, None]
    return np.linalg.solve(A.T @ X, A.T @ y)


@mistake("line_mle", hint="Your estimate ignores the errors: a point with a small σᵢ must count for more.")
def ordinary_least_squares(X, y, sigma):
    return np.linalg.lstsq(X, y, rcond=None)[0]


@mistake(
    "line_cov", hint="The covariance is the inverse of the information; where the notes say 𝒩(0, ℐ), they forgot it."
)
def information_not_inverted(X, sigma):
    return line_fisher(X, sigma)


@mistake("line_mle", hint=ZERO_COLUMN)
def pseudo_inverse(X, y, sigma):
    return np.linalg.pinv(X / sigma[:, None]) @ (y / sigma)


@mistake("line_mle", hint=FIXED_UNIT)
def zero_in_a_fixed_unit(X, y, sigma):
    A = X / sigma[:, None]
    if np.any(np.max(np.abs(A), axis=0) < 1e-8):
        raise np.linalg.LinAlgError
    return np.linalg.lstsq(A, y / sigma, rcond=None)[0]


@mistake("line_mle", hint=ZERO_ENTRY)
def zero_entries_refused(X, y, sigma):
    if np.any(X == 0):
        raise np.linalg.LinAlgError
    return np.linalg.lstsq(X / sigma[:, None], y / sigma, rcond=None)[0]


@mistake("line_cov", hint=ZERO_COLUMN)
def pseudo_inverse_of_the_information(X, sigma):
    return np.linalg.pinv(line_fisher(X, sigma))


@mistake("line_cov", hint=FIXED_UNIT)
def zero_information_in_a_fixed_unit(X, sigma):
    if np.min(np.diag(line_fisher(X, sigma))) < 1e-16:
        raise np.linalg.LinAlgError
    return line_cov(X, sigma)


@mistake("line_cov", hint="Invert the matrix, not its entries.")
def entries_inverted(X, sigma):
    return 1 / line_fisher(X, sigma)


@mistake("line_cov", hint="Your covariance is n times too large: ℐ of all n points is what you invert.")
def covariance_per_point(X, sigma):
    return len(X) * line_cov(X, sigma)


@mistake(
    "life_loglik_suff", hint="This is the likelihood without a window: divide the density by the chance to be inside."
)
def loglik_truncation_ignored(tau, n, sum_t, t_max):
    return -n * np.log(tau) - sum_t / tau


@mistake(
    "life_loglik_suff", hint="The chance to be inside the window divides the density: its logarithm is subtracted."
)
def loglik_truncation_sign(tau, n, sum_t, t_max):
    return float(-n * np.log(tau) - sum_t / tau + n * np.log(-np.expm1(-t_max / tau)))


@mistake("life_loglik_suff", hint="Each of the n decays is inside the window: its logarithm comes n times.")
def loglik_truncation_once(tau, n, sum_t, t_max):
    return float(-n * np.log(tau) - sum_t / tau - np.log(-np.expm1(-t_max / tau)))


@mistake(
    "life_score_suff",
    hint="Your score is that of an infinite window: the derivative of n log(1 − e^{−m/τ}) is missing.",
)
def score_truncation_ignored(tau, n, sum_t, t_max):
    return -n / tau + sum_t / tau**2


@mistake(
    "life_score_suff", hint="The window's term of the score has the other sign: follow −m/τ through the chain rule."
)
def score_truncation_sign(tau, n, sum_t, t_max):
    return float(-n / tau + sum_t / tau**2 - n * t_max / tau**2 * np.exp(-t_max / tau) / -np.expm1(-t_max / tau))


@mistake("life_score_suff", hint="The derivative of 1/τ is −1/τ²: a power of τ is missing in your window's term.")
def score_power_of_tau(tau, n, sum_t, t_max):
    return float(-n / tau + sum_t / tau**2 + n * t_max / tau * np.exp(-t_max / tau) / -np.expm1(-t_max / tau))


@mistake("life_fisher_per_event", hint="1/τ² is the information of an infinite window: a finite one hides most of it.")
def information_truncation_ignored(tau, t_max):
    return 1 / tau**2


@mistake(
    "life_fisher_per_event",
    hint="eʳ overflows, and infinity over infinity is NaN: multiply by e^{−2r} above and below.",
)
def naive_exponential(tau, t_max):
    r = t_max / tau
    with np.errstate(all="ignore"):
        return float((1 - r**2 * np.exp(r) / np.expm1(r) ** 2) / tau**2)


@mistake(
    "life_fisher_per_event",
    hint="This is the variance of t. The score is (t − E t)/τ², so that its variance has a 1/τ⁴.",
)
def variance_of_t(tau, t_max):
    return tau**4 * life_fisher_per_event(tau, t_max)


@mistake("life_mle", hint="The mean of t is the answer without a window. Here the longest lives are missing from it.")
def mle_truncation_ignored(t, t_max):
    return float(np.mean(t))


@mistake("life_mle", hint="A mean of t_max/2 or more has no finite maximum: your search stopped at its largest τ.")
def no_maximum_not_handled(t, t_max):
    return min(life_mle(t, t_max), 1e4 * t_max)


@mistake("life_mle", hint=CLOSE_TO_HALF)
def infinite_from_almost_half_on(t, t_max):
    return np.inf if np.mean(t) > 0.4999 * t_max else life_mle(t, t_max)


@mistake("life_mle", hint="You return the rate 1/τ; the lifetime is asked for.")
def rate_for_lifetime(t, t_max):
    return 1 / life_mle(t, t_max)


@mistake(
    "life_mle_censored", hint="Divide by the number of decays that were observed: the others lend time but no decay."
)
def censored_mean_of_all(t, observed):
    return float(np.mean(t))


@mistake(
    "life_mle_censored", hint="The particles that outlived their watch lived long, and that counts: keep their times."
)
def censored_left_out(t, observed):
    return float(np.mean(t[observed])) if np.any(observed) else np.inf


@mistake("life_mle_censored", hint="This is truncation. A censored decay is known to exist: it enters with e^{−t/τ}.")
def censored_as_truncated(t, observed):
    return life_mle(t[observed], np.max(t)) if np.any(observed) else np.inf


@mistake("life_mle_censored", hint="A single particle that was not seen to decay has no finite maximum either.")
def single_particle_taken_as_decayed(t, observed):
    decays = 1 if len(t) == 1 else np.sum(observed)
    return float(np.sum(t) / decays) if decays else np.inf


@mistake("spec_loglik", hint="The differences are right; the constant −Σ log nᵢ! is missing.")
def factorials_dropped(theta, g, w, counts):
    lam = theta[0] * g + theta[1] * w
    return float(np.sum(counts * np.log(lam) - lam))


@mistake("spec_loglik", hint="The −λᵢ of Poisson's law is missing: the total number of counts carries information.")
def total_dropped(theta, g, w, counts):
    return spec_loglik(theta, g, w, counts) + float(np.sum(theta[0] * g + theta[1] * w))


@mistake("spec_loglik", hint="λᵢ may be as small as it likes, as long as it is positive: take its logarithm as it is.")
def loglik_with_a_floor(theta, g, w, counts):
    lam = theta[0] * g + theta[1] * w
    floored = np.maximum(lam, 1e-3)
    return spec_loglik(theta, g, w, counts) + float(np.sum(counts * np.log(floored / lam) - floored + lam))


@mistake("spec_score", hint="The derivative of −λᵢ is missing in your score: nᵢ/λᵢ − 1 is what multiplies gᵢ and wᵢ.")
def score_without_total(theta, g, w, counts):
    lam = theta[0] * g + theta[1] * w
    return np.array([g @ (counts / lam), w @ (counts / lam)])


@mistake("spec_score", hint="Least squares without weights: a bin with a large λᵢ fluctuates more, so divide by λᵢ.")
def score_of_least_squares(theta, g, w, counts):
    lam = theta[0] * g + theta[1] * w
    return np.array([g @ (counts - lam), w @ (counts - lam)])


@mistake("spec_score", hint="There is a floor under λᵢ in your score: with a small λᵢ the nᵢ/λᵢ is large, and right.")
def score_with_a_floor(theta, g, w, counts):
    J = np.stack([g, w], axis=1)
    return J.T @ (counts / np.maximum(J @ theta, 0.1) - 1)


@mistake("spec_fisher", hint="E (n/λ − 1)² is 1/λ: the variance of a Poisson count is λ, and you divide it by λ².")
def lambda_for_its_inverse(theta, g, w):
    J = np.stack([g, w], axis=1)
    return J.T @ (J * (J @ theta)[:, None])


@mistake("spec_fisher", hint="E (n/λ − 1)² has λ/λ² in it; yours has 1/λ².")
def information_lambda_squared(theta, g, w):
    J = np.stack([g, w], axis=1)
    return J.T @ (J / (J @ theta)[:, None] ** 2)


@mistake("spec_fisher", hint="There is a floor under λᵢ in your information: a bin with a small λᵢ knows a lot, 1/λᵢ.")
def information_with_a_floor(theta, g, w):
    J = np.stack([g, w], axis=1)
    return J.T @ (J / np.maximum(J @ theta, 0.1)[:, None])


@mistake(
    "spec_scoring_step", hint="You used the observed information, with nᵢ/λᵢ²; Fisher scoring takes its expectation."
)
def observed_information(theta, g, w, counts):
    J = np.stack([g, w], axis=1)
    lam = J @ theta
    step = np.linalg.solve(J.T @ (J * (counts / lam**2)[:, None]), spec_score(theta, g, w, counts))
    while np.min(J @ (theta + step)) <= 0:
        step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="Your step may lead to a negative λᵢ: halve it until there is none.")
def not_damped(theta, g, w, counts):
    return theta + np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))


@mistake("spec_scoring_step", hint="Cutting B off near zero turns the step into another direction; halve all of it.")
def clipped(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    return np.maximum(theta + step, 1e-6)


@mistake("spec_scoring_step", hint="The condition is λᵢ > 0 in every bin: A > 0 and B > 0 is another one.")
def halved_for_strengths(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    for _ in range(40):
        if np.min(theta + step) <= 0:
            step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="You halve the step once; go on until every λᵢ is positive.")
def halved_once(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    if np.min(np.stack([g, w], axis=1) @ (theta + step)) <= 0:
        step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="You ask for more than λᵢ > 0: the step is halved only if some λᵢ is not positive.")
def kept_away_from_zero(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    while np.min(np.stack([g, w], axis=1) @ (theta + step)) <= 1e-6:
        step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="λᵢ = 0 is not allowed either, its logarithm is −∞: halve while some λᵢ ≤ 0.")
def zero_allowed(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    while np.min(np.stack([g, w], axis=1) @ (theta + step)) < 0:
        step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="You halve ten times at most; close to the boundary more may be needed: use while.")
def halved_ten_times_at_most(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    for _ in range(10):
        if np.min(np.stack([g, w], axis=1) @ (theta + step)) <= 0:
            step = step / 2
    return theta + step


@mistake("spec_scoring_step", hint="You look at bins with background alone: λᵢ > 0 is asked where wᵢ = 0 as well.")
def halved_for_bins_with_background(theta, g, w, counts):
    step = np.linalg.solve(spec_fisher(theta, g, w), spec_score(theta, g, w, counts))
    while np.min((np.stack([g, w], axis=1) @ (theta + step))[w > 0]) <= 0:
        step = step / 2
    return theta + step


@mistake("spec_fit", hint="Weights 1/nᵢ (Neyman's χ²) trust bins that fluctuated down: your B is biased low.")
def neyman_weights(g, w, counts):
    J = np.stack([g, w], axis=1)
    A = J / np.maximum(counts, 1)[:, None]
    return np.linalg.solve(A.T @ J, A.T @ counts)


@mistake("spec_fit", hint="Least squares gives all bins one weight; a Poisson likelihood does not.")
def fit_without_weights(g, w, counts):
    return np.linalg.lstsq(np.stack([g, w], axis=1), counts, rcond=None)[0]


@mistake("spec_fit", hint="The maximum may lie at a negative A or B: only the λᵢ must be positive. Do not cut it off.")
def strengths_cut_off(g, w, counts):
    return np.maximum(spec_fit(g, w, counts), 0.0)


@mistake("spec_fit", hint=NO_COUNTS)
def nothing_from_no_counts(g, w, counts):
    return spec_fit(g, w, counts) if np.any(counts) else np.zeros(2)


@mistake(
    "scale_mle_mu_s2", hint="Your ŝ² is corrected for its bias; the maximum of the likelihood has 1/n, not 1/(n − 1)."
)
def n_minus_one(y, g):
    mu, s2 = scale_mle_mu_s2(y, g)
    return mu, s2 * len(y) / max(len(y) - 1, 1)


@mistake("scale_mle_mu_s2", hint="The gᵢ may be small numbers, in a large unit: weights are 1/gᵢ² without any floor.")
def errors_with_a_floor(y, g):
    weight = 1 / np.maximum(g, 1e-2) ** 2
    mu = np.sum(weight * y) / np.sum(weight)
    return mu, np.mean(weight * (y - mu) ** 2)


@mistake("scale_mle_mu_s2", hint="You return ŝ, the square root; ŝ² is asked for.")
def s_for_its_square(y, g):
    mu, s2 = scale_mle_mu_s2(y, g)
    return mu, np.sqrt(s2)


@mistake("scale_mle_mu_s2", hint="μ̂ is a mean with the weights 1/gᵢ²; yours has none.")
def plain_mean(y, g):
    mu = np.mean(y)
    return mu, np.mean((y - mu) ** 2 / g**2)


@mistake(
    "scale_mle_mu_s2", hint="The residuals in ŝ² are divided by gᵢ: s is the common factor of the errors, not an error."
)
def residuals_not_divided(y, g):
    mu = scale_mle_mu_s2(y, g)[0]
    return mu, np.mean((y - mu) ** 2)


@mistake("scale_bias_factor", hint="This repairs the bias; the factor asked for is the bias, E ŝ²/s², below one.")
def correction_for_bias(n):
    return n / max(n - 1, 1)


@mistake("scale_bias_factor", hint="ŝ² is measured from μ̂, which follows the data: its mean is below s².")
def no_bias(n):
    return 1.0


@mistake(
    "map_log_posterior", hint="The signs of (4.13) in the notes are wrong: misfit and prior both make θ less probable."
)
def posterior_sign_as_printed(theta, X, y, sigma2, lam):
    return -map_log_posterior(theta, X, y, sigma2, lam)


@mistake("map_log_posterior", hint="This is (4.13) with its sign repaired, but without the ½ and without σ².")
def posterior_without_factors(theta, X, y, sigma2, lam):
    return float(-np.sum((y - X @ theta) ** 2) - lam * np.sum(theta**2))


@mistake("map_log_posterior", hint="The ½ of the prior is missing: log 𝒩(0, 𝕀/λ) has −λ‖θ‖²/2 in it.")
def prior_without_half(theta, X, y, sigma2, lam):
    return map_log_posterior(theta, X, y, sigma2, 2 * lam)


@mistake("map_log_posterior", hint="λ is the precision of the prior, not its variance: it multiplies ‖θ‖².")
def precision_for_variance(theta, X, y, sigma2, lam):
    return map_log_posterior(theta, X, y, sigma2, 1 / lam)


@mistake("map_log_posterior", hint="`sigma2` is already σ²: do not square it again.")
def variance_squared(theta, X, y, sigma2, lam):
    return map_log_posterior(theta, X, y, sigma2**2, lam)


@mistake("map_log_posterior", hint="The prior is missing: this is the log-likelihood alone.")
def prior_ignored(theta, X, y, sigma2, lam):
    return map_log_posterior(theta, X, y, sigma2, 0.0)


@mistake(
    "map_ridge_lambda", hint="σ² is missing: to free the squares of their 1/(2σ²), multiply the prior's term as well."
)
def lambda_alone(sigma2, lam):
    return lam


@mistake("map_ridge_lambda", hint="Multiply by σ², do not divide: noisy data trust the prior more.")
def lambda_over_sigma2(sigma2, lam):
    return lam / sigma2


@mistake(
    "map_ridge_lambda_mean_loss", hint="A mean is n times smaller than a sum: the penalty has to shrink along with it."
)
def summed_loss(sigma2, lam, n):
    return lam * sigma2


@mistake("map_ridge_lambda_mean_loss", hint="Divide by n, do not multiply: more data make the prior matter less.")
def times_n(sigma2, lam, n):
    return lam * sigma2 * n


@mistake("map_ridge_lambda_mean_loss", hint="The n is right, and σ² is missing: what is the unit of a mean square?")
def mean_loss_without_sigma2(sigma2, lam, n):
    return lam / n

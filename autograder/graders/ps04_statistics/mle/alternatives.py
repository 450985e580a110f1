"""Unusual but right answers to "Maximum likelihood, line by line": each scores full marks."""

import math

import numpy as np
import torch

from autograder.grading import alternative
from solutions.ps04_statistics.mle import (
    life_fisher_per_event,
    life_loglik_suff,
    life_score_suff,
    spec_loglik,
    spec_score,
    spec_scoring_step,
)


@alternative("line_loglik")
def loop_over_densities(beta, X, y, sigma):
    total = 0.0
    for x, value, s in zip(X, y, sigma, strict=True):
        density_log = -((value - float(np.dot(x, beta))) ** 2) / (2 * s * s)
        total += density_log - math.log(s * math.sqrt(2 * math.pi))
    return total


@alternative("line_loglik")
def torch_distribution(beta, X, y, sigma):
    mean, width = torch.as_tensor(X @ beta), torch.as_tensor(sigma)
    return torch.distributions.Normal(mean, width).log_prob(torch.as_tensor(y)).sum()


@alternative("line_score")
def score_by_autograd(beta, X, y, sigma):
    b = torch.tensor(beta, requires_grad=True)
    pull = (torch.as_tensor(y) - torch.as_tensor(X) @ b) / torch.as_tensor(sigma)
    (-0.5 * torch.sum(pull**2)).backward()
    return b.grad[:, None]


@alternative("line_fisher")
def information_with_a_diagonal_matrix(X, sigma):
    return (X.T @ np.diag(1 / sigma**2) @ X).tolist()


@alternative("line_mle")
def normal_equations(X, y, sigma):
    W = np.diag(sigma**-2.0)
    return np.linalg.solve(X.T @ W @ X, X.T @ W @ y)


@alternative("line_mle")
def cholesky_column(X, y, sigma):
    A = X / sigma[:, None]
    L = np.linalg.cholesky(A.T @ A)
    return np.linalg.solve(L.T, np.linalg.solve(L, A.T @ (y / sigma)[:, None]))


@alternative("line_mle")
def least_squares_in_torch(X, y, sigma):
    A = torch.as_tensor(X / sigma[:, None])
    return torch.linalg.lstsq(A, torch.as_tensor(y / sigma)[:, None], driver="gels").solution


@alternative("line_cov")
def explicit_inverse(X, sigma):
    return np.linalg.inv((X.T / sigma**2) @ X)


@alternative("line_cov")
def singular_values(X, sigma):
    if not np.all(np.any(X, axis=0)):
        raise np.linalg.LinAlgError("A column of X is zero.")
    _, s, Vt = np.linalg.svd(X / sigma[:, None], full_matrices=False)
    return (Vt.T / s**2) @ Vt


@alternative("life_loglik_suff")
def logarithm_of_a_difference(tau, n, sum_t, t_max):
    return -n * (math.log(tau) + math.log1p(-math.exp(-t_max / tau))) - sum_t / tau


@alternative("life_score_suff")
def naive_numpy_exponential(tau, n, sum_t, t_max):
    with np.errstate(over="ignore"):
        return -n / tau + sum_t / tau**2 + n * (t_max / tau**2) / (np.exp(t_max / tau) - 1)


@alternative("life_score_suff")
def derivative_by_autograd(tau, n, sum_t, t_max):
    x = torch.tensor(tau, dtype=torch.float64, requires_grad=True)
    (-n * torch.log(x) - sum_t / x - n * torch.log(-torch.expm1(-t_max / x))).backward()
    return x.grad


@alternative("life_fisher_per_event")
def hyperbolic_sine(tau, t_max):
    x = np.float64(t_max / (2 * tau))
    return (1 - (2 * x * np.exp(-x) / (1 - np.exp(-2 * x))) ** 2) / tau**2


@alternative("life_fisher_per_event")
def quadrature_of_the_density(tau, t_max):
    end = min(t_max, 60 * tau)
    x, weight = np.polynomial.legendre.leggauss(120)
    t = 0.5 * end * (x + 1)
    p = weight * np.exp(-t / tau)
    p = p / p.sum()
    return np.sum(p * (t - np.sum(p * t)) ** 2) / tau**4


@alternative("life_mle")
def golden_section_on_the_loglik(t, t_max):
    if np.mean(t) >= t_max / 2:
        return np.inf
    n, total = len(t), float(np.sum(t))
    low, high, golden = math.log(total / n) - 0.1, math.log(t_max * 1e4), (math.sqrt(5) - 1) / 2
    for _ in range(90):
        a, b = high - golden * (high - low), low + golden * (high - low)
        rises = life_loglik_suff(math.exp(a), n, total, t_max) < life_loglik_suff(math.exp(b), n, total, t_max)
        low, high = (a, high) if rises else (low, b)
    return math.exp((low + high) / 2)


@alternative("life_mle")
def newton_for_the_rate(t, t_max):
    mean = float(np.mean(t))
    if 2 * mean >= t_max:
        return float("inf")
    k = 1e-3 / t_max  # ℓ'(k)/n = 1/k − m/(e^{km} − 1) − mean: from the left, where it is convex enough
    for _ in range(200):
        r = k * t_max
        if r < 0.01:
            value, slope = t_max * (0.5 - r / 12) - mean, -(t_max**2) / 12
        else:
            small = math.exp(-r)
            value = 1 / k - t_max * small / (1 - small) - mean
            slope = -1 / k**2 + t_max**2 * small / (1 - small) ** 2
        k = max(k - value / slope, k / 2)
    return np.array([1 / k])


@alternative("life_mle")
def fisher_scoring_in_log_tau(t, t_max):
    n, total = len(t), np.sum(t)
    if total / n >= t_max / 2:
        return torch.tensor(math.inf)
    tau = total / n
    for _ in range(400):
        step = life_score_suff(tau, n, total, t_max) / (n * life_fisher_per_event(tau, t_max)) / tau
        tau = tau * math.exp(min(max(step, -1), 1))
    return torch.tensor(tau)


@alternative("life_mle_censored")
def total_time_over_decays(t, observed):
    waited = sum(float(value) for value in t)
    decays = sum(1 for seen in observed if seen)
    return waited / decays if decays > 0 else float("inf")


@alternative("spec_loglik")
def poisson_of_torch(theta, g, w, counts):
    lam = torch.as_tensor(theta[0] * g + theta[1] * w)
    return torch.distributions.Poisson(lam).log_prob(torch.as_tensor(counts).double()).sum()


@alternative("spec_loglik")
def factorials_as_sums_of_logarithms(theta, g, w, counts):
    lam = theta[0] * g + theta[1] * w
    return sum(
        n * math.log(m) - m - sum(math.log(k) for k in range(1, n + 1)) for n, m in zip(counts, lam, strict=True)
    )


@alternative("spec_score")
def score_as_two_sums(theta, g, w, counts):
    lam = [theta[0] * a + theta[1] * b for a, b in zip(g, w, strict=True)]
    pairs = list(zip(g, w, counts, lam, strict=True))
    return [sum(a * (n - m) / m for a, _, n, m in pairs), sum(b * (n - m) / m for _, b, n, m in pairs)]


@alternative("spec_fisher")
def information_by_einsum(theta, g, w):
    J = torch.as_tensor(np.stack([g, w]))
    return torch.einsum("ai,bi,i->ab", J, J, 1 / (torch.as_tensor(theta) @ J))


@alternative("spec_scoring_step")
def weighted_least_squares(theta, g, w, counts):
    J = np.column_stack([g, w])
    root = np.sqrt(J @ theta)
    target = np.linalg.lstsq(J / root[:, None], counts / root, rcond=None)[0]
    k = 0
    while (J @ (theta + (target - theta) * 0.5**k)).min() <= 0:
        k += 1
    return theta + (target - theta) * 0.5**k


@alternative("spec_fit")
def step_back_where_the_loglik_falls(g, w, counts):
    theta = np.array([np.sum(counts) / 2 / np.sum(g), np.sum(counts) / 2 / np.sum(w)])
    for _ in range(200):
        try:
            new = spec_scoring_step(theta, g, w, counts)
        except np.linalg.LinAlgError:
            raise RuntimeError("There is no maximum.") from None
        while spec_loglik(new, g, w, counts) < spec_loglik(theta, g, w, counts) - 1e-9:
            new = (theta + new) / 2
        theta = new
    if not np.all(np.isfinite(theta)):
        raise RuntimeError("There is no maximum.")
    return theta


@alternative("spec_fit")
def bisect_where_the_counts_are_kept(g, w, counts):
    if not np.any(counts):
        raise RuntimeError("Nothing was counted.")
    # On the line Σλ = Σn, along which A grows by 1, the slope of ℓ falls from +∞ to −∞.
    start, along = w * np.sum(counts) / np.sum(w), g - w * np.sum(g) / np.sum(w)
    low, high = np.max(-start[along > 0] / along[along > 0]), np.min(-start[along < 0] / along[along < 0])
    for _ in range(200):
        middle = (low + high) / 2
        rises = np.sum(counts * along / (start + middle * along)) > 0
        low, high = (middle, high) if rises else (low, middle)
    return [low, (np.sum(counts) - low * np.sum(g)) / np.sum(w)]


@alternative("spec_fit")
def newton_with_the_observed_information(g, w, counts):
    J = np.stack([g, w], axis=1)
    theta = np.full(2, np.sum(counts) / np.sum(J))
    for _ in range(100):
        lam = J @ theta
        step = np.linalg.solve(J.T @ (J * (counts / lam**2)[:, None]), spec_score(theta, g, w, counts))
        before = spec_loglik(theta, g, w, counts)
        while np.min(J @ (theta + step)) <= 0 or spec_loglik(theta + step, g, w, counts) < before - 1e-9:
            step = step / 2
        theta = theta + step
    if not np.all(np.isfinite(theta)):
        raise RuntimeError("There is no maximum.")
    return theta


@alternative("scale_mle_mu_s2")
def average_of_numpy(y, g):
    mu = np.average(y, weights=1 / g**2)
    return np.array([mu, np.mean(((y - mu) / g) ** 2)])


@alternative("scale_bias_factor")
def one_minus_one_over_n(n):
    return 1 - 1 / n


@alternative("map_log_posterior")
def with_all_constants(theta, X, y, sigma2, lam):
    likelihood = torch.distributions.Normal(torch.as_tensor(X @ theta), math.sqrt(sigma2))
    prior = torch.distributions.Normal(0.0, 1 / math.sqrt(lam))
    return likelihood.log_prob(torch.as_tensor(y)).sum() + prior.log_prob(torch.as_tensor(theta)).sum()


@alternative("map_ridge_lambda")
def ratio_of_variances(sigma2, lam):
    return sigma2 / (1 / lam)


@alternative("map_ridge_lambda_mean_loss")
def per_point(sigma2, lam, n):
    return np.float64(lam) * (sigma2 / n)

"""Unusual but right answers to "Diffusion with an oracle": each scores full marks."""

import numpy as np
import torch

from autograder.grading import alternative
from solutions.ps09_generative.ddpm import ddpm_loss, eps_from_x0, p_step, posterior, train_step, x0_from_eps


@alternative("schedule")
def product_in_log_space(T, kind, beta_min, beta_max):
    if T < 1 or kind not in ("linear", "cosine"):
        raise ValueError
    if kind == "linear":
        steps = torch.linspace(beta_min, beta_max, T, dtype=torch.float64).numpy() * 1000 / T
    else:
        u = (np.linspace(0, 1, T + 1) + 0.008) / 1.008
        steps = 1 - (np.cos(np.pi * u[1:] / 2) / np.cos(np.pi * u[:-1] / 2)) ** 2
    beta = np.zeros(T + 1)
    beta[1:] = steps.clip(max=0.999)
    return {"alpha": 1 - beta, "beta": beta, "abar": np.exp(np.cumsum(np.log1p(-beta))), "T": T}


@alternative("q_sample")
def loop_over_the_batch(x0, t, eps, sch):
    points = []
    for point, step, noise in zip(x0, t, eps, strict=True):
        abar = float(np.prod(1 - sch["beta"][: step + 1]))
        points.append([abar**0.5 * p + (1 - abar) ** 0.5 * n for p, n in zip(point, noise, strict=True)])
    return points


@alternative("q_sample")
def in_torch(x0, t, eps, sch):
    abar = torch.tensor(sch["abar"], requires_grad=True)[torch.tensor(t)].unsqueeze(1)
    return abar.sqrt() * torch.tensor(x0) + (1 - abar).sqrt() * torch.tensor(eps)


@alternative("score_from_eps")
def by_transposing_twice(eps, t, sch):
    return (-eps.T * (1 - sch["abar"][t]) ** -0.5).T.tolist()


@alternative("posterior")
def by_precisions(x0, xt, t, sch):
    beta, alpha, before = sch["beta"][t], sch["alpha"][t], sch["abar"][t - 1]
    width = 1 - before
    variance = beta * width / (alpha * width + beta)
    weight_x0 = np.sqrt(before) * beta / (alpha * width + beta)
    weight_xt = np.sqrt(alpha) * width / (alpha * width + beta)
    return [np.einsum("b,bd->bd", weight_x0, x0) + np.einsum("b,bd->bd", weight_xt, xt), variance[:, None]]


@alternative("optimal_eps")
def through_the_clean_point(x, t, gmm, sch):
    result = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        log_r, guesses = [], []
        for w, mu, cov in zip(gmm["weights"], gmm["means"], gmm["covs"], strict=True):
            C = abar * cov + (1 - abar) * np.eye(len(point))
            L = np.linalg.cholesky(C)
            y = np.linalg.solve(L, point - np.sqrt(abar) * mu)
            log_r.append(np.log(w) - 0.5 * y @ y - np.sum(np.log(np.diag(L))))
            guesses.append(mu + np.sqrt(abar) * cov @ np.linalg.solve(L.T, y))
        r = np.exp(np.array(log_r) - np.logaddexp.reduce(log_r))
        result.append((point - np.sqrt(abar) * (r @ np.array(guesses))) / np.sqrt(1 - abar))
    return result


@alternative("optimal_eps")
def by_autograd_of_log_p(x, t, gmm, sch):
    y = torch.tensor(x, requires_grad=True)
    abar = torch.tensor(sch["abar"][t])
    log_p = []
    for w, mu, cov in zip(gmm["weights"], gmm["means"], gmm["covs"], strict=True):
        C = abar[:, None, None] * torch.tensor(cov) + (1 - abar)[:, None, None] * torch.eye(x.shape[1]).double()
        well = torch.distributions.MultivariateNormal(abar.sqrt()[:, None] * torch.tensor(mu), C)
        log_p.append(np.log(w) + well.log_prob(y))
    torch.logsumexp(torch.stack(log_p), dim=0).sum().backward()
    return -(1 - abar).sqrt()[:, None] * y.grad


@alternative("ddpm_loss")
def with_torchs_loss(model, x0, t, eps, sch):
    signal, noise = (torch.from_numpy(np.sqrt(v)).to(x0)[t].view(-1, 1) for v in (sch["abar"], 1 - sch["abar"]))
    return torch.nn.functional.mse_loss(model(signal * x0 + noise * eps, t), eps).reshape(1)


@alternative("train_step")
def noise_first(model, opt, x0, sch, gen):
    eps = torch.empty_like(x0).normal_(generator=gen)
    T = sch["beta"].size - 1
    torch.randn(3, generator=gen)  # drawn and thrown away
    t = 1 + (torch.rand(len(x0), generator=gen) * T).long().clamp(max=T - 1)
    loss = ddpm_loss(model, x0, t, eps, sch)
    model.zero_grad()
    loss.backward()
    opt.step()
    return float(loss)


@alternative("make_model")
def embedded_time_and_residual(T):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.time = torch.nn.Embedding(T + 1, 32)
            self.first, self.second = torch.nn.Linear(2, 32), torch.nn.Linear(32, 32)
            self.last = torch.nn.Linear(32, 2)

        def forward(self, x, t):
            h = torch.nn.functional.gelu(self.first(x) + self.time(t))
            h = h + torch.nn.functional.gelu(self.second(h) + self.time(t))
            return x + self.last(h)

    return Net()


@alternative("train")
def another_optimiser(model, x0, sch, gen, steps):
    opt = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    losses = []
    for step in range(steps):
        if step == steps // 2:
            opt.param_groups[0]["lr"] = 5e-4
        rows = torch.randperm(len(x0), generator=gen)[:200]
        losses.append(train_step(model, opt, x0[rows], sch, gen))
    return np.array(losses)


@alternative("p_step")
def mean_from_the_clean_point(xt, t, eps_hat, z, sch):
    mean, variance = posterior(x0_from_eps(xt, t, eps_hat, sch), xt, t, sch)
    return mean + variance[:, None] ** 0.5 * z


@alternative("sample")
def noise_drawn_beforehand(eps_fn, xT, sch, randn):
    T = len(sch["beta"]) - 1
    noise = randn((T, *xT.shape))
    x = np.array(xT)
    for t in reversed(range(1, T + 1)):
        times = np.ones(len(x), dtype=np.int32) * t
        x = p_step(x, times, eps_fn(x, times), noise[t - 1], sch)
    return x


@alternative("sample")
def no_noise_drawn_at_the_end(eps_fn, xT, sch, randn):
    x = xT.copy()
    for step in range(len(sch["beta"]) - 1, 0, -1):
        randn((2,))  # drawn and thrown away
        t = np.repeat(step, len(x))
        z = randn(x.shape) if step > 1 else np.full(x.shape, 7.0)
        x = p_step(x, t, eps_fn(x, t), z, sch)
    return x


@alternative("ddim_step")
def direction_by_eps(xt, t, s, eps_hat, eta, z, sch):
    a, b = sch["abar"][t].reshape(-1, 1), sch["abar"][s].reshape(-1, 1)
    x0 = x0_from_eps(xt, t, eps_hat, sch)
    ratio = eta * np.sqrt((1 - b) * (1 - a / b) / (1 - a))
    direction = np.sqrt(np.clip(1 - b - ratio**2, 0, None)) * eps_from_x0(xt, t, x0, sch)
    return b**0.5 * x0 + direction + np.where(eta > 0, ratio * z, 0)


@alternative("vlb_weight")
def as_it_stands(t, sch):
    beta, alpha, abar, before = sch["beta"][t], sch["alpha"][t], sch["abar"][t], sch["abar"][t - 1]
    small = beta * (1 - before) / (1 - abar)
    return (beta**2 / (2 * small * alpha * (1 - abar)))[:, None]

"""Typical wrong answers to "Diffusion with an oracle", each with the hint that names its cause."""

import numpy as np
import torch

from autograder.graders.ps09_generative.ddpm.batches import (
    DOUBLE,
    NOT_BY_GEN,
    ONE_BATCH,
    ONE_HALF,
    ONE_NETWORK,
    ONE_T,
    OTHER_GEN,
    OTHER_POINTS,
    OVERWRITTEN,
    RESTARTED,
    SEEDED,
    SMOOTHED,
    SQUEEZED,
    TOO_FEW,
    TOO_MANY,
)
from autograder.graders.ps09_generative.ddpm.cases import BY_ROWS, SHARED_BY_SAMPLES, SHARED_BY_STEPS, WITHOUT_AXIS
from autograder.graders.ps09_generative.ddpm.independence import CENTRED, CUT, SCALED, TIED_TIMES
from autograder.graders.ps09_generative.ddpm.steps import (
    AGAIN,
    AS_TENSOR,
    CUT_OFF,
    FROM_ZERO,
    LEFT_OVER,
    NEVER_LAST,
    ONE_NOISE,
    ONE_TIME,
    REPEATED,
    WRITTEN,
)
from autograder.grading import mistake
from solutions.ps09_generative.ddpm import (
    ddim_step,
    ddpm_loss,
    make_model,
    optimal_eps,
    p_step,
    posterior,
    q_sample,
    schedule,
    train_step,
    x0_from_eps,
)


@mistake("schedule", hint="The linear schedule is quoted for 1000 steps: a chain of T steps needs the factor 1000/T.")
def unscaled(T, kind, beta_min, beta_max):
    if kind == "cosine":
        return schedule(T, kind, beta_min, beta_max)
    beta = np.concatenate([[0.0], np.linspace(beta_min, beta_max, T)])
    return {"beta": beta, "alpha": 1 - beta, "abar": np.cumprod(1 - beta)}


@mistake("schedule", hint="Your schedule has single precision: 1 − ᾱ₁ has lost four digits. Keep float64.")
def single_precision(T, kind, beta_min, beta_max):
    right = schedule(T, kind, beta_min, beta_max)
    alpha = (1 - right["beta"]).astype(np.float32)
    return {"beta": (1 - alpha).astype(np.float32), "alpha": alpha, "abar": np.cumprod(alpha)}


@mistake("schedule", hint="ᾱ_t is the product of all α up to t, not α_t itself.")
def no_product(T, kind, beta_min, beta_max):
    right = schedule(T, kind, beta_min, beta_max)
    return right | {"abar": right["alpha"]}


@mistake("schedule", hint="The clean entry t = 0 is missing: the arrays have T + 1 entries, and β₀ = 0.")
def without_clean_entry(T, kind, beta_min, beta_max):
    return {name: value[1:] for name, value in schedule(T, kind, beta_min, beta_max).items()}


@mistake("schedule", hint="Cut β off at 0.999: short linear chains and the last step of the cosine would pass it.")
def not_cut_off(T, kind, beta_min, beta_max):
    if kind == "cosine":
        f = np.cos(0.5 * np.pi * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
        steps = 1 - f[1:] / f[:-1]
    else:
        steps = 1000 / T * np.linspace(beta_min, beta_max, T)
    beta = np.concatenate([[0.0], steps])
    return {"beta": beta, "alpha": 1 - beta, "abar": np.cumprod(1 - beta)}


@mistake("q_sample", hint="You took α_t, the factor of one step; the jump from 0 to t needs ᾱ_t.")
def alpha_for_abar(x0, t, eps, sch):
    alpha = sch["alpha"][t][:, None]
    return np.sqrt(alpha) * x0 + np.sqrt(1 - alpha) * eps


@mistake("q_sample", hint="The noise has standard deviation √(1 − ᾱ_t); you took that of one step, √(1 − α_t).")
def noise_of_one_step(x0, t, eps, sch):
    return np.sqrt(sch["abar"][t])[:, None] * x0 + np.sqrt(1 - sch["alpha"][t])[:, None] * eps


@mistake("q_sample", hint="1 − ᾱ_t is the variance of the noise; ε is multiplied by its root.")
def variance_times_noise(x0, t, eps, sch):
    abar = sch["abar"][t][:, None]
    return np.sqrt(abar) * x0 + (1 - abar) * eps


@mistake("q_sample", hint="The root over ᾱ_t is missing in front of x0.")
def signal_without_root(x0, t, eps, sch):
    abar = sch["abar"][t][:, None]
    return abar * x0 + np.sqrt(1 - abar) * eps


@mistake("q_sample", hint="You read the schedule at t − 1: entry 0 is the clean end, so time t is entry t.")
def one_step_early(x0, t, eps, sch):
    return q_sample(x0, np.maximum(t - 1, 0), eps, sch)


@mistake("q_sample", hint="Every sample has a time of its own; you used that of the first one for all.")
def one_time_for_all(x0, t, eps, sch):
    return q_sample(x0, np.full_like(t, t[0]), eps, sch)


@mistake(
    "q_sample", hint="The factors have shape (B,) and the points (B, d): numpy matched the wrong axis. Add [:, None]."
)
def times_not_broadcast(x0, t, eps, sch):
    return np.sqrt(sch["abar"][t]) * x0 + np.sqrt(1 - sch["abar"][t]) * eps


@mistake("x0_from_eps", hint="Having taken the noise away, divide by √ᾱ_t.")
def not_rescaled(xt, t, eps, sch):
    return xt - np.sqrt(1 - sch["abar"][t])[:, None] * eps


@mistake("x0_from_eps", hint="The noise to take away is √(1 − ᾱ_t) ε, with the root.")
def took_variance_away(xt, t, eps, sch):
    abar = sch["abar"][t][:, None]
    return (xt - (1 - abar) * eps) / np.sqrt(abar)


@mistake("eps_from_x0", hint="Divide by the standard deviation √(1 − ᾱ_t), not by the variance.")
def divided_by_variance(xt, t, x0, sch):
    abar = sch["abar"][t][:, None]
    return (xt - np.sqrt(abar) * x0) / (1 - abar)


@mistake("score_from_eps", hint="The score points against the noise: it has a minus sign.")
def score_along_noise(eps, t, sch):
    return eps / np.sqrt(1 - sch["abar"][t])[:, None]


@mistake("score_from_eps", hint="The score is −ε over the standard deviation; you divided by the variance.")
def score_over_variance(eps, t, sch):
    return -eps / (1 - sch["abar"][t])[:, None]


@mistake("posterior", hint="Your variance is β_t, that of a step forward; to know x0 makes it smaller: β̃_t.")
def forward_variance(x0, xt, t, sch):
    return posterior(x0, xt, t, sch)[0], sch["beta"][t]


@mistake("posterior", hint="You returned the standard deviation in the place of the variance.")
def deviation_for_variance(x0, xt, t, sch):
    mean, variance = posterior(x0, xt, t, sch)
    return mean, np.sqrt(variance)


@mistake("posterior", hint="The factor of x_t has √α_t, of one step, not √ᾱ_t.")
def abar_for_alpha(x0, xt, t, sch):
    beta, abar, before = sch["beta"][t], sch["abar"][t], sch["abar"][t - 1]
    mean = (np.sqrt(before) * beta)[:, None] * x0 + (np.sqrt(abar) * (1 - before))[:, None] * xt
    return mean / (1 - abar)[:, None], beta * (1 - before) / (1 - abar)


@mistake("posterior", hint="The factor of x0 has √ᾱ at t − 1; yours is at t.")
def abar_at_t(x0, xt, t, sch):
    beta, alpha, abar, before = sch["beta"][t], sch["alpha"][t], sch["abar"][t], sch["abar"][t - 1]
    mean = (np.sqrt(abar) * beta)[:, None] * x0 + (np.sqrt(alpha) * (1 - before))[:, None] * xt
    return mean / (1 - abar)[:, None], beta * (1 - before) / (1 - abar)


@mistake("optimal_eps", hint="This is the score; the noise is −√(1 − ᾱ_t) times it.")
def score_for_noise(x, t, gmm, sch):
    return -optimal_eps(x, t, gmm, sch) / np.sqrt(1 - sch["abar"][t])[:, None]


@mistake("optimal_eps", hint="The sign of ε* is turned: noise leads away from the wells, the score towards them.")
def wrong_sign(x, t, gmm, sch):
    return -optimal_eps(x, t, gmm, sch)


@mistake("optimal_eps", hint="The wells are blurred by the noise: C_k has the term (1 − ᾱ_t) I.")
def wells_not_blurred(x, t, gmm, sch):
    rows = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        dx = point - np.sqrt(abar) * gmm["means"]
        pull = np.linalg.solve(abar * gmm["covs"], dx[..., None])[..., 0]
        log_r = np.log(gmm["weights"]) - np.sum(dx * pull, 1) / 2 - np.linalg.slogdet(abar * gmm["covs"])[1] / 2
        r = np.exp(log_r - log_r.max())
        rows.append(np.sqrt(1 - abar) * r @ pull / r.sum())
    return np.array(rows)


@mistake("optimal_eps", hint="The wells have moved: their centres at time t are √ᾱ_t μ_k.")
def centres_not_scaled(x, t, gmm, sch):
    rows = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        C = abar * gmm["covs"] + (1 - abar) * np.eye(len(point))
        dx = point - gmm["means"]
        pull = np.linalg.solve(C, dx[..., None])[..., 0]
        log_r = np.log(gmm["weights"]) - np.sum(dx * pull, 1) / 2 - np.linalg.slogdet(C)[1] / 2
        r = np.exp(log_r - log_r.max())
        rows.append(np.sqrt(1 - abar) * r @ pull / r.sum())
    return np.array(rows)


@mistake("optimal_eps", hint="The responsibilities lack the determinant: a narrow well is higher than a wide one.")
def no_determinant(x, t, gmm, sch):
    rows = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        C = abar * gmm["covs"] + (1 - abar) * np.eye(len(point))
        dx = point - np.sqrt(abar) * gmm["means"]
        pull = np.linalg.solve(C, dx[..., None])[..., 0]
        log_r = np.log(gmm["weights"]) - np.sum(dx * pull, 1) / 2
        r = np.exp(log_r - log_r.max())
        rows.append(np.sqrt(1 - abar) * r @ pull / r.sum())
    return np.array(rows)


@mistake(
    "optimal_eps", hint="Each well counts with the probability r_k that x came from it, not with its weight alone."
)
def weights_for_responsibilities(x, t, gmm, sch):
    rows = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        C = abar * gmm["covs"] + (1 - abar) * np.eye(len(point))
        pull = np.linalg.solve(C, (point - np.sqrt(abar) * gmm["means"])[..., None])[..., 0]
        rows.append(np.sqrt(1 - abar) * gmm["weights"] @ pull)
    return np.array(rows)


@mistake("optimal_eps", hint="All Gaussians underflow far out, and 0/0 is left: subtract the largest log r first.")
def underflows(x, t, gmm, sch):
    rows = []
    for point, step in zip(x, t, strict=True):
        abar = sch["abar"][step]
        C = abar * gmm["covs"] + (1 - abar) * np.eye(len(point))
        dx = point - np.sqrt(abar) * gmm["means"]
        pull = np.linalg.solve(C, dx[..., None])[..., 0]
        r = gmm["weights"] * np.exp(-np.sum(dx * pull, 1) / 2) / np.sqrt(np.linalg.det(C))
        rows.append(np.sqrt(1 - abar) * (r / r.sum()) @ pull)
    return np.array(rows)


@mistake("ddpm_loss", hint="The loss is a mean, over the batch and the dimensions; yours is a sum over both.")
def summed(model, x0, t, eps, sch):
    return ddpm_loss(model, x0, t, eps, sch) * eps.numel()


@mistake("ddpm_loss", hint="Take the mean over the dimensions as well: you summed over them.")
def summed_over_dimensions(model, x0, t, eps, sch):
    return ddpm_loss(model, x0, t, eps, sch) * eps.shape[1]


@mistake("ddpm_loss", hint="The model is to predict the noise ε; you compared its output with x0.")
def target_is_x0(model, x0, t, eps, sch):
    abar = torch.as_tensor(sch["abar"])[t][:, None]
    xt = abar.sqrt().to(x0.dtype) * x0 + (1 - abar).sqrt().to(x0.dtype) * eps
    return ((model(xt, t) - x0) ** 2).mean()


@mistake("ddpm_loss", hint=CUT_OFF)
def detached(model, x0, t, eps, sch):
    return ddpm_loss(model, x0, t, eps, sch).detach()


@mistake("ddpm_loss", hint="The model was given t/T; it expects the integer t, and scales it itself.")
def time_as_fraction(model, x0, t, eps, sch):
    abar = torch.as_tensor(sch["abar"])[t][:, None]
    xt = abar.sqrt().to(x0.dtype) * x0 + (1 - abar).sqrt().to(x0.dtype) * eps
    return ((model(xt, (t / (len(sch["beta"]) - 1)).to(x0.dtype)) - eps) ** 2).mean()


@mistake("train_step", hint=LEFT_OVER)
def no_zero_grad(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    loss = ddpm_loss(model, x0, t, torch.randn(x0.shape, generator=gen, dtype=x0.dtype), sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=ONE_TIME)
def one_time_for_the_batch(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (1,), generator=gen).expand(len(x0))
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, torch.randn(x0.shape, generator=gen, dtype=x0.dtype), sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=ONE_NOISE)
def one_noise_for_the_batch(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(1, x0.shape[1], generator=gen, dtype=x0.dtype).expand_as(x0)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=FROM_ZERO)
def times_from_zero(model, opt, x0, sch, gen):
    t = torch.randint(0, len(sch["beta"]) - 1, (len(x0),), generator=gen)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, torch.randn(x0.shape, generator=gen, dtype=x0.dtype), sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=NEVER_LAST)
def last_time_missing(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]) - 1, (len(x0),), generator=gen)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, torch.randn(x0.shape, generator=gen, dtype=x0.dtype), sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=REPEATED)
def antithetic_noise(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    half = len(x0) // 2
    eps[half : 2 * half] = -eps[:half]
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=TIED_TIMES)
def sorted_times(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen).sort()[0]
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=TIED_TIMES)
def one_time_for_two_samples(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), ((len(x0) + 1) // 2,), generator=gen)
    t = t.repeat_interleave(2)[: len(x0)]
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=TIED_TIMES)
def antithetic_times(model, opt, x0, sch, gen):
    half = torch.randint(1, len(sch["beta"]), ((len(x0) + 1) // 2,), generator=gen)
    t = torch.cat([half, len(sch["beta"]) - half])[: len(x0)]
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=CENTRED)
def noise_centred_in_the_batch(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    eps = (eps - eps.mean(0)) / (eps.std(0) if len(x0) > 1 else 1)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=TIED_TIMES)
def every_time_equally_often(model, opt, x0, sch, gen):
    t = 1 + torch.randperm(len(x0), generator=gen) % (len(sch["beta"]) - 1)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=TIED_TIMES)
def antithetic_times_of_half_and_one(model, opt, x0, sch, gen):
    half = torch.randint(1, len(sch["beta"]), (len(x0) // 2 + 1,), generator=gen)
    t = torch.cat([half, len(sch["beta"]) - half])[: len(x0)]
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=CUT)
def clipped_noise(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype).clamp(-2.5, 2.5)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=SCALED)
def noise_of_width_one(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    eps = eps / eps.std()
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    return loss.item()


@mistake("train_step", hint=WRITTEN)
def data_overwritten(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()
    opt.step()
    x0.zero_()
    return loss.item()


@mistake("train_step", hint=AS_TENSOR)
def loss_with_its_graph(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, torch.randn(x0.shape, generator=gen, dtype=x0.dtype), sch)
    loss.backward()
    opt.step()
    return loss


@mistake("train_step", hint=AGAIN)
def loss_after_the_step(model, opt, x0, sch, gen):
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    ddpm_loss(model, x0, t, eps, sch).backward()
    opt.step()
    return ddpm_loss(model, x0, t, eps, sch).item()


@mistake("make_model", hint=DOUBLE)
def double_precision(T):
    single = make_model(T)

    class Double(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = single

        def forward(self, x, t):
            return self.net(x, t).double()

    return Double()


@mistake("make_model", hint=ONE_NETWORK)
def one_network_for_all(T):
    if not hasattr(torch.nn, "kept"):
        torch.nn.kept = make_model(T)
    return torch.nn.kept


@mistake("make_model", hint=ONE_T)
def embedding_of_fifty(T):
    class Embedded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.time, self.first = torch.nn.Embedding(51, 32), torch.nn.Linear(2, 32)
            self.second, self.last = torch.nn.Linear(32, 32), torch.nn.Linear(32, 2)

        def forward(self, x, t):
            h = torch.nn.functional.silu(self.first(x) + self.time(t))
            return self.last(torch.nn.functional.silu(self.second(h) + self.time(t)))

    return Embedded()


@mistake("make_model", hint=SQUEEZED)
def squeezed_output(T):
    net = make_model(T)

    class Squeezed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x, t):
            return self.net(x, t).squeeze()

    return Squeezed()


@mistake("train", hint=RESTARTED)
def new_parameters_in_each_call(model, x0, sch, gen, steps):
    for layer in model.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=ONE_BATCH)
def one_batch_for_all_steps(model, x0, sch, gen, steps):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch = x0[torch.randint(len(x0), (512,), generator=gen)]
    return [train_step(model, opt, batch, sch, gen) for _ in range(steps)]


@mistake("train", hint=ONE_HALF)
def only_the_first_half(model, x0, sch, gen, steps):
    opt, first = torch.optim.Adam(model.parameters(), lr=3e-3), x0[: len(x0) // 2]
    batches = (first[torch.randint(len(first), (128,), generator=gen)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=TOO_FEW)
def half_the_steps(model, x0, sch, gen, steps):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps // 2))
    losses = [train_step(model, opt, batch, sch, gen) for batch in batches]
    return [loss for loss in losses for _ in range(2)]


@mistake("train", hint=TOO_MANY)
def twice_the_steps(model, x0, sch, gen, steps):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(2 * steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches][::2]


@mistake("train", hint=OTHER_POINTS)
def shifted_data(model, x0, sch, gen, steps):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] + 0.2 for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=OTHER_POINTS)
def centred_data(model, x0, sch, gen, steps):
    opt, centred = torch.optim.Adam(model.parameters(), lr=3e-3), x0 - x0.mean(0)
    batches = (centred[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=SEEDED)
def generator_seeded_anew(model, x0, sch, gen, steps):
    gen.manual_seed(0)
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=NOT_BY_GEN)
def batches_by_another_generator(model, x0, sch, gen, steps):
    opt, rng = torch.optim.Adam(model.parameters(), lr=3e-3), np.random.default_rng(0)
    batches = (x0[rng.integers(len(x0), size=128)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, gen) for batch in batches]


@mistake("train", hint=OTHER_GEN)
def noise_by_another_generator(model, x0, sch, gen, steps):
    opt, other = torch.optim.Adam(model.parameters(), lr=3e-3), torch.Generator().manual_seed(0)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps))
    return [train_step(model, opt, batch, sch, other) for batch in batches]


@mistake("train", hint=SMOOTHED)
def running_mean_of_the_losses(model, x0, sch, gen, steps):
    opt, mean, means = torch.optim.Adam(model.parameters(), lr=3e-3), 1.0, []
    for _ in range(steps):
        batch = x0[torch.randint(len(x0), (128,), generator=gen)]
        mean = 0.9 * mean + 0.1 * train_step(model, opt, batch, sch, gen)
        means.append(mean)
    return means


@mistake("train", hint=OVERWRITTEN)
def shuffled_in_place(model, x0, sch, gen, steps):
    opt, losses = torch.optim.Adam(model.parameters(), lr=3e-3), []
    for _ in range(steps):
        x0[:] = x0[torch.randperm(len(x0), generator=gen)]
        losses.append(train_step(model, opt, x0[:128], sch, gen))
    return losses


@mistake("p_step", hint="The predicted noise is taken away from x_t, with a minus sign; you added it.")
def noise_added(xt, t, eps_hat, z, sch):
    return p_step(xt, t, -eps_hat, z, sch)


@mistake("p_step", hint="The mean lacks the factor 1/√α_t, which undoes the shrinking of the step forward.")
def no_rescaling(xt, t, eps_hat, z, sch):
    kick = p_step(0 * xt, t, 0 * xt, z, sch)
    return xt - (sch["beta"][t] / np.sqrt(1 - sch["abar"][t]))[:, None] * eps_hat + kick


@mistake("p_step", hint="z is multiplied by the standard deviation; you multiplied by the variance β̃_t.")
def variance_for_deviation(xt, t, eps_hat, z, sch):
    return p_step(xt, t, eps_hat, 0 * z, sch) + posterior(xt, xt, t, sch)[1][:, None] * z


@mistake("p_step", hint="Your noise has variance β_t; the statement asks for that of the posterior, β̃_t.")
def larger_variance(xt, t, eps_hat, z, sch):
    return p_step(xt, t, eps_hat, 0 * z, sch) + np.sqrt(sch["beta"][t])[:, None] * z


@mistake("p_step", hint="The noise √β̃_t z is missing: yours is the mean alone.")
def only_the_mean(xt, t, eps_hat, z, sch):
    return p_step(xt, t, eps_hat, 0 * z, sch)


@mistake("p_step", hint="The factor of ε̂ is β_t/√(1 − ᾱ_t); yours is √β_t, which is what it becomes with α_t for ᾱ_t.")
def root_of_beta(xt, t, eps_hat, z, sch):
    beta, alpha, abar = (sch[name][t][:, None] for name in ("beta", "alpha", "abar"))
    return (xt - np.sqrt(beta / (1 - abar)) * eps_hat) / np.sqrt(alpha) + p_step(0 * xt, t, 0 * xt, z, sch)


@mistake("p_step", hint="The factor in front of the mean is 1/√α_t, of one step; you divided by √ᾱ_t.")
def divided_by_root_abar(xt, t, eps_hat, z, sch):
    beta, abar = (sch[name][t][:, None] for name in ("beta", "abar"))
    return (xt - beta / np.sqrt(1 - abar) * eps_hat) / np.sqrt(abar) + p_step(0 * xt, t, 0 * xt, z, sch)


@mistake("sample", hint="The model is asked at t − 1 for the point at time t.")
def model_one_step_early(eps_fn, xT, sch, randn):
    x = xT
    for step in range(len(sch["beta"]) - 1, 0, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, np.maximum(t - 1, 1)), randn(x.shape), sch)
    return x


@mistake("sample", hint="Your chain stops at x_1: the last step back is the one at t = 1.")
def last_step_missing(eps_fn, xT, sch, randn):
    x = xT
    for step in range(len(sch["beta"]) - 1, 1, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), randn(x.shape), sch)
    return x


@mistake("sample", hint="The way back begins at T and ends at 1; your chain runs from 1 to T.")
def forward_in_time(eps_fn, xT, sch, randn):
    x = xT
    for step in range(1, len(sch["beta"])):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), randn(x.shape), sch)
    return x


@mistake("sample", hint=SHARED_BY_SAMPLES)
def noise_shared_by_samples(eps_fn, xT, sch, randn):
    x = xT
    for step in range(len(sch["beta"]) - 1, 0, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), randn((1, x.shape[1])), sch)
    return x


@mistake("sample", hint=SHARED_BY_STEPS)
def noise_shared_by_steps(eps_fn, xT, sch, randn):
    x, z = xT, randn(xT.shape)
    for step in range(len(sch["beta"]) - 1, 0, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), z, sch)
    return x


@mistake("sample", hint=BY_ROWS)
def noise_row_by_row(eps_fn, xT, sch, randn):
    x = xT
    for step in range(len(sch["beta"]) - 1, 0, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), np.stack([randn(row.shape) for row in x]), sch)
    return x


@mistake("ddim_step", hint="Your step always ends at t − 1: use the ᾱ of the s that is given.")
def always_to_the_next(xt, t, s, eps_hat, eta, z, sch):
    return ddim_step(xt, t, t - 1, eps_hat, eta, z, sch)


@mistake("ddim_step", hint="σ² belongs under the root in front of ε̂: the noise takes its share of the variance.")
def noise_on_top(xt, t, s, eps_hat, eta, z, sch):
    then = sch["abar"][s][:, None]
    still = np.sqrt(then) * x0_from_eps(xt, t, eps_hat, sch) + np.sqrt(1 - then) * eps_hat
    return still + ddim_step(0 * xt, t, s, 0 * xt, eta, z, sch)


@mistake("ddim_step", hint="σ is proportional to η: your step has the noise of η = 1 always.")
def eta_ignored(xt, t, s, eps_hat, eta, z, sch):
    return ddim_step(xt, t, s, eps_hat, 1.0, z, sch)


@mistake("ddim_step", hint="z is multiplied by σ; you multiplied by σ².")
def variance_times_z(xt, t, s, eps_hat, eta, z, sch):
    still = ddim_step(xt, t, s, eps_hat, eta, 0 * z, sch)
    sigma = ddim_step(0 * xt, t, s, 0 * xt, eta, np.ones_like(z), sch)
    return still + sigma**2 * z


@mistake(
    "ddim_sample", hint="The steps of the walk are those of the list ts; yours goes through all the times between."
)
def list_of_times_ignored(eps_fn, xT, ts, eta, sch, randn):
    x = xT
    for step in range(ts[0], 0, -1):
        t = np.full(len(x), step)
        x = ddim_step(x, t, t - 1, eps_fn(x, t), eta, randn(x.shape), sch)
    return x


@mistake("ddim_sample", hint="The walk ends at the last entry of ts, the clean end; yours stops at the one before.")
def stops_before_the_end(eps_fn, xT, ts, eta, sch, randn):
    x = xT
    for index in range(len(ts) - 2):
        t, s = np.full(len(x), ts[index]), np.full(len(x), ts[index + 1])
        x = ddim_step(x, t, s, eps_fn(x, t), eta, randn(x.shape), sch)
    return x


@mistake("ddim_sample", hint=WITHOUT_AXIS)
def squeezed_walk(eps_fn, xT, ts, eta, sch, randn):
    x = xT
    for index in range(len(ts) - 1):
        t, s = np.full(len(x), ts[index]), np.full(len(x), ts[index + 1])
        x = ddim_step(x, t, s, eps_fn(x, t), eta, randn(x.shape), sch)
    return np.squeeze(x)


@mistake("vlb_weight", hint="Your weight has β_t in the place of β̃_t in the denominator.")
def weight_of_larger_variance(t, sch):
    return sch["beta"][t] / (2 * sch["alpha"][t] * (1 - sch["abar"][t]))


@mistake("vlb_weight", hint="The factor α_t of the denominator is missing: it comes from the 1/√α_t of the means.")
def weight_without_alpha(t, sch):
    return sch["beta"][t] / (2 * (1 - sch["abar"][t - 1]))


@mistake("terminal_snr", hint="Your ratio is noise to signal; the signal belongs above.")
def noise_to_signal(sch):
    return (1 - sch["abar"][-1]) / sch["abar"][-1]


@mistake("terminal_snr", hint="Your ratio is that of the amplitudes; in power there are no roots.")
def ratio_of_amplitudes(sch):
    return np.sqrt(sch["abar"][-1] / (1 - sch["abar"][-1]))

"""Reference for "Diffusion with an oracle": DDPM (arXiv:2006.11239), DDIM (arXiv:2010.02502), an exact denoiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray


def schedule(T: int, kind: str, beta_min: float, beta_max: float) -> dict[str, NDArray[np.float64]]:
    """The noise schedule: beta_t, alpha_t = 1 − beta_t and abar_t = alpha_1 alpha_2 … alpha_t, for t = 0, 1, …, T.

    Entry 0 is the clean end: beta_0 = 0, alpha_0 = abar_0 = 1.
    "linear": T equally spaced values from beta_min to beta_max, both included (one step: beta_min), times 1000/T.
    "cosine": beta_t = 1 − f(t)/f(t−1), f(t) = cos²[(π/2) (t/T + 0.008)/1.008]; beta_min and beta_max play no role.
    In both no beta_t exceeds 0.999: what is larger becomes 0.999.

    T: number of steps, 1 or more. beta_min, beta_max: per step of a chain of 1000 steps.
    Returns {"beta", "alpha", "abar"}, each (T + 1,), float64. Raises ValueError for another kind, or T < 1.
    Source: arXiv:2006.11239, section 4 (linear); arXiv:2102.09672, eq. (17) (cosine).
    """
    ### BEGIN SOLUTION
    if T < 1:
        raise ValueError(f"A chain needs at least one step; T is {T}.")
    if kind == "linear":
        steps = 1000.0 / T * np.linspace(beta_min, beta_max, T)
    elif kind == "cosine":
        f = np.cos(0.5 * np.pi * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
        steps = 1.0 - f[1:] / f[:-1]
    else:
        raise ValueError(f"There is no schedule {kind!r}; choose linear or cosine.")
    beta = np.concatenate([[0.0], np.minimum(steps, 0.999)])
    return {"beta": beta, "alpha": 1.0 - beta, "abar": np.cumprod(1.0 - beta)}
    ### END SOLUTION


def q_sample(
    x0: NDArray[np.float64], t: NDArray[np.int64], eps: NDArray[np.float64], sch: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Jump to time t at once: x_t = √abar_t x0 + √(1 − abar_t) eps, each sample with a time of its own.

    x0, eps: (B, d). t: (B,), integers in 0, …, T. Returns (B, d), float64. Source: arXiv:2006.11239, eq. (4).
    """
    ### BEGIN SOLUTION
    abar = sch["abar"][t][:, None]
    return np.sqrt(abar) * x0 + np.sqrt(1.0 - abar) * eps
    ### END SOLUTION


def x0_from_eps(
    xt: NDArray[np.float64], t: NDArray[np.int64], eps: NDArray[np.float64], sch: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The clean point x0 for which q_sample(x0, t, eps, sch) is xt.

    xt, eps: (B, d). t: (B,), integers in 0, …, T. Returns (B, d), float64. Source: arXiv:2006.11239, eq. (15).
    """
    ### BEGIN SOLUTION
    abar = sch["abar"][t][:, None]
    return (xt - np.sqrt(1.0 - abar) * eps) / np.sqrt(abar)
    ### END SOLUTION


def eps_from_x0(
    xt: NDArray[np.float64], t: NDArray[np.int64], x0: NDArray[np.float64], sch: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The noise eps for which q_sample(x0, t, eps, sch) is xt.

    xt, x0: (B, d). t: (B,), integers in 1, …, T (at t = 0 there is no noise). Returns (B, d), float64.
    Source: arXiv:2006.11239, eq. (4), solved for the noise.
    """
    ### BEGIN SOLUTION
    abar = sch["abar"][t][:, None]
    return (xt - np.sqrt(abar) * x0) / np.sqrt(1.0 - abar)
    ### END SOLUTION


def score_from_eps(
    eps: NDArray[np.float64], t: NDArray[np.int64], sch: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The score ∇ log p_t(x) that belongs to a prediction eps of the noise in x.

    eps: (B, d). t: (B,), integers in 1, …, T. Returns (B, d), float64, in units of 1/x.
    Source: Tweedie's formula; arXiv:2011.13456, section 3.
    """
    ### BEGIN SOLUTION
    abar = sch["abar"][t][:, None]
    score: NDArray[np.float64] = -eps / np.sqrt(1.0 - abar)
    return score
    ### END SOLUTION


def posterior(
    x0: NDArray[np.float64], xt: NDArray[np.float64], t: NDArray[np.int64], sch: dict[str, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of x_{t−1} when both ends x0 and x_t are known: the Gaussian q(x_{t−1} | x_t, x0).

    x0, xt: (B, d). t: (B,), integers in 1, …, T. Returns the tuple (mean (B, d), var (B,)), float64; the covariance is
    var times the unit matrix, and var is 0 at t = 1. Source: arXiv:2006.11239, eqs. (6) and (7).
    """
    ### BEGIN SOLUTION
    beta, alpha, abar, before = sch["beta"][t], sch["alpha"][t], sch["abar"][t], sch["abar"][t - 1]
    from_x0 = np.sqrt(before) * beta / (1.0 - abar)
    from_xt = np.sqrt(alpha) * (1.0 - before) / (1.0 - abar)
    return from_x0[:, None] * x0 + from_xt[:, None] * xt, beta * (1.0 - before) / (1.0 - abar)
    ### END SOLUTION


def optimal_eps(
    x: NDArray[np.float64],
    t: NDArray[np.int64],
    gmm: dict[str, NDArray[np.float64]],
    sch: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The exact denoiser E[eps | x_t = x] = −√(1 − abar_t) ∇ log p_t(x) for data from a mixture of Gaussians.

    p_t = Σ_k w_k N(√abar_t mu_k, C_k), with C_k = abar_t Sigma_k + (1 − abar_t) I.

    x: (B, d). t: (B,), integers in 1, …, T. gmm: {"weights": (K,), "means": (K, d), "covs": (K, d, d)}.
    Returns (B, d), float64, finite also where every term of the mixture underflows.
    Source: Bayes and Tweedie (Robbins 1956, Efron 2011).
    """
    ### BEGIN SOLUTION
    abar = sch["abar"][t]
    eye = np.eye(x.shape[1])
    C = abar[:, None, None, None] * gmm["covs"] + (1.0 - abar)[:, None, None, None] * eye  # (B, K, d, d)
    dx = x[:, None, :] - np.sqrt(abar)[:, None, None] * gmm["means"]  # (B, K, d)
    pull = np.linalg.solve(C, dx[..., None])[..., 0]  # (B, K, d)
    log_r = np.log(gmm["weights"]) - 0.5 * np.sum(dx * pull, axis=2) - 0.5 * np.linalg.slogdet(C)[1]
    r = np.exp(log_r - log_r.max(axis=1, keepdims=True))  # the largest is one: no underflow of all of them
    r /= r.sum(axis=1, keepdims=True)
    eps: NDArray[np.float64] = np.sqrt(1.0 - abar)[:, None] * np.einsum("bk,bkd->bd", r, pull)
    return eps
    ### END SOLUTION


def ddpm_loss(
    model: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    x0: torch.Tensor,
    t: torch.Tensor,
    eps: torch.Tensor,
    sch: dict[str, NDArray[np.float64]],
) -> torch.Tensor:
    """The simple loss: the mean over the batch and the dimensions of (model(x_t, t) − eps)².

    model: maps x_t (B, d) and t (B,), the integers as they are, to (B, d). x0, eps: (B, d), floating point. t: (B,),
    int64, in 1, …, T. Returns a tensor with one number, through which gradients flow to the model's parameters.
    Source: arXiv:2006.11239, eq. (14).
    """
    ### BEGIN SOLUTION
    abar = torch.as_tensor(sch["abar"])[t][:, None]
    xt = abar.sqrt().to(x0.dtype) * x0 + (1.0 - abar).sqrt().to(x0.dtype) * eps
    return ((model(xt, t) - eps) ** 2).mean()
    ### END SOLUTION


def train_step(
    model: torch.nn.Module,
    opt: torch.optim.Optimizer,
    x0: torch.Tensor,
    sch: dict[str, NDArray[np.float64]],
    gen: torch.Generator,
) -> float:
    """One step of the optimiser on the batch x0: draw t uniform in 1, …, T and eps ~ N(0, I), anew for every sample.

    Whatever gradient the parameters carry from before plays no role. x0: (B, d). gen: all random numbers come from it.
    Returns the loss before the step, a Python float and no tensor. Calls the model once.
    Source: arXiv:2006.11239, algorithm 1.
    """
    ### BEGIN SOLUTION
    t = torch.randint(1, len(sch["beta"]), (len(x0),), generator=gen)
    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)
    opt.zero_grad()
    loss = ddpm_loss(model, x0, t, eps, sch)
    loss.backward()  # type: ignore[no-untyped-call]
    opt.step()
    return loss.item()
    ### END SOLUTION


def make_model(T: int) -> torch.nn.Module:
    """A network eps_θ(x, t) for points of the plane: called with x (B, 2), float32, and t (B,), int64 in 1, …, T.

    Returns a fresh torch.nn.Module whose output is (B, 2), float32. How it sees the time is your choice.
    """

    ### BEGIN SOLUTION
    class Denoiser(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden = [torch.nn.Linear(4, 64), torch.nn.SiLU(), torch.nn.Linear(64, 64), torch.nn.SiLU()]
            self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 2))

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            phase = np.pi * t[:, None] / T
            output: torch.Tensor = self.net(torch.cat([x, torch.cos(phase), torch.sin(phase)], dim=1))
            return output

    return Denoiser()
    ### END SOLUTION


def train(
    model: torch.nn.Module,
    x0: torch.Tensor,
    sch: dict[str, NDArray[np.float64]],
    gen: torch.Generator,
    steps: int,
) -> list[float]:
    """Train the model in place with `steps` calls of train_step, each on a random batch of the data.

    A second call goes on where the first one left the model; the optimiser may start anew. x0: (n, 2), float32, all
    the data. gen: all random numbers come from it. Optimiser, learning rate and the size of a batch are your choice.
    Returns the losses of the steps, a list of `steps` floats.
    """
    ### BEGIN SOLUTION
    opt = torch.optim.Adam(model.parameters(), fused=True)  # small tensors: the time is that of the calls, not of sums
    losses = []
    for step in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1.0 + np.cos(np.pi * step / steps))
        batch = x0[torch.randint(len(x0), (128,), generator=gen)]
        losses.append(train_step(model, opt, batch, sch, gen))
    return losses
    ### END SOLUTION


def p_step(
    xt: NDArray[np.float64],
    t: NDArray[np.int64],
    eps_hat: NDArray[np.float64],
    z: NDArray[np.float64],
    sch: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """One step backwards, from x_t to x_{t−1}: mean (x_t − beta_t/√(1−abar_t) eps_hat)/√alpha_t, plus √var_t z.

    var_t is the variance of `posterior`, so that nothing is added at t = 1.
    xt, eps_hat, z: (B, d). t: (B,), integers in 1, …, T. Returns (B, d), float64.
    Source: arXiv:2006.11239, eq. (11) and algorithm 2, with the smaller of its two variances.
    """
    ### BEGIN SOLUTION
    beta, alpha, abar, before = (
        v[:, None] for v in (sch["beta"][t], sch["alpha"][t], sch["abar"][t], sch["abar"][t - 1])
    )
    mean = (xt - beta / np.sqrt(1.0 - abar) * eps_hat) / np.sqrt(alpha)
    return mean + np.sqrt(beta * (1.0 - before) / (1.0 - abar)) * z
    ### END SOLUTION


def sample(
    eps_fn: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
    xT: NDArray[np.float64],
    sch: dict[str, NDArray[np.float64]],
    randn: Callable[[tuple[int, ...]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The whole way back, from x_T to x_0, by p_step at t = T, T−1, …, 1.

    eps_fn(x (B, d), t (B,) int) returns the predicted noise (B, d). xT: (B, d).
    randn(shape) returns an array of that shape of independent standard normal numbers; all noise comes from it.
    Returns (B, d), float64. Source: arXiv:2006.11239, algorithm 2.
    """
    ### BEGIN SOLUTION
    x = xT
    for step in range(len(sch["beta"]) - 1, 0, -1):
        t = np.full(len(x), step)
        x = p_step(x, t, eps_fn(x, t), randn(x.shape), sch)
    return x
    ### END SOLUTION


def ddim_step(
    xt: NDArray[np.float64],
    t: NDArray[np.int64],
    s: NDArray[np.int64],
    eps_hat: NDArray[np.float64],
    eta: float,
    z: NDArray[np.float64],
    sch: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """From x_t to x_s, any s < t: √abar_s x̂0 + √(1 − abar_s − σ²) eps_hat + σ z, with x̂0 from x_t and eps_hat, and

    σ² = eta² (1 − abar_s)/(1 − abar_t) (1 − abar_t/abar_s).

    xt, eps_hat, z: (B, d). t, s: (B,), integers, 0 ≤ s < t ≤ T. eta: from 0 (no noise) to 1 (as noisy as DDPM).
    Returns (B, d), float64. Source: arXiv:2010.02502, eqs. (12) and (16).
    """
    ### BEGIN SOLUTION
    now, then = sch["abar"][t][:, None], sch["abar"][s][:, None]
    variance = eta**2 * (1.0 - then) / (1.0 - now) * (1.0 - now / then)
    rest = np.maximum(1.0 - then - variance, 0.0)  # rounding may make it −1e-17 at s = 0
    return np.sqrt(then) * x0_from_eps(xt, t, eps_hat, sch) + np.sqrt(rest) * eps_hat + np.sqrt(variance) * z
    ### END SOLUTION


def ddim_sample(
    eps_fn: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
    xT: NDArray[np.float64],
    ts: Sequence[int],
    eta: float,
    sch: dict[str, NDArray[np.float64]],
    randn: Callable[[tuple[int, ...]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The way back along the times ts = (ts[0], ts[1], …, 0) only, by ddim_step from each to the next.

    ts: integers, falling, the first one the time of xT, the last one 0. The others as in `sample`.
    Returns (B, d), float64. Source: arXiv:2010.02502, section 4.2.
    """
    ### BEGIN SOLUTION
    x = xT
    for index in range(len(ts) - 1):
        t, s = np.full(len(x), ts[index]), np.full(len(x), ts[index + 1])
        x = ddim_step(x, t, s, eps_fn(x, t), eta, randn(x.shape), sch)
    return x
    ### END SOLUTION


def vlb_weight(t: NDArray[np.int64], sch: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The factor of ‖eps − eps_θ‖² at time t in the variational bound, if the reverse variance is that of `posterior`.

    t: (B,), integers in 2, …, T (at t = 1 that variance is 0, and the bound has another term). Returns (B,), float64.
    Source: arXiv:2006.11239, eq. (12).
    """
    ### BEGIN SOLUTION
    return sch["beta"][t] / (2.0 * sch["alpha"][t] * (1.0 - sch["abar"][t - 1]))
    ### END SOLUTION


def terminal_snr(sch: dict[str, NDArray[np.float64]]) -> float:
    """The ratio abar_T/(1 − abar_T) of signal to noise, in power, that is left at the end of the forward process.

    Returns a float. Source: arXiv:2305.08891.
    """
    ### BEGIN SOLUTION
    return float(sch["abar"][-1] / (1.0 - sch["abar"][-1]))
    ### END SOLUTION

"""Training steps that draw t or ε by another law than they should, to measure how sharply the hidden test sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from solutions.ps09_generative import ddpm as reference

Draw = Callable[[tuple[int, ...], torch.Generator], torch.Tensor]


def other_draws(times: Draw | None = None, noise: Draw | None = None) -> Callable[..., None]:
    """A training step without a step, whose t or ε have another law."""

    def train_step(
        model: torch.nn.Module,
        opt: torch.optim.Optimizer,
        x0: torch.Tensor,
        sch: dict[str, NDArray[np.float64]],
        gen: torch.Generator,
    ) -> None:
        shape, T = tuple(x0.shape), len(sch["beta"]) - 1
        t = times((len(x0), T), gen) if times else torch.randint(1, T + 1, (len(x0),), generator=gen)
        eps = noise(shape, gen) if noise else torch.randn(shape, generator=gen, dtype=x0.dtype)
        reference.ddpm_loss(model, x0, t, eps.to(x0.dtype), sch)

    return train_step


def normal(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=gen, dtype=torch.float64)


def rounded(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    B, T = shape
    return 1 + (torch.rand(B, generator=gen) * (T - 1)).round().long()


def rarer(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    """The last time half as often as the others."""
    B, T = shape
    weights = torch.ones(T)
    weights[-1] = 0.5
    return 1 + torch.multinomial(weights, B, replacement=True, generator=gen)


def cyclic(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    """The times in turn, from a random one on."""
    B, T = shape
    return 1 + (torch.arange(B) + torch.randint(0, T, (1,), generator=gen)) % T


def in_fours(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    B, T = shape
    return torch.randint(1, T + 1, (B // 4,), generator=gen).repeat_interleave(4)


def tenth_tied(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    """A tenth of the samples have the time of their neighbour."""
    B, T = shape
    t = torch.randint(1, T + 1, (B,), generator=gen)
    t[1 : B // 5 : 2] = t[0 : B // 5 : 2]
    return t


def centred(shape: tuple[int, ...], gen: torch.Generator) -> torch.Tensor:
    eps = normal(shape, gen)
    return (eps - eps.mean()) / eps.std()


LAWS = {
    "RIGHT: ε in single precision": other_draws(noise=lambda shape, gen: torch.randn(shape, generator=gen)),
    "t rounded, both ends half as often": other_draws(times=rounded),
    "the last t half as often": other_draws(times=rarer),
    "the times in turn": other_draws(times=cyclic),
    "a time for each four samples": other_draws(times=in_fours),
    "a tenth of the samples with the time of their neighbour": other_draws(times=tenth_tied),
    "ε of mean 0 and width 1 over the batch and the dimensions": other_draws(noise=centred),
    "uniform ε": other_draws(
        noise=lambda shape, gen: (torch.rand(shape, generator=gen, dtype=torch.float64) - 0.5) * 12**0.5
    ),
    "ε with a width of 0.9": other_draws(noise=lambda shape, gen: 0.9 * normal(shape, gen)),
    "ε with a width of 0.95": other_draws(noise=lambda shape, gen: 0.95 * normal(shape, gen)),
    "ε with a mean of 0.1": other_draws(noise=lambda shape, gen: normal(shape, gen) + 0.1),
    "ε clipped at 2": other_draws(noise=lambda shape, gen: normal(shape, gen).clamp(-2, 2)),
    "half of ε a copy of the other half": other_draws(
        noise=lambda shape, gen: normal((shape[0] // 2, *shape[1:]), gen).repeat(2, 1)
    ),
}

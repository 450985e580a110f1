"""How often the statistical tests of this problem fail: a right answer, which must not, and wrong ones, which must.

    python -m autograder.graders.ps09_generative.ddpm.measure moments    writes reference_chain.json (a minute)
    python -m autograder.graders.ps09_generative.ddpm.measure samples    the law of the samples (four minutes)
    python -m autograder.graders.ps09_generative.ddpm.measure draws      the draws of a training step (a minute)
    python -m autograder.graders.ps09_generative.ddpm.measure training   excess risks (twenty minutes)

Options: --runs for each right answer, --wrong for each mistake. No sandbox: everything runs in this process.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from autograder.graders.ps09_generative.ddpm import alternatives, calibrated, mistakes, steps
from autograder.graders.ps09_generative.ddpm.cases import BETAS, WELLS, Normal, Oracle
from autograder.graders.ps09_generative.ddpm.other_laws import LAWS
from autograder.grading import Mismatch
from autograder.grading.marks import Variant, variants_of
from solutions.ps09_generative import ddpm as reference

Schedule = dict[str, NDArray[np.float64]]

SEED = 20260122
BATCHES = 400
# χ² with 8 degrees of freedom exceeds these with probability 0.1, 0.01 and 0.001.
QUANTILES = {0.1: 13.362, 0.01: 20.090, 0.001: 26.124}


def t_squared(rng: np.random.Generator, module: ModuleType = reference) -> float:
    """T² of one set of samples of the chain that `module` has now."""
    sch = calibrated.chain_schedule(reference)
    x = module.sample(Oracle(reference, WELLS, sch), calibrated.start(rng), sch, Normal(rng))
    return calibrated.hotelling(x)


def moments() -> None:
    """Mean and covariance of the features of BATCHES · SAMPLES points of the reference chain."""
    rng, sch = np.random.default_rng(SEED), calibrated.chain_schedule(reference)
    parts = []
    for _ in range(BATCHES):
        x = reference.sample(Oracle(reference, WELLS, sch), calibrated.start(rng), sch, Normal(rng))
        parts.append(calibrated.features(x))
    f = np.concatenate(parts)
    data = {"samples": len(f), "seed": SEED, "mean": f.mean(axis=0).tolist(), "cov": np.cov(f.T).tolist()}
    calibrated.MOMENTS.write_text(json.dumps(data, indent=1) + "\n")
    print(f"{len(f)} samples written to {calibrated.MOMENTS}")


def variants(module: ModuleType, *functions: str) -> list[Variant]:
    return [item for item in variants_of(module) if item.function in functions]


@contextmanager
def in_place(item: Variant) -> Iterator[None]:
    """The reference with one function written otherwise."""
    right = getattr(reference, item.function)
    setattr(reference, item.function, item.code)
    try:
        yield
    finally:
        setattr(reference, item.function, right)


def samples(runs: int, wrong: int) -> None:
    """Nominal and observed rates of the reference, then the least T² of each mistake and how often it is found."""
    rng = np.random.default_rng(SEED + 1)
    null = np.array([t_squared(rng) for _ in range(runs)])
    print(f"reference: {runs} runs, mean T² {null.mean():.2f} (8 expected), largest {null.max():.1f}")
    for nominal, quantile in QUANTILES.items():
        print(f"  beyond {quantile:.1f}: nominal {nominal:g}, observed {np.mean(null > quantile):.4f}")
    print(f"  beyond {calibrated.THRESHOLD:g}: nominal 4.7e-10, observed {np.mean(null > calibrated.THRESHOLD):g}")
    for item in variants(mistakes, "p_step", "sample"):
        with in_place(item), np.errstate(all="ignore"):
            found = np.array([t_squared(rng) for _ in range(wrong)])
        caught = np.mean(~(found <= calibrated.THRESHOLD))
        print(f"{item.function}: {item.name}: least T² {found.min():.3g}, caught in {caught:.3f} of {wrong} runs")


def refused(seed: int) -> str:
    """Why the hidden tests refuse the draws of three training steps; nothing if they take them."""
    rng, gen = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    x0, sch, shown = rng.normal(size=(steps.BATCH, 3)), reference.schedule(8, "linear", *BETAS), []
    layer = torch.nn.Linear(3, 3).double()

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        shown.append((x.detach().numpy(), t.numpy()))
        output: torch.Tensor = layer(x)
        return output

    try:
        drawn = []
        for _ in range(3):
            shown.clear()
            reference.train_step(model, torch.optim.SGD(layer.parameters(), lr=0.05), torch.tensor(x0), sch, gen)  # type: ignore[arg-type]
            drawn.append(steps.draws({"seen": shown}, x0, sch))
        steps.check_pool(drawn, sch)
    except Mismatch as found:
        return found.measured
    return ""


def draws(runs: int, wrong: int) -> None:
    """How often the draws of three training steps are refused."""
    reasons = [reason for seed in range(runs) if (reason := refused(seed))]
    print(f"reference: refused in {len(reasons)} of {runs} runs {reasons[:3]}")
    laws = [Variant(name, "train_step", code) for name, code in LAWS.items()]
    for item in (*laws, *variants(mistakes, "train_step")):
        with in_place(item):
            found = [reason for seed in range(wrong) if (reason := refused(seed))]
        print(f"train_step: {item.name}: refused in {len(found)} of {wrong} runs {found[:1]}")


def excess_risks(rng: np.random.Generator) -> tuple[float, float]:
    """The excess risk after one call of train, and after all of them."""
    gmm, data, t, x0, eps = calibrated.training_set(rng)
    sch = calibrated.chain_schedule(reference)
    x, points = reference.q_sample(x0, t, eps, sch), torch.tensor(data, dtype=torch.float32)
    right = reference.optimal_eps(x, t, gmm, sch)
    torch.manual_seed(int(rng.integers(2**31)))
    model, risks = reference.make_model(calibrated.STEPS), []
    for seed in rng.integers(2**31, size=calibrated.ROUNDS):
        reference.train(model, points, sch, torch.Generator().manual_seed(int(seed)), calibrated.ROUND)
        with torch.no_grad():
            predicted = model(torch.tensor(x, dtype=torch.float32), torch.tensor(t)).numpy()
        risks.append(float(np.mean((predicted - right) ** 2)))
    return risks[0], risks[-1]


def plain_train(
    model: torch.nn.Module,
    x0: torch.Tensor,
    sch: Schedule,
    gen: torch.Generator,
    steps: int,
) -> list[float]:
    """What a student writes who tunes nothing."""
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = (x0[torch.randint(len(x0), (128,), generator=gen)] for _ in range(steps))
    return [reference.train_step(model, opt, batch, sch, gen) for batch in batches]


def plain_model(activation: type[torch.nn.Module], waves: bool) -> Callable[[int], torch.nn.Module]:
    """Two hidden layers of 64 units, which see x with t/T itself or with a sine and a cosine of it."""

    class Plain(torch.nn.Module):
        def __init__(self, T: int) -> None:
            super().__init__()
            hidden = [torch.nn.Linear(4 if waves else 3, 64), activation(), torch.nn.Linear(64, 64), activation()]
            self.T, self.net = T, torch.nn.Sequential(*hidden, torch.nn.Linear(64, 2))

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            u = (t / self.T)[:, None]
            seen = [torch.sin(2 * np.pi * u), torch.cos(2 * np.pi * u)] if waves else [u]
            output: torch.Tensor = self.net(torch.cat([x, *seen], dim=1))
            return output

    return Plain


def without_time(T: int) -> torch.nn.Module:
    """A network that does not look at t."""

    class Blind(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden = [torch.nn.Linear(2, 64), torch.nn.SiLU(), torch.nn.Linear(64, 64), torch.nn.SiLU()]
            self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 2))

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.net(x)
            return output

    return Blind()


def right_trainings() -> Iterator[tuple[str, list[Variant]]]:
    """Names of right answers, and what of the reference they replace."""
    yield "the reference", []
    for item in variants(alternatives, "train_step", "make_model", "train"):
        yield f"{item.function}: {item.name}", [item]
    plain = Variant("plain", "train", plain_train)
    for activation in (torch.nn.ReLU, torch.nn.SiLU, torch.nn.Tanh):
        for waves in (False, True):
            name = f"plain, {activation.__name__}, {'sine and cosine of t/T' if waves else 't/T'}"
            yield name, [plain, Variant("plain", "make_model", plain_model(activation, waves))]


def report(name: str, replaced: list[Variant], runs: int, rng: np.random.Generator) -> None:
    with ExitStack() as stack:
        for item in replaced:
            stack.enter_context(in_place(item))
        try:
            first, last = np.array([excess_risks(rng) for _ in range(runs)]).T
        except RuntimeError as error:
            print(f"{name}: raises ({error})")
            return
    limits = (first, calibrated.HALF), (last, calibrated.PASS)
    words = [
        f"{risk.mean():.4f} ± {risk.std(ddof=1):.4f} ({risk.min():.4f} to {risk.max():.4f}), "
        f"beyond {limit:g} in {np.sum(~(risk <= limit))}"
        for risk, limit in limits
    ]
    print(f"{name}, {runs} runs: first {words[0]}; last {words[1]}", flush=True)


def training(runs: int, wrong: int) -> None:
    """Excess risks of right answers, and of each mistake of train_step and ddpm_loss that lets a network train."""
    rng = np.random.default_rng(SEED + 2)
    torch.set_num_threads(1)
    for name, replaced in right_trainings():
        report(name, replaced, runs, rng)
    blind = Variant("does not look at t", "make_model", without_time)
    for item in (blind, *variants(mistakes, "train_step", "ddpm_loss")):
        report(f"WRONG: {item.function}: {item.name}", [item], wrong, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("moments", "samples", "draws", "training"))
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--wrong", type=int, default=50)
    options = parser.parse_args()
    if options.what == "moments":
        moments()
    elif options.what == "samples":
        samples(options.runs or 1000, options.wrong)
    elif options.what == "draws":
        draws(options.runs or 1000, options.wrong)
    else:
        training(options.runs or 50, options.wrong)


if __name__ == "__main__":
    main()

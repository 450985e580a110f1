"""What the test of `train` takes and what it refuses: optimisers, batches and generators that students may choose."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from autograder.course import find
from autograder.grading import Mismatch
from solutions.ps09_generative import ddpm as reference

PROBLEM = find("ps09_generative/ddpm")

HEAD = "def train(model, x0, sch, gen, steps):\n    opt = torch.optim.Adam(model.parameters(), lr=1e-3)\n"
ADAM = (
    HEAD + "    {before}\n    losses = []\n    for i in range(steps):\n"
    "        losses.append(train_step(model, opt, {batch}, sch, {gen}))\n    return losses\n"
)
DRAWN = "x0[torch.randint(len(x0), (128,), generator=gen)]"
RIGHT = {
    "epochs, with a smaller last batch": HEAD.replace("Adam", "AdamW") + "    losses = []\n    while True:\n"
    "        for rows in torch.randperm(len(x0), generator=gen).split(128):\n"
    "            if len(losses) == steps:\n                return losses\n"
    "            losses.append(train_step(model, opt, x0[rows], sch, gen))\n",
    "one cycle, and a sampler": HEAD
    + "    rate = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=steps + 1)\n"
    "    sampler = torch.utils.data.RandomSampler(x0, True, 128 * steps, generator=gen)\n    losses = []\n"
    "    for rows in torch.utils.data.BatchSampler(sampler, 128, True):\n"
    "        losses.append(train_step(model, opt, x0[rows], sch, gen))\n        rate.step()\n    return losses\n",
    "large batches": ADAM.format(before="", batch=DRAWN.replace("128", "1024"), gen="gen"),
    "all points, shuffled": ADAM.format(before="", batch="x0[torch.randperm(len(x0), generator=gen)]", gen="gen"),
    "a run of rows": ADAM.format(
        before="", batch="x0[int(torch.randint(len(x0) - 128, (1,), generator=gen)) :][:128]", gen="gen"
    ),
    "a tenth held out": ADAM.format(
        before="x0 = x0[torch.randperm(len(x0), generator=gen)[len(x0) // 10 :]]", batch=DRAWN, gen="gen"
    ),
    "a single point": ADAM.format(before="", batch=DRAWN.replace("128", "1"), gen="gen"),
    "numpy, seeded by gen": ADAM.format(
        before="rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=gen)))",
        batch="x0[rng.choice(len(x0), 200)]",
        gen="gen",
    ),
    "Nesterov, with a warm-up": ADAM.format(
        before="opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)\n"
        "    rate = torch.optim.lr_scheduler.LinearLR(opt, 0.1, total_iters=5)",
        batch=DRAWN,
        gen="gen",
    ).replace("    return", "        rate.step()\n    return"),
    "averaged weights": ADAM.format(
        before="mean = torch.optim.swa_utils.AveragedModel(model)", batch=DRAWN, gen="gen"
    ).replace(
        "    return",
        "        mean.update_parameters(model)\n    model.load_state_dict(mean.module.state_dict())\n    return",
    ),
    "a look at the loss": ADAM.format(before="", batch=DRAWN, gen="gen").replace(
        "    return",
        "        with torch.no_grad():\n"
        "            ddpm_loss(model, x0[:9], torch.ones(9, dtype=torch.int64), x0[:9], sch)\n    return",
    ),
}
OWN = "own = torch.Generator().manual_seed(0)"
# The code, and words of the message.
WRONG = {
    "a generator of its own": (
        ADAM.format(before=OWN, batch=DRAWN.replace("=gen", "=own"), gen="gen"),
        "different seeds gave the same batches",
    ),
    "the global generator, seeded": (
        ADAM.format(before="torch.manual_seed(0)", batch="x0[torch.randperm(len(x0))[:128]]", gen="gen"),
        "different seeds gave the same batches",
    ),
    "the global generator": (
        ADAM.format(before="", batch="x0[torch.randperm(len(x0))[:128]]", gen="gen"),
        "one seed gave different batches",
    ),
    "another generator for the noise, without a seed": (
        ADAM.format(before="own = torch.Generator()\n    own.seed()", batch=DRAWN, gen="own"),
        "one seed gave different batches or different noise",
    ),
    "rows in their order": (
        ADAM.format(before="", batch="x0[(i * 128) % (len(x0) - 128) :][:128]", gen="gen"),
        "different seeds gave the same batches",
    ),
    "one point 128 times": (
        ADAM.format(before="", batch="x0[torch.randint(len(x0), (1,), generator=gen).expand(128)]", gen="gen"),
        "steps with 3840 rows in all saw",
    ),
    "ten batches in turn": (
        ADAM.format(before=f"ten = [{DRAWN} for _ in range(10)]", batch="ten[i % 10]", gen="gen"),
        "steps with 3840 rows in all saw",
    ),
    "the first half of the data": (
        ADAM.format(before="x0 = x0[: len(x0) // 2]", batch=DRAWN, gen="gen"),
        "and 0 others",
    ),
    "the second half of the data, in small batches": (
        ADAM.format(before="x0 = x0[len(x0) // 2 :]", batch=DRAWN.replace("128", "16"), gen="gen"),
        "steps saw 0 rows",
    ),
    "data of unit width": (
        ADAM.format(before="x0 = (x0 - x0.mean(0)) / x0.std(0)", batch=DRAWN, gen="gen"),
        "no rows of x0",
    ),
    "data with noise": (
        ADAM.format(before="", batch=DRAWN + " + 0.1 * torch.randn(128, 2, generator=gen)", gen="gen"),
        "no rows of x0",
    ),
    "shifted data": (ADAM.format(before="x0 = x0 + 0.2", batch=DRAWN, gen="gen"), "no rows of x0"),
    "data shifted by one spacing of the lattice": (
        ADAM.format(before="x0 = x0 + 0.12", batch=DRAWN.replace("128", "1"), gen="gen"),
        "no rows of x0",
    ),
    "data of mean 0": (ADAM.format(before="x0 = x0 - x0.mean(0)", batch=DRAWN, gen="gen"), "no rows of x0"),
    "data a little wider": (ADAM.format(before="x0 = 1.03 * x0", batch=DRAWN, gen="gen"), "no rows of x0"),
    "the mean of all losses so far": (
        ADAM.format(before="", batch=DRAWN, gen="gen").replace(
            "return losses", "return [float(np.mean(losses[: i + 1])) for i in range(steps)]"
        ),
        "of the list is",
    ),
    "one step more": (
        ADAM.format(before=f"train_step(model, opt, {DRAWN}, sch, gen)", batch=DRAWN, gen="gen"),
        "trained 31 times in 30 steps",
    ),
    "another schedule": (
        ADAM.format(before="sch['abar'] *= 0.999999", batch=DRAWN, gen="gen"),
        "other values than before",
    ),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make these small networks slow on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _plain(value: Any) -> Any:
    """What arrives at the grader: arrays for tensors."""
    if isinstance(value, torch.Tensor):
        return value.numpy().copy()
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Given:
    """A given function, as a grader calls it."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return _plain(self.function(*args))

    def attempt(self, *args: Any) -> SimpleNamespace:
        return SimpleNamespace(raised=(), value=self(*args))


class Notebook:
    """The reference and the statement's given cell in one namespace; no sandbox, which would take ten times as long."""

    def __init__(self, code: str) -> None:
        text = PROBLEM.statement.read_text()
        cell = text.split(":given: trained\n")[1].split("```")[0]
        self.names = dict(vars(reference))
        # The functions of the reference see the names of their own module: they are written anew, as in a notebook.
        exec(inspect.getsource(reference).split("from numpy.typing import NDArray")[1], self.names)
        exec(cell, self.names)
        exec(code, self.names)
        self.watch_train = self

    def __getattr__(self, name: str) -> Given:
        return Given(self.names[name])

    def inputs_after(self, *args: Any) -> tuple[Any, list[Any]]:
        given = copy.deepcopy(list(args))
        return _plain(self.names["watch_train"](*given)), given


def _message(code: str) -> str:
    """What the test of train says; nothing if it is content."""
    test = importlib.import_module("autograder.graders.ps09_generative.ddpm.test_ddpm").TestTraining().test_train
    try:
        test(Notebook(code), np.random.default_rng(3))
    except Mismatch as found:
        return found.measured
    return ""


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_training_is_taken(what: str) -> None:
    assert _message(RIGHT[what]) == ""


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_training_is_refused(what: str) -> None:
    code, words = WRONG[what]
    said = _message(code)
    assert words in said, said


def test_an_optimiser_with_a_closure_and_named_arguments_is_taken() -> None:
    loss = "def ddpm_loss(model, x0, t, eps, sch):\n    abar = torch.as_tensor(sch['abar'])[t][:, None]\n"
    loss += "    xt = abar.sqrt().to(x0) * x0 + (1 - abar).sqrt().to(x0) * eps\n"
    loss += "    return ((model(t=t, x=xt) - eps) ** 2).mean()\n"
    assert _message(loss) == ""
    step = "def train_step(model, opt, x0, sch, gen):\n"
    step += "    t = torch.randint(1, len(sch['beta']), (len(x0),), generator=gen)\n"
    step += "    eps = torch.randn(x0.shape, generator=gen, dtype=x0.dtype)\n\n    def closure():\n"
    step += "        opt.zero_grad()\n        loss = ddpm_loss(model, x0, t, eps, sch)\n        loss.backward()\n"
    step += "        return loss\n\n    return opt.step(closure).item()\n"
    assert _message(step) == ""


def test_a_loss_whose_small_noise_is_of_single_precision_is_the_affair_of_another_test() -> None:
    loss = "def ddpm_loss(model, x0, t, eps, sch):\n    abar = torch.as_tensor(sch['abar']).to(x0)[t][:, None]\n"
    loss += "    return ((model(abar.sqrt() * x0 + (1 - abar).sqrt() * eps, t) - eps) ** 2).mean()\n"
    assert _message(loss) == ""

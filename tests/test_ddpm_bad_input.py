"""Networks, chains and schedules that go wrong: a clear message, and the other parts keep their points."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.audit.variants import Edit, solved
from autograder.course import find
from autograder.grading.marks import parts_of
from autograder.grading.record import Record
from autograder.grading.run import grade
from autograder.sandbox import Sandbox

PROBLEM = find("ps09_generative/ddpm")
PARTS = {part.id: part for part in parts_of(PROBLEM.test_module)}

LOOP = """
def train(model, x0, sch, gen, steps):
    opt, losses = torch.optim.SGD(model.parameters(), lr={lr}), []
    for _ in range(steps):
        batch = x0[torch.randint(len(x0), (20,), generator=gen)]
        losses.append(train_step(model, opt, batch, sch, gen))
    return {result}
"""
NET = """
def make_model(T):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(2, 2)

        def forward(self, x, t):
            return {output}

    return Net()
"""
# The function that goes wrong, words of all messages in the part that trains, and how many there are.
TRAINING = {
    "an optimiser that diverges": (LOOP.format(lr=1e4, result="losses"), "the loss is NaN or infinite in", 3),
    "a model of the wrong shape": (
        NET.format(output="self.line(x)[:, :1]"),
        "the output of your model has shape (",
        3,
    ),
    "a model that gives NaN": (NET.format(output="self.line(x) / 0 * 0"), "the loss is NaN or infinite in", 3),
    "a training that ends the process": ("def train(*args):\n    import os\n    os._exit(0)", "process ended", 3),
}
STEP = "def train_step(model, opt, x0, sch, gen):\n    "
CHAIN = "def sample(eps_fn, xT, sch, randn):\n    t = np.full(len(xT), 1)\n    "
# The part, the function that goes wrong, and words of the message in that part.
OTHERS = {
    "a schedule without names": (
        "schedule",
        "def schedule(*args):\n    return np.ones(5)",
        "a dict with the keys 'beta', 'alpha', 'abar'",
    ),
    "a schedule that lacks one": (
        "schedule",
        "def schedule(T, *args):\n    return {'beta': np.ones(T + 1)}",
        "no entry 'alpha', 'abar'",
    ),
    "text": ("forward", "def q_sample(x0, t, eps, sch):\n    return 'x_t'", "a str"),
    "half of a posterior": ("posterior", "def posterior(x0, xt, t, sch):\n    return xt", "not a tuple of two"),
    "an oracle that underflows": ("oracle", "def optimal_eps(x, t, gmm, sch):\n    return 0 * x / 0", "NaN"),
    "a loss for each sample": (
        "loss",
        "def ddpm_loss(model, x0, t, eps, sch):\n    return ((model(x0, t) - eps) ** 2).mean(1)",
        "a single number",
    ),
    "a model that is asked twice": (
        "loss",
        "def ddpm_loss(model, x0, t, eps, sch):\n    s = torch.as_tensor(sch['abar'])[t][:, None]\n"
        "    x = (s.sqrt() * x0 + (1 - s).sqrt() * eps).to(x0.dtype)\n"
        "    return ((model(x, t) + model(x, t) - 2 * eps) ** 2).mean() / 4",
        "called 2 times",
    ),
    "a model that forgets what it saw": (
        "loss",
        "def ddpm_loss(model, x0, t, eps, sch):\n    s = torch.as_tensor(sch['abar'])[t][:, None]\n"
        "    x = (s.sqrt() * x0 + (1 - s).sqrt() * eps).to(x0.dtype)\n"
        "    loss = ((model(x, t) - eps) ** 2).mean()\n    model.seen = 5\n    return loss",
        "what a given cell notes of your model was overwritten",
    ),
    "a model with one more parameter": (
        "training",
        STEP + "opt.zero_grad()\n    loss = ddpm_loss(model, x0, torch.ones(len(x0)).long(), x0, sch)\n"
        "    loss.backward()\n    model.more = torch.nn.Parameter(torch.ones(1))\n    return loss.item()",
        "had parameters of the shapes [(3, 3), (3,)] and [(3, 3), (3,), (1,)]",
    ),
    "a step without a loss": ("training", STEP + "return 0.5", "called 0 times"),
    "a gradient that is not there": (
        "training",
        STEP + "torch.zeros(1).backward()",
        "RuntimeError: element 0 of tensors does not require grad",
    ),
    "losses that are kept to oneself": ("training", LOOP.format(lr=0.01, result="None"), "the list of losses is None"),
    "a single loss": ("training", LOOP.format(lr=0.01, result="losses[-1]"), "the list of losses has shape ()"),
    "a model that takes no time": (
        "training",
        NET.format(output="self.line(x)").replace("x, t)", "x)"),
        "2 positional arguments",
    ),
    "no model": ("training", "def make_model(T):\n    pass", "'NoneType' object has no attribute"),
    "points of another dimension": ("reverse", CHAIN + "return eps_fn(xT[:, :0], t)", "x_0 has shape"),
    "one time for all": (
        "reverse",
        "def sample(eps_fn, xT, sch, randn):\n    x = xT\n    for s in range(len(sch['beta']) - 1, 0, -1):\n"
        "        x = p_step(x, np.full(len(x), s), eps_fn(x, s), randn(x.shape), sch)\n    return x",
        "times of dtype int64 and shape ()",
    ),
    "noise without end": ("reverse", CHAIN + "return randn((10**6, 10**6))", "raised ValueError"),
    "an oracle without points": ("reverse", CHAIN + "return eps_fn(xT)", "raised TypeError"),
    "points beyond all measure": ("reverse", CHAIN + "return eps_fn(1e300 * xT, t)", "NaN"),
    "a list of times as it is": (
        "ddim",
        "def ddim_sample(eps_fn, xT, ts, eta, sch, randn):\n    return ts",
        "x_0 has shape",
    ),
    "no ratio": ("bound", "def terminal_snr(sch):\n    return sch", "the ratio"),
}


def _messages(record: Record, part: str) -> list[str]:
    return [test.message for test in record.part(part).tests if test.outcome != "passed"]


@pytest.mark.level1
@pytest.mark.parametrize("what", TRAINING)
def test_a_training_that_goes_wrong_costs_its_part_and_says_why(what: str, sandbox: Sandbox) -> None:
    code, words, count = TRAINING[what]
    graded = grade(PROBLEM, solved(PROBLEM, _edit(code)), sandbox)
    assert graded.faults == []
    assert {part.id for part in graded.record.parts if part.score < part.max_score} == {"training"}
    messages = _messages(graded.record, "training")
    assert len(messages) == count
    assert all(words in message for message in messages), messages


@pytest.mark.level1
def test_a_training_that_never_ends_is_ended(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls of the other parts take 0.2 s at most: two seconds leave room for a busy machine."""
    monkeypatch.setattr(sandbox, "limits", replace(sandbox.limits, cell=1.0, call=2.0))
    code = "def train(model, x0, sch, gen, steps):\n    while True:\n        pass"
    graded = grade(PROBLEM, solved(PROBLEM, _edit(code)), sandbox)
    assert graded.faults == []
    assert graded.record.score == 33.5
    assert all("did not return within" in message for message in _messages(graded.record, "training"))


@pytest.mark.level1
@pytest.mark.parametrize("what", OTHERS)
def test_a_function_that_goes_wrong_says_why(what: str, sandbox: Sandbox) -> None:
    part, code, words = OTHERS[what]
    graded = grade(PROBLEM, solved(PROBLEM, _edit(code)), sandbox, only=PARTS[part])
    assert graded.faults == []
    messages = _messages(graded.record, part)
    assert any(words in message for message in messages), messages


def _edit(code: str) -> Edit:
    return Edit(code.split("def ")[1].split("(")[0], code)

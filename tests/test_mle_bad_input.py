"""Derivations that go wrong on the way to a number: a clear message, and the other parts keep their points."""

from __future__ import annotations

import pytest

from autograder.audit.variants import Edit, solved
from autograder.course import find
from autograder.grading.marks import parts_of
from autograder.grading.run import grade
from autograder.sandbox import Sandbox

PROBLEM = find("ps04_statistics/mle")
PARTS = {part.id: part for part in parts_of(PROBLEM.test_module)}

# The function, what it is instead, the part that it costs, a test of that part, and a word of its message.
CASES = {
    "an optimiser that never settles": (
        "def life_mle(t, t_max):\n    tau = 1.0\n    while True:\n        tau = -tau",
        "life",
        "test_mle",
        "did not return within",
    ),
    "Newton's method that runs away to NaN": (
        "def life_mle(t, t_max):\n    return np.float64('inf') - np.float64('inf')",
        "life",
        "test_mle",
        "NaN",
    ),
    "no finite estimate where there is one": (
        "def life_mle(t, t_max):\n    return np.inf",
        "life",
        "test_mle",
        "infinite",
    ),
    "no number where the estimate is infinite": (
        "def life_mle(t, t_max):\n    return None if np.mean(t) >= t_max / 2 else np.mean(t)",
        "life",
        "test_no_maximum",
        "not one number",
    ),
    "an exponential that overflows": (
        "def life_fisher_per_event(tau, t_max):\n    return 1 / tau**2 / math.exp(t_max / tau)",
        "life",
        "test_fisher_in_wide_windows",
        "OverflowError",
    ),
    "a singular matrix": (
        "def line_cov(X, sigma):\n    return np.linalg.inv(np.outer(X[0], X[0]) * 0)",
        "line",
        "test_cov",
        "LinAlgError",
    ),
    "a covariance of the wrong shape": (
        "def line_cov(X, sigma):\n    return np.ones(X.shape[0])",
        "line",
        "test_cov_laws",
        "has shape",
    ),
    "strengths that are no vector of two": (
        "def spec_fit(g, w, counts):\n    return 60.0",
        "spec",
        "test_fit",
        "has shape",
    ),
    "a logarithm of a negative rate": (
        "def spec_scoring_step(theta, g, w, counts):\n    return np.log(-np.ones(2))",
        "spec",
        "test_step",
        "NaN",
    ),
    "one number for two": (
        "def scale_mle_mu_s2(y, g):\n    return np.mean(y)",
        "scale",
        "test_mle",
        "not a tuple of two",
    ),
    "a dictionary for two numbers": (
        "def scale_mle_mu_s2(y, g):\n    return {'mu': 1.0, 's2': 2.0}",
        "scale",
        "test_mle",
        "not a tuple of two",
    ),
}


@pytest.mark.level1
@pytest.mark.parametrize("what", CASES)
def test_it_costs_its_own_part_and_says_why(what: str, impatient: Sandbox) -> None:
    code, hurt, name, word = CASES[what]
    function = code.removeprefix("def ").split("(")[0]
    graded = grade(PROBLEM, solved(PROBLEM, Edit(function, code)), impatient)
    assert graded.faults == []
    assert [part.id for part in graded.record.parts if part.score < part.max_score] == [hurt]
    [test] = [test for test in graded.record.part(hurt).tests if test.name == name]
    assert word in test.message
    assert test.points == 0


@pytest.mark.level1
def test_a_slip_of_one_function_is_not_said_of_another(sandbox: Sandbox) -> None:
    """The score is right here, and its test fails for the log-likelihood that it is compared with."""
    code = "def line_loglik(beta, X, y, sigma):\n    pulls = (y - X @ beta) / sigma\n"
    code += "    return np.sum(pulls**2 + np.log(2 * np.pi * sigma**2))"
    graded = grade(PROBLEM, solved(PROBLEM, Edit("line_loglik", code)), sandbox, only=PARTS["line"])
    hints = {test.name: test.hint for test in graded.record.part("line").tests if test.points == 0}
    alone = "Your result is -2 times the right one."
    assert hints == {
        "test_loglik_differences": alone,
        "test_loglik_with_constants": alone,
        "test_score_of_own_loglik": "The result of your `line_loglik` is -2 times the right one.",
    }

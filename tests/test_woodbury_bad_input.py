"""What students hand in when things go wrong in the Woodbury problem: a clear message, and the other parts graded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.audit.variants import Edit, solved
from autograder.course import find
from autograder.grading.marks import parts_of
from autograder.grading.record import Record
from autograder.grading.run import grade
from autograder.proof import Unreadable, check, derive, inv, let, read, symbols, to_data, verify, woodbury
from autograder.sandbox import Sandbox

WOODBURY = find("ps01_linear_algebra/woodbury")
PARTS = {part.id: part for part in parts_of(WOODBURY.test_module)}

RANK_ONE = "def sherman_morrison(Ainv, u, v):\n    "
IDENTITY = "def is_identity(lhs, rhs, sizes, p, trials, seed=0):\n    "
PROOF = "def woodbury_proof(A, U, C, V):\n    "
SOLVE = "def woodbury_solve(solve_A, U, C, V, rhs):\n    "
CHI2 = "def chi2_correlated(r, stat, U, C):\n    "
START = (
    "S, T = let('S', inv(C) + V @ inv(A) @ U), A + U @ C @ V\n    X = inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)\n    "
)

# The code of a function, the part that it costs points in, and words of a message there.
BAD = {
    "no proof": (PROOF + "pass", "proof", "None, not a proof"),
    "an empty proof": (PROOF + "return verify()", "proof", "no lines"),
    "10,000 lines": (PROOF + "return verify(*[A] * 10_000)", "proof", "more than 40 lines"),
    "a line that is text": (PROOF + "return verify(A, 'inv(A)')", "proof", "Line 2 is a value of type str"),
    "a line that is a number": (PROOF + "return verify(A @ inv(A), 1)", "proof", "Line 2 is the number 1"),
    "a list of lines": (PROOF + "return [A, A]", "proof", "type list, not a proof"),
    "numbers for letters": (PROOF + "return verify(np.eye(3) @ A, A)", "proof", "@ takes matrix expressions"),
    "a shape that does not fit": (PROOF + "return verify(C @ U, A)", "proof", "C is k×k and U is n×k"),
    "the inverse of U": (PROOF + "return verify(A, inv(U))", "proof", "U is n×k, not square"),
    "letters of their own": (
        PROOF + "return verify(*symbols('B:n,n D:n,n'))",
        "proof",
        "Line 1: The letter B is not among those of the claim",
    ),
    "letters of another shape": (
        PROOF + "A, U, C, V = symbols('A:n,n U:n,n C:n,n V:n,n'); return verify((A + U @ C @ V) @ inv(A), A)",
        "proof",
        "The letter U is not among those of the claim, or has another shape there",
    ),
    "an expression without end": (PROOF + "\n    while True:\n        A = A @ A", "proof", "more than 300 parts"),
    "a product of sums": (
        PROOF + START + "B = A\n    for _ in range(20):\n        B = B @ (A + T)\n    return verify(T @ X, B)",
        "proof",
        "multiplies out to more than 200 words",
    ),
    "an inverse that is not given": (
        PROOF + START + "return verify(T @ X, inv(A - A) @ T)",
        "proof",
        "The inverse of A - A is not among the hypotheses",
    ),
    "no checker left": (PROOF + "import sys; sys.modules.clear(); return verify()", "proof", "no lines"),
    "their own class": (
        "class Proof: mode, steps = 'verify', ()\n" + PROOF + "return Proof()",
        "proof",
        "This is of type Proof, not a proof",
    ),
    "forged data": (
        PROOF + "global to_data\n    to_data = lambda proof: {'complete': True}\n    return verify()",
        "proof",
        "not a proof",
    ),
    "arrays for tokens": (
        PROOF
        + "global to_data\n    step = ['line', [], [[np.ones(2), 'inv']]]\n"
        + "    to_data = lambda proof: {'mode': 'verify', 'steps': [step] * 3}\n    return verify()",
        "proof",
        "'ndarray' is no part of a matrix expression",
    ),
    "their own checker": (
        "import proof_checker\n" + PROOF + "proof_checker.check = lambda *_: True; return verify(A)",
        "proof",
        "The first line is not what the proof starts from",
    ),
    "a result for a singular matrix": (
        RANK_ONE + "return Ainv - np.outer(Ainv @ u, v @ Ainv) / (1 + v @ Ainv @ u)",
        "rank_one",
        "returned a result",
    ),
    "text for a verdict": (IDENTITY + "return 'yes'", "identity", "is_identity is a str"),
    "a singular inverse": (SOLVE + "return np.linalg.inv(np.zeros((2, 2))) @ rhs", "solve", "LinAlgError"),
    "NaN": (SOLVE + "return rhs * float('nan')", "solve", "NaN"),
    "the wrong shape": (SOLVE + "return solve_A(rhs).T[..., None]", "solve", "shape"),
    "all of A in a stack of columns": (
        SOLVE + "n = len(U)\n    return rhs + solve_A(np.eye(n).reshape(n, 1, n, 1))",
        "solve",
        "The function that you were given raised ValueError",
    ),
    "a vector for a number": (CHI2 + "return r / stat", "likelihood", "χ² has shape"),
}
ENDLESS = {
    "a solver called for ever": (SOLVE + "\n    while True:\n        solve_A(rhs)", "solve", "more than 300 times"),
    "a loop without end": (RANK_ONE + "\n    while True:\n        pass", "rank_one", "did not return within"),
}


@pytest.mark.level1
@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_told_what_is_wrong_with_it(what: str, sandbox: Sandbox) -> None:
    code, part, words = BAD[what]
    record = _record([code], sandbox, part)
    assert record.score < record.max_score
    assert _says(record, part, words)


@pytest.mark.level1
@pytest.mark.parametrize("what", ENDLESS)
def test_an_answer_that_does_not_end_is_ended(what: str, impatient: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impatient, "limits", replace(impatient.limits, callbacks=300))
    code, part, words = ENDLESS[what]
    assert _says(_record([code], impatient, part), part, words)


@pytest.mark.level1
def test_bad_answers_cost_their_own_parts_and_no_other(sandbox: Sandbox) -> None:
    bad = [BAD[what][0] for what in ("no proof", "text for a verdict", "a vector for a number")]
    record = _record(bad, sandbox)
    lost = {result.id for result in record.parts if result.score < result.max_score}
    assert lost == {"proof", "identity", "likelihood"}


def _record(codes: list[str], sandbox: Sandbox, part: str | None = None) -> Record:
    edits = [Edit(code.split("def ")[1].split("(")[0], code) for code in codes]
    graded = grade(WOODBURY, solved(WOODBURY, *edits), sandbox, only=None if part is None else PARTS[part])
    assert graded.faults == []
    return graded.record


def _says(record: Record, part: str, words: str) -> bool:
    return any(words in test.message for test in record.part(part).tests if test.outcome != "passed")


@pytest.mark.level1
def test_a_proof_that_breaks_off_keeps_what_it_has(sandbox: Sandbox) -> None:
    """The right ends and the law of A: 5 of 12 points."""
    code = (
        PROOF
        + START
        + "one, B = eye('n'), U @ C @ V @ inv(A)\n"
        + "    return verify(T @ X, one + B - (U + B @ U) @ inv(S) @ V @ inv(A), one)"
    )
    record = _record([code], sandbox, "proof")
    assert record.part("proof").score == 5
    last = record.part("proof").tests[-1]
    assert "line by line" in last.message
    assert "more than one law" in last.message
    assert last.hint is not None


def test_a_proof_that_was_tampered_with_on_the_way_is_judged_by_its_lines() -> None:
    A, U, C, V = symbols("A:n,n  U:n,k  C:k,k  V:k,n")
    S = let("S", inv(C) + V @ inv(A) @ U)
    data = to_data(derive(inv(A + U @ C @ V), inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)))
    assert not check(read(data, woodbury()), woodbury()).complete
    with pytest.raises(Unreadable, match="no mode 'push'"):
        read({**data, "mode": "push"}, woodbury())
    with pytest.raises(Unreadable, match="Line 1 is no line"):
        read({**data, "steps": [["line", [], [], "legal"]]}, woodbury())
    assert read(to_data(verify(A)), woodbury()).steps[0].terms == (A,)

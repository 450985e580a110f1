"""The proof checker: what it accepts is true, what is a step by one law it accepts, and what it says about the rest."""

# mypy: disable-error-code="arg-type, operator"
# (mistakes in writing are tested too)
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from autograder.course import find
from autograder.grading.marks import variants_of
from autograder.proof import (
    COMMUTE,
    CORE,
    LONG,
    SIGN,
    SUM,
    Expr,
    Laws,
    NotAnExpression,
    Proof,
    ShapeError,
    Step,
    Unreadable,
    check,
    define,
    derive,
    done_laws,
    expand,
    eye,
    given,
    inv,
    let,
    lmul,
    push_through,
    read,
    rewrite,
    slip_of,
    solve,
    subst,
    symbols,
    to_data,
    verify,
    woodbury,
)
from solutions.ps01_linear_algebra.woodbury import woodbury_proof

A, U, C, V = LETTERS = symbols("A:n,n  U:n,k  C:k,k  V:k,n")
x, y, z, w, Z = symbols("x:n,1  y:n,1  z:k,1  w:n,1  Z:n,n")
S, T = let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
X = inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)
ONE = eye("n")
MIDDLE = ONE + U @ C @ V @ inv(A) - (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A)
LAST = ONE + U @ C @ V @ inv(A) - U @ C @ S @ inv(S) @ V @ inv(A)
alternatives = find("ps01_linear_algebra/woodbury").catalogue("alternatives")
ALTERNATIVES = [item.code for item in variants_of(alternatives) if item.function == "woodbury_proof"]


@pytest.mark.parametrize("code", [woodbury_proof, *ALTERNATIVES])
def test_right_proofs_are_complete_on_both_sides_of_the_wire(code: Callable[..., Proof]) -> None:
    proof = code(*LETTERS)
    arrived = read(to_data(proof), woodbury())
    assert arrived == proof
    report = check(arrived, woodbury())
    assert report.complete, report


@pytest.mark.parametrize("code", [woodbury_proof, alternatives.without_the_inverse_of_c, alternatives.derived])
def test_no_line_of_a_short_proof_can_be_left_out(code: Callable[..., Proof]) -> None:
    proof = code(*LETTERS)
    for i in range(len(proof.steps)):
        shorter = Proof(proof.mode, (*proof.steps[:i], *proof.steps[i + 1 :]))
        assert not check(shorter, woodbury()).complete


SHORTCUTS = [
    verify(T @ X, ONE),
    verify(X @ T, ONE),
    derive(inv(T), X),
    verify(T @ X),
    verify(ONE),
    verify(ONE, ONE),
    verify(T @ inv(T), ONE),
    derive(X, X),
    derive(inv(T), inv(T)),
    solve(given(T @ x, y), rewrite(1, x, X @ y)),
    solve(given(T @ x, y), lmul(inv(T), 1), rewrite(2, x, X @ y)),
    solve(rewrite(1, x, X @ y)),
    solve(define(x, X @ y)),
    solve(given(x, X @ y)),
    solve(given(T @ x, y), given(x, X @ y)),
    solve(given(T @ x, y), subst(1, 1, x, X @ y)),
    solve(given(T @ x, y), lmul(inv(A - A), 1), rewrite(2, x, X @ y)),
    solve(given(T @ x, y), define(z, V @ x), define(z, V @ y), subst(2, 3, x, X @ y)),
    verify(T @ X, inv(A - A) @ A, ONE),
    verify(T @ X, ONE + (inv(U @ C @ V) - inv(U @ C @ V)), ONE),
    *(verify(T @ X, ONE + inv(m) - inv(m), ONE) for m in (0 * A, 2 * A, -A, inv(A - A), inv(2 * A), A @ inv(A) - ONE)),
    *(verify(T @ X, inv(m) @ m @ T @ X, ONE) for m in (0 * ONE, 2 * ONE, -ONE, ONE - ONE, inv(T) @ T, T @ X)),
    # Singular factors and definitions, and ways round in a circle.
    solve(given(T @ x, y), lmul(0 * A, 1), rewrite(2, x, X @ y)),
    solve(given(T @ x, y), lmul(0 * A, 1), rewrite(2, 0 * x, 0 * y), subst(2, 2, x, X @ y)),
    solve(given(T @ x, y), lmul(A - A, 1), rewrite(2, y, 0 * y), subst(3, 1, x, X @ y)),
    solve(given(T @ x, y), define(z, 0 * V @ x), subst(2, 1, x, X @ y)),
    solve(given(T @ x, y), define(z, 0 * V @ x), rewrite(2, C @ V @ x, z), subst(3, 1, x, X @ y)),
    solve(given(T @ x, y), define(z, inv(S - S) @ V @ x), rewrite(1, x, X @ y)),
    solve(given(T @ x, y), define(z, z), subst(2, 1, x, X @ y)),
    solve(given(T @ x, y), define(z, V @ x), define(z, V @ y), rewrite(1, x, X @ y)),
    solve(given(T @ x, y), define(x, X @ y)),
    solve(given(T @ x, y), define(A, X), rewrite(1, x, X @ y)),
    solve(given(T @ x, y), rewrite(3, x, X @ y), lmul(ONE, 2)),
    solve(given(T @ x, y), rewrite(2, x, X @ y)),
    solve(given(T @ x, y), subst(2, 2, x, X @ y)),
    solve(given(T @ x, y), lmul(ONE, 2)),
    solve(given(x, x), rewrite(1, x, X @ y)),
    Proof("solve", verify(T @ X, ONE).steps),
    Proof("verify", solve(given(T @ x, y), rewrite(1, x, X @ y)).steps),
    Proof("nonsense", verify(T @ X, ONE).steps),
]


@pytest.mark.parametrize("proof", SHORTCUTS, ids=range(len(SHORTCUTS)))
def test_shortcuts_are_refused(proof: Proof) -> None:
    assert not check(proof, woodbury()).complete


def test_nothing_is_zero_but_zero() -> None:
    """From singular factors and definitions come equations such as 0 = 0, and no other."""
    equations = [given(T @ x, y), lmul(0 * A, 1), define(z, C @ V @ x - C @ V @ x), lmul(V, 2)]
    for left in (x, y, T @ x, U @ z + y):
        for last in (rewrite(2, left, 0 * x), subst(3, 1, left, 0 * x), subst(1, 2, left, 0 * x)):
            assert check(solve(*equations, last), woodbury()).verdicts[-1].law is None
    assert check(solve(*equations, rewrite(3, z, 0 * z)), woodbury()).sound


def test_the_sign_of_the_notes_fails_at_exactly_the_last_step() -> None:
    plus = inv(A) + inv(A) @ U @ inv(S) @ V @ inv(A)
    report = check(
        verify(
            T @ plus,
            ONE + U @ C @ V @ inv(A) + (U + U @ C @ V @ inv(A) @ U) @ inv(S) @ V @ inv(A),
            ONE + U @ C @ V @ inv(A) + U @ C @ S @ inv(S) @ V @ inv(A),
            ONE,
        ),
        woodbury(),
    )
    assert [verdict.law is not None for verdict in report.verdicts] == [True, True, True, False]
    assert "False" in report.verdicts[-1].sentence
    assert not report.starts
    assert report.cause == SIGN


@pytest.mark.parametrize(
    ("lines", "words", "cause"),
    [
        ((T @ X, ONE), "more than one law", LONG),
        ((A @ U @ C @ V, U @ C @ V @ A), "at n = 2, k = 1", COMMUTE),
        (
            (MIDDLE, ONE + U @ C @ V @ inv(A) - (U + U @ V @ inv(A) @ U @ C) @ inv(S) @ V @ inv(A)),
            "n = 1, k = 2",
            COMMUTE,
        ),
        ((U @ inv(S) @ V, U @ (C + inv(V @ inv(A) @ U)) @ V), "inverse of V@inv(A)@U", SUM),
        ((ONE, U @ inv(V @ inv(A) @ U) @ V), "inverse of V@inv(A)@U", None),
        ((MIDDLE, ONE + U @ inv(C + V @ inv(A) @ U) @ V), "not among the hypotheses", CORE),
        ((T @ X, 2 * ONE), "already for numbers", None),
        ((ONE, inv(A - A)), "inverse of A - A", None),
        ((ONE, inv(U @ C @ V)), "inverse of U@C@V", None),
        ((ONE, V @ U), "another shape", None),
        ((ONE, symbols("B:n,n")[0]), "letter B", None),
        ((ONE, symbols("A:k,k")[0]), "another shape", None),
    ],
)
def test_what_is_said_of_a_step(lines: tuple[Expr, ...], words: str, cause: str | None) -> None:
    verdict = check(verify(*lines), woodbury()).verdicts[1]
    assert verdict.law is None
    assert words in verdict.sentence
    assert verdict.cause == cause


def test_the_unit_matrix_has_an_inverse() -> None:
    """And so has a product that is the unit matrix by one law; but 2 I is not among the hypotheses."""
    assert check(verify(T @ X, inv(ONE) @ T @ X @ inv(inv(ONE)), T @ X @ inv(A @ inv(A))), woodbury()).sound
    assert check(derive(inv(T), inv(T) @ inv(inv(T) @ T)), woodbury()).sound
    report = check(derive(inv(T), inv(T) @ inv(2 * inv(T) @ T)), woodbury())
    assert "not among the hypotheses" in report.verdicts[1].sentence
    assert report.cause is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (C @ V @ x + 0 * z, "z stands in its own definition"),
        (z, "z stands in its own definition"),
        (V @ A, "the same shape"),
    ],
)
def test_what_is_said_of_a_definition(value: Expr, words: str) -> None:
    verdict = check(solve(given(T @ x, y), define(z, value)), woodbury()).verdicts[1]
    assert verdict.law is None
    assert words in verdict.sentence


TWICE = [given(T @ x, y), lmul(2 * ONE, 1)]


@pytest.mark.parametrize(
    "proof",
    [
        solve(*TWICE, define(z, -2 * C @ V @ x), subst(3, 2, 2 * A @ x - U @ z, 2 * y)),
        solve(*TWICE, define(z, C @ V @ x + C @ V @ x), subst(3, 2, 2 * A @ x + U @ z, 2 * y)),
        solve(*TWICE, define(w, 2 * x), subst(3, 2, T @ w, 2 * y), subst(3, 4, 2 * A @ x + U @ C @ V @ w, 2 * y)),
        solve(*TWICE, define(w, 2 * A @ x + 3 * y), subst(3, 2, w + 2 * U @ C @ V @ x, 5 * y)),
        # A letter for a product that overlaps with itself.
        solve(*TWICE, define(Z, A @ A), lmul(A @ A, 1), subst(3, 4, Z @ T @ x, A @ A @ y), lmul(A, 5),
              subst(3, 6, A @ A @ A @ T @ x, Z @ A @ y)),
        # No definition as it stands, but an equation with another factor at its longest product.
        solve(*TWICE, define(z, 2 * C @ V @ x), rewrite(3, 2 * C @ V @ x - z, 0 * z),
              subst(4, 2, 2 * A @ x + U @ z, 2 * y)),
    ],
)  # fmt: skip
def test_an_equation_is_used_whichever_of_its_products_has_the_factor_1(proof: Proof) -> None:
    report = check(proof, woodbury())
    assert report.sound, report


def test_an_equation_without_a_product_to_replace_is_told_so() -> None:
    steps = [given(T @ x, y), lmul(2 * ONE, 1), rewrite(2, 2 * T @ x, 2 * y), subst(3, 1, x, X @ y)]
    sentence = check(solve(*steps), woodbury()).verdicts[-1].sentence
    assert "Equation (3) cannot be used: no product in it with the factor 1 or -1" in sentence


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (rewrite(2, x, X @ y), "This equation is true, but one law does not lead to it from (2)"),
        (subst(2, 1, x, X @ y), "This equation is true, but (2) used in (1) does not lead to it"),
        (rewrite(2, 2 * x, X @ y), "False: its two sides differ"),
    ],
)
def test_a_true_equation_that_does_not_follow_is_called_true(last: Step, words: str) -> None:
    verdict = check(solve(given(T @ x, y), define(w, X @ y), last), woodbury()).verdicts[-1]
    assert verdict.law is None
    assert words in verdict.sentence


def test_the_inverse_of_a_sum_is_recognised() -> None:
    laws = Laws({"A": A, "T": A + A @ A})
    assert slip_of(expand(inv(A + A @ A)), expand(inv(A) + inv(A) @ inv(A)), laws) == SUM


@pytest.mark.parametrize(
    "proof",
    [
        derive(inv(T), -inv(-T)),
        derive(inv(A), -inv(-A)),
        verify(A @ inv(A) + U @ inv(S) @ V, -A @ inv(-A) + U @ inv(S) @ V),
    ],
)
def test_a_sign_in_an_inverse_is_no_inverse_of_a_sum(proof: Proof) -> None:
    verdict = check(proof, woodbury()).verdicts[1]
    assert "not among the hypotheses" in verdict.sentence
    assert "sum" not in verdict.sentence
    assert verdict.cause is None


def test_a_torn_sum_is_recognised_beside_a_sign_in_an_inverse() -> None:
    laws = Laws({"A": A, "T": A + A @ A})
    assert slip_of(expand(inv(A + A @ A)), expand(-inv(-A) + inv(A) @ inv(A)), laws) == SUM


def test_the_example_of_the_statement() -> None:
    P, Q = let("P", ONE + U @ V), let("Q", eye("k") + V @ U)
    assert check(verify(inv(P) @ U, inv(P) @ U @ Q @ inv(Q), U @ inv(Q)), push_through()).complete
    assert not check(verify(inv(P) @ U, U @ inv(Q)), push_through()).complete


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: C @ U, "k×k.*n×k"),
        (lambda: A + C, "equal shapes"),
        (lambda: inv(U), "not square"),
        (lambda: A * A, "use @"),
        (lambda: A @ 2, "@ takes matrix expressions"),
        (lambda: A + 1, "eye"),
        (lambda: A * 0.5, "integer"),
        (lambda: A * True, "integer"),
        (lambda: A / A, "no division"),
        (lambda: 1 / A, "no division"),
        (lambda: A**2, "no division"),
        (lambda: A.T, "transpose"),
        (lambda: symbols("A"), "declares no matrix"),
        (lambda: symbols("A:N,N"), "declares no matrix"),
        (lambda: symbols("inv:n,n"), "no name"),
        (lambda: let("a b", A), "no name"),
        (lambda: eye("nn"), "no symbolic size"),
        (lambda: eye(3), "no symbolic size"),
        (lambda: verify(A, "A"), "Line 2 is a value of type str, not a matrix expression"),
        (lambda: verify(A, 1), "Line 2 is the number 1, not a matrix expression. For the number 1 write eye"),
        (lambda: rewrite(1, 2, y), "The left side is the number 2"),
        (lambda: lmul(1, A), "What lmul multiplies with is the number 1"),
        (lambda: rewrite(x, y, y), "named by their numbers 1, 2, 3, …; this is the expression x"),
        (lambda: solve(A), "Line 1"),
        (lambda: to_data(None), "None"),
        (lambda: to_data([A]), "list"),
        (lambda: lmul(A, "1"), "numbers"),
        (lambda: 10**7 * A, "larger"),
    ],
)
def test_mistakes_in_writing_are_refused_in_a_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises((ShapeError, NotAnExpression), match=words):
        make()


def test_an_expression_that_grows_is_stopped() -> None:
    line = A
    for _ in range(7):
        line = line @ line
    with pytest.raises(NotAnExpression, match="300 parts"):
        line @ line


SUMS = functools.reduce(lambda left, _: left @ (A + U @ C @ V), range(30), A)
NESTED = functools.reduce(lambda inner, _: A - inner, range(40), A)
INVERSES = functools.reduce(lambda inner, _: inv(inner @ inner + inner), range(4), inv(A))
FACTORS = functools.reduce(lambda inner, _: 10**6 * inner, range(90), A)
OTHERS = [inv(m) for m in (C @ C, C @ S, S @ C, S @ S, C @ inv(S))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (SUMS, "multiplies out to more than 200 words"),
        (functools.reduce(lambda left, _: left @ T, range(30), A), "multiplies out to more than 200 words"),
        (functools.reduce(lambda left, _: left @ A, range(70), A), "more than 60 matrices"),
        (NESTED, "this line and the line before it differ"),
        (INVERSES, "not among the hypotheses"),
        (inv(FACTORS), "not among the hypotheses"),
        (FACTORS, "already for numbers"),
        (U @ functools.reduce(lambda left, right: left + right, OTHERS) @ V, "different inverses"),
        (eye("m"), "There is no eye('m') here"),
    ],
)
def test_a_line_that_is_a_bomb_is_refused_and_the_others_are_judged(line: Expr, words: str) -> None:
    proof = verify(T @ X, line, MIDDLE, LAST, ONE)
    report = check(read(to_data(proof), woodbury()), woodbury())
    assert words in report.verdicts[1].sentence
    assert [verdict.law is not None for verdict in report.verdicts] == [True, False, False, True, True]
    assert done_laws(report, "verify", woodbury(), "S") == {"C", "S"}
    assert len(repr(report)) < 5000


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([np.zeros(3)], "'ndarray' is no part"),
        ([np.zeros(3), "inv"], "'ndarray' is no part"),
        (["A:n,n", 10**400], "larger than 1000000"),
        (["A:n,n", 2.0], "'float' is no part"),
        (["A:n,n", True], "'bool' is no part"),
        (["A:n,n", *[-1] * 200], "brackets in brackets"),
        (["A:n,n"] * 10**6, "more than 300 parts"),
        (["A:n,n", "A:n,n"], "not one expression"),
        (["A"], "'A' is no part"),
        (["A:n,10"], "declares no matrix"),
        (["A" * 10**6 + ":n,n"], "declares no matrix"),
        (["inv:n,n"], "no name"),
        (["A:n,n\nU:n,k"], "declares no matrix"),
        (["@"], "lacks its matrices"),
        (["eye " + "n" * 10**6], "no symbolic size"),
        (["A:n,n", "let " + "n" * 10**6], "no name"),
        (["U:n,k", "inv"], "not square"),
        ("A:n,n", "not a matrix expression"),
    ],
)
def test_hostile_data_are_refused_in_a_short_sentence(tokens: Any, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        read({"mode": "verify", "steps": [["line", [], [tokens]]]}, woodbury())
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("source", [10**400, 0, -1, 2.0, "1", None, [1]])
def test_a_source_that_is_no_line_is_refused(source: Any) -> None:
    with pytest.raises(Unreadable, match="Line 1 names another line"):
        read({"mode": "solve", "steps": [["lmul", [source], [["A:n,n"]]]]}, woodbury())


def test_a_name_stands_for_one_thing() -> None:
    report = check(verify(T @ X, inv(A) @ let("A", T)), woodbury())
    assert "The name A already stands for something else" in report.verdicts[1].sentence
    report = check(verify(T @ X, U @ (let("S", C) + S - S) @ V), woodbury())
    assert "The name S already stands for something else" in report.verdicts[1].sentence
    assert check(verify(U @ let("M", C + C) @ V, U @ let("M", 2 * C) @ V), woodbury()).sound


def test_an_empty_and_an_endless_proof() -> None:
    assert check(verify(), woodbury()).sentences == ("The proof has no lines. This is not a proof yet.",)
    endless = verify(*[T @ X] * 10_000)
    assert "more than 40" in check(endless, woodbury()).sentences[0]
    with pytest.raises(Unreadable, match="more than 40"):
        read(to_data(endless), woodbury())


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.floats()
    | st.just(np.zeros(2))
    | st.sampled_from(
        ["+", "@", "inv", "A:n,n", "U:n,k", "A:k,k", "let S", "eye n", "line", "solve", "verify", "define", "lmul"]
    ),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(["mode", "steps"]), inner),
    max_leaves=30,
)
STEPS = st.lists(st.tuples(PLAIN, PLAIN, st.lists(st.lists(PLAIN, max_size=6), max_size=3)).map(list), max_size=6)


@any_of(st.builds(dict, mode=st.sampled_from(["verify", "derive", "solve", 1]), steps=STEPS | PLAIN) | PLAIN)
@settings(max_examples=200, deadline=None)
def test_whatever_arrives_is_a_proof_to_judge_or_refused_in_a_sentence(data: Any) -> None:
    try:
        proof = read(data, woodbury())
    except Unreadable:
        return
    assert not check(proof, woodbury()).complete


@pytest.mark.parametrize(
    "declared", ["A:1,1  U:1,1  C:1,1  V:1,1", "A:n,n  U:n,n  C:n,n  V:n,n", "A:n,n U:n,k B:k,k V:k,n"]
)
@pytest.mark.parametrize("code", [woodbury_proof, *ALTERNATIVES])
def test_letters_of_another_kind_are_refused_on_both_sides_of_the_wire(
    code: Callable[..., Proof], declared: str
) -> None:
    try:
        proof = code(*symbols(declared))
    except ShapeError:
        return  # where it is written
    there, here = check(proof, woodbury()), check(read(to_data(proof), woodbury()), woodbury())
    assert repr(here) == repr(there)
    assert not here.complete
    assert any("is not among those of the claim" in verdict.sentence for verdict in here.verdicts)


def credited(proof: Proof) -> set[str]:
    return done_laws(check(proof, woodbury()), proof.mode, woodbury(), "S")


PAIR = {name: m @ inv(m) - eye(str(m.shape[0])) for name, m in {"A": A, "C": C, "S": S}.items()}
ALL = {"A", "C", "S"}
DERIVED = alternatives.derived(*LETTERS)
NOTES = alternatives.solved_like_the_notes(*LETTERS)


PADDED = solve(
    given(T @ x, y),
    lmul(A @ inv(A) @ A, 1),
    rewrite(2, A @ T @ x, A @ y),
    lmul(C @ inv(C) @ V, 1),
    rewrite(4, V @ T @ x, V @ y),
    lmul(S @ inv(S) @ V @ A, 1),
    rewrite(6, V @ A @ T @ x, V @ A @ y),
    rewrite(1, x, X @ y),
)


def without(proof: Proof, *numbers: int) -> Proof:
    return Proof(proof.mode, tuple(step for number, step in enumerate(proof.steps, start=1) if number not in numbers))


@pytest.mark.parametrize(
    ("proof", "laws"),
    [
        (verify(T @ X, MIDDLE, LAST, ONE), ALL),
        (verify(ONE, LAST, MIDDLE, T @ X), ALL),
        # More is written than is to be shown.
        (verify(T @ X, MIDDLE, LAST, ONE, A), ALL),
        (verify(T @ X, MIDDLE, LAST, ONE, X @ T), ALL),
        (verify(A, ONE, LAST, MIDDLE, T @ X), ALL),
        # It breaks off, or has no beginning, or a gap.
        (verify(T @ X, MIDDLE), {"A"}),
        (verify(T @ X, MIDDLE, LAST), {"A", "C"}),
        (verify(T @ X, MIDDLE, ONE + ONE, ONE), {"A"}),
        (verify(T @ X, 2 * ONE, MIDDLE, LAST, ONE), {"C", "S"}),
        (verify(T @ X, 2 * ONE, LAST, ONE), {"S"}),
        (verify(MIDDLE, LAST, ONE), {"C", "S"}),
        (verify(ONE, LAST, 2 * ONE, T @ X), {"S"}),
        (verify(T @ X, MIDDLE, MIDDLE + U @ PAIR["C"] @ V, ONE), {"A"}),
        (verify(T @ X, ONE), set()),
        (verify(T @ X, 2 * ONE), set()),
        (verify(T @ X), set()),
        (verify(ONE), set()),
        (verify(), set()),
        (without(DERIVED, 2, 3), {"C"}),
        (without(DERIVED, 7), ALL),
        # Pairs put in and left lying, or taken out again, in any order, at either end.
        (verify(T @ X, T @ X + PAIR["A"], T @ X, 2 * ONE), set()),
        (verify(T @ X, T @ X + PAIR["A"], T @ X + PAIR["A"] + U @ PAIR["C"] @ V, ONE), set()),
        (verify(T @ X, ONE + PAIR["A"] + U @ (PAIR["C"] + PAIR["S"]) @ V, ONE + PAIR["A"], ONE), set()),
        (
            verify(
                T @ X,
                T @ X + U @ PAIR["S"] @ V,
                T @ X + U @ (PAIR["S"] + PAIR["C"]) @ V,
                T @ X + U @ PAIR["C"] @ V,
                2 * ONE,
            ),
            set(),
        ),
        # Equations.
        (NOTES, ALL),
        (without(NOTES, 12), {"A", "C", "S"}),
        (Proof("solve", NOTES.steps[:3]), {"A"}),
        (Proof("solve", NOTES.steps[:7]), {"A", "C"}),
        (Proof("solve", NOTES.steps[:8]), {"A", "C"}),
        (Proof("solve", NOTES.steps[3:]), set()),
        (solve(given(T @ x, y), rewrite(1, A @ inv(A) @ T @ x, y), rewrite(2, T @ x, y)), set()),
        (solve(given(A @ x, y), lmul(inv(A), 1), rewrite(2, x, inv(A) @ y)), set()),
        (solve(given(T @ x, y), define(z, C @ V @ x), lmul(inv(C), 2), rewrite(3, inv(C) @ z, V @ x)), {"C"}),
        # Pairs put in by a multiplication or a definition, and taken out again by their laws.
        (PADDED, set()),
        (
            solve(
                given(T @ x, y),
                define(z, C @ inv(C) @ V @ x),
                rewrite(2, z, V @ x),
                subst(3, 1, A @ x + U @ C @ z, y),
                rewrite(1, x, X @ y),
            ),
            set(),
        ),
    ],
)
def test_credit_is_for_what_is_no_longer_to_be_shown(proof: Proof, laws: set[str]) -> None:
    assert done_laws(check(proof, woodbury()), proof.mode, woodbury(), "S") == laws


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (rewrite(1, 2 * y, 2 * T @ x), "This is equation (1) multiplied by 2 I. `rewrite` does not multiply"),
        (rewrite(1, inv(A) @ T @ x, inv(A) @ y), "This is equation (1) multiplied by A⁻¹. `rewrite` does not multiply"),
        (rewrite(1, V @ y - V @ A @ x, V @ U @ C @ V @ x), "multiplied by V"),
        (rewrite(1, x + inv(A) @ U @ C @ V @ x, inv(A) @ y), "one law does not lead to it from (1)"),
        (rewrite(1, 2 * y, T @ x), "False"),
    ],
)
def test_a_rewriting_that_multiplies_is_told_so(step: Step, words: str) -> None:
    verdict = check(solve(given(T @ x, y), step), woodbury()).verdicts[1]
    assert verdict.law is None
    assert words in verdict.sentence

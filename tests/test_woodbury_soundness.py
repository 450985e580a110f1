"""What the checker accepts is true, and what is a step by one law it accepts: thousands of random lines."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograder.proof import (
    PRIME,
    Expr,
    Laws,
    Proof,
    check,
    define,
    expand,
    eye,
    fails_at,
    given,
    inv,
    inverse_mod,
    let,
    letters,
    lmul,
    rewrite,
    solve,
    subst,
    symbols,
    to_tokens,
    woodbury,
)
from autograder.proof.reading import from_tokens

A, U, C, V = LETTERS = symbols("A:n,n  U:n,k  C:k,k  V:k,n")
x, y, z = symbols("x:n,1  y:n,1  z:k,1")
S, T = let("S", inv(C) + V @ inv(A) @ U), let("T", A + U @ C @ V)
ONE = eye("n")
GIVEN = {"A": A, "C": C, "S": S, "T": T}
SHAPES = letters(T)
LAWS = Laws(GIVEN)

Array = np.ndarray[Any, np.dtype[Any]]
Line = list[tuple[int, list[Expr]]]
"""A sum of products, as coefficients and factors: what the fuzz makes lines of."""


def product(factors: Sequence[Expr], rng: random.Random) -> Expr:
    """The factors in this order, in random brackets."""
    if len(factors) == 1:
        return factors[0]
    cut = rng.randrange(1, len(factors))
    return product(factors[:cut], rng) @ product(factors[cut:], rng)


def total(terms: Sequence[Expr], rng: random.Random) -> Expr:
    if len(terms) == 1:
        return terms[0]
    cut = rng.randrange(1, len(terms))
    return total(terms[:cut], rng) + total(terms[cut:], rng)


def written(line: Line, rng: random.Random) -> Expr:
    """The line in a random order of its terms, in random brackets, sometimes with a common first factor taken out."""
    terms = [(coefficient, list(factors)) for coefficient, factors in line]
    rng.shuffle(terms)
    groups: list[Expr] = []
    while terms:
        coefficient, factors = terms.pop()
        partner = next((t for t in terms if t[1][0] == factors[0] and min(len(t[1]), len(factors)) > 1), None)
        if partner is not None and rng.random() < 0.7:
            terms.remove(partner)
            inner = [c * product(f[1:], rng) for c, f in ((coefficient, factors), partner)]
            groups.append(factors[0] @ total(inner, rng))
        else:
            groups.append(coefficient * product(factors, rng))
    return total(groups, rng)


def random_line(rng: random.Random, matrices: Sequence[Expr]) -> Line:
    """One to three products from n to n, of factors that the shapes allow."""
    line: Line = []
    for _ in range(rng.randint(1, 3)):
        factors = [rng.choice([m for m in matrices if m.shape[0] == "n"])]
        while factors[-1].shape[1] != "n" or rng.random() < 0.5:
            at = factors[-1].shape[1]
            # From k back to n soon, so that products stay short.
            choice = [m for m in matrices if m.shape[0] == at]
            factors.append(V if at == "k" and len(factors) > 3 else rng.choice(choice))
            if len(factors) > 4 and factors[-1].shape[1] == "n":
                break
        line.append((rng.choice([-2, -1, 1, 1, 3]), factors))
    return line


M = eye("k") + C @ V @ inv(A) @ U
LAWFUL = {**GIVEN, "CS": C @ S, "M": M}
ATOMS = [A, U, C, V, S, T, M, *(inv(matrix) for matrix in LAWFUL.values())]


def one_law(line: Line, rng: random.Random) -> tuple[str, Line]:
    """The line by one law: pairs X X⁻¹ or X⁻¹ X of one X put in at some places, or (C S)⁻¹ as S⁻¹ C⁻¹."""
    name = rng.choice([*LAWFUL, "reversal"])
    if name == "reversal":
        return name, [(coefficient, reversed_in(factors)) for coefficient, factors in line]
    matrix = LAWFUL[name]
    pairs = [[matrix, inv(matrix)], [inv(matrix), matrix]]
    new: Line = []
    for coefficient, factors in line:
        grown = list(factors)
        for _ in range(rng.randint(1, 2)):
            places = [i for i in range(len(grown)) if grown[i].shape[0] == matrix.shape[0]]
            if places:
                place = rng.choice(places)
                grown[place:place] = rng.choice(pairs)
        new.append((coefficient, grown))
    return name, new


def reversed_in(factors: list[Expr]) -> list[Expr]:
    return [part for factor in factors for part in ([inv(S), inv(C)] if factor == inv(C @ S) else [factor])]


def test_random_steps_by_one_law_are_accepted_in_any_brackets() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        line = random_line(rng, ATOMS)
        name, new = one_law(line, rng)
        sides = [expand(written(side, rng)) for side in (line, new)]
        if rng.random() < 0.5:
            sides.reverse()
        law = LAWS.between(*sides)
        assert law is not None, (name, line, new)


def mutated(line: Line, rng: random.Random) -> Line:
    """The line with one accident in it, where the shapes stay right."""
    new = [(coefficient, list(factors)) for coefficient, factors in line]
    at = rng.randrange(len(new))
    coefficient, factors = new[at]
    place = rng.randrange(len(factors))
    match rng.choice(["sign", "factor", "swap", "drop", "other", "forget"]):
        case "sign":
            new[at] = (-coefficient, factors)
        case "factor":
            new[at] = (2 * coefficient, factors)
        case "swap":
            others = [i for i, f in enumerate(factors) if f.shape == factors[place].shape]
            other = rng.choice(others)
            factors[place], factors[other] = factors[other], factors[place]
        case "drop" if len(factors) > 1 and factors[place].shape[0] == factors[place].shape[1]:
            del factors[place]
        case "other":
            factors[place] = rng.choice(
                [m for m in (*ATOMS, x, y, z, factors[place]) if m.shape == factors[place].shape]
            )
        case "forget" if len(new) > 1:
            del new[at]
    return new


def values_at(n: int, k: int, rng: np.random.Generator) -> dict[Expr, Array]:
    """Random matrices modulo PRIME for all ATOMS, by what they are and not by the module's own evaluation."""
    sizes = {"n": n, "k": k}
    found = {m: rng.integers(0, PRIME, size=[sizes[str(d)] for d in m.shape]).astype(object) for m in LETTERS}
    a, u, c, v = (found[m] for m in LETTERS)
    ainv, cinv = inverse_mod(a, PRIME), inverse_mod(c, PRIME)
    found |= {inv(A): ainv, inv(C): cinv, S: (cinv + v @ ainv @ u) % PRIME, T: (a + u @ c @ v) % PRIME}
    # C S is M, by C C⁻¹ = I.
    found |= {C @ S: c @ found[S] % PRIME, M: c @ found[S] % PRIME}
    return found | {inv(m): inverse_mod(found[m], PRIME) for m in (S, T, C @ S, M)}


def worth(line: Line, values: Mapping[Expr, Array]) -> Array:
    total = np.zeros((1, 1), dtype=object)
    for coefficient, factors in line:
        value = values[factors[0]]
        for factor in factors[1:]:
            value = value @ values[factor] % PRIME
        total = (total + coefficient * value) % PRIME
    return total


def test_no_false_step_is_accepted() -> None:
    """Of pairs with an accident in them, whatever is accepted agrees for random matrices modulo 2^61 - 1."""
    rng = random.Random(2)
    values = [values_at(n, k, np.random.default_rng(n)) for n, k in ((3, 2), (2, 3))]
    accepted = false = 0
    for _ in range(4000):
        old = random_line(rng, ATOMS)
        new = mutated(one_law(old, rng)[1], rng)
        law = LAWS.between(expand(written(old, rng)), expand(written(new, rng)))
        differ = any(not np.array_equal(worth(old, v), worth(new, v)) for v in values)
        assert law is None or not differ, (law, old, new)
        accepted, false = accepted + (law is not None), false + differ
    # Both kinds occur, or the test would say nothing: a swap of equal factors, or a change back, is no accident.
    assert accepted > 1000
    assert false > 1000


def sides(line: Line, rng: random.Random) -> tuple[Expr, Expr]:
    """The equation line = 0 with each term on either side."""
    zero = (0, line[0][1])
    left = [term for term in line if rng.random() < 0.5]
    right = [(-coefficient, factors) for coefficient, factors in line if (coefficient, factors) not in left]
    return written(left or [zero], rng), written(right or [zero], rng)


def used(equation: Line, letter: Expr, value: Line) -> Line:
    """The equation with `value` for the letter, a vector."""
    new: Line = []
    for coefficient, factors in equation:
        if factors[-1] == letter:
            new += [(coefficient * c, factors[:-1] + f) for c, f in value]
        else:
            new.append((coefficient, factors))
    return new


def random_equations(rng: random.Random) -> tuple[Proof, int]:
    """A proof by legal rules, of which one line has an accident in it; and the number of that line."""
    maps = [A, T, inv(A), U @ C @ V, V, C @ V, inv(S) @ V, A - A, 0 * V, 2 * ONE]
    lines: list[Line] = [[(1, [T, x]), (-1, [y])]]
    steps = [given(T @ x, y)]
    length = rng.randint(3, 9)
    accident = rng.randint(2, length)
    definition: list[tuple[int, Line]] = []
    while len(steps) < length:
        i = rng.randrange(len(lines))
        rule = rng.choice(["lmul", "rewrite", "rewrite", "define", "subst"])
        at = lines[i][0][1][0].shape[0]
        if rule == "lmul" and (fitting := [m for m in maps if m.shape[1] == at and len(lines[i][0][1]) < 7]):
            matrix = rng.choice(fitting)
            steps.append(lmul(matrix, i + 1))
            lines.append([(coefficient, [matrix, *factors]) for coefficient, factors in lines[i]])
        elif rule == "define" and not definition:
            value: Line = [(rng.choice([1, 1, 2, -3]), [C, V, x]), (rng.choice([-1, 0, 2]), [V, y])]
            steps.append(define(z, written(value, rng)))
            lines.append([(1, [z]), *((-coefficient, factors) for coefficient, factors in value)])
            definition = [(len(lines), value)]
        elif rule in ("rewrite", "subst") and (rule == "rewrite" or definition):
            line = one_law(lines[i], rng)[1] if rule == "rewrite" else used(lines[i], z, definition[0][1])
            if len(steps) + 1 == accident:
                line = mutated(line, rng)
            left, right = sides(line, rng)
            steps.append(
                rewrite(i + 1, left, right) if rule == "rewrite" else subst(definition[0][0], i + 1, left, right)
            )
            lines.append(line)
    return solve(*steps), accident


def test_no_false_equation_is_accepted() -> None:
    """Whatever a legal line says holds for random matrices, if all lines before it are legal."""
    rng, legal, broken = random.Random(4), Counter[str](), 0
    for _ in range(500):
        proof, accident = random_equations(rng)
        values = {"y": T @ x}
        shapes = {**SHAPES, "x": x.shape, "y": y.shape}
        for verdict in check(proof, woodbury()).verdicts:
            rule, terms = verdict.step.rule, verdict.step.terms
            if verdict.law is None:
                broken += verdict.number == accident
                break
            legal[rule] += 1
            if rule == "define":
                shapes["z"], values["z"] = z.shape, terms[1]
            if rule != "lmul":
                assert fails_at(terms[0], terms[1], shapes, values) is None, verdict
    assert min(legal[rule] for rule in ("lmul", "rewrite", "define", "subst")) > 100, legal
    assert broken > 100


def test_python_reads_back_what_is_printed() -> None:
    rng = random.Random(3)
    names = {**dict(zip("AUCV", LETTERS, strict=True)), "S": S, "T": T, "inv": inv, "eye": eye}
    for _ in range(500):
        line = written(random_line(rng, ATOMS), rng)
        assert eval(repr(line), dict(names)) == line
        assert from_tokens(to_tokens(line)) == line

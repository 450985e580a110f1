"""Proofs about matrices, line by line. What a legal line is, is said here; `proof_checker` judges it.

A chain is a list of expressions, each equal to the one before it. A step may do any amount of ring algebra (brackets,
distribution, order of a sum, signs, unit matrices) and use one law, at as many places as you like, either way:

    X X⁻¹ = X⁻¹ X = I         for a matrix X whose inverse is given
    (X Y)⁻¹ = Y⁻¹ X⁻¹         for two such matrices

`verify` and `derive` make chains; `solve` makes a list of equations, one from another, like (1.24)-(1.29) of the notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from matrix_algebra import Expr, NotAnExpression, Shape, as_latex, as_text, kind_of, letters, to_tokens

# The longest proof of Woodbury's identity that we know, written out in small steps, has 14 lines.
MOST_LINES = 40

SIDES = ("The left side", "The right side")
HINTS: Mapping[type, str] = {int: " For the number 1 write eye('n') or eye('k'); for the vector 0 write 0*x."}

# How many expressions and how many numbers of earlier lines each kind of line has.
RULES = {"line": (1, 0), "given": (2, 0), "lmul": (1, 1), "rewrite": (2, 1), "define": (2, 0), "subst": (2, 2)}


@dataclass(frozen=True)
class Step:
    """One line: an expression of a chain, or an equation with the rule that gave it and the equations it came from."""

    rule: str
    terms: tuple[Expr, ...]
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Proof:
    """A list of lines. Made by `verify`, `derive` or `solve`; shows itself as LaTeX."""

    mode: str
    steps: tuple[Step, ...]

    def _repr_latex_(self) -> str:
        return f"$$\\begin{{aligned}}{' '.join(self._rows())}\\end{{aligned}}$$"

    def _rows(self) -> Iterator[str]:
        for number, step in enumerate(self.steps[:MOST_LINES], start=1):
            if step.rule == "line":
                yield f"{'' if number == 1 else '='} & {as_latex(step.terms[0])} \\\\"
            elif step.rule == "lmul":
                yield f"({number})\\quad & {as_latex(step.terms[0])} \\cdot ({step.sources[0]}) \\\\"
            else:
                left, right = map(as_latex, step.terms)
                yield f"({number})\\quad & {left} = {right} && \\text{{{reason(step)}}} \\\\"


def verify(*lines: Expr) -> Proof:
    """A chain from T X or X T to the unit matrix: for square matrices one side suffices."""
    return chain("verify", lines)


def derive(*lines: Expr) -> Proof:
    """A chain from T⁻¹ to X; that T is invertible is given."""
    return chain("derive", lines)


def chain(mode: str, lines: Iterable[Expr]) -> Proof:
    """A chain of equal expressions, as `theorem[mode]` asks for."""
    terms = tuple(lines)
    names = [f"Line {number}" for number in range(1, len(terms) + 1)]
    return Proof(mode, tuple(Step("line", (line,)) for line in _expressions(terms, names)))


def solve(*steps: Step) -> Proof:
    """Equations, numbered from 1, from T x = y to x = X y; each is `given`, `lmul`, `rewrite`, `define` or `subst`."""
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, Step):
            raise NotAnExpression(f"Line {number} is {kind_of(step)}: write given(...), lmul(...) or so.")
    return Proof("solve", steps)


def given(left: Expr, right: Expr) -> Step:
    """The equation that is given."""
    return Step("given", _expressions((left, right), SIDES))


def lmul(matrix: Expr, i: int) -> Step:
    """Equation i multiplied by `matrix` from the left, on both sides."""
    return Step("lmul", _expressions((matrix,), ["What lmul multiplies with"]), _numbers(i))


def rewrite(i: int, left: Expr, right: Expr) -> Step:
    """Equation i in another form: terms moved from side to side, ring algebra, and at most one law."""
    return Step("rewrite", _expressions((left, right), SIDES), _numbers(i))


def define(letter: Expr, value: Expr) -> Step:
    """A new letter for an expression: letter = value."""
    return Step("define", _expressions((letter, value), ["The letter", "What the letter stands for"]))


def subst(j: int, i: int, left: Expr, right: Expr) -> Step:
    """Equation j used in equation i, at as many places as you like, and ring algebra."""
    return Step("subst", _expressions((left, right), SIDES), _numbers(j, i))


def reason(step: Step) -> str:
    """How an equation was got, in words; nothing for the line of a chain."""
    sources = [f"({number})" for number in step.sources]
    match step.rule, sources:
        case "lmul", [source]:
            return f"{as_text(step.terms[0])} times {source}"
        case "rewrite", [source]:
            return f"{source} rewritten"
        case "subst", [used, source]:
            return f"{used} used in {source}"
    return {"given": "given", "define": "definition"}.get(step.rule, "")


def to_data(proof: object) -> dict[str, object]:
    """A proof as plain data, at most one line more than the longest that is read; NotAnExpression if it is no proof."""
    if not isinstance(proof, Proof):
        kind = "None" if proof is None else f"of type {type(proof).__name__}"
        raise NotAnExpression(f"This is {kind}, not a proof: return verify(...), derive(...) or solve(...).")
    steps = [
        [step.rule, list(step.sources), [to_tokens(term) for term in step.terms]]
        for step in proof.steps[: MOST_LINES + 1]
    ]
    return {"mode": proof.mode, "steps": steps}


def _expressions(terms: Sequence[object], names: Sequence[str]) -> tuple[Expr, ...]:
    """The terms, if all are matrix expressions; `names` says what each of them is."""
    found = []
    for term, name in zip(terms, names, strict=True):
        if not isinstance(term, Expr):
            raise NotAnExpression(f"{name} is {kind_of(term)}, not a matrix expression.{HINTS.get(type(term), '')}")
        found.append(term)
    return tuple(found)


def _numbers(*numbers: object) -> tuple[int, ...]:
    for number in numbers:
        if not isinstance(number, int):
            raise NotAnExpression(f"Equations are named by their numbers 1, 2, 3, …; this is {kind_of(number)}.")
    return tuple(int(number) for number in numbers if isinstance(number, int))


@dataclass(frozen=True)
class Claim:
    """What a proof in one mode has to show: from one of `starts` to one of `ends`, by inverses of `hypotheses` alone.

    For chains the starts and ends are single expressions; for equations, pairs. slips: expressions that typically stand
    in the place of the right ones, as a line, as a side of an equation or under an inverse, each with what to say.
    values: letters that are not free, such as y = T x, for evaluation.
    """

    hypotheses: Mapping[str, Expr]
    starts: Sequence[tuple[Expr, ...]]
    ends: Sequence[tuple[Expr, ...]]
    slips: Sequence[tuple[Expr, str]] = ()
    values: Mapping[str, Expr] = field(default_factory=dict)

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The letters that the claim is about."""
        terms = [*self.hypotheses.values(), *(term for side in (*self.starts, *self.ends) for term in side)]
        return {name: shape for term in terms for name, shape in letters(term).items()}


Theorem = Mapping[str, Claim]

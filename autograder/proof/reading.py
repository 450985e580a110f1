"""A proof from plain data that anybody may have written: every expression is made and checked anew."""

from __future__ import annotations

from typing import Any

from matrix_algebra import MOST_PARTS, Expr, NotAnExpression, ShapeError, as_dim, declared, eye, inv, let
from matrix_proofs import MOST_LINES, RULES, Proof, Step, Theorem


class Unreadable(ValueError):
    """The data are no proof; the message is a sentence for the student."""


def read(data: Any, theorem: Theorem) -> Proof:
    """The proof that `to_data` wrote; raises Unreadable, whatever `data` are.

    Letters come as they were declared. Whether they are those of `theorem` the checker judges, here as in a notebook.
    """
    match data:
        case {"mode": str(mode), "steps": list(steps)} if mode in theorem:
            if len(steps) > MOST_LINES:
                raise Unreadable(f"The proof has more than {MOST_LINES} lines. Leave out what leads nowhere.")
            return Proof(mode, tuple(_step(step, number) for number, step in enumerate(steps, start=1)))
        case {"mode": str(mode)}:
            raise Unreadable(f"There is no mode {mode[:20]!r} here; the modes are {', '.join(theorem)}.")
    raise Unreadable("This is not a proof: return verify(...), derive(...) or solve(...).")


def _step(step: Any, number: int) -> Step:
    match step:
        case [str(rule), list(sources), list(terms)] if (len(terms), len(sources)) == RULES.get(rule):
            if not all(type(source) is int and 0 < source <= MOST_LINES for source in sources):
                raise Unreadable(f"Line {number} names another line by something that is not its number.")
            return Step(rule, tuple(_expression(term, number) for term in terms), tuple(sources))
    raise Unreadable(f"Line {number} is no line of a proof.")


def _expression(tokens: Any, number: int) -> Expr:
    if not isinstance(tokens, list):
        raise Unreadable(f"Line {number} is not a matrix expression.")
    try:
        return from_tokens(tokens)
    except (ShapeError, NotAnExpression) as error:
        raise Unreadable(f"Line {number}: {error}") from None


def from_tokens(tokens: list[Any]) -> Expr:
    """The expression that `to_tokens` wrote; raises ShapeError or NotAnExpression, whatever the tokens are."""
    if len(tokens) > MOST_PARTS:
        raise NotAnExpression(f"This expression has more than {MOST_PARTS} parts.")
    stack: list[Expr] = []
    for token in tokens:
        stack.append(_made(token, stack))
    if len(stack) != 1:
        raise NotAnExpression("This is not one expression.")
    return stack[0]


def _made(token: Any, stack: list[Expr]) -> Expr:
    """What a token makes of the last expressions on the stack, which it takes away."""
    if type(token) is int:
        return token * _last(stack)
    match token.split(" ") if type(token) is str else []:
        case ["+" | "@" as sign]:
            right, left = _last(stack), _last(stack)
            return left + right if sign == "+" else left @ right
        case ["inv"]:
            return inv(_last(stack))
        case ["let", name]:
            return let(name, _last(stack))
        case ["eye", dim]:
            return eye(as_dim(dim))
        case [declaration] if ":" in declaration:
            return declared(declaration)
    shown = token[:20] if isinstance(token, str) else type(token).__name__
    raise NotAnExpression(f"{shown!r} is no part of a matrix expression.")


def _last(stack: list[Expr]) -> Expr:
    if not stack:
        raise NotAnExpression("An operation lacks its matrices.")
    return stack.pop()

"""What a matrix expression is worth, modulo a prime or in floating point; and at which sizes two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matrix_algebra import Dim, Expr, Shape, letters, walk

Array = np.ndarray[Any, np.dtype[Any]]
Function = Callable[[Mapping[str, Any], int], Array | None]

# Two different expressions agree by chance with probability degree/p, about 1e-17, at each size.
PRIME = 2**61 - 1
# The smallest first: at n = k = 1 everything commutes, some identities hold up to n = 2, and k > n is allowed.
SIZES = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3), (4, 3))


def modular(expression: Expr) -> Function:
    """The function f(matrices, p) of an expression: its value modulo the prime p for integer matrices, by letter.

    It returns an int64 array with entries in 0..p-1, or None where something has no inverse modulo p. p < 2**63.
    """
    shapes = letters(expression)

    def function(matrices: Mapping[str, Any], p: int) -> Array | None:
        sizes: dict[Dim, int] = {1: 1}
        for name, shape in shapes.items():
            sizes |= dict(zip(shape, np.shape(matrices[name]), strict=True))
        try:
            return evaluate(expression, matrices, sizes, p).astype(np.int64)
        except np.linalg.LinAlgError:
            return None

    return function


def evaluate(expression: Expr, matrices: Mapping[str, Any], sizes: Mapping[Dim, int], p: int | None = None) -> Array:
    """The value for `matrices`, by letter: modulo the prime p in Python's integers, or in floating point without p.

    sizes: what the dimensions are, such as {"n": 3, "k": 2, 1: 1}. Raises LinAlgError where an inverse does not exist.
    """
    stack: list[Array] = []
    for part in walk(expression):
        args = [stack.pop() for _ in part.args][::-1]
        value = _applied(part, args, matrices, sizes, p)
        stack.append(value if p is None else value % p)
    return stack[0]


def _applied(
    part: Expr, args: list[Array], matrices: Mapping[str, Any], sizes: Mapping[Dim, int], p: int | None
) -> Array:
    kind = float if p is None else object
    match part.op:
        case "symbol":
            return np.asarray(matrices[str(part.label)], dtype=kind)
        case "eye":
            return np.eye(sizes[part.label], dtype=kind)
        case "times":
            return np.asarray(part.label * args[0])
        case "sum":
            return np.asarray(args[0] + args[1])
        case "product":
            return np.asarray(args[0] @ args[1])
        case "inverse":
            return np.linalg.inv(args[0]) if p is None else inverse_mod(args[0], p)
    return args[0]


def inverse_mod(matrix: Array, p: int) -> Array:
    """The inverse of a square matrix of integers modulo the prime p, by Gauss and Jordan; LinAlgError if singular."""
    n = len(matrix)
    rows = [[int(x) % p for x in row] + [int(i == j) for j in range(n)] for i, row in enumerate(matrix)]
    for column in range(n):
        pivot = next((row for row in range(column, n) if rows[row][column]), None)
        if pivot is None:
            raise np.linalg.LinAlgError(f"The matrix is singular modulo {p}.")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = pow(rows[column][column], -1, p)
        top = rows[column] = [x * scale % p for x in rows[column]]
        for i, row in enumerate(rows):
            if i != column and (factor := row[column]):
                rows[i] = [(x - factor * y) % p for x, y in zip(row, top, strict=True)]
    return np.array([row[n:] for row in rows], dtype=object).reshape(n, n)


def fails_at(left: Expr, right: Expr, shapes: Mapping[str, Shape], values: Mapping[str, Expr]) -> str | None:
    """The smallest sizes at which the two differ for random matrices, in words; None if they agree at all of SIZES.

    shapes: the letters that are free; values: the others, such as y = T x, each in terms of those before it.
    """
    rng = np.random.default_rng(0)
    for n, k in SIZES:
        sizes: dict[Dim, int] = {"n": n, "k": k, 1: 1}
        matrices: dict[str, Array] = {
            name: rng.integers(0, PRIME, size=[sizes[dim] for dim in shape]).astype(object)
            for name, shape in shapes.items()
            if name not in values
        }
        try:
            for name, value in values.items():
                matrices[name] = evaluate(value, matrices, sizes, PRIME)
            one, other = (evaluate(side, matrices, sizes, PRIME) for side in (left, right))
        except np.linalg.LinAlgError:
            continue
        if not np.array_equal(one, other):
            return "already for numbers, at n = k = 1" if n == k == 1 else f"at n = {n}, k = {k}"
    return None

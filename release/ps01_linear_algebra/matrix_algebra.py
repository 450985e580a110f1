"""Matrix expressions that stay as you write them: letters with shapes, `@`, `+`, `-`, integer factors, `inv`, `eye`.

    A, U, C, V = symbols("A:n,n  U:n,k  C:k,k  V:k,n")
    S = let("S", inv(C) + V @ inv(A) @ U)
    inv(A) - inv(A) @ U @ inv(S) @ V @ inv(A)

Nothing is simplified and nothing commutes. Shapes are symbolic and are checked when an expression is made. An
expression prints as Python, shows as LaTeX in a notebook, and travels as plain data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

Dim = str | int
Shape = tuple[Dim, Dim]

# Lines of a proof by hand have 20 to 60 parts, 20 brackets deep; several times that is a loop that went wrong.
MOST_PARTS, DEEPEST = 300, 100
# A factor that appears in a matrix identity has one digit.
LARGEST_FACTOR = 10**6
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,11}")
RESERVED = ("eye", "inv", "let")


class ShapeError(ValueError):
    """Two matrices do not fit together; the message says which, and what their shapes are."""


class NotAnExpression(TypeError):
    """Something else stands where a matrix expression should."""


@dataclass(frozen=True, repr=False)
class Expr:
    """One matrix expression: an operation on smaller ones. Make it from `symbols`, `eye`, `inv`, `let` and operators.

    op: symbol, eye, let, times, sum, product or inverse. label: the name, the dimension, or the integer factor.
    shape: a pair of dimensions, each a letter such as "n" or the number 1. parts, depth: how many operations it is
    made of, and how many of them one inside the other.
    """

    op: str
    args: tuple[Expr, ...]
    label: str | int
    shape: Shape
    parts: int
    depth: int

    # numpy, asked for `array @ Expr`, leaves the answer to us.
    __array_ufunc__ = None

    def __matmul__(self, other: object) -> Expr:
        right = _expression(other, "@")
        if self.shape[1] != right.shape[0]:
            raise ShapeError(
                f"{self!r} is {_size(self)} and {right!r} is {_size(right)}: in a product the inner two must be equal."
            )
        return _node("product", (self, right), "", (self.shape[0], right.shape[1]))

    def __rmatmul__(self, other: object) -> Expr:
        return _expression(other, "@") @ self

    def __add__(self, other: object) -> Expr:
        right = _expression(other, "+")
        if self.shape != right.shape:
            raise ShapeError(f"{self!r} is {_size(self)} and {right!r} is {_size(right)}: a sum needs equal shapes.")
        return _node("sum", (self, right), "", self.shape)

    def __radd__(self, other: object) -> Expr:
        return _expression(other, "+") + self

    def __sub__(self, other: object) -> Expr:
        return self + (-_expression(other, "-"))

    def __rsub__(self, other: object) -> Expr:
        return _expression(other, "-") - self

    def __neg__(self) -> Expr:
        return -1 * self

    def __mul__(self, other: object) -> Expr:
        if isinstance(other, Expr):
            raise NotAnExpression(f"Between the matrices {self!r} and {other!r} use @, not *.")
        if isinstance(other, bool) or not isinstance(other, Integral):
            raise NotAnExpression(f"{self!r} can be multiplied by an integer, not by {kind_of(other)}.")
        if abs(factor := int(other)) > LARGEST_FACTOR:
            raise NotAnExpression(f"The factor of {self!r} is larger than {LARGEST_FACTOR}.")
        return _node("times", (self,), factor, self.shape)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Expr:
        raise NotAnExpression(f"Matrices have no division: write inv(...) on the side of {self!r} where it belongs.")

    __rtruediv__ = __truediv__
    __pow__ = __truediv__

    @property
    def T(self) -> Expr:  # noqa: N802 - numpy's name for the transpose, which students try
        raise NotAnExpression("There are no transposes here: give the transposed matrix a letter of its own.")

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {as_latex(self)}$"


def symbols(declarations: str) -> tuple[Expr, ...]:
    """Letters with their shapes: `A, u = symbols("A:n,n  u:n,1")`. A dimension is a lower-case letter, or 1."""
    return tuple(declared(declaration) for declaration in declarations.split())


def declared(declaration: str) -> Expr:
    """One letter with its shape, such as `U:n,k`."""
    match = re.fullmatch(rf"({NAME.pattern}):([a-z]|1),([a-z]|1)", declaration)
    if match is None:
        raise NotAnExpression(
            f"{declaration[:20]!r} declares no matrix: write name:rows,columns, such as U:n,k or u:n,1."
        )
    name, rows, columns = match.groups()
    return symbol(name, (as_dim(rows), as_dim(columns)))


def symbol(name: str, shape: Shape) -> Expr:
    """One letter."""
    return _node("symbol", (), _name(name), shape)


def eye(dim: Dim) -> Expr:
    """The identity matrix, `eye("n")`, `eye("k")` or `eye(1)`."""
    if dim != 1 and not re.fullmatch("[a-z]", str(dim)):
        raise NotAnExpression(f"eye({str(dim)[:20]!r}) has no symbolic size: write eye('n'), eye('k') or eye(1).")
    return _node("eye", (), dim, (dim, dim))


def inv(matrix: object) -> Expr:
    """The inverse of a square matrix. Whether it exists is a hypothesis, which the proof checker looks up."""
    inner = _expression(matrix, "inv")
    if inner.shape[0] != inner.shape[1]:
        raise ShapeError(f"{inner!r} is {_size(inner)}, not square: it has no inverse.")
    return _node("inverse", (inner,), "", inner.shape)


def let(name: str, matrix: object) -> Expr:
    """An abbreviation: prints as `name`, and means `matrix`."""
    inner = _expression(matrix, "let")
    return _node("let", (inner,), _name(name), inner.shape)


def letters(expression: Expr) -> dict[str, Shape]:
    """The letters in an expression, with their shapes."""
    return {str(part.label): part.shape for part in walk(expression) if part.op == "symbol"}


def to_tokens(expression: Expr) -> list[str | int]:
    """The expression as plain data: postfix, such as ["A:n,n", "U:n,k", "V:k,n", "@", "+", "inv"]."""
    words = {"sum": "+", "product": "@", "inverse": "inv"}
    tokens: list[str | int] = []
    for part in walk(expression):
        if part.op == "symbol":
            tokens.append(f"{part.label}:{part.shape[0]},{part.shape[1]}")
        elif part.op in ("eye", "let"):
            tokens.append(f"{part.op} {part.label}")
        else:
            tokens.append(words.get(part.op, part.label))
    return tokens


def _node(op: str, args: tuple[Expr, ...], label: str | int, shape: Shape) -> Expr:
    parts = 1 + sum(arg.parts for arg in args)
    depth = 1 + max((arg.depth for arg in args), default=0)
    if parts > MOST_PARTS:
        raise NotAnExpression(f"This expression has more than {MOST_PARTS} parts; a line by hand has under a hundred.")
    if depth > DEEPEST:
        raise NotAnExpression(f"This expression has brackets in brackets, more than {DEEPEST} deep.")
    return Expr(op, args, label, shape, parts, depth)


def walk(expression: Expr) -> Iterator[Expr]:
    """All parts, each after the parts that it is made of."""
    for part in expression.args:
        yield from walk(part)
    yield expression


def _expression(value: object, operation: str) -> Expr:
    if not isinstance(value, Expr):
        more = " For the number 1 write eye('n') or eye('k')." if isinstance(value, int) else ""
        raise NotAnExpression(f"{operation} takes matrix expressions, and this is {kind_of(value)}.{more}")
    return value


def kind_of(value: object) -> str:
    """What stands where a matrix expression should."""
    if isinstance(value, Expr):
        return f"the expression {value!r}"
    return f"the number {value}" if isinstance(value, int | float) else f"a value of type {type(value).__name__}"


def _name(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
        raise NotAnExpression(
            f"{str(name)[:20]!r} is no name for a matrix: use letters and digits, such as A, S or vT."
        )
    return name


def as_dim(text: str) -> Dim:
    """A dimension as it is typed in a declaration: a letter, or 1."""
    return 1 if text == "1" else text


def _size(expression: Expr) -> str:
    return f"{expression.shape[0]}×{expression.shape[1]}"


def as_text(expression: Expr) -> str:
    """The expression as one types it; Python reads it back as the same expression."""
    match expression.op, expression.args:
        case "eye", _:
            return f"eye({expression.label!r})"
        case "inverse", [inner]:
            return f"inv({as_text(inner)})"
        case "times", [inner]:
            factor = "-" if expression.label == -1 else f"{expression.label}*"
            return factor + _text(inner, "sum", "product", "times")
        case "product", [left, right]:
            return f"{_text(left, 'sum')}@{_text(right, 'sum', 'product', 'times')}"
        case "sum", [left, Expr("times", [inner], -1)]:
            return f"{as_text(left)} - {_text(inner, 'sum', 'negative')}"
        case "sum", [left, right]:
            return f"{as_text(left)} + {_text(right, 'sum')}"
    return str(expression.label)


def as_latex(expression: Expr) -> str:
    """The expression as LaTeX: products without a sign, inverses as exponents, vT as a transposed v."""
    match expression.op, expression.args:
        case "eye", _:
            return f"I_{{{expression.label}}}"
        case "inverse", [inner]:
            return f"{_latex(inner, 'sum', 'product', 'times', 'inverse')}^{{-1}}"
        case "times", [inner]:
            factor = "-" if expression.label == -1 else f"{expression.label}\\,"
            return factor + _latex(inner, "sum", "times")
        case "product", [left, right]:
            return f"{_latex(left, 'sum')}\\, {_latex(right, 'sum', 'times')}"
        case "sum", [left, Expr("times", [inner], -1)]:
            return f"{as_latex(left)} - {_latex(inner, 'sum', 'negative')}"
        case "sum", [left, right]:
            return f"{as_latex(left)} + {_latex(right, 'sum', 'negative')}"
    name = str(expression.label).replace("_", r"\_")
    return f"{name[:-1]}^{{\\mathsf T}}" if name.endswith("T") and len(name) > 1 else name


def _text(part: Expr, *bracketed: str) -> str:
    return f"({as_text(part)})" if _is_among(part, bracketed) else as_text(part)


def _latex(part: Expr, *bracketed: str) -> str:
    return f"\\left({as_latex(part)}\\right)" if _is_among(part, bracketed) else as_latex(part)


def _is_among(part: Expr, kinds: tuple[str, ...]) -> bool:
    negative = part.op == "times" and int(part.label) < 0
    return part.op in kinds or (negative and "negative" in kinds)

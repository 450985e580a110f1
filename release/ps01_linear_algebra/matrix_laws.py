"""The laws that a proof may use, which inverses it may write, and the slips that one makes with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from matrix_algebra import Expr, walk
from matrix_words import (
    ONE,
    Letter,
    Rules,
    TooLarge,
    Word,
    Words,
    add,
    expand,
    inverse,
    inverse_rules,
    inverses,
    multiply,
    quotient,
    reduce,
    spell,
)

# A line by hand has one or two inverses besides those of the hypotheses.
MOST_OTHERS = 4
ALGEBRA = "ring algebra"
REVERSAL = "(XY)⁻¹ = Y⁻¹X⁻¹"


class Laws:
    """The laws that hold if the matrices in `hypotheses` (by name) are invertible."""

    def __init__(self, hypotheses: Mapping[str, Expr]) -> None:
        self.names = tuple(hypotheses)
        given = {name: expand(matrix) for name, matrix in hypotheses.items()}
        self._given = {name: inverse_rules(words) for name, words in given.items()}
        self._names = {word[0] for words in given.values() for word in inverse(words)}
        sizes = [matrix.shape[0] for matrix in hypotheses.values()]
        pairs = [(words, inverse(words), size) for words, size in zip(given.values(), sizes, strict=True)]
        # The inverse of an invertible matrix is invertible too.
        self._units = [*pairs, *((inverted, words, size) for words, inverted, size in pairs)]

    @cached_property
    def _products(self) -> list[tuple[Words, Words]]:
        """Products of two invertible matrices, each with its inverse."""
        return [
            (multiply(x, y), multiply(y_inverse, x_inverse))
            for x, x_inverse, m in self._units
            for y, y_inverse, n in self._units
            if m == n and y != x_inverse
        ]

    @cached_property
    def _invertible(self) -> set[str]:
        """Invertible sums, spelt: I, the given ones, their inverses, products of two, and what a law makes of these."""
        products = [product for product, _ in self._products]
        reduced = [reduce(product, rules) for product in products for rules in self._given.values()]
        return {spell(words) for words in [ONE, *(unit for unit, _, _ in self._units), *products, *reduced]}

    def forbidden(self, expression: Expr) -> Expr | None:
        """The first part of `expression` whose inverse it takes without right; None if there is none."""
        for part in walk(expression):
            if part.op == "inverse" and not self._is_invertible(expand(part.args[0])):
                return part.args[0]
        return None

    def _is_invertible(self, words: Words) -> bool:
        return any(spell(form) in self._invertible for form in self.forms(words))

    def forms(self, words: Words) -> Iterator[Words]:
        """The words, and what each given law makes of them."""
        yield words
        for rules in self._given.values():
            yield reduce(words, rules)

    def between(self, old: Words, new: Words) -> str | None:
        """The law by which `old` equals `new`: ring algebra if that is enough, None if no single law does it."""
        if old == new:
            return ALGEBRA
        for name, rules in self.candidates(old, new).items():
            if reduce(old, rules) == reduce(new, rules):
                return name
        return None

    def candidates(self, *sides: Words) -> dict[str, Rules]:
        """The laws that could apply: one for each given matrix and each other inverse in `sides`, and the reversal."""
        found = {name: letter for words in sides for name, letter in inverses(words).items()}
        others = {name: letter for name, letter in found.items() if name not in self._names}
        if len(others) > MOST_OTHERS:
            raise TooLarge(f"It has more than {MOST_OTHERS} different inverses besides the given ones.")
        laws = dict(self._given)
        for letter in others.values():
            if letter.argument is not None:
                laws[pretty(letter.argument)] = inverse_rules(letter.argument)
        if reversals := tuple(rule for letter in others.values() if (rule := self._reversal(letter)) is not None):
            laws[REVERSAL] = reversals
        return laws

    def _reversal(self, letter: Letter) -> tuple[Word, Words] | None:
        for product, inverted in self._products:
            if product == letter.argument:
                return (letter,), inverted
        return None

    def says(self, law: str) -> str:
        """A law in a sentence."""
        if law in (ALGEBRA, REVERSAL):
            return law
        return f"{law} {law}⁻¹ = I" if law in self.names else f"X X⁻¹ = I for X = {law}"


def pretty(words: Words) -> str:
    """Words as one reads them: I + C V A⁻¹ U."""
    terms = []
    for word, coefficient in sorted(words.items(), key=lambda item: (len(item[0]), item[0])):
        factor = "" if abs(coefficient) == 1 else f"{abs(coefficient)} "
        terms.append(("-" if coefficient < 0 else "+") + f" {factor}{' '.join(map(_pretty, word)) or 'I'}")
    return " ".join(terms).removeprefix("+ ") or "0"


def _pretty(letter: Letter) -> str:
    if letter.argument is None:
        return str(letter)
    inner = pretty(letter.argument)
    return f"{inner}⁻¹" if inner.isalnum() else f"({inner})⁻¹"


def multiple_of(old: Words, new: Words) -> str:
    """With what the equation `old` was multiplied from the left to get `new`; nothing if it is no multiple."""
    try:
        factors = [quotient(form, old) for form in (new, add({}, new, -1))]
    except TooLarge:
        return ""
    # The sides may have been exchanged: of 2 and -2 the one without a sign.
    return min((pretty(factor) for factor in factors if factor), key=len, default="")


COMMUTE = "The two would be equal if matrices commuted. They do not: keep the order of every product."
SUM = "The inverse of a sum is not the sum of the inverses, not even for numbers."


def slip_of(old: Words, new: Words, laws: Laws) -> str | None:
    """The slip that makes `new` of `old`, alone or with one law; None if it is none of those known."""
    try:
        forms = [(reduce(old, rules), reduce(new, rules)) for rules in ((), *laws.candidates(old, new).values())]
        if any(_commuted(left) == _commuted(right) for left, right in forms):
            return COMMUTE
        # What agrees with all sums whole has none torn: it differs in a sign taken out of an inverse, say.
        if any(_split(left, sums=False) == _split(right, sums=False) for left, right in forms):
            return None
        if any(_split(left) == _split(right) for left, right in forms):
            return SUM
    except TooLarge:
        pass
    return None


def _commuted(words: Words) -> dict[frozenset[tuple[str, int]], int]:
    """The words as if letters commuted: monomials of letters with their powers, 0 left out."""
    total: Counter[frozenset[tuple[str, int]]] = Counter()
    for word, coefficient in words.items():
        powers: Counter[str] = Counter()
        for letter in word:
            base, power = _power(letter)
            powers[base] += power
        total[frozenset((base, power) for base, power in powers.items() if power)] += coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def _power(letter: Letter) -> tuple[Letter, int]:
    """A letter as a power of another: the inverse of a single letter is its power -1."""
    match list((letter.argument or {}).items()):
        case [((base,), 1)]:
            return base, -1
    return letter, 1


def _split(words: Words, sums: bool = True) -> Words:
    """The words as if the inverse of a sum were the sum of the inverses; that of a product is a product.

    Without `sums` those of sums stay whole, up to a sign.
    """
    total: Words = {}
    for word, coefficient in words.items():
        total = add(total, multiply(*(_split_letter(letter, sums) for letter in word)), coefficient)
    return total


def _split_letter(letter: Letter, sums: bool) -> Words:
    if letter.argument is None:
        return {(letter,): 1}
    if len(letter.argument) > 1 and not sums:
        sign = 1 if letter.argument[min(letter.argument)] > 0 else -1
        return add({}, inverse(add({}, letter.argument, sign)), sign)
    total: Words = {}
    for word, coefficient in letter.argument.items():
        total = add(total, multiply(*(inverse({(factor,): 1}) for factor in reversed(word))), coefficient)
    return total

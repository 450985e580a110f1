"""Matrix expressions as sums of words, and what a law makes of them.

Multiplied out, an expression is a sum of words over letters: (A + B) @ C is AC + BC, and the order in a word counts.
The inverse of a sum is one letter of its own, known by the sum under it. Two expressions with the same words are equal
by the rules of a ring alone: brackets, distribution, the order of a sum, signs, unit matrices. Anything more takes a
law.

A law is a set of replacements, word by words. Each replacement is true wherever the hypothesis of the law holds, so
equal results mean equal expressions: no random numbers, no doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from matrix_algebra import Expr

# A line by hand multiplies out to ten words of ten letters, and reducing it takes ten replacements. An inverse of
# hypotheses or their products has a name of under a hundred letters.
MOST_WORDS = 200
LONGEST_WORD = 60
MOST_REPLACEMENTS = 500
LONGEST_NAME = 2000


class TooLarge(ValueError):
    """A line multiplies out to more words than any proof by hand has."""


class Letter(str):
    """A matrix by its name, or the inverse of `argument`, whose name spells the words under it."""

    argument: Mapping[Word, int] | None

    def __new__(cls, name: str, argument: Mapping[Word, int] | None = None) -> Letter:
        letter = super().__new__(cls, name)
        letter.argument = argument
        return letter


Word = tuple[Letter, ...]
Words = Mapping[Word, int]
Rules = tuple[tuple[Word, Words], ...]

ONE: Words = {(): 1}


@lru_cache(maxsize=300)
def expand(expression: Expr) -> Words:
    """The words of an expression with their integer coefficients; raises TooLarge."""
    args = [expand(arg) for arg in expression.args]
    match expression.op:
        case "symbol":
            return {(Letter(str(expression.label)),): 1}
        case "eye":
            return ONE
        case "times":
            return add({}, args[0], int(expression.label))
        case "sum":
            return add(args[0], args[1])
        case "product":
            return multiply(args[0], args[1])
        case "inverse":
            return inverse(args[0])
    return args[0]


def add(left: Words, right: Words, factor: int = 1) -> Words:
    """left + factor * right."""
    total = dict(left)
    for word, coefficient in right.items():
        total[word] = total.get(word, 0) + factor * coefficient
    if len(total) > MOST_WORDS:
        raise TooLarge(f"It multiplies out to more than {MOST_WORDS} words.")
    return {word: coefficient for word, coefficient in total.items() if coefficient}


def multiply(*factors: Words) -> Words:
    """The product, in that order."""
    product = ONE
    for factor in factors:
        total: Words = {}
        for left, a in product.items():
            total = add(total, {left + right: a * b for right, b in factor.items()})
        if any(len(word) > LONGEST_WORD for word in total):
            raise TooLarge(f"It multiplies out to a product of more than {LONGEST_WORD} matrices.")
        product = total
    return product


def inverse(argument: Words) -> Words:
    """The inverse: one letter, whose name spells the words under it; the inverse of an inverse is what stood there."""
    if argument == ONE:
        return ONE
    [(word, coefficient), *more] = argument.items() or [((), 0)]
    if not more and coefficient == 1 and len(word) == 1 and word[0].argument is not None:
        return word[0].argument
    if sum(len(letter) for word in argument for letter in word) > LONGEST_NAME:
        raise TooLarge("It has inverses within inverses, more than any proof by hand has.")
    return {(Letter(f"({spell(argument)})⁻¹", argument),): 1}


def spell(words: Words) -> str:
    """The words as one string, in a fixed order; different words give different strings."""
    terms = sorted(words.items(), key=lambda item: order(item[0]))
    return " ".join(f"{coefficient:+d}·{'·'.join(word)}" for word, coefficient in terms)


def order(word: Word) -> tuple[int, Word]:
    """Longer words are larger; every replacement makes words smaller, so that reducing comes to an end."""
    return len(word), word


def solved_for_longest(words: Words) -> tuple[Word, Words] | None:
    """words = 0, written as longest word = the rest; None if that word is the unit or its factor is not ±1."""
    longest = max(words, key=order, default=())
    return solved_for(words, longest) if longest and abs(words[longest]) == 1 else None


def solved_for_some(words: Words) -> tuple[Word, Words] | None:
    """The same for the longest word with the factor ±1 that is part of no other; None if there is none.

    The rest may then have longer words. True it is as before, but whether reducing ends only its limits know.
    """
    for word in sorted(words, key=order, reverse=True):
        if word and abs(words[word]) == 1 and not any(other != word and _within(word, other) for other in words):
            return solved_for(words, word)
    return None


def solved_for(words: Words, word: Word) -> tuple[Word, Words]:
    """words = 0, written as word = the rest; the factor of the word is ±1."""
    return word, add({}, {other: factor for other, factor in words.items() if other != word}, -words[word])


def _within(part: Word, word: Word) -> bool:
    return any(word[start : start + len(part)] == part for start in range(len(word) - len(part) + 1))


def quotient(words: Words, divisor: Words) -> Words | None:
    """What times `divisor` gives the words, by ring algebra alone; None if nothing does."""
    longest = max(divisor, key=order, default=())
    found: Words = {}
    while words and divisor:
        word = max(words, key=order)
        size = len(word) - len(longest)
        if size < 0 or word[size:] != longest or words[word] % divisor[longest]:
            return None
        term = {word[:size]: words[word] // divisor[longest]}
        found, words = add(found, term), add(words, multiply(term, divisor), -1)
    return found if divisor else None


def inverse_rules(matrix: Words) -> Rules:
    """X X⁻¹ = X⁻¹ X = I for the matrix X: for S = C⁻¹ + V A⁻¹ U they replace V A⁻¹ U S⁻¹ by I - C⁻¹ S⁻¹."""
    letter = inverse(matrix)
    relations = [add(multiply(matrix, letter), ONE, -1), add(multiply(letter, matrix), ONE, -1)]
    return tuple(rule for relation in relations if (rule := solved_for_longest(relation)) is not None)


def reduce(words: Words, rules: Rules) -> Words:
    """The words with every replacement made, also under inverses, until none is left; raises TooLarge."""
    inside: dict[Letter, Words] = {}
    todo = dict(_reduced_inside(words, rules, inside))
    done: Words = {}
    for _ in range(MOST_REPLACEMENTS):
        if not todo:
            return done
        word = max(todo, key=order)
        coefficient = todo.pop(word)
        replaced = _replaced(word, rules)
        if replaced is None:
            done = add(done, {word: coefficient})
        else:
            todo = dict(add(todo, _reduced_inside(replaced, rules, inside), coefficient))
    raise TooLarge("It takes too many replacements to compare with another line.")


def _replaced(word: Word, rules: Rules) -> Words | None:
    for pattern, replacement in rules:
        size = len(pattern)
        for start in range(len(word) - size + 1):
            if word[start] == pattern[0] and word[start : start + size] == pattern:
                return multiply({word[:start]: 1}, replacement, {word[start + size :]: 1})
    return None


def _reduced_inside(words: Words, rules: Rules, inside: dict[Letter, Words]) -> Words:
    """The words with every sum under an inverse reduced; `inside` keeps what became of each inverse so far."""
    letters = {letter for word in words for letter in word if letter.argument is not None}
    for letter in letters - inside.keys():
        inside[letter] = _reduced_letter(letter, rules)
    if all(inside[letter] == {(letter,): 1} for letter in letters):
        return words
    total: Words = {}
    for word, coefficient in words.items():
        total = add(total, multiply(*(inside.get(letter, {(letter,): 1}) for letter in word)), coefficient)
    return total


def _reduced_letter(letter: Letter, rules: Rules) -> Words:
    # What a rule replaces as a whole (as the inverse of a product) stays as it is.
    if letter.argument is None or any(pattern == (letter,) for pattern, _ in rules):
        return {(letter,): 1}
    return inverse(reduce(letter.argument, rules))


def inverses(words: Words) -> dict[str, Letter]:
    """All inverse letters in the words, those under inverses included, by name."""
    found: dict[str, Letter] = {}
    for word in words:
        for letter in word:
            if letter.argument is not None:
                found[letter] = letter
                found |= inverses(letter.argument)
    return found

"""Which laws are done with in a proof that is not complete.

In a chain, the legal lines that are connected with the start lead to some line, and those connected with the end come
from another. Between the two is a gap. A law is done with if the whole way needs it and the gap does not, so that a
pair X X⁻¹ that is put in and left lying, or taken out again, earns nothing: the gap is as wide as before.

Equations have no such order. There the gap is between all that are legal and the last one: the laws by which this is a
sum of those, each multiplied from the left. A letter that is defined, or a pair that is put in, does not close it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from matrix_laws import Laws
from matrix_proofs import Claim, Theorem
from matrix_values import PRIME
from matrix_words import Rules, TooLarge, Word, Words, add, expand, multiply, order, reduce
from proof_report import Report, Verdict

# The longest equation of the longest proof by hand that we know has 32 letters in all its words.
LONGEST_EQUATION = 60


def done_laws(report: Report, mode: str, theorem: Theorem, core: str) -> set[str]:
    """The hypotheses X of which the law X X⁻¹ = I is done with in legal lines connected with the start or the end.

    core: the hypothesis whose work the inverses of products do, as that of I + CVA⁻¹U does the work of S.
    """
    if not report.verdicts:
        return set()
    if len(theorem[mode].starts[0]) == 2:
        return _in_equations(report.verdicts, theorem[mode], core)
    return _in_chain(report.verdicts, theorem[mode], core)


def _in_chain(verdicts: tuple[Verdict, ...], claim: Claim, core: str) -> set[str]:
    starts, ends = ([expand(side) for [side] in sides] for sides in (claim.starts, claim.ends))
    head, tail = _legal(verdicts), _legal_before_the_end(verdicts)
    sets = _sets(Laws(claim.hypotheses), [*head, *tail, *starts, *ends], core)

    def gap(start: Forms, end: Forms) -> set[str]:
        same = (names for (names, _), a, b in zip(sets, start, end, strict=True) if a is not None and a == b)
        return next(same, set(claim.hypotheses))

    found = [set[str]()]
    # A chain may be written from the end to the start.
    for first, last in ((head, tail), (tail, head)):
        heads = [first] if first[0] in starts else [[start] for start in starts]
        tails = [last] if last[0] in ends else [[end] for end in ends]
        for left in [[_forms(line, sets) for line in piece] for piece in heads]:
            for right in [[_forms(line, sets) for line in piece] for piece in tails]:
                way = gap(left[0], right[0])
                found += [way - gap(start, end) for start in left for end in right]
    return max(found, key=len)


def _legal(verdicts: Iterable[Verdict]) -> list[Words]:
    """The lines before the first illegal one; at least the first line."""
    lines: list[Words] = []
    for verdict in verdicts:
        if lines and verdict.law is None:
            break
        lines.append(verdict.words)
    return lines


def _legal_before_the_end(verdicts: tuple[Verdict, ...]) -> list[Words]:
    """The lines after the last illegal step, the last first: a step is legal in both directions."""
    lines = [verdicts[-1].words]
    for before, after in zip(verdicts[-2::-1], verdicts[:0:-1], strict=True):
        if after.law is None:
            break
        lines.append(before.words)
    return lines


Forms = list[Words | None]
Sets = list[tuple[set[str], Rules]]


def _sets(laws: Laws, lines: list[Words], core: str) -> Sets:
    """All sets of laws, the smallest first, with what they replace."""
    try:
        rules = laws.candidates(*lines)
    except TooLarge:
        rules = laws.candidates()
    others = tuple(rule for name in rules if name not in laws.names for rule in rules[name])
    own = {name: rules[name] + (others if name == core else ()) for name in laws.names}
    chosen = [names for size in range(len(own) + 1) for names in combinations(own, size)]
    return [(set(names), tuple(rule for name in names for rule in own[name])) for names in chosen]


def _forms(line: Words, sets: Sets) -> Forms:
    """What each set of laws makes of a line."""
    forms: Forms = []
    for _, rules in sets:
        try:
            forms.append(reduce(line, rules))
        except TooLarge:
            forms.append(None)
    return forms


def _in_equations(verdicts: tuple[Verdict, ...], claim: Claim, core: str) -> set[str]:
    legal = list(_sound(verdicts))
    given = next((verdict.words for verdict in legal if verdict.step.rule == "given"), None)
    if given is None:
        return set()
    equations = [verdict.words for verdict in legal if _size(verdict.words) <= LONGEST_EQUATION]
    ends = [add(expand(left), expand(right), -1) for left, right in claim.ends]
    sets = _sets(Laws(claim.hypotheses), [*equations, *ends], core)
    lines = [_forms(words, sets) for words in equations]

    def gap(end: Words, known: list[Forms]) -> set[str]:
        factors = sorted({word[i:j] for word in end for i in range(len(word)) for j in range(i, len(word))}, key=order)
        for index, (names, rules) in enumerate(sets):
            forms = [form for line in known if (form := line[index]) and _size(form) <= LONGEST_EQUATION]
            products = (_product(factor, form, rules) for factor in factors for form in forms)
            if _is_sum(_product((), end, rules), products):
                return names
        return set(claim.hypotheses)

    return max((gap(end, [_forms(given, sets)]) - gap(end, lines) for end in ends), key=len)


def _product(factor: Word, words: Words, rules: Rules) -> Words:
    """factor times words, reduced; nothing if it is too large."""
    try:
        return reduce(multiply({factor: 1}, words), rules)
    except TooLarge:
        return {}


def _is_sum(target: Words, equations: Iterable[Words]) -> bool:
    """Whether the target is a linear combination of the equations, by elimination modulo a prime."""
    echelon: dict[Word, Words] = {}
    for words in equations:
        if rest := _eliminated(words, echelon):
            longest = max(rest, key=order)
            inverse = pow(rest[longest], -1, PRIME)
            echelon[longest] = {word: coefficient * inverse % PRIME for word, coefficient in rest.items()}
    return not _eliminated(target, echelon)


def _eliminated(words: Words, echelon: dict[Word, Words]) -> Words:
    """What is left of the words when the longest of each line of the echelon is eliminated."""
    todo, done = {word: coefficient % PRIME for word, coefficient in words.items()}, {}
    while todo:
        word = max(todo, key=order)
        coefficient = todo.pop(word)
        if word not in echelon:
            done[word] = coefficient
            continue
        for other, factor in echelon[word].items():
            if other != word and not (value := (todo.get(other, 0) - coefficient * factor) % PRIME):
                todo.pop(other, None)
            elif other != word:
                todo[other] = value
    return done


def _sound(verdicts: tuple[Verdict, ...]) -> Iterator[Verdict]:
    """The equations that are legal like all that they come from."""
    numbers = set[int]()
    for verdict in verdicts:
        if verdict.law is not None and numbers.issuperset(verdict.step.sources):
            numbers.add(verdict.number)
            yield verdict


def _size(words: Words) -> int:
    """How many letters there are in all the words."""
    return sum(len(word) for word in words)

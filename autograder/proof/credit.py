"""Which laws are done with in a proof that is not complete.

In a chain, the legal lines that are connected with the start lead to some line, and those connected with the end come
from another. Between the two is a gap. A law is done with if the whole way needs it and the gap does not, so that a
pair X X⁻¹ that is put in and left lying, or taken out again, earns nothing: the gap is as wide as before.

Equations have no such order. There a law is done with where it made an equation shorter that belongs to the given one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from matrix_laws import ALGEBRA, REVERSAL, Laws
from matrix_proofs import Claim, Theorem
from matrix_words import Rules, TooLarge, Words, add, expand, reduce
from proof_report import Report, Verdict


def done_laws(report: Report, mode: str, theorem: Theorem, core: str) -> set[str]:
    """The hypotheses X of which the law X X⁻¹ = I is done with in legal lines connected with the start or the end.

    core: the hypothesis whose work the inverses of products do, as that of I + CVA⁻¹U does the work of S.
    """
    if not report.verdicts:
        return set()
    if len(theorem[mode].starts[0]) == 2:
        names = theorem[mode].hypotheses
        return {law if law in names else core for law in _in_equations(report.verdicts)}
    return _in_chain(report.verdicts, theorem[mode], core)


def _in_chain(verdicts: tuple[Verdict, ...], claim: Claim, core: str) -> set[str]:
    starts, ends = ([expand(side) for [side] in sides] for sides in (claim.starts, claim.ends))
    head, tail = _legal(verdicts), _legal_before_the_end(verdicts)
    if head[0] in ends or tail[0] in starts:  # a chain may be written from the end to the start
        head, tail = tail, head
    heads = [head] if head[0] in starts else [[start] for start in starts]
    tails = [tail] if tail[0] in ends else [[end] for end in ends]
    sets = _sets(Laws(claim.hypotheses), [*head, *tail, *starts, *ends], core)

    def gap(start: Forms, end: Forms) -> set[str]:
        same = (names for (names, _), a, b in zip(sets, start, end, strict=True) if a is not None and a == b)
        return next(same, set(claim.hypotheses))

    found = [set[str]()]
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


def _in_equations(verdicts: tuple[Verdict, ...]) -> set[str]:
    legal = {verdict.number: verdict for verdict in _sound(verdicts)}
    belonging, found, seen = _belonging(legal), set[str](), list[Words]()
    for number, verdict in legal.items():
        repeated = any(form in seen for form in (verdict.words, add({}, verdict.words, -1)))
        seen.append(verdict.words)
        if verdict.step.rule == "rewrite" and number in belonging and not repeated:
            [source] = verdict.step.sources
            if _size(verdict.words) < _size(legal[source].words):
                found.add(str(verdict.law))
    return found - {ALGEBRA, REVERSAL}


def _sound(verdicts: tuple[Verdict, ...]) -> Iterator[Verdict]:
    """The equations that are legal like all that they come from."""
    numbers = set[int]()
    for verdict in verdicts:
        if verdict.law is not None and numbers.issuperset(verdict.step.sources):
            numbers.add(verdict.number)
            yield verdict


def _belonging(legal: dict[int, Verdict]) -> set[int]:
    """The numbers of the equations that come from a given one, and of those that were used on the way."""
    found = {number for number, verdict in legal.items() if verdict.step.rule == "given"}
    for number, verdict in legal.items():
        if found.intersection(verdict.step.sources):
            found.add(number)
    for number in sorted(legal, reverse=True):
        if number in found:
            found.update(legal[number].step.sources)
    return found


def _size(words: Words) -> int:
    """How many letters there are in all the words."""
    return sum(len(word) for word in words)

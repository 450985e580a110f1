"""The checker: says of each line of a proof whether it is legal, by which law, and if not, what is wrong with it.

`check(proof, theorem)` returns a report that shows itself in a notebook. Legal steps are found by exact algebra on
words (see `matrix_words`), so what is accepted is true for all sizes, wherever the hypotheses hold. Random matrices
modulo a prime are asked only about steps that are not legal: is the line false, or is the step too long?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matrix_algebra import Expr, NotAnExpression, ShapeError, as_text, letters, walk
from matrix_laws import SUM, Laws, multiple_of, slip_of
from matrix_proofs import MOST_LINES, RULES, Claim, Proof, Step, Theorem
from matrix_values import fails_at
from matrix_words import ONE, Letter, TooLarge, Words, add, expand, multiply, reduce, solved_for, solved_for_some
from proof_report import Report, Verdict

BY_LMUL = "`rewrite` does not multiply an equation, not even by 2; for that there is"
LONG = "The step is true, but takes more than one law: write the lines in between."
FAR = "An equation is true, but does not follow in one step from those that it names: name others, or write more lines."

FIRST, GIVEN, DEFINED = "the first line", "the given equation", "a definition"
MULTIPLIED, USED = "both sides multiplied", "one equation used in another"
UNPROVED = (FIRST, GIVEN, DEFINED, MULTIPLIED, USED)


def check(proof: Proof, theorem: Theorem) -> Report:
    """Judge every line of `proof` as a proof of `theorem`."""
    if proof.mode not in theorem:
        return _refused(f"There is no mode {proof.mode!r} here; the modes are {', '.join(theorem)}.")
    if not proof.steps:
        return _refused("The proof has no lines.")
    if len(proof.steps) > MOST_LINES:
        return _refused(f"The proof has more than {MOST_LINES} lines. Leave out what leads nowhere.")
    claim = theorem[proof.mode]
    judge = _Judge(claim)
    for step in proof.steps:
        judge.read(step)
    return judge.report()


def _refused(sentence: str) -> Report:
    return Report((), False, False, (f"{sentence} This is not a proof yet.",))


class _Illegal(Exception):
    """A line is not legal; the message says why, `cause` which slip it is. Without `words` it is not used further."""

    def __init__(self, sentence: str, cause: str | None = None, words: Words | None = None) -> None:
        super().__init__(sentence)
        self.cause, self.words = cause, words


class _Judge:
    """Reads a proof line by line. The words of an equation are those of its left side minus its right side."""

    def __init__(self, claim: Claim) -> None:
        self.claim, self.laws = claim, Laws(claim.hypotheses)
        self.chain = len(claim.starts[0]) == 1
        self.shapes, self.values = dict(claim.shapes), dict(claim.values)
        self.dims = sorted({str(dim) for shape in claim.shapes.values() for dim in shape} | {"1"})
        self.names: dict[str, Words] = {}  # what the abbreviations stand for
        self.slips = [(expand(expression), sentence) for expression, sentence in claim.slips]
        self.verdicts: list[Verdict] = []
        self.sides: list[tuple[Expr, ...]] = []

    def read(self, step: Step) -> None:
        """Judge one line more."""
        number = len(self.verdicts) + 1
        self.sides.append(step.terms)
        try:
            law, words = self._law(step)
        except _Illegal as why:
            verdict = Verdict(number, step, None, str(why), why.cause, why.words or {}, why.words is not None)
        except (TooLarge, ShapeError, NotAnExpression) as why:
            verdict = Verdict(number, step, None, str(why), readable=False)
        else:
            verdict = Verdict(number, step, law, self._legal(law), None, words)
        self.verdicts.append(verdict)

    def _legal(self, law: str) -> str:
        return f"{law[0].upper()}{law[1:]}." if law in UNPROVED else f"Legal: {self.laws.says(law)}."

    def _law(self, step: Step) -> tuple[str, Words]:
        """The law by which a line is legal, and its words; raises _Illegal."""
        if (step.rule == "line") != self.chain or (len(step.terms), len(step.sources)) != RULES.get(step.rule):
            raise _Illegal(f"A line of this kind ({step.rule}) has no place in this mode.")
        if step.rule == "define":
            self._define(*step.terms)
        for term in step.terms:
            self._admit(term)
        if step.rule == "lmul":
            return self._multiplied(step)
        words = _difference(step.terms)
        if step.rule == "define":
            return DEFINED, words
        if step.rule == "given":
            return self._given(words), words
        if step.rule == "line" and not self.verdicts:
            return FIRST, words
        if step.rule == "subst":
            return self._substituted(step, words), words
        source = self._source(step.sources[0] if step.sources else len(self.verdicts), words)
        return self._stepped(source, step, words), words

    def _admit(self, term: Expr) -> None:
        """Refuse a term that does not belong to the claim, or with an inverse that is not given."""
        for part in walk(term):
            name = str(part.label)
            if part.op == "symbol" and self.shapes.get(name) != part.shape:
                raise _Illegal(f"The letter {name} is not among those of the claim, or has another shape there.")
            if part.op == "eye" and name not in self.dims:
                raise _Illegal(f"There is no {as_text(part)} here: the claim has the sizes {', '.join(self.dims)}.")
            if part.op == "let" and (name in self.shapes or self.names.setdefault(name, expand(part)) != expand(part)):
                raise _Illegal(f"The name {name} already stands for something else.")
        forbidden = self.laws.forbidden(term)
        if forbidden is not None:
            cause = _known([expand(forbidden)], self.slips)
            # An inverse may be torn apart into such that are not given; that of a number has nothing to tear.
            a_number = any(form.keys() <= ONE.keys() for form in self.laws.forms(expand(forbidden)))
            if self.chain and self.verdicts and not a_number:
                torn = slip_of(self.verdicts[-1].words, expand(term), self.laws) == SUM
                cause = SUM if torn else cause
            meaning = f" = {as_text(forbidden.args[0])}" if forbidden.op == "let" else ""
            raise _Illegal(
                f"The inverse of {as_text(forbidden)}{meaning} is not among the hypotheses. Given are the inverses of "
                f"{', '.join(self.laws.names)}, and of products of two of these.{f' {cause}' if cause else ''}",
                cause,
            )

    def _given(self, words: Words) -> str:
        if not any(_equal(words, _difference(start)) for start in self.claim.starts):
            raise _Illegal("This equation is not the one that is given.", None, words)
        return GIVEN

    def _define(self, letter: Expr, value: Expr) -> None:
        name = str(letter.label)
        if letter.op != "symbol" or name in self.shapes:
            raise _Illegal(f"{as_text(letter)} is not a new letter: define(z, ...) needs one that nothing else uses.")
        if letter.shape != value.shape:
            raise _Illegal(f"{name} and what it stands for must have the same shape.")
        if name in letters(value):
            raise _Illegal(f"{name} stands in its own definition: say what it is by letters that are known already.")
        self._admit(value)
        self.shapes[name], self.values[name] = letter.shape, value

    def _source(self, number: int, words: Words | None = None) -> Verdict:
        """Line `number`, from which a line comes that multiplies out to `words`."""
        if not 1 <= number <= len(self.verdicts):
            raise _Illegal(f"There is no line ({number}) before this one.", None, words)
        source = self.verdicts[number - 1]
        if not source.readable:
            raise _Illegal(f"It comes from line {number}, which cannot be used.", None, words)
        return source

    def _multiplied(self, step: Step) -> tuple[str, Words]:
        source = self._source(step.sources[0])
        sides = tuple(step.terms[0] @ side for side in self.sides[source.number - 1])
        self.sides[-1] = sides
        return MULTIPLIED, multiply(expand(step.terms[0]), source.words)

    def _substituted(self, step: Step, words: Words) -> str:
        used, source = (self._source(number, words) for number in step.sources)
        if used.step.rule == "define":
            rule = solved_for(used.words, (Letter(str(used.step.terms[0].label)),))
        elif (found := solved_for_some(used.words)) is not None:
            rule = found
        else:
            why = "no product in it with the factor 1 or -1 could be replaced by the rest"
            raise _Illegal(f"Equation ({used.number}) cannot be used: {why}.", None, words)
        if not any(reduce(form, (rule,)) == reduce(source.words, (rule,)) for form in (words, add({}, words, -1))):
            raise self._wrong(source, step, words)
        return USED

    def _stepped(self, source: Verdict, step: Step, words: Words) -> str:
        if step.rule == "line" and step.terms[0].shape != source.step.terms[0].shape:
            raise _Illegal("This line has another shape than the line before it.")
        forms = (words,) if step.rule == "line" else (words, add({}, words, -1))
        for form in forms:
            if (law := self.laws.between(source.words, form)) is not None:
                return law
        raise self._wrong(source, step, words)

    def _wrong(self, source: Verdict, step: Step, words: Words) -> _Illegal:
        """What to say of a line that does not follow from `source` in one step."""
        sides = (source.step.terms[0], step.terms[0]) if step.rule == "line" else step.terms
        where = fails_at(sides[0], sides[1], self.shapes, self.values)
        if where is None and step.rule == "line":
            return _Illegal(LONG, LONG, words)
        if where is None:
            return self._far(source, step, words)
        cause = slip_of(source.words, words, self.laws)
        what = "this line and the line before it differ" if step.rule == "line" else "its two sides differ"
        return _Illegal(f"False: {what}, {where}.{f' {cause}' if cause else ''}", cause, words)

    def _far(self, source: Verdict, step: Step, words: Words) -> _Illegal:
        """What to say of an equation that is true, and does not follow from `source` in one step."""
        if step.rule == "subst":
            used = step.sources[0]
            why = f"This equation is true, but ({used}) used in ({source.number}) does not lead to it."
            return _Illegal(why, FAR, words)
        factor = multiple_of(source.words, words)
        true = f"This equation is true, but one law does not lead to it from ({source.number})."
        why = f"This is equation ({source.number}) multiplied by {factor}." if factor else true
        return _Illegal(f"{why} {BY_LMUL} lmul(M, {source.number}).", None if factor else FAR, words)

    def report(self) -> Report:
        """The judgment on all lines that were read."""
        first = next((verdict for verdict in self.verdicts if verdict.law == GIVEN), self.verdicts[0])
        last = self.verdicts[-1]
        starts, ends = self._is(first, self.claim.starts), self._is(last, self.claim.ends)
        if self.chain and not (starts and ends):
            backwards = self._is(first, self.claim.ends), self._is(last, self.claim.starts)
            # A chain may be read from either end.
            starts, ends = max((starts, ends), backwards, key=sum)
        slip = None if starts and ends else _known([first.words, last.words], self.slips)
        report = Report(tuple(self.verdicts), starts, ends, (), slip)
        return replace(report, sentences=tuple(self._sentences(report)))

    def _is(self, verdict: Verdict, sides: Sequence[tuple[Expr, ...]]) -> bool:
        if not verdict.readable:
            return False
        if self.chain:
            [line] = verdict.step.terms
            return any(line.shape == side.shape and verdict.words == expand(side) for [side] in sides)
        return any(_equal(verdict.words, _difference(side)) for side in sides)

    def _sentences(self, report: Report) -> list[str]:
        if report.complete:
            return ["Every line is legal, and the ends are right: this is a proof."]
        found = []
        if not report.starts:
            found.append(f"The first line is not what the proof starts from, {_alternatives(self.claim.starts)}.")
        if not report.ends:
            found.append(f"The last line is not what is to be shown, {_alternatives(self.claim.ends)}.")
        if report.slip:
            found.append(report.slip)
        return [*found, "This is not a proof yet."]


def _difference(terms: tuple[Expr, ...]) -> Words:
    """The words of a line; of an equation, left side minus right side."""
    if len(terms) == 1:
        return expand(terms[0])
    if terms[0].shape != terms[1].shape:
        raise _Illegal("The two sides of the equation have different shapes.")
    return add(expand(terms[0]), expand(terms[1]), -1)


def _equal(left: Words, right: Words) -> bool:
    """Whether two equations say the same up to a sign."""
    return left in (right, add({}, right, -1))


def _alternatives(sides: Sequence[tuple[Expr, ...]]) -> str:
    texts = [" = ".join(map(as_text, side)) for side in sides[:2]]
    return f"{' or '.join(texts)}{' (or an equal form)' if len(sides) > 2 else ''}"


def _known(words: Sequence[Words], slips: Sequence[tuple[Words, str]]) -> str | None:
    """The sentence of the first of `slips` that is among `words`, up to its sign."""
    return next((sentence for wrong, sentence in slips if any(_equal(found, wrong) for found in words)), None)

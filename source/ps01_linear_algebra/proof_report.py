"""What the checker says about a proof: a verdict on each line, and whether it begins and ends as it must."""

from __future__ import annotations

from dataclasses import dataclass, field

from matrix_algebra import as_latex, as_text
from matrix_proofs import Step, reason
from matrix_words import Words


@dataclass(frozen=True)
class Verdict:
    """What became of one line. law: by which law it is legal (None if it is not). words: what it multiplies out to.

    readable: whether it is an expression or an equation, with given inverses only, be it legal or not.
    """

    number: int
    step: Step
    law: str | None
    sentence: str
    cause: str | None = None
    words: Words = field(default_factory=dict)
    readable: bool = True


@dataclass(frozen=True)
class Report:
    """The judgment on a proof: a verdict for each line, and whether it begins and ends as it must.

    sentences: what there is to say about the whole. slip: the known slip in its first or last line, if it is one.
    """

    verdicts: tuple[Verdict, ...]
    starts: bool
    ends: bool
    sentences: tuple[str, ...]
    slip: str | None = None

    @property
    def complete(self) -> bool:
        """Whether this is a proof."""
        return self.starts and self.ends and self.sound

    @property
    def unreadable(self) -> list[str]:
        """What is wrong with the lines that cannot be read."""
        return [f"Line {verdict.number}: {verdict.sentence}" for verdict in self.verdicts if not verdict.readable]

    @property
    def sound(self) -> bool:
        """Whether there are lines, and all are legal."""
        return bool(self.verdicts) and all(verdict.law is not None for verdict in self.verdicts)

    @property
    def cause(self) -> str | None:
        """The typical slip that explains the first thing that is wrong, if one does."""
        wrong = [verdict for verdict in self.verdicts if verdict.law is None]
        return self.slip or (wrong[0].cause if wrong else None)

    def __repr__(self) -> str:
        lines = [f"{verdict.number:3d}  {shown(verdict.step)}\n     {verdict.sentence}" for verdict in self.verdicts]
        return "\n".join([*lines, *self.sentences])

    def _repr_markdown_(self) -> str:
        rows = [
            f"| {v.number} | {'✗' if v.law is None else '✓'} | ${_latex(v.step)}$ | {v.sentence.replace('|', ' ')} |"
            for v in self.verdicts
        ]
        return "\n".join(["| | | line | |", "|---|---|:---|:---|", *rows, "", *(f"{s}\n" for s in self.sentences)])


def shown(step: Step) -> str:
    """A line as it was typed."""
    if step.rule == "lmul":
        return reason(step)
    text = " = ".join(map(as_text, step.terms))
    return f"{text}    [{reason(step)}]" if reason(step) else text


def _latex(step: Step) -> str:
    if step.rule == "lmul":
        return f"{as_latex(step.terms[0])} \\cdot ({step.sources[0]})"
    return " = ".join(map(as_latex, step.terms))

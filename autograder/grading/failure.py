"""Why a test failed, in the four things that a student needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.grading.picture import Picture


@dataclass(eq=False)
class Mismatch(Exception):
    """The answer was judged and is not right: what was measured, what is allowed, what to do next.

    `hint` is the cause as the test itself sees it; it is told if no typical mistake has the student's numbers.
    `pictures` stand beside the sentences in the feedback.
    """

    measured: str
    allowed: str
    next_step: str
    hint: str | None = None
    pictures: tuple[Picture, ...] = ()

    def sentences(self, tested: str) -> str:
        """The message of a failed test; `tested` says what the test is about."""
        return f"Tested: {tested}\nMeasured: {self.measured}\nAllowed: {self.allowed}\nNext: {self.next_step}"


def check(
    condition: object,
    *,
    measured: str,
    allowed: str,
    next_step: str,
    hint: str | None = None,
    pictures: tuple[Picture, ...] = (),
) -> None:
    """Raise Mismatch unless `condition` holds: for laws and identities that are no comparison with a reference."""
    if not condition:
        raise Mismatch(measured, allowed, next_step, hint, pictures)

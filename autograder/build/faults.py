"""What the build refuses: sentences for the author of a problem."""

from __future__ import annotations

from collections.abc import Iterable


class BuildError(Exception):
    """What is authored cannot be built; `sentences` says what, where, and what to do next."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))

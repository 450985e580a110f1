"""Proofs about matrices on the trusted side: the course's own checker, on expressions that it makes anew.

What students import as `matrix_algebra`, `matrix_proofs` and so on stands in source/, once. Here the same files are
loaded from the course's source by their path, never from a submission, and a proof arrives as plain data.
"""

from __future__ import annotations

from autograder.proof.authored import *  # noqa: F403 - the modules that students have, first
from autograder.proof.authored import __all__ as _authored
from autograder.proof.credit import done_laws
from autograder.proof.reading import Unreadable, read

__all__ = ["Unreadable", "read", "done_laws", *_authored]

"""The modules that students are given for their proofs, loaded from the course's source by path."""

from __future__ import annotations

import sys
from types import ModuleType

from autograder.course import ROOT

FOLDER = ROOT / "source" / "ps01_linear_algebra"
# Each imports those before it.
MODULES = (
    "matrix_algebra",
    "matrix_values",
    "matrix_words",
    "matrix_laws",
    "matrix_proofs",
    "proof_report",
    "proof_checker",
    "woodbury_theorem",
)


def load() -> None:
    """Put the modules where an import finds them. No bytecode is written: what is in source/ is copied to students."""
    for name in MODULES:
        path = FOLDER / f"{name}.py"
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)


load()

# There are no such modules before they are loaded.
from matrix_algebra import (  # noqa: E402
    Expr,
    NotAnExpression,
    ShapeError,
    eye,
    inv,
    let,
    letters,
    symbols,
    to_tokens,
)
from matrix_laws import COMMUTE, SUM, Laws, slip_of  # noqa: E402
from matrix_proofs import Proof, Step, Theorem, define, derive, given, lmul, rewrite, solve, subst, to_data, verify  # noqa: E402
from matrix_values import PRIME, evaluate, fails_at, inverse_mod, modular  # noqa: E402
from matrix_words import expand  # noqa: E402
from proof_checker import LONG, check  # noqa: E402
from proof_report import Report, shown  # noqa: E402
from woodbury_theorem import CORE, SIGN, candidates, push_through, woodbury  # noqa: E402

__all__ = [
    "COMMUTE",
    "CORE",
    "LONG",
    "PRIME",
    "SIGN",
    "SUM",
    "Expr",
    "Laws",
    "NotAnExpression",
    "Proof",
    "Report",
    "ShapeError",
    "Step",
    "Theorem",
    "candidates",
    "check",
    "define",
    "derive",
    "evaluate",
    "expand",
    "eye",
    "fails_at",
    "given",
    "inv",
    "inverse_mod",
    "let",
    "letters",
    "lmul",
    "modular",
    "push_through",
    "rewrite",
    "shown",
    "slip_of",
    "solve",
    "subst",
    "symbols",
    "to_data",
    "to_tokens",
    "verify",
    "woodbury",
]

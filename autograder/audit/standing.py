"""Which problems have stood their audit as they are now.

Grading a whole catalogue takes minutes, and comes out the same until something that it depends on is edited. What stood
it is noted in a file that is committed; the tests then grade a part of the catalogue of these, and all of the others'.
"""

from __future__ import annotations

import json
from pathlib import Path

from autograder.course import Problem
from autograder.grading.version import code_of, contents, files_in, hash_of

HERE = Path(__file__).parent
STANDING = HERE / "standing.json"


def stands(problem: Problem) -> bool:
    """Whether `problem` has stood a whole audit with the graders, reference and grading code that are here now."""
    return _noted().get(problem.slug) == _inputs(problem)


def note(problem: Problem) -> None:
    """Remember that it has."""
    noted = {**_noted(), problem.slug: _inputs(problem)}
    STANDING.write_text(json.dumps(dict(sorted(noted.items())), indent=1) + "\n", encoding="utf-8")


def _noted() -> dict[str, str]:
    return dict(json.loads(STANDING.read_text(encoding="utf-8"))) if STANDING.exists() else {}


def _inputs(problem: Problem) -> str:
    """A hash of the code of `problem`, of what grades it, and of what makes notebooks of its catalogue."""
    audit = [path for path in files_in(HERE) if path.suffix == ".py"]
    return hash_of([code_of(problem).encode(), *contents(audit, HERE)])

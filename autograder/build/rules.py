"""What statement, reference and graders of a problem must agree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from autograder.build import names
from autograder.build.functions import Function
from autograder.build.statement import Cell
from autograder.course import Problem
from autograder.grading.marks import Part


def faults(
    problem: Problem, cells: Sequence[Cell], functions: dict[str, Function], parts: Sequence[Part]
) -> Iterator[str]:
    """A sentence for everything on which the three files of a problem disagree."""
    asked = [name for cell in cells for name in cell.functions]
    yield from _unknown_functions(problem, asked, functions, parts)
    yield from _twice(problem, cells, asked)
    yield from _parts(problem, [cell for cell in cells if cell.role == "check"], parts)
    yield from _unjudged(problem, asked, parts)
    yield from _missing_names(problem, cells, functions)


def _unknown_functions(
    problem: Problem, asked: Sequence[str], functions: dict[str, Function], parts: Sequence[Part]
) -> Iterator[str]:
    for name in _without(asked, functions):
        yield (
            f"{problem.statement}: a solution cell asks for `{name}`, which is no public function of "
            f"{problem.reference_source}. Write it there, or correct the name."
        )
    for name in _without(functions, asked):
        yield (
            f"{problem.reference_source}: no solution cell of {problem.statement} asks for `{name}`. "
            f"Add the cell `from {problem.reference_module} import {name}`, or remove the function."
        )
    for part in parts:
        for name in _without(part.functions, asked):
            yield (
                f"{problem.test_module}: the part {part.id!r} is about `{name}`, which no solution cell of "
                f"{problem.statement} asks for. Correct the part's functions."
            )


def _twice(problem: Problem, cells: Sequence[Cell], asked: Sequence[str]) -> Iterator[str]:
    for name in _repeated(asked):
        yield f"{problem.statement}: `{name}` has two solution cells. Students answer once: remove one."
    for role, option in (("given", "given"), ("check", "part"), ("written", "written")):
        for name in _repeated(cell.name for cell in cells if cell.role == role):
            yield f"{problem.statement}: two cells have the option :{option}: {name}. Rename or remove one."


def _parts(problem: Problem, checks: Sequence[Cell], parts: Sequence[Part]) -> Iterator[str]:
    shown = [cell.name for cell in checks]
    graded = [part.id for part in parts]
    for name in _without(graded, shown):
        yield (
            f"{problem.test_module}: the part {name!r} has no check cell in {problem.statement}, so its points have no "
            f"place. Add a code cell with the option :part: {name} and a visible check."
        )
    for name in _without(shown, graded):
        yield (
            f"{problem.statement}: a check cell names the part {name!r}, which {problem.test_module} does not define "
            f"(its parts: {', '.join(graded)}). Correct the name."
        )
    if sorted(shown) == sorted(graded) and shown != graded:
        yield (
            f"{problem.test_module}: its parts come in the order {', '.join(graded)}, those of {problem.statement} "
            f"in the order {', '.join(shown)}. Put them in one order."
        )
    for cell in checks:
        if not cell.source.strip():
            yield f"{problem.statement}: the check cell of {cell.name!r} is empty. Write a check that students see."


def _unjudged(problem: Problem, asked: Sequence[str], parts: Sequence[Part]) -> Iterator[str]:
    judged = Counter(name for part in parts for name in part.functions)
    for name in dict.fromkeys(asked):
        if judged[name] != 1:
            yield (
                f"{problem.test_module}: `{name}` belongs to {judged[name] or 'no'} part{'s' if judged[name] else ''}. "
                "Name it in the functions of exactly one."
            )


def _missing_names(problem: Problem, cells: Sequence[Cell], functions: dict[str, Function]) -> Iterator[str]:
    """Names that a reference function finds in its own module and a student's function would not find in the notebook.

    Free cells do not count: students may delete them.
    """
    known: set[str] = set()
    for cell in cells:
        if cell.role == "given":
            known |= names.defined(cell.code)
        known |= set(cell.functions)
        for name in cell.functions:
            for lost in sorted(functions[name].needs - known) if name in functions else ():
                yield _name_error(problem, name, lost, functions)


def _name_error(problem: Problem, name: str, lost: str, functions: dict[str, Function]) -> str:
    where = f"{problem.reference_source}: `{name}` uses `{lost}`, which the notebook does not have at that point"
    if lost in functions:
        return f"{where}. Move the solution cell of `{lost}` before that of `{name}`."
    return (
        f"{where}. If it is an import, import it in an earlier :given: cell of {problem.statement.name}; "
        "if it is a helper or a constant of the module, write it into the function."
    )


def _without(some: Iterable[str], others: Iterable[str]) -> list[str]:
    others = set(others)
    return [name for name in dict.fromkeys(some) if name not in others]


def _repeated(all_names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(all_names).items() if count > 1]

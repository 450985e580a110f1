"""How a grader says what it is about: parts, points, mistakes and alternatives."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


class GraderFault(Exception):
    """A grader module is not written as a grader must be."""


@dataclass(frozen=True)
class Test:
    """One hidden test: a method with all its parametrised cases; all must pass for its points."""

    name: str
    points: float
    tested: str


@dataclass(frozen=True)
class Part:
    """One part of a problem: the student functions that it is about and the tests that judge them."""

    id: str
    title: str
    functions: tuple[str, ...]
    tests: tuple[Test, ...]

    @property
    def points(self) -> float:
        return sum(test.points for test in self.tests)


@dataclass(frozen=True)
class Variant:
    """A student function written otherwise: a mistake (with its hint) or an alternative (without)."""

    name: str
    function: str
    code: Callable[..., Any]
    hint: str | None = None


def part(id: str, title: str, *, functions: tuple[str, ...]) -> Callable[[C], C]:
    """Mark a class of tests as the part `id` of the problem, about the student's `functions`."""

    def decorate(cls: C) -> C:
        cls.__part__ = (id, title, functions)  # type: ignore[attr-defined]
        return cls

    return decorate


def points(value: float) -> Callable[[F], F]:
    """Give a test its points: a positive multiple of one half, so that sums are exact in binary."""
    if value <= 0 or 2 * value != int(2 * value):
        raise GraderFault(f"A test has {value} points; points are positive multiples of 0.5.")

    def decorate(test: F) -> F:
        test.__points__ = value  # type: ignore[attr-defined]
        return test

    return decorate


def mistake(function: str, *, hint: str) -> Callable[[F], F]:
    """Mark code as a typical wrong answer to the student function `function`, with the hint that names its cause."""

    def decorate(code: F) -> F:
        code.__variant__ = Variant(code.__name__, function, code, hint)  # type: ignore[attr-defined]
        return code

    return decorate


def alternative(function: str) -> Callable[[F], F]:
    """Mark code as an unusual but right answer to the student function `function`."""

    def decorate(code: F) -> F:
        code.__variant__ = Variant(code.__name__, function, code)  # type: ignore[attr-defined]
        return code

    return decorate


def variants_of(module: ModuleType) -> list[Variant]:
    """The mistakes or alternatives that `module` defines, in the order of their definition."""
    return [value.__variant__ for value in vars(module).values() if hasattr(value, "__variant__")]


def parts_of(module: ModuleType | Path) -> list[Part]:
    """The parts that a grader module defines, in the order of their definition."""
    if isinstance(module, Path):
        module = _imported(module)
    classes = [value for value in vars(module).values() if inspect.isclass(value) and hasattr(value, "__part__")]
    parts = [_part_of(cls) for cls in classes]
    if not parts:
        raise GraderFault(f"{module.__name__} has no class marked with @part, so there is nothing to grade.")
    return parts


def _part_of(cls: type) -> Part:
    id, title, functions = cls.__part__  # type: ignore[attr-defined]
    tests = []
    for name, test in vars(cls).items():
        if not name.startswith("test_"):
            continue
        if not hasattr(test, "__points__"):
            raise GraderFault(f"{cls.__name__}.{name} has no @points, so the part's total is not defined.")
        tests.append(Test(name, test.__points__, tested_by(test)))
    return Part(id, title, functions, tuple(tests))


def tested_by(test: Callable[..., Any]) -> str:
    """What a test tests: the first paragraph of its docstring, on one line."""
    paragraph = (inspect.getdoc(test) or "").split("\n\n")[0]
    if not paragraph:
        raise GraderFault(
            f"{test.__qualname__} has no docstring; its first paragraph tells the student what is tested."
        )
    return " ".join(paragraph.split())


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise GraderFault(f"{path} cannot be imported as a grader module.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""A problem whose files lie in a directory of a test and not in the course."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from autograder.course import Problem


@dataclass(frozen=True, order=True)
class ProblemOfATest(Problem):
    """As any other; its modules are no part of a package."""

    def reference(self) -> ModuleType:
        return _imported(self.reference_source)

    def catalogue(self, kind: str) -> ModuleType:
        return _imported(self.graders / f"{kind}.py")


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""What `mlphys new` writes builds, stands its audit and grades as it is; and nothing is ever overwritten."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from scaffolding import NewCourse

from autograder.course import ROOT
from autograder.scaffold import CannotScaffold, scaffold

SLUG = "ps98_statistics/means"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> NewCourse:
    """A course with one new problem, built."""
    course = NewCourse(tmp_path_factory.mktemp("course"))
    printed = course.mlphys("new", SLUG)
    assert "Wrote source/ps98_statistics/means.md." in printed
    assert f"Next: `mlphys build`, and `mlphys audit {SLUG}`." in printed
    course.mlphys("build")
    return course


def test_its_python_is_as_this_course_wants_it(course: NewCourse) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    course.run(ruff, "check", "--no-cache", "solutions", "autograder/graders")
    course.run(ruff, "format", "--no-cache", "--check", "solutions", "autograder/graders")


@pytest.mark.level1
def test_it_stands_its_audit(course: NewCourse) -> None:
    printed = course.mlphys("audit", SLUG)
    assert "As they should be: reference 1/1, blank 8/8, alternative 2/2, mistake 4/4, stub 2/2." in printed


@pytest.mark.level1
def test_its_reference_has_full_marks(course: NewCourse) -> None:
    printed = course.mlphys("score", course.root / "source" / f"{SLUG}.ipynb", "--json")
    record = json.loads(printed[printed.index("{") :])
    assert (record["problem"], record["score"], record["max_score"]) == (SLUG, 3, 3)


def test_it_is_what_is_asked_of_every_problem(course: NewCourse) -> None:
    """The tests of the course itself, as an author runs them."""
    (course.root / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_course.py", course.root / "tests")
    course.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_course.py")


def test_students_get_it_without_the_answer(course: NewCourse) -> None:
    released = (course.root / "release" / f"{SLUG}.ipynb").read_text()
    assert "raise NotImplementedError()" in released
    assert "sigma**-2.0" in (course.root / "source" / f"{SLUG}.ipynb").read_text()
    assert "sigma**-2.0" not in released


RIDGE = '''"""Ridge regression."""

import numpy as np
from numpy.typing import NDArray


def fit(X: NDArray[np.float64], y: NDArray[np.float64], lam: float) -> NDArray[np.float64]:
    """(XᵀX + λ1)⁻¹Xᵀy. X: (n, p), y: (n,), λ > 0. Returns (p,)."""
    return np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ y)
'''
CHECK = ":part: fit\nassert np.allclose(fit(np.eye(2), np.ones(2), 1.0), 0.5)\n```"


@pytest.mark.level1
def test_the_example_of_contributing_stands_its_audit(course: NewCourse) -> None:
    """Its code, as it stands there, put into the files of a new problem."""
    blocks = re.findall(r"^    (?:.+\n(?:    .*\n)*)", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    cells, tests, mistake, alternative = (dedent(block) for block in blocks[1:5])
    slug = "ps05_linear_regression/ridge"
    course.mlphys("new", slug)
    statement = course.root / "source" / f"{slug}.md"
    text = re.sub(r"from solutions.* import best_value", cells.split("  ")[0], statement.read_text())
    statement.write_text(re.sub(r":part: best_value\n.*?```", lambda _: CHECK, text, flags=re.S))
    (course.root / "solutions" / f"{slug}.py").write_text(RIDGE)
    graders = course.root / "autograder/graders" / slug
    imports = (
        "import numpy as np",
        "from autograder.grading import ALGEBRA, agree, alternative, mistake, part, points",
        "from solutions.ps05_linear_regression.ridge import fit",
    )
    head = "\n".join(imports) + "\n\n\n"
    for name, code in (("test_ridge", tests), ("mistakes", mistake), ("alternatives", alternative)):
        (graders / f"{name}.py").write_text(head + code)
    course.mlphys("build")
    printed = course.mlphys("audit", slug)
    assert "As they should be: reference 1/1, blank 8/8, alternative 1/1, mistake 1/1, stub 2/2." in printed


def test_nothing_is_overwritten(course: NewCourse) -> None:
    before = course.files()
    printed = course.mlphys("new", SLUG, code=2)
    assert printed == "source/ps98_statistics/means.md exists, and nothing is overwritten. Choose another name.\n"
    assert course.files() == before


def test_a_set_may_have_more_than_one(tmp_path: Path) -> None:
    first = scaffold(tmp_path, "ps98_statistics/means")
    shared = tmp_path / "solutions" / "ps98_statistics" / "__init__.py"
    shared.write_text('"""What an author made of it."""\n')
    second = scaffold(tmp_path, "ps98_statistics/medians")
    assert (len(first), len(second)) == (8, 6)
    assert shared.read_text() == '"""What an author made of it."""\n'
    assert (
        "from solutions.ps98_statistics.medians import" in (tmp_path / "source/ps98_statistics/medians.md").read_text()
    )


@pytest.mark.parametrize(
    "slug",
    [
        *("means", "ps98/", "/means", "ps98/means/more", "../ps98/means", "ps98/..", "", "ps98\\means"),
        *("PS98/means", "ps98/Means", "ps98/2means", "ps98/two means", "ps98/mean-value", "ps98/class", "ps98/μ"),
        *("ps98/means.md", "ps98/means\n", "ps98+late/means"),
    ],
)
def test_a_name_that_is_none_is_refused_in_a_sentence(slug: str, tmp_path: Path) -> None:
    with pytest.raises(
        CannotScaffold, match=r"cannot be the name of a problem\. It is SET/PROBLEM, each of lower-case"
    ):
        scaffold(tmp_path, slug)
    assert not list(tmp_path.iterdir())

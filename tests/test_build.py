"""The build, on a course of one small problem: reproducible, and strict with what is authored."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.build import BuildError, build, names
from autograder.course import Problem
from autograder.grading.coursecells import UNANSWERED

STATEMENT = """\
# A spring

```{code-cell}
:given: imports
%matplotlib inline
import numpy as np
```

Its force is $F = -kx$.

```{code-cell}
from solutions.ps00.spring import force
```

```{code-cell}
:part: force
assert force(0.0, 2.0) == 0, "at rest the spring does not pull"
```

```{code-cell}
from solutions.ps00.spring import energy, work
```

```{code-cell}
:part: energy
assert energy(1.0, 2.0) == 1, "k x^2 / 2"
```

```{code-cell}
:tags: [hide-input]
energy(np.linspace(-1, 1, 3), 2.0)
```
"""
REFERENCE = '''\
"""A spring."""

from __future__ import annotations

import numpy as np


def force(x: np.ndarray, k: float) -> np.ndarray:
    """The force -k x."""
    # A comment with the answer in it.
    return np.negative(k * x)


def energy(x: np.ndarray, k: float) -> np.ndarray:
    """The energy.

    It is k x^2 / 2.
    """

    def half_square(value):
        return np.square(value) / 2

    return k * half_square(x)


def work(x: np.ndarray, k: float) -> np.ndarray:
    """What it costs to stretch the spring to x."""
    return energy(x, k) - x * force(x, k) * 0
'''
GRADERS = '''\
from autograder.grading import ALGEBRA, agree, part, points


@part("force", "The force", functions=("force",))
class TestForce:
    @points(1.5)
    def test_equals_reference(self, student, reference):
        """The force equals -k x."""
        agree(student.force(3.0, 2.0), reference.force(3.0, 2.0), ALGEBRA)


@part("energy", "The energy", functions=("energy", "work"))
class TestEnergy:
    @points(2)
    def test_equals_reference(self, student, reference):
        """The energy equals k x^2 / 2."""
        agree(student.energy(3.0, 2.0), reference.energy(3.0, 2.0), ALGEBRA)
'''
WRITTEN = """
Is that a law of nature? Two points for a reason, half of one for the answer.

+++ {"written": "law", "points": 2.5}

No: *every* smooth energy looks like this near its minimum.

+++

Think of the next term.
"""
READING = """
```{code-cell}
:given: spring
k = np.loadtxt("springs.csv", skiprows=1)
```
"""
CONFIG = 'c = get_config()\nc.CourseDirectory.ignore = ["*.md", ".ipynb_checkpoints", "*.pyc", "__pycache__"]\n'


@pytest.fixture
def spring(tmp_path: Path) -> Problem:
    """A course with one small problem, authored and not yet built."""
    problem = Problem("ps00", "spring", tmp_path)
    files = {
        problem.statement: STATEMENT,
        problem.reference_source: REFERENCE,
        problem.test_module: GRADERS,
        tmp_path / "nbgrader_config.py": CONFIG,
        tmp_path / "source/ps00/springs.csv": "k\n2.0\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return problem


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def cells(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return loaded


def code(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def tree(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


# What is built


def test_building_twice_gives_the_same_bytes(spring: Problem) -> None:
    first = build(root=spring.root)
    built = tree(spring.root)
    assert build(root=spring.root) == []
    shutil.rmtree(spring.root / "release")
    spring.source_notebook.unlink()
    assert build(root=spring.root) == first
    assert tree(spring.root) == built


def test_no_gradebook_is_touched(spring: Problem) -> None:
    build(root=spring.root)
    assert not list(spring.root.rglob("*.db"))


def test_ids_and_points_derive_from_slug_and_part(spring: Problem) -> None:
    build(root=spring.root)
    found = cells(spring.source_notebook)
    assert [cell["id"] for cell in found] == [
        "spring-1",
        "spring-given-imports",
        "spring-given-imports-1",
        "spring-force",
        "spring-check-force",
        "spring-energy",
        "spring-check-energy",
        "spring-check-energy-1",
    ]
    graded = {cell["id"]: cell["metadata"].get("nbgrader", {}) for cell in found}
    assert graded["spring-check-force"] == {
        "schema_version": 3,
        "grade_id": "spring-check-force",
        "grade": True,
        "solution": False,
        "locked": True,
        "task": False,
        "points": 1.5,
    }
    assert graded["spring-energy"]["solution"]
    assert not graded["spring-energy"]["locked"]
    assert graded["spring-given-imports"]["locked"]
    assert found[-1]["metadata"] == {"tags": ["hide-input"]}


def test_a_notebook_has_no_outputs_and_no_metadata_but_its_kernel(spring: Problem) -> None:
    build(root=spring.root)
    for path in (spring.source_notebook, spring.release_notebook):
        assert set(json.loads(path.read_text())["metadata"]) == {"kernelspec", "language_info"}
        assert all(not cell.get("outputs") for cell in cells(path))


def test_students_get_signature_docstring_and_stub(spring: Problem) -> None:
    build(root=spring.root)
    (stub,) = [code(cell) for cell in cells(spring.release_notebook) if cell["id"] == "spring-force"]
    assert stub == (
        "def force(x: np.ndarray, k: float) -> np.ndarray:\n"
        '    """The force -k x."""\n'
        "    # YOUR CODE HERE\n"
        "    raise NotImplementedError()"
    )
    assert (spring.root / "release/ps00/springs.csv").read_text() == "k\n2.0\n"
    assert not list(spring.root.glob("release/**/*.md"))


def test_a_reference_may_mark_the_part_that_students_write(spring: Problem) -> None:
    edit(
        spring.reference_source, "    # A comment with the answer in it.\n", "    k = abs(k)\n    ### BEGIN SOLUTION\n"
    )
    edit(spring.reference_source, "np.negative(k * x)\n", "np.negative(k * x)\n    ### END SOLUTION\n")
    build(root=spring.root)
    (stub,) = [code(cell) for cell in cells(spring.release_notebook) if cell["id"] == "spring-force"]
    assert stub.endswith('-k x."""\n    k = abs(k)\n    # YOUR CODE HERE\n    raise NotImplementedError()')


def test_the_release_is_what_the_nbgrader_command_makes(spring: Problem) -> None:
    spring.statement.write_text(STATEMENT + READING)
    build(root=spring.root)
    built = spring.release_notebook.read_bytes()
    shutil.rmtree(spring.root / "release")
    # nbgrader calls alembic, which lies beside this Python and not always on PATH.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "ps00"]
    subprocess.run(command, cwd=spring.root, env=environment, check=True, capture_output=True)
    assert spring.release_notebook.read_bytes() == built


def test_a_notebook_that_names_a_support_file_brings_it_along(
    spring: Problem, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    spring.statement.write_text(STATEMENT + READING)
    picture = bytes(range(256))
    (spring.statement.parent / "spring.png").write_bytes(picture)
    build(root=spring.root)
    title, brings = cells(spring.release_notebook)[:2]
    assert (title["id"], brings["id"]) == ("spring-1", "spring-given-files")
    assert brings["metadata"]["nbgrader"]["locked"]
    assert code(brings).startswith("# Writes the files of this set if they are not beside the notebook")
    folder = tmp_path_factory.mktemp("alone")
    monkeypatch.chdir(folder)
    exec(code(brings), {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "springs.csv": b"k\n2.0\n",
        "spring.png": picture,
    }
    # What a student has there stays, and where it is there nothing has to be writable.
    (folder / "springs.csv").write_text("k\n3.0\n")
    folder.chmod(0o500)
    exec(code(brings), {})
    folder.chmod(0o700)
    assert (folder / "springs.csv").read_text() == "k\n3.0\n"


def test_a_model_answer_is_graded_by_hand_and_stays_with_the_instructor(spring: Problem) -> None:
    spring.statement.write_text(STATEMENT + WRITTEN)
    build(root=spring.root)
    question, answer, after = cells(spring.source_notebook)[-3:]
    assert answer["cell_type"] == "markdown"
    assert code(answer) == "No: *every* smooth energy looks like this near its minimum."
    assert answer["metadata"]["nbgrader"] == {
        "schema_version": 3,
        "grade_id": "spring-written-law",
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "points": 2.5,
    }
    released = cells(spring.release_notebook)[-3:]
    assert [code(cell) for cell in released] == [code(question), UNANSWERED, "Think of the next term."]
    assert [cell["id"] for cell in released[1:]] == [answer["id"], after["id"]]
    assert "smooth" not in spring.release_notebook.read_text()


# What `--check` says


def test_check_finds_nothing_after_a_build_and_writes_nothing_before(spring: Problem) -> None:
    before = tree(spring.root)
    absent = build(check=True, root=spring.root)
    assert len(absent) == 3
    assert all("not built yet. Run `mlphys build`" in sentence for sentence in absent)
    assert tree(spring.root) == before
    build(root=spring.root)
    assert build(check=True, root=spring.root) == []


@pytest.mark.parametrize(
    ("edited", "old", "new", "cell"),
    [
        ("statement", "Its force is", "The force is", "cell 3 (spring-given-imports-1)"),
        ("reference_source", "np.negative(k * x)", "-k * x", "cell 4 (spring-force)"),
        ("test_module", "@points(2)", "@points(3)", "cell 7 (spring-check-energy)"),
        ("source_notebook", "# A spring", "# A coil", "cell 1 (spring-1)"),
    ],
)
def test_check_names_the_first_cell_that_drifted(spring: Problem, edited: str, old: str, new: str, cell: str) -> None:
    build(root=spring.root)
    edit(getattr(spring, edited), old, new)
    sentences = build(check=True, root=spring.root)
    assert sentences[0].startswith(f"source/ps00/spring.ipynb is not what its sources build: {cell} differs first. Run")


def test_check_sees_an_edited_release_and_what_nothing_builds(spring: Problem) -> None:
    build(root=spring.root)
    spring.release_notebook.write_text("no notebook")
    (spring.root / "release/ps00/old.ipynb").write_text("{}")
    (spring.root / "release/ps00/springs.csv").write_text("k\n3.0\n")
    changed, support, stale = build(check=True, root=spring.root)
    assert "release/ps00/spring.ipynb" in changed
    assert "not a notebook any more" in changed
    assert support == "release/ps00/springs.csv is not what its sources build. Run `mlphys build`."
    assert stale == "release/ps00/old.ipynb is built from nothing. Run `mlphys build`, which removes it."
    build(root=spring.root)
    assert build(check=True, root=spring.root) == []


# What is refused, with a sentence


@pytest.mark.parametrize(
    ("edited", "old", "new", "said"),
    [
        ("statement", ":part: energy", ":given: energy", "the part 'energy' has no check cell"),
        ("statement", ":part: energy", ":part: heat", "names the part 'heat', which"),
        ("statement", ":part: energy", ":part: force", "two cells have the option :part: force"),
        ("statement", ":part: energy", ":points: 3", "the option :points:, which means nothing here"),
        ("statement", ":part: energy", ":part: The energy", "use lower-case letters"),
        ("statement", ":part: energy\n", ":part: energy\n:given: energy\n", "both :part: and :given:"),
        ("statement", 'assert energy(1.0, 2.0) == 1, "k x^2 / 2"\n', "", "the check cell of 'energy' is empty"),
        ("statement", "import numpy as np", "import numpy as", "it is not Python"),
        ("statement", "import numpy as np", "import math", "`force` uses `np`, which the notebook does not have"),
        ("statement", "import energy, work", "import energy", "no solution cell of"),
        (
            "statement",
            "import energy, work",
            "import energy, work, heat",
            "asks for `heat`, which is no public function",
        ),
        ("statement", "import energy, work", "import energy, work, force", "`force` has two solution cells"),
        ("statement", "import energy, work", "import energy as E, work", "without `as`"),
        ("statement", "import energy, work", "import energy, work\nprint(1)", "students have no `solutions`"),
        (
            "statement",
            "ps00.spring import energy",
            "ps00.pendulum import energy",
            "a solution cell of this problem reads",
        ),
        ("reference_source", '    """The force -k x."""\n', "", "`force` has no docstring"),
        ("reference_source", "    return np.negative(k * x)\n", "", "`force` has no body"),
        ("reference_source", "np.negative(k * x)", "_force(x)", "`force` uses `_force`"),
        ("reference_source", "np.negative(k * x)", "SIGN * k * x", "`force` uses `SIGN`"),
        ("reference_source", "x: np.ndarray, k: float", "x: Array, k: float", "`force` uses `Array`"),
        ("reference_source", "np.negative(k * x)", "work(x, k)", "Move the solution cell of `work` before"),
        ("reference_source", "def force(", "def force((", "the reference is not Python"),
        ("test_module", '"energy", "work"', '"energy",', "`work` belongs to no part."),
        ("test_module", '"energy", "work"', '"energy", "work", "force"', "`force` belongs to 2 parts."),
        ("test_module", '"energy", "work"', '"energy", "work", "heat"', "is about `heat`, which no solution cell"),
        ("test_module", "    @points(2)\n", "", "has no @points"),
        ("test_module", "import ALGEBRA", "import ALGEBRAS", "cannot be imported: ImportError"),
    ],
)
def test_a_fault_of_the_author_is_a_sentence(spring: Problem, edited: str, old: str, new: str, said: str) -> None:
    edit(getattr(spring, edited), old, new)
    before = tree(spring.root)
    with pytest.raises(BuildError) as refused:
        build(root=spring.root)
    assert any(said in sentence and sentence.endswith(".") for sentence in refused.value.sentences)
    assert str(spring.root) not in str(refused.value)
    assert tree(spring.root) == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"points": 2.5', '"points": 0', "use a positive multiple of 0.5"),
        ('"points": 2.5', '"points": 0.3', "use a positive multiple of 0.5"),
        ('"points": 2.5', '"points": "many"', "use a positive multiple of 0.5"),
        ('"points": 2.5', '"tags": ["remark"]', "prose has no options but"),
        ('"points": 2.5}', '"points": 2.5', "this is not a MyST notebook"),
        (', "points": 2.5', "", "prose has no options but"),
        ('"law"', '"The law"', "use lower-case letters"),
        ("No: *every* smooth energy looks like this near its minimum.\n", "", "has no model answer below it"),
        ("+++\n", '+++ {"written": "law", "points": 1}\n', "two cells have the option :written: law"),
    ],
)
def test_a_fault_in_a_written_cell_is_a_sentence(spring: Problem, old: str, new: str, said: str) -> None:
    spring.statement.write_text(STATEMENT + WRITTEN)
    edit(spring.statement, old, new)
    with pytest.raises(BuildError) as refused:
        build(root=spring.root)
    assert any(said in sentence and sentence.endswith(".") for sentence in refused.value.sentences)


def test_parts_in_another_order_are_refused(spring: Problem) -> None:
    head, force, energy = spring.test_module.read_text().split("@part")
    spring.test_module.write_text(f"{head}@part{energy}\n\n@part{force}")
    with pytest.raises(BuildError, match="Put them in one order"):
        build(root=spring.root)


@pytest.mark.parametrize("missing", ["reference_source", "test_module"])
def test_a_statement_alone_is_refused(spring: Problem, missing: str) -> None:
    getattr(spring, missing).unlink()
    with pytest.raises(BuildError, match="Write it, or remove the statement"):
        build(root=spring.root)


def test_a_notebook_without_a_statement_is_refused(spring: Problem) -> None:
    (spring.root / "source/ps00/handmade.ipynb").write_text("{}")
    with pytest.raises(BuildError, match=r"has no statement handmade\.md"):
        build(root=spring.root)


def test_a_configuration_that_would_release_statements_is_refused(spring: Problem) -> None:
    edit(spring.root / "nbgrader_config.py", '"*.md", ', "")
    with pytest.raises(BuildError, match=r"would release spring\.md"):
        build(root=spring.root)
    (spring.root / "nbgrader_config.py").unlink()
    with pytest.raises(BuildError, match="is missing"):
        build(root=spring.root)


def test_what_nbgrader_refuses_is_passed_on(spring: Problem) -> None:
    edit(spring.reference_source, "# A comment with the answer in it.", "### BEGIN SOLUTION")
    with pytest.raises(BuildError, match="no end solution statement found") as refused:
        build(root=spring.root)
    assert "Traceback" not in str(refused.value)


def test_names_needed_are_those_of_every_scope() -> None:
    source = "def f(x: A, y=B) -> C:\n    z = [w + D for w in x]\n    def g(): return z + E\n    return g() + len(z)\n"
    assert names.needed(source) == set("ABCDE")
    assert names.defined("import numpy as np\nfrom a import b\nc, d = 1, 2\ndef e(): f = 1\n") == {"np", *"bcde"}

"""The zip for Gradescope, unpacked and run as Gradescope does: what it gives a student, and what a student cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from scaffolding import NewCourse
from test_exports import assert_absent, assert_specified, assert_unwritten, total
from test_levels import POORER

from autograder.scaffold import scaffold

SET = "ps98_statistics"
FORGED = '{"score": 100, "tests": []}'


class Container:
    """Gradescope's /autograder in another directory: source/, submission/, results/, and the script beside them."""

    def __init__(self, root: Path, archive: Path) -> None:
        self.root = root
        with zipfile.ZipFile(archive) as unpacked:
            unpacked.extractall(root / "source")
        # setup.sh makes it there; this one has the same packages.
        (root / "venv").symlink_to(sys.prefix)
        for name in ("submission", "results"):
            (root / name).mkdir()
        shutil.copy(root / "source" / "run_autograder", root)
        (root / "run_autograder").chmod(0o755)

    def run(self, refused: str = "") -> subprocess.CompletedProcess[str]:
        """Grade what is in submission/, on a machine whose kernel refuses these."""
        return subprocess.run(
            [sys.executable, "-c", POORER, refused, str(self.root / "run_autograder"), str(self.root)],
            cwd=self.root / "submission",
            env={"PATH": os.environ["PATH"], "HOME": str(self.root)},
            capture_output=True,
            text=True,
        )

    def results(self) -> dict[str, Any]:
        return dict(json.loads((self.root / "results" / "results.json").read_text()))

    def cases(self) -> dict[str, dict[str, Any]]:
        return {case["number"]: case for case in self.results()["tests"]}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> NewCourse:
    """A course of two sets, of which the first has two problems; it and only it is packed."""
    course = NewCourse(tmp_path_factory.mktemp("course"))
    for name in ("means", "medians"):
        scaffold(course.root, f"{SET}/{name}")
    course.mlphys("build")
    scaffold(course.root, "ps99_others/modes")
    printed = course.mlphys("gradescope", SET)
    assert "Wrote gradescope-ps98_statistics.zip, which has the answers in it." in printed
    by_hand = "manually graded questions for “In writing: error” of means (4), “In writing: error” of medians (4)"
    assert f"6 points for the autograder and {by_hand}" in printed
    assert "Students hand in means.ipynb and medians.ipynb." in printed
    return course


@pytest.fixture
def container(course: NewCourse, tmp_path: Path) -> Container:
    return Container(tmp_path, course.root / f"gradescope-{SET}.zip")


def test_the_zip_is_what_gradescope_asks_for(course: NewCourse) -> None:
    path = course.root / f"gradescope-{SET}.zip"
    with zipfile.ZipFile(path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        for script in ("setup.sh", "run_autograder"):
            assert modes[script] & 0o111, "it is run"
            subprocess.run(["bash", "-n"], input=archive.read(script), check=True)
            assert archive.read(script).startswith(b"#!/")
        [secret] = re.findall(r'python -c "(.+)"', archive.read("setup.sh").decode())
    course.run(sys.executable, "-c", secret)
    assert {f"source/{SET}/means.ipynb", f"solutions/{SET}/medians.py", "pyproject.toml"} <= set(modes)
    assert not [name for name in modes if "ps99_others" in name or name.endswith((".pyc", ".db"))]
    first = path.read_bytes()
    course.mlphys("gradescope", SET)
    assert path.read_bytes() == first


def test_what_cannot_be_packed_is_said_in_a_sentence(course: NewCourse) -> None:
    printed = course.mlphys("gradescope", "ps97_none", code=2)
    assert printed == "There is no problem set 'ps97_none' in this course; there are ps98_statistics, ps99_others.\n"
    assert "cannot be written" in course.mlphys("gradescope", SET, "--to", "nowhere/a.zip", code=2)
    printed = course.mlphys("gradescope", "ps99_others", code=2)
    assert printed == "source/ps99_others/modes.ipynb is not what its sources build. Run `mlphys build`.\n"


@pytest.mark.level1
def test_a_right_answer_has_its_points_and_our_own_fault_is_no_zero(container: Container, course: NewCourse) -> None:
    for name in ("means", "medians"):
        shutil.copy(course.root / "source" / SET / f"{name}.ipynb", container.root / "submission")
    tests = container.root / "source" / "autograder" / "graders" / SET / "medians" / "test_medians.py"
    tests.write_text(tests.read_text().replace("zero, unit = ", "zero, unit = 1 / 0, "))
    done = container.run()
    assert done.returncode == 0, done.stderr
    assert_specified(container.results())
    cases = container.cases()
    assert [cases[number]["score"] for number in ("1.1.1", "1.1.2")] == [2, 1]
    assert [number for number, case in cases.items() if "score" not in case] == ["1.2", "2.1.1", "2.1.2", "2.1", "2.2"]
    waiting = [number for number, case in cases.items() if "needs_manual_grade" in case.get("tags", ())]
    assert waiting == ["1.2", "2.1", "2.2"]
    assert "worth 4 points. A person has yet to grade it" in cases["2.2"]["output"]
    assert "not final" in container.results()["output"]
    assert container.results()["extra_data"]["needs_manual_grade"][-1] == "In writing: error"
    assert "ZeroDivisionError" in done.stdout, "which Gradescope shows to instructors"
    assert container.results()["extra_data"]["isolation"] == ["bubblewrap"]


@pytest.mark.level2
def test_a_student_s_code_gets_no_points_by_force(container: Container, course: NewCourse) -> None:
    """It would write the results, read the answers, and put modules in our way; what it was to compute is wrong."""
    root = container.root
    attack = [
        "import contextlib, os",
        f"for path in ({str(root / 'results' / 'results.json')!r}, {str(root / 'run_autograder')!r}):",
        "    with contextlib.suppress(OSError):",
        f"        open(path, 'w').write({FORGED!r})",
        "stolen = ''",
        "with contextlib.suppress(OSError):",
        f"    stolen = open({str(root / 'source' / 'solutions' / SET / 'means.py')!r}).read()",
        f"print({FORGED!r})",
        "def best_value(x, sigma):",
        "    if stolen:",
        "        exec(stolen, globals())",
        "        return globals()['best_value'](x, sigma)",
        "    return 0.0",
    ]
    notebook = json.loads((course.root / "release" / SET / "means.ipynb").read_text())
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": "\n".join(attack), "outputs": []})
    (root / "submission" / "means.ipynb").write_text(json.dumps(notebook))
    for name in ("numpy.py", "autograder.py", "sitecustomize.py", "conftest.py"):
        (root / "submission" / name).write_text(f"open({str(root / 'picked-up')!r}, 'w')\nraise SystemExit(0)\n")
    (root / "results" / "results.json").write_text(FORGED)
    done = container.run(refused="user namespaces")
    assert done.returncode == 0, done.stderr
    assert_specified(container.results())
    assert total(container.results()) == 0
    assert container.cases()["1.1.1"]["max_score"] == 2
    assert FORGED not in (root / "run_autograder").read_text()
    assert not (root / "picked-up").exists()
    assert container.results()["extra_data"]["isolation"] == ["landlock"]
    # Nor did they write an answer in words, or hand in the other notebook: nothing waits for a person.
    assert_unwritten(container.cases()["1.2"], 4)
    assert_absent(container.results(), "medians", "2", 7)
    assert "not final" not in container.results()["output"]
    assert container.results()["extra_data"]["needs_manual_grade"] == []


def test_where_nothing_confines_nobody_has_a_score(container: Container, course: NewCourse) -> None:
    shutil.copy(course.root / "source" / SET / "means.ipynb", container.root / "submission")
    (container.root / "results" / "results.json").write_text(FORGED)
    done = container.run(refused="user namespaces, Landlock")
    assert done.returncode == 1
    assert "Nothing was graded, and nobody has a score" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (container.root / "results" / "results.json").exists()

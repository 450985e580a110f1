"""Which level of isolation a run takes where a machine refuses something, as the kernel of such a machine would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Problem

PROBLEM = Problem("ps01_linear_algebra", "backprop")
MLPHYS = Path(sys.executable).parent / "mlphys"

# A filter on system calls, from which no program that is started here gets free.
POORER = """
import errno, os, sys
import pyseccomp
rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
if "user namespaces" in sys.argv[1]:
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    user_namespace = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0x10000000, 0x10000000)
    for name in ("clone", "unshare"):
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name, user_namespace)
if "Landlock" in sys.argv[1]:
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
rules.load()
os.execv(sys.argv[2], sys.argv[2:])
"""


def without(refused: str, *arguments: object, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run mlphys on a machine that refuses these; with `path` for the PATH, where a program is not installed."""
    return subprocess.run(
        [sys.executable, "-c", POORER, refused, str(MLPHYS), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=None if path is None else {"PATH": path},
    )


@pytest.mark.level2
def test_where_user_namespaces_are_refused_landlock_confines() -> None:
    done = without("user namespaces", "score", PROBLEM.release_notebook, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Isolation: landlock.") == 1
    assert json.loads(done.stdout)["isolation"] == "landlock"
    assert json.loads(done.stdout)["score"] == 0


@pytest.mark.level2
def test_where_bubblewrap_is_not_installed_landlock_confines(tmp_path: Path) -> None:
    done = without("", "score", PROBLEM.source_notebook, "--json", path=str(tmp_path))
    assert json.loads(done.stdout)["isolation"] == "landlock", done.stderr
    assert json.loads(done.stdout)["score"] == 26


@pytest.mark.level1
def test_where_landlock_is_missing_bubblewrap_confines() -> None:
    done = without("Landlock", "score", PROBLEM.release_notebook, "--json")
    assert json.loads(done.stdout)["isolation"] == "bubblewrap", done.stderr


def test_where_nothing_confines_grading_does_not_start() -> None:
    done = without("user namespaces, Landlock", "score", PROBLEM.release_notebook)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "at the level none, and landlock was asked for: user namespaces is missing" in done.stderr
    assert "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0" in done.stderr


def test_no_isolation_must_be_asked_for() -> None:
    done = without("user namespaces, Landlock", "score", PROBLEM.release_notebook, "--json", "--isolation", "none")
    assert json.loads(done.stdout)["isolation"] == "none", done.stderr


@pytest.mark.level2
def test_less_than_the_least_is_refused() -> None:
    done = without("user namespaces", "score", PROBLEM.release_notebook, "--isolation", "bubblewrap")
    assert done.returncode == 3
    assert "at the level landlock, and bubblewrap was asked for" in done.stderr


def test_the_doctor_names_what_is_missing_and_what_would_help(tmp_path: Path) -> None:
    done = without("Landlock", "doctor", path=str(tmp_path))
    assert done.returncode == 3
    assert "no  bubblewrap\n    Because there is no `bwrap` on the PATH.\n" in done.stdout
    assert "To change that: sudo apt install bubblewrap" in done.stdout
    assert "no  Landlock\n    Because this kernel offers version 0 of it" in done.stdout
    assert "Isolation here: none. A student's code runs with your own rights" in done.stdout


@pytest.mark.level2
def test_the_doctor_says_what_landlock_does_not_give() -> None:
    done = without("user namespaces", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no  user namespaces" in done.stdout
    assert "it can tell whether a file of a given name exists" in done.stdout
    assert "A notebook's process was started and ended: this works." in done.stdout


# Where bombs are counted 20 times a second only: a container's own runtime may hold the only listener that there can
# be, and an older kernel has none.
LISTENED = """
rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
rules.add_rule(pyseccomp.NOTIFY, "acct")
rules.load()
"""
OLDER = "pyseccomp.set_api(5)"
BOMBED = """
import pyseccomp
from test_isolation import HOGS, SECONDS, TIGHT
from conftest import shown
from autograder.sandbox import Isolation, Sandbox, StudentBroke
{machine}
for level in (Isolation.LANDLOCK, Isolation.BUBBLEWRAP):
    with Sandbox(level, TIGHT) as sandbox, sandbox.worker() as worker:
        shown(worker, HOGS)
        with worker.fork() as session:
            session.call("one", (), {{}}, SECONDS)
        with worker.fork() as session:
            try:
                session.call("bomb", (), {{}}, SECONDS)
            except StudentBroke as error:
                print(error)
"""


@pytest.mark.level1
@pytest.mark.level2
@pytest.mark.parametrize("machine", [LISTENED, OLDER])
def test_where_nobody_is_asked_before_a_fork_the_watchdog_counts(machine: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMBED.format(machine=machine)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("ran more than 10 processes and threads at once") == 2

"""What `mlphys grade` cannot grade is said, with the next step."""

from __future__ import annotations

import shutil
from pathlib import Path

from class_of_a_test import copied, grade_each
from conftest import Course


def test_what_cannot_be_graded_is_said_with_the_next_step(handed_in: Course, tmp_path: Path) -> None:
    course = copied(handed_in, tmp_path / "course")
    shutil.rmtree(course.root / "submitted")
    other = "import sqlite3\nother = sqlite3.connect('gradebook.db', isolation_level=None)\n"
    lock = f"{other}other.execute('BEGIN EXCLUSIVE')"
    unlock = "other.execute('ROLLBACK')"
    stranger = "other.execute(\"UPDATE alembic_version SET version_num = 'new'\")"
    older = "from alembic.script import ScriptDirectory\nfrom nbgrader.dbutil import ALEMBIC_DIR\n"
    older += "first = ScriptDirectory(ALEMBIC_DIR).get_base()\n"
    older += "other.execute('UPDATE alembic_version SET version_num = ?', [first])"
    twice = "import fcntl\nfirst = open('records/.ps01_linear_algebra.lock', 'w')\nfcntl.flock(first, fcntl.LOCK_EX)"
    slip = "open('nbgrader_config.py', 'a').write('c.Autograde.no_such_name = no_such_name')"
    large = "before = open('nbgrader_config.py').read()\n"
    large += "open('nbgrader_config.py', 'a').write('c.GradeSubmission.limits = {\"memory\": \"2GB\"}')"
    nowhere = "import os\nos.environ['JUPYTER_DATA_DIR'], data = '/proc/nope', os.environ['JUPYTER_DATA_DIR']"
    somewhere = "os.environ['JUPYTER_DATA_DIR'] = data"
    calls = [
        f"{nowhere}\ngrade('ps01_linear_algebra')\n{somewhere}",
        "grade('ps99')",
        "grade('ps01_linear_algebra')",
        "grade('ps04_statistics')",
        "grade('ps01_linear_algebra', scheduler='tcp://127.0.0.1:9')",
        "grade('ps01_linear_algebra', scheduler='nonsense://x')",
        f"{lock}\ngrade('ps01_linear_algebra')\n{unlock}",
        f"{twice}\ngrade('ps01_linear_algebra')\nfirst.close()",
        f"{stranger}\ngrade('ps01_linear_algebra')",
        f"{older}\ngrade('ps01_linear_algebra')",
        "import os\nos.rename('gradebook.db', 'elsewhere.db')\ngrade('ps01_linear_algebra')",
        f"{large}\ngrade('ps01_linear_algebra')\nopen('nbgrader_config.py', 'w').write(before)",
        f"{slip}\ngrade('ps01_linear_algebra')",
    ]
    said = grade_each(course, *calls)
    secret, unknown, nobody, unreleased, unreachable, nonsense, locked, both, new, old, lost, limits, slipped = said
    assert "2: /proc/nope/mlphys/secret can be neither read nor made" in secret
    assert unknown.startswith("2: There is no assignment 'ps99' in this course. There are ps01_linear_algebra, ")
    assert "2: Nobody has handed in ps01_linear_algebra" in nobody
    assert "2: The gradebook does not know ps04_statistics. Run `nbgrader generate_assignment" in unreleased
    assert "2: There is no dask scheduler at tcp://127.0.0.1:9" in unreachable
    assert "2: There is no dask scheduler at nonsense://x (unknown address scheme" in nonsense
    assert "Another program is at work on it: close that" in locked
    assert "2: Another `mlphys grade ps01_linear_algebra` is at work in this course. Wait for it." in both
    assert "This one does not know that schema: install the nbgrader that made it, or a newer one." in new
    assert "Keep a copy, and run `nbgrader db upgrade`." in old
    assert "2: There is no gradebook" in lost
    assert "Run `nbgrader generate_assignment ps01_linear_algebra`." in lost
    assert "2: In nbgrader_config.py: c.GradeSubmission.limits['memory'] is '2GB'. Give a positive number, as" in limits
    assert "2: nbgrader_config.py cannot be loaded (NameError: name 'no_such_name' is not defined)." in slipped

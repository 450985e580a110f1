"""What students hand in when things go wrong: each keeps the points it deserves, and reads why it lost the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.audit.variants import Edit, solved
from autograder.course import find
from autograder.grading.record import Record
from autograder.grading.run import grade
from autograder.grading.submission import Cell, Submission
from autograder.sandbox import Sandbox

BACKPROP = find("ps01_linear_algebra/backprop")

# What a student's `loss` may be instead of a mean square, and a word of the message that says what it was.
LOSSES = {
    "None": ("def loss(y, yhat):\n    pass", "None"),
    "wrong shape": ("def loss(y, yhat):\n    return (y - yhat) ** 2", "shape"),
    "text": ("def loss(y, yhat):\n    return 'small'", "str"),
    "a bool": ("def loss(y, yhat):\n    return True", "off by"),
    "a cell that stops": ("import sciipy\ndef loss(y, yhat):\n    return 0.0", "No module named 'sciipy'"),
    "NaN": ("def loss(y, yhat):\n    return float('nan')", "NaN"),
    "infinite": ("def loss(y, yhat):\n    return float('inf')", "infinite"),
    "complex": ("def loss(y, yhat):\n    return 1j * np.mean((y - yhat) ** 2)", "complex"),
    "an object": ("class Loss: pass\ndef loss(y, yhat):\n    return Loss()", "Loss"),
    "a generator": ("def loss(y, yhat):\n    return (r for r in y - yhat)", "generator"),
    "another signature": ("def loss(y):\n    return 0.0", "takes 1 positional argument"),
    "no function": ("loss = 3.0", "no function `loss`"),
    "raises": ("def loss(y, yhat):\n    return y.meen()", "AttributeError"),
    "exits": ("def loss(y, yhat):\n    import sys\n    sys.exit(0)", "called exit"),
    "ends the process": ("def loss(y, yhat):\n    import os\n    os._exit(0)", "process ended"),
    "never ends": ("def loss(y, yhat):\n    while True:\n        pass", "did not return within"),
    "prints 50 MB, and is wrong": ("def loss(y, yhat):\n    print('x' * 50_000_000)\n    return 0.0", "off by"),
}


def _record(submission: Submission, sandbox: Sandbox) -> Record:
    graded = grade(BACKPROP, submission, sandbox)
    assert graded.faults == []
    return graded.record


@pytest.mark.level1
@pytest.mark.parametrize("what", LOSSES)
def test_a_bad_function_costs_its_own_part_and_says_why(what: str, impatient: Sandbox) -> None:
    code, word = LOSSES[what]
    record = _record(solved(BACKPROP, Edit("loss", code)), impatient)
    lost = {part.id: part for part in record.parts if part.score < part.max_score}
    # The derivative test of part e uses the student's own loss, on purpose.
    assert set(lost) <= {"loss", "grad_batch"}
    assert lost["loss"].score == 0
    assert all(word in test.message for test in lost["loss"].tests), lost["loss"].tests[0].message


@pytest.mark.level1
@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.exit('enough')",
        "import sys\nprint('a warning', file=sys.stderr)",
        "import warnings\nwarnings.warn('careful')",
        "print('x' * 50_000_000)",
        "raise RuntimeError('an experiment that failed')",
        "this is no Python",
        "%nosuchmagic",
        "while True:\n    pass",
        "import os\nos._exit(1)",
        "import ctypes\nctypes.string_at(0)",
        "try:\n    while True:\n        pass\nexcept BaseException:\n    while True:\n        pass",
        "%reset -f --nonsense",
    ],
)
def test_a_bad_cell_of_their_own_costs_nothing(code: str, impatient: Sandbox) -> None:
    right = solved(BACKPROP)
    middle = len(right.cells) // 2
    cells = [*right.cells[:middle], Cell("code", code), *right.cells[middle:]]
    record = _record(replace(right, cells=cells), impatient)
    assert record.score == record.max_score

"""What a grader is written with."""

# Before any other module that grades: it notes which code this process has.
import autograder.grading.version  # noqa: F401
from autograder.grading.arguments import same_values, untouched
from autograder.grading.compare import agree, as_array, as_bool, as_float, sized
from autograder.grading.failure import Mismatch, check
from autograder.grading.law import check_law
from autograder.grading.marks import alternative, mistake, part, points
from autograder.grading.picture import coverage, histogram
from autograder.grading.tolerance import ALGEBRA, DIFFERENCE, FLOAT32, Tolerance, conditioned

__all__ = [
    "ALGEBRA",
    "DIFFERENCE",
    "FLOAT32",
    "Mismatch",
    "Tolerance",
    "agree",
    "alternative",
    "as_array",
    "as_bool",
    "as_float",
    "check",
    "check_law",
    "conditioned",
    "coverage",
    "histogram",
    "mistake",
    "part",
    "points",
    "same_values",
    "sized",
    "untouched",
]

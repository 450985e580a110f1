"""A class that does not exist, graded as an instructor would: what comes out, without any students."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.course import Problem, problems
from autograder.demo.course import DemoCourse, DemoError, NotADemo
from autograder.demo.report import show, show_files, show_level
from autograder.demo.results import results_of
from autograder.demo.students import Student, class_of, diligent

__all__ = ["DemoError", "NotADemo", "run"]

SCORES = "scores.csv"


def run(directory: Path, console: Console) -> None:
    """Make a course in `directory`, grade a simulated class in it, and print what came out.

    Raises NotADemo if `directory` holds something else, and DemoError if a command fails or if the gradebook and the
    result records disagree.
    """
    course = DemoCourse.create(directory)
    show_level(course.level, console)
    classes = _hand_in(course, console)
    for assignment in _assignments(classes):
        course.mlphys(console, "grade", assignment)
        course.nbgrader(console, "generate_feedback", assignment)
    course.nbgrader(console, "export", "--to", SCORES)
    whole = next(iter(classes)).assignment  # the others are handed in by two students only
    course.mlphys(console, "report", whole)
    for problem, students in classes.items():
        results = results_of(course, problem, students)
        show(problem, results, console)
        show_files(course, results, console)
    console.print(Text(f"\nThe scores of the class: {course.root / SCORES}"), soft_wrap=True)
    console.print(Text(f"What the class did in {whole}: {course.report(whole)}"), soft_wrap=True)


def _hand_in(course: DemoCourse, console: Console) -> dict[Problem, list[Student]]:
    """Release each assignment, and have the class hand in its notebooks."""
    everything = problems()
    for assignment in _assignments(everything):
        course.nbgrader(console, "generate_assignment", assignment)
    classes: dict[Problem, list[Student]] = {}
    for problem in everything:
        students = class_of(problem, course.released(problem))
        classes[problem] = diligent(students) if classes else students
        for student in classes[problem]:
            course.submit(problem, student.id, student.file)
    size = len({student.id for students in classes.values() for student in students})
    console.print(Text(f"{size} students hand in {sum(map(len, classes.values()))} notebooks."))
    return classes


def _assignments(problems: list[Problem] | dict[Problem, list[Student]]) -> list[str]:
    return list(dict.fromkeys(problem.assignment for problem in problems))

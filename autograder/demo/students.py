"""The class: what each of its students hands in. All of it follows from the problem, so that it is always the same."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.audit.variants import functions, variant
from autograder.course import Problem
from autograder.demo.sheet import Sheet, renamed, with_body
from autograder.grading.marks import Variant, parts_of, variants_of


@dataclass(frozen=True)
class Student:
    """A simulated student: an id, what is the matter with the notebook, and the text of the file.

    `mistakes` are those that went in; `example` says why this student's feedback is worth opening, if it is.
    """

    id: str
    story: str
    file: str
    mistakes: tuple[Variant, ...] = ()
    example: str = ""


# They hand in every problem, and the others the first one only, so that the demo takes minutes.
DILIGENT = ("amira", "dario")


def class_of(problem: Problem, released: str) -> list[Student]:
    """The whole class's answers to `problem`, written into its `released` notebook."""
    sheet = Sheet(problem, released)
    return [
        Student("amira", "the reference", sheet.filled(), example="all is right"),
        *_with_alternatives(sheet, ("bruno", "chloe")),
        *_with_mistakes(sheet),
        *_with_accidents(sheet),
        Student("nadia", "half finished", sheet.half_filled()),
        Student("oskar", "nothing written", sheet.blank()),
        Student("paula", "half a file", _cut(sheet.filled()), example="a file that is no notebook"),
    ]


def diligent(students: list[Student]) -> list[Student]:
    """Those of the class who hand in every problem."""
    return [student for student in students if student.id in DILIGENT]


def typical_mistakes(problem: Problem) -> list[Variant]:
    """The first mistake of the catalogue in each part, beginning with the part that has the most points."""
    catalogue = variants_of(problem.catalogue("mistakes"))
    parts = sorted(parts_of(problem.test_module), key=lambda part: -part.points)
    first = [next((item for item in catalogue if item.function in part.functions), None) for part in parts]
    return [item for item in first if item is not None]


def _with_alternatives(sheet: Sheet, ids: tuple[str, ...]) -> list[Student]:
    # Of the last functions: right but slow code in an early one, which others call, would make the demo slow too.
    found = variants_of(sheet.problem.catalogue("alternatives"))[-len(ids) :]
    return [
        Student(id, f"right in another way: {_name(item)}", sheet.filled(variant(sheet.problem, item)))
        for id, item in zip(ids, found, strict=False)
    ]


def _with_mistakes(sheet: Sheet) -> list[Student]:
    """Three students share a mistake, two have one of their own, and one has two."""
    first, second, third = (typical_mistakes(sheet.problem) * 3)[:3]
    made = {
        **dict.fromkeys(("dario", "elena", "felix"), (first,)),
        "greta": (second,),
        "hugo": (third,),
        "ines": (first, third),
    }
    students = []
    for id, items in made.items():
        edits = [variant(sheet.problem, item) for item in items]
        story = " and ".join(_name(item) for item in items)
        example = "one mistake" if id == "dario" else ""
        students.append(Student(id, story, sheet.filled(*edits), items, example))
    return students


def _with_accidents(sheet: Sheet) -> list[Student]:
    """What happens to code besides being wrong; to the last functions, on which little else depends."""
    problem, names = sheet.problem, functions(sheet.problem)
    endless, raising, called, deleted = (names[-1 - number % len(names)] for number in range(4))
    return [
        Student("jonas", f"{raising} raises", sheet.filled(with_body(problem, raising, "return reslut"))),
        Student(
            "karim",
            f"{endless} never ends",
            sheet.filled(with_body(problem, endless, "while True:\n    pass")),
            example="a function that never ends",
        ),
        Student("lotte", f"the cell of {deleted} is deleted", sheet.without_cell_of(deleted)),
        Student("milan", f"{called} is renamed", sheet.filled(renamed(problem, called))),
    ]


def _name(item: Variant) -> str:
    return f"{item.function}: {item.name.replace('_', ' ')}"


def _cut(text: str) -> str:
    """A download that was interrupted."""
    return text[: len(text) // 2]

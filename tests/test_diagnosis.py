"""Diagnosis: a hint when exactly one mistake explains the numbers, and silence otherwise."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograder.grading.diagnosis import Cause, diagnose, numbers
from autograder.grading.marks import Variant
from autograder.grading.student import Call

Function = Callable[..., Any]
Shapes = Sequence[tuple[int, ...]]


def mean_square(X: Any, k: float) -> Any:
    """k times the mean over the batch of the squares: one number for each column."""
    return k * np.square(X).mean(axis=0)


def of_the_sum(X: Any, k: float) -> Any:
    return k * np.square(X).sum(axis=0)


def without_k(X: Any, k: float) -> Any:
    return np.square(X).mean(axis=0)


def square_of_the_mean(X: Any, k: float) -> Any:
    return k * np.square(X.mean(axis=0))


def raising(X: Any, k: float) -> Any:
    raise ArithmeticError


MISTAKES = [
    Variant("of_the_sum", "mean_square", of_the_sum, "Divide by the size of the batch."),
    Variant("without_k", "mean_square", without_k, "Multiply by k."),
    Variant("square_of_the_mean", "mean_square", square_of_the_mean, "Square first, then average."),
    Variant("raising", "mean_square", raising, "Never shown."),
]
SHAPES = [(5, 3), (4, 7), (6, 2)]


def draws(shapes: Shapes = SHAPES) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=shape), rng.uniform(2, 3)) for shape in shapes]


def calls(student: Function, inputs: list[tuple[Any, ...]] | None = None) -> list[Call]:
    return [called(student, args) for args in (draws() if inputs is None else inputs)]


def called(student: Function, args: tuple[Any, ...]) -> Call:
    """What is remembered of one call; as in grading, the student's function has a copy of the arguments."""
    own = copy.deepcopy(args)
    return Call("f", args, {}, student(*own), own)


def told(of: Sequence[Call], reference: Function, mistakes: list[Variant]) -> str | None:
    """What a student is told, of a known mistake or of something else."""
    cause = diagnose(of, reference, mistakes)
    return None if cause is None else cause.hint


def hint(student: Function, mistakes: list[Variant] = MISTAKES) -> str | None:
    return told(calls(student), mean_square, mistakes)


def test_the_only_mistake_that_explains_the_numbers_gives_the_hint() -> None:
    assert hint(of_the_sum) == "Divide by the size of the batch."
    assert hint(without_k) == "Multiply by k."


def test_a_mistake_has_its_name_and_a_general_slip_has_none() -> None:
    known = Cause("Multiply by k.", "mean_square: without_k")
    assert diagnose(calls(without_k), mean_square, MISTAKES) == known
    slip = diagnose(calls(lambda X, k: 2 * mean_square(X, k)), mean_square, MISTAKES)
    assert slip == Cause("Your result is twice the right one.", None)


def test_other_code_with_the_same_mistake_is_recognised() -> None:
    assert hint(lambda X, k: [k * sum(x * x for x in column) for column in X.T]) == "Divide by the size of the batch."
    assert hint(lambda X, k: without_k(X, k) * (1 + 1e-9)) == "Multiply by k."


def test_a_right_answer_is_not_commented_on() -> None:
    assert hint(mean_square) is None


def test_an_answer_that_is_wrong_in_its_own_way_is_not_commented_on() -> None:
    assert hint(lambda X, k: k * np.abs(X).mean(axis=0)) is None
    assert hint(lambda X, k: np.zeros(X.shape[1])) is None


def test_two_mistakes_with_the_same_numbers_are_silent() -> None:
    other = Variant("other", "mean_square", of_the_sum, "Something else.")
    assert hint(of_the_sum, [*MISTAKES, other]) is None


def test_two_mistakes_at_once_are_silent() -> None:
    assert hint(lambda X, k: np.square(X).sum(axis=0)) is None


def test_fewer_than_three_calls_are_silent() -> None:
    for count in range(3):
        assert told(calls(without_k)[:count], mean_square, MISTAKES) is None
    assert told(calls(without_k)[:3], mean_square, MISTAKES) == "Multiply by k."


def test_calls_where_the_mistake_makes_no_difference_do_not_count() -> None:
    alone = [(args[0], 1.0) for args in draws()]
    assert told(calls(without_k)[:2] + calls(without_k, alone), mean_square, MISTAKES) is None
    assert told(calls(without_k) + calls(without_k, alone), mean_square, MISTAKES) == "Multiply by k."


def test_one_call_that_the_mistake_does_not_explain_silences_it() -> None:
    assert told([*calls(without_k), calls(mean_square)[0]], mean_square, MISTAKES) is None


def solve(A: Any, b: Any) -> Any:
    return np.linalg.solve(A, b)


def negative(A: Any, b: Any) -> Any:
    return -np.linalg.solve(A, b)


def test_calls_that_rounding_decides_do_not_count() -> None:
    mistakes = [Variant("negative", "solve", negative, "The sign is wrong.")]
    rng = np.random.default_rng(0)
    inputs = [(rng.normal(size=(4, 4)), rng.normal(size=4)) for _ in range(4)]
    # Its smallest singular value is 1e-13: of the solution, no more than two digits are known.
    left, right = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    inputs.append((left @ np.diag([1.0, 0.7, 0.4, 1e-13]) @ right, rng.normal(size=4)))

    def negative_by_least_squares(A: Any, b: Any) -> Any:
        return -np.linalg.lstsq(A, b, rcond=0)[0]

    def but_in_one_easy_call(A: Any, b: Any) -> Any:
        return negative(A, b) * (1.01 if A[0, 0] == inputs[0][0][0, 0] else 1.0)

    assert told(calls(negative_by_least_squares, inputs), solve, mistakes) == "The sign is wrong."
    assert told(calls(but_in_one_easy_call, inputs), solve, mistakes) is None


def test_calls_without_numbers_and_in_single_precision_are_passed_over() -> None:
    odd = [called(lambda X, k, value=value: value, draws()[0]) for value in (None, "text", [[1], [2, 3]], 1j, object())]
    single = [called(lambda X, k: 0.0, (args[0].astype(np.float32), args[1])) for args in draws()]
    assert told([*odd, *single, *calls(without_k)], mean_square, MISTAKES) == "Multiply by k."
    assert told([*odd, *single], mean_square, MISTAKES) is None


def test_no_call_is_silent() -> None:
    assert told([], mean_square, MISTAKES) is None


def test_changing_an_argument_is_a_mistake_of_its_own() -> None:
    def spoils(X: Any, k: float) -> Any:
        right = mean_square(X, k)
        X *= 2
        return right

    assert hint(spoils) is None
    assert hint(spoils, [*MISTAKES, Variant("spoils", "f", spoils, "Leave X as it is.")]) == "Leave X as it is."


def test_mistakes_see_the_inputs_as_the_student_did() -> None:
    def spoils(X: Any, k: float) -> Any:
        X *= 0
        return X

    assert hint(without_k, [Variant("spoils", "f", spoils, "Never shown."), *MISTAKES]) == "Multiply by k."


# General slips


def general(slip: Function, reference: Function = mean_square, shapes: Shapes = SHAPES) -> str | None:
    student: Function = lambda *args: slip(reference(*args))  # noqa: E731
    return told(calls(student, draws(shapes)), reference, [])


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (-1, "-1 times"),
        (2, "twice"),
        (0.5, "half of"),
        (-2, "-2 times"),
        (-0.5, "-1/2 times"),
        (math.pi, "π times"),
        (1 / math.pi, "1/π times"),
        (2 * math.pi, "2π times"),
        (1 / (2 * math.pi), "1/(2π) times"),
    ],
)
def test_a_constant_factor_is_named(factor: float, words: str) -> None:
    assert general(lambda right: factor * right) == f"Your result is {words} the right one."


def matrix(X: Any, k: float) -> Any:
    return k * X


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (np.square, "square"),
        (lambda x: np.sqrt(np.abs(x)), "square root"),
        (np.transpose, "transpose"),
        (np.abs, "abs"),
    ],
)
def test_a_square_a_root_a_transpose_and_an_absolute_value_are_named(slip: Function, words: str) -> None:
    found = general(slip, matrix)
    assert found is not None
    assert words in found


def test_a_square_matrix_that_is_transposed_is_recognised() -> None:
    assert general(np.transpose, matrix, [(3, 3), (4, 4), (2, 2)]) == "Your result is the transpose of the right one."


@pytest.mark.parametrize(
    ("student", "words"),
    [
        (of_the_sum, "times the size of axis 0 of `X`: a sum for a mean"),
        (lambda X, k: mean_square(X, k) / len(X), "divided by the size of axis 0 of `X`: a mean too many"),
        (lambda X, k: of_the_sum(X, k) / (len(X) - 1), "n - 1 for n, where n is the size of axis 0 of `X`"),
        (lambda X, k: mean_square(X, k) * (len(X) - 1) / len(X), "n for n - 1, where n is the size of axis 0 of `X`"),
        (lambda X, k: mean_square(X, k) * X.shape[1], "times the size of axis 1 of `X`"),
    ],
)
def test_a_factor_that_is_the_size_of_an_argument_is_named(student: Function, words: str) -> None:
    found = hint(student, [])
    assert found is not None
    assert words in found


def test_a_size_of_one_among_the_calls_does_not_shift_the_names() -> None:
    shapes = [(5, 3), (1, 4), (6, 2), (3, 7)]
    found = told(calls(lambda X, k: mean_square(X, k) * X.shape[1], draws(shapes)), mean_square, [])
    assert found is not None
    assert "axis 1 of `X`" in found


def test_two_arguments_that_share_a_dimension_are_one_finding() -> None:
    def loss(X: Any, y: Any) -> Any:
        return np.mean((X.sum(axis=1) - y) ** 2)

    rng = np.random.default_rng(0)
    inputs = [(rng.normal(size=(n, 2)), rng.normal(size=n)) for n in (3, 5, 7)]
    found = told(calls(lambda X, y: len(y) * loss(X, y), inputs), loss, [])
    assert found is not None
    assert "axis 0 of `X`" in found


def test_one_axis_for_another_of_the_same_size_is_silent() -> None:
    """Where two axes of an argument always have the same size, nobody can tell which of them is meant."""
    square = [(3, 3), (4, 4), (5, 5)]
    assert told(calls(of_the_sum, draws(square)), mean_square, []) is None


def test_a_mistake_of_the_catalogue_goes_before_a_general_slip() -> None:
    assert "axis 0" in (hint(of_the_sum, []) or "")
    assert hint(of_the_sum) == "Divide by the size of the batch."


# Several values


def several(X: Any, k: float) -> Any:
    return {"a": k * X, "b": (k, X.sum(axis=0))}


def test_entries_of_a_dict_may_be_right_beside_a_slip() -> None:
    def student(X: Any, k: float) -> Any:
        return {"a": -k * X, "b": (k, X.sum(axis=0))}

    assert told(calls(student), several, []) == "Your result is -1 times the right one."


def test_different_slips_in_different_entries_are_silent() -> None:
    def student(X: Any, k: float) -> Any:
        return {"a": -k * X, "b": (2 * k, X.sum(axis=0))}

    assert told(calls(student), several, []) is None


def test_other_entries_and_other_shapes_are_silent() -> None:
    assert told(calls(lambda X, k: {"a": -k * X}), several, []) is None
    assert told(calls(lambda X, k: -mean_square(X, k)[:-1]), mean_square, []) is None


def test_an_empty_argument_has_no_size_to_divide_by() -> None:
    inputs = [*draws(), (np.empty((3, 0)), 2.0)]
    assert told(calls(of_the_sum, inputs), mean_square, MISTAKES) == "Divide by the size of the batch."
    assert told(calls(lambda X, k: X[0], inputs), mean_square, MISTAKES) is None


def test_a_result_of_very_many_parts_is_not_looked_at() -> None:
    """Each would be compared with what every mistake makes: a student could take the time of who grades."""
    assert numbers((1.0,) * 100) is not None
    assert numbers((1.0,) * 101) is None
    assert numbers(dict.fromkeys(range(1000), (1.0,) * 50)) is None

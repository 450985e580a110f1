"""Comparison: which forms of an answer are taken, which are refused with a sentence, and what a message gives away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading import (
    ALGEBRA,
    DIFFERENCE,
    FLOAT32,
    Mismatch,
    Tolerance,
    agree,
    as_array,
    as_bool,
    as_float,
    check,
    conditioned,
    untouched,
)
from autograder.sandbox import Handle

RIGHT = np.array([1.5, -2.0, 3.25])
LOOSE = Tolerance(1e-3, 1e-6, "three digits are enough for this test")


def mismatch(actual: Any, expected: Any, tolerance: Tolerance = ALGEBRA, **options: Any) -> Mismatch:
    with pytest.raises(Mismatch) as caught:
        agree(actual, expected, tolerance, **options)
    return caught.value


# Forms that are taken


@pytest.mark.parametrize(
    "answer",
    [RIGHT, RIGHT.tolist(), tuple(RIGHT.tolist()), list(RIGHT), np.asfortranarray(RIGHT), [np.array(x) for x in RIGHT]],
)
def test_any_plain_form_of_the_numbers_is_taken(answer: Any) -> None:
    agree(answer, RIGHT, ALGEBRA)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3)])
def test_a_vector_may_lie_or_stand_where_the_statement_allows_it(shape: tuple[int, ...]) -> None:
    agree(RIGHT.reshape(shape), RIGHT, ALGEBRA, shape="vector")
    if shape != RIGHT.shape:
        mismatch(RIGHT.reshape(shape), RIGHT)


@pytest.mark.parametrize("answer", [2, 2.0, np.float64(2), np.array(2), np.array([2]), [[2.0]], np.float32(2)])
def test_a_number_is_taken_in_any_shape_of_one_entry(answer: Any) -> None:
    agree(answer, 2.0, ALGEBRA)
    assert as_float(answer) == 2


def test_integers_for_floats_are_taken() -> None:
    agree(np.array([1, 2], dtype=np.int8), np.array([1.0, 2.0]), ALGEBRA)
    agree(10**30, 1e30, ALGEBRA)
    agree([10**30, 2], np.array([1e30, 2]), ALGEBRA)
    assert as_array([10**30, 2.5]).dtype == np.float64


def test_nothing_equals_nothing() -> None:
    agree(np.empty((0, 3)), np.empty((0, 3)), ALGEBRA)
    mismatch(np.empty((3, 0)), np.empty((0, 3)))


def test_dicts_and_tuples_are_compared_entry_by_entry() -> None:
    right = {"W": np.eye(2), "b": (1.0, [2.0, 3.0]), 0: 5}
    agree({0: 5.0, "W": [[1, 0], [0, 1]], "b": [1, (2, 3)], "more": object()}, right, ALGEBRA)
    wrong = mismatch({**right, "b": (1.0, [2.0, 4.0])}, right, of="the gradient")
    assert "the gradient['b'][1]" in wrong.measured


# What is refused, with a sentence


class Record:
    pass


REFUSED = {
    "None": (None, "is None", "return"),
    "complex": (RIGHT + 0j, "complex", "Return a float"),
    "a list of complex": ([1j, 2.0, 3.0], "complex", "Return a float"),
    "NaN": ([1.0, math.nan, 3.0], r"1 NaN of 3 entries, the first at \[1\]", "division by zero"),
    "infinite": (np.array([1.0, 2.0, np.inf]), r"infinite of 3 entries, the first at \[2\]", "overflow"),
    "text": ("1.5", "a str", "Return a float"),
    "bytes": (b"1.5", "a bytes", "Return a float"),
    "rows of different lengths": ([[1, 2], [3]], "different lengths", "lengths of the rows"),
    "a list with None": ([1.0, None, 3.0], "entries are not all real numbers", "Return a float"),
    "a list of text": (["1", "2", "3"], "entries are not all real numbers", "Return a float"),
    "a dict": ({"a": 1}, "a dict", "Return a float"),
    "an object": (Handle(0, "Spring"), "an object of type Spring", "Return a float"),
    "a function": (math.sin, "a builtin_function_or_method", "Return a float"),
    "an object array": (np.array([Record()] * 3), "an array of object", "Return a float"),
    "an integer beyond all floats": (10**400, "beyond 1e308", "logarithms"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_real_finite_number_is_refused_with_a_sentence(name: str) -> None:
    answer, measured, advice = REFUSED[name]
    with pytest.raises(Mismatch, match=measured) as caught:
        agree(answer, RIGHT, ALGEBRA, of="the force")
    assert caught.value.measured.startswith("the force")
    assert advice in caught.value.next_step


@pytest.mark.parametrize("answer", [math.nan, -math.inf])
def test_a_single_number_that_is_not_finite_has_no_index(answer: float) -> None:
    assert "[" not in mismatch(answer, 1.0).measured


def test_another_shape_is_told_with_both_and_a_transpose_is_recognised() -> None:
    wrong = mismatch(np.ones((3, 2)), np.ones((2, 3)), of="W")
    assert wrong.measured == "W has shape (3, 2). This is the transposed shape."
    assert wrong.allowed == "shape (2, 3)"
    assert "transposed" not in mismatch(np.ones((3, 3)), np.ones((2, 3))).measured
    assert "shape (1, 3)" in mismatch(np.ones((1, 3)), np.ones(3)).measured
    assert "shape (2,)" in mismatch(np.ones(2), np.ones(3), shape="vector").measured
    assert "shape (3,)" in mismatch(np.ones(3), 1.0).measured


def test_other_keys_and_other_numbers_of_values_are_told() -> None:
    right = {"W": 1.0, "b": 2.0}
    assert "no entry 'b'" in mismatch({"W": 1.0, "B": 2.0}, right).measured
    assert "'W', 'b'" in mismatch([1.0, 2.0], right).allowed
    assert "a list of 3" in mismatch([1.0, 2.0, 3.0], (1.0, 2.0)).measured
    assert "None" in mismatch(None, (1.0, 2.0)).measured
    assert "an array of float64 with shape (2,)" in mismatch(np.ones(2), (1.0, 2.0)).measured


@pytest.mark.parametrize("answer", [True, np.False_, np.array(True), np.array([False])])
def test_a_truth_value_is_taken_in_any_form_of_one_bool(answer: Any) -> None:
    assert as_bool(answer) == bool(np.asarray(answer).ravel()[0])


@pytest.mark.parametrize("answer", [1, 0.0, "True", None, [True], [[1], [1, 2]], {}, np.array([True, False])])
def test_what_is_no_truth_value_is_refused(answer: Any) -> None:
    with pytest.raises(Mismatch, match="the result is"):
        as_bool(answer)


def test_as_float_refuses_more_than_one_number_and_none() -> None:
    for answer in ([1.0, 2.0], []):
        with pytest.raises(Mismatch, match="has shape"):
            as_float(answer)


# Tolerances


@pytest.mark.parametrize("tolerance", [ALGEBRA, FLOAT32, DIFFERENCE, LOOSE, conditioned(1e6)])
def test_a_tolerance_is_kept_on_both_sides_of_its_edge(tolerance: Tolerance) -> None:
    largest = 8.0
    right = np.array([largest, 2.0, -0.5])
    allowed = tolerance.atol * largest + tolerance.rtol * np.abs(right)
    for sign in (-1, 1):
        agree(right + sign * 0.99 * allowed, right, tolerance)
        for index in range(3):
            off = right.copy()
            off[index] += sign * 1.01 * allowed[index]
            mismatch(off, right, tolerance)


def test_an_entry_that_vanishes_is_measured_at_the_scale_of_the_others() -> None:
    agree([1e6, 1e-7], [1e6, 0.0], ALGEBRA)
    mismatch([1e6, 1e-5], [1e6, 0.0], ALGEBRA)


def test_an_expected_zero_is_measured_at_scale_one() -> None:
    agree([1e-13, 0.0], [0.0, 0.0], ALGEBRA)
    mismatch([1e-11, 0.0], [0.0, 0.0], ALGEBRA)
    agree(1e-13, 0, ALGEBRA)


def test_the_scale_of_one_entry_of_a_dict_does_not_loosen_another() -> None:
    mismatch({"large": 1e9, "small": 1e-4}, {"large": 1e9, "small": 0.0}, ALGEBRA)


def test_a_bad_condition_number_allows_more_and_says_so() -> None:
    assert conditioned(1e8).rtol == pytest.approx(1e11 * 2.0**-53)
    assert "1.0e+08" in conditioned(1e8).reason


# Messages


def test_numbers_have_three_significant_digits() -> None:
    wrong = mismatch(np.array([1.0, 2.0, 3.0123456789]), np.array([1.0, 2.0, 3.0]), LOOSE, of="the force")
    assert wrong.measured == (
        "1 of 3 entries are off; the worst is off by 0.00412 times the largest expected magnitude at index [2]"
        " of the force"
    )
    assert (
        wrong.allowed == "0.001 of each entry and 1e-06 of the largest, because three digits are enough for this test"
    )
    one = mismatch(2.0, 1.0, of="the energy")
    assert one.measured == "the energy is off by 1 times its right value"
    assert one.allowed.startswith("1e-09, because double precision")
    assert mismatch(2.0, 0.0, of="the energy").measured == "the energy is off by 2"


def test_a_message_says_what_was_tested_measured_allowed_and_what_is_next() -> None:
    lines = mismatch(1.0, 2.0).sentences("The force is -kx.").split("\n")
    assert [line.split(":")[0] for line in lines] == ["Tested", "Measured", "Allowed", "Next"]


def step(model: Any, x: Any, schedule: Any, rate: float = 0.1) -> None:
    """Names for arguments."""


def test_an_argument_that_a_call_changed_is_named() -> None:
    before = (np.sin, np.ones(3), {"beta": np.ones(2), "alpha": [1.0, 2.0]})
    untouched(step, before, ["a function", [1.0, 1.0, 1.0], {"beta": np.ones(2), "alpha": (1, 2)}])
    for after in ({"beta": np.ones(3), "alpha": [1.0, 2.0]}, {"beta": np.ones(2)}, None):
        with pytest.raises(Mismatch, match="after the call x and schedule had other values than before"):
            untouched(step, before, [None, 2 * np.ones(3), after])


def test_check_raises_for_what_does_not_hold() -> None:
    check(np.True_, measured="", allowed="", next_step="")
    with pytest.raises(Mismatch) as caught:
        check(0.0, measured="the asymmetry is 0.3", allowed="below 1e-9", next_step="Transpose it.")
    assert (caught.value.measured, caught.value.next_step) == ("the asymmetry is 0.3", "Transpose it.")


# Each with six digits or more, so that none appears in a message by chance.
VALUES = st.floats(1e3, 1e6).map(lambda x: round(x) + 0.123456)
EXPECTED = st.one_of(
    VALUES,
    st.lists(VALUES, min_size=1, max_size=4).map(np.array),
    st.tuples(VALUES, VALUES),
    st.fixed_dictionaries({"W": VALUES, "b": st.lists(VALUES, min_size=2, max_size=2)}),
)
ANSWERS = st.one_of(
    st.none(),
    st.floats(-10, 10),
    st.lists(st.floats(-10, 10), max_size=4),
    st.tuples(st.floats(-10, 10), st.floats(-10, 10)),
    st.fixed_dictionaries({"W": st.floats(-10, 10), "b": st.lists(st.floats(-10, 10), min_size=2, max_size=2)}),
)


def flat(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [x for inner in value.values() for x in flat(inner)]
    return [float(x) for x in np.ravel(value)]


@given(EXPECTED, ANSWERS)
def test_no_expected_value_is_in_a_message(expected: Any, answer: Any) -> None:
    message = mismatch(answer, expected).sentences("The force.")
    for value in flat(expected):
        assert str(int(value)) not in message
        assert f"{value:.3g}" not in message


@given(VALUES, st.integers(-12, 12))
def test_an_answer_far_off_tells_the_expected_value_to_three_digits_at_most(expected: float, exponent: int) -> None:
    answer = 10.0**exponent * 7
    measured = mismatch(answer, expected).measured
    deviation = measured.removeprefix("the result is off by ").removesuffix(" times its right value")
    assert float(deviation) == float(f"{abs(answer - expected) / expected:.3g}")

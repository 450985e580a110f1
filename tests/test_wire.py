"""The wire: what travels arrives as it was, and what was made up by the other side is refused."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.sandbox.inside import wire

DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    arrays.complex_number_dtypes(endianness="?", sizes=(64, 128)),
)
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary())
KEYS = st.one_of(st.text(max_size=3), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none())
# What the worker sends never has halves of surrogate pairs; they are replaced.
VALUES = st.recursive(
    st.one_of(SCALARS, ARRAYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=10,
)


def refer(value: Any) -> wire.Reference | None:
    return wire.Reference(0, type(value).__name__, owned_by_sender=True) if callable(value) else None


def resolve(reference: wire.Reference) -> Any:
    return reference


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, wire.Connection]]:
    """A raw socket for made-up bytes, and the strict end that receives them."""
    raw, checked = socket.socketpair()
    with raw, checked:
        yield raw, wire.Connection(checked, refer, resolve, tensors=False)


def soon() -> float:
    """A deadline that passes only if something is wrong: everything here takes milliseconds."""
    return time.monotonic() + 10


def carried(value: Any, *, tensors: bool = False) -> Any:
    """`value` after its way over a socket."""
    near, far = socket.socketpair()
    # The largest values here have a few hundred bytes, which the socket takes in whole before anybody reads.
    with near, far:
        wire.Connection(near, refer, resolve, tensors).send(["value", value], soon())
        kind, arrived = wire.Connection(far, refer, resolve, tensors).receive(soon())
    assert kind == "value"
    return arrived


def alike(left: Any, right: Any) -> bool:
    """Equal in type, structure and bits; NaN is like NaN."""
    if isinstance(left, np.ndarray | np.generic):
        same_kind = isinstance(right, np.ndarray) == isinstance(left, np.ndarray)
        native = left.dtype.newbyteorder("=") == right.dtype
        return same_kind and native and left.shape == right.shape and np.array_equal(left, right, equal_nan=True)
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict):
        return alike(list(left), list(right)) and alike(list(left.values()), list(right.values()))
    if isinstance(left, float | complex):
        return repr(left) == repr(right)
    return bool(left == right)


# What arrives as it was


@given(VALUES)
def test_plain_data_arrives_as_it_was(value: Any) -> None:
    assert alike(value, carried(value))


@given(ARRAYS)
def test_the_layout_in_memory_makes_no_difference(array: Any) -> None:
    assert alike(array, carried(np.asfortranarray(array).reshape(array.shape)))
    strided = np.stack([array, array], axis=-1)[..., 1]
    assert alike(array, carried(strided))


@pytest.mark.parametrize("dtype", sorted(wire.DTYPES))
def test_numpy_scalars_stay_scalars_of_their_type(dtype: str) -> None:
    value = np.ones((), dtype)[()]
    assert type(carried(value)) is type(value)


def test_what_arrives_may_be_written_to() -> None:
    arrived = carried(np.zeros(3))
    arrived[0] = 1
    assert arrived[0] == 1


def test_long_double_arrives_as_double() -> None:
    arrived = carried(np.array([np.pi], dtype=np.longdouble))
    assert arrived.dtype == np.float64
    assert arrived[0] == np.pi
    assert carried(np.array([1j], dtype=np.clongdouble)).dtype == np.complex128


def test_subclasses_arrive_as_what_they_are_plainly() -> None:
    class Name(str):
        pass

    class Flag(int):
        pass

    assert alike(carried([Name("a"), Flag(3), range(2)]), ["a", 3, [0, 1]])


TENSORS = {
    "double": torch.arange(6, dtype=torch.float64).reshape(2, 3),
    "requires grad": torch.ones(2, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "part of a graph": torch.ones(2, requires_grad=True) * 2,
    "not contiguous": torch.arange(6).reshape(2, 3).T,
    "conjugate": torch.tensor([1 + 2j]).conj(),
    "negative view": torch.tensor([1 + 2j]).conj().imag,
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(2.5),
    "empty": torch.empty(0, 3),
    "half": torch.ones(2, dtype=torch.float16),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_arrive_as_arrays_and_as_tensors(name: str) -> None:
    tensor = TENSORS[name]
    plain = tensor.detach().resolve_conj().resolve_neg()
    assert alike(carried(tensor), plain.numpy())
    arrived = carried(tensor, tensors=True)
    assert isinstance(arrived, torch.Tensor)
    assert arrived.dtype == tensor.dtype
    assert torch.equal(arrived, plain)


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert carried("a\ud800b") == "a?b"


# What cannot travel


def cycle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


UNSENDABLE = {
    "an object": (object(), "object of type object"),
    "a set": ({1}, "object of type set"),
    "an object array": (np.array([None]), "dtype object"),
    "text": (np.array(["a"]), "holds no plain numbers"),
    "a time": (np.array(["2026-01-22"], "datetime64[D]"), "holds no plain numbers"),
    "a list in itself": (cycle(), "contains itself"),
    "a long integer": (10**5000, "4,000 digits"),
    "a large array": (np.zeros(wire.MAX_FRAME // 8), "16 MB"),
    "a long list": ([0] * (wire.MAX_ITEMS + 1), "return arrays"),
    "a tuple for a key": ({(1, 2): 3}, "key"),
    "a long integer for a key": ({2**63: 3}, "key"),
    "bfloat16": (torch.ones(2, dtype=torch.bfloat16), "bfloat16"),
    "a sparse tensor": (torch.ones(2, 2).to_sparse(), "sparse"),
}


@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_cannot_travel_is_refused_with_a_sentence(name: str, pair: tuple[socket.socket, wire.Connection]) -> None:
    value, words = UNSENDABLE[name]
    raw, connection = pair
    with pytest.raises(wire.Unsendable, match=words):
        connection.send(["value", value], soon())
    connection.send(["still", "works"], soon())
    assert raw.recv(100)[8:] == msgpack.packb(["still", "works"])


# What somebody made up


def framed(payload: bytes) -> bytes:
    return struct.pack(">Q", len(payload)) + payload


def receive(pair: tuple[socket.socket, wire.Connection], payload: bytes) -> list[Any]:
    raw, connection = pair
    raw.settimeout(10)
    raw.sendall(framed(payload))
    return connection.receive(soon())


def array(*items: Any) -> list[Any]:
    return ["a", *items]


def nested(depth: int) -> Any:
    tree: Any = 0
    for _ in range(depth):
        tree = ["l", tree]
    return tree


EIGHT = b"\0" * 8
MADE_UP = {
    "unknown tag": ["x", 1],
    "no tag": [],
    "tag that is no text": [1, 2],
    "tag alone": ["a"],
    "depth": nested(wire.MAX_DEPTH + 2),
    "dtype object": array("object", [1], EIGHT),
    "dtype with a byte order": array(">f8", [1], EIGHT),
    "dtype of text": array("str", [1], EIGHT),
    "dtype that is no text": array(3, [1], EIGHT),
    "more entries than bytes": array("float64", [2], EIGHT),
    "fewer entries than bytes": array("float64", [], EIGHT + EIGHT),
    "negative axis": array("float64", [-1], EIGHT),
    "two negative axes": array("float64", [-1, -1], EIGHT),
    "axis that is a bool": array("float64", [True], EIGHT),
    "axis that is a float": array("float64", [1.0], EIGHT),
    "shape that is text": array("float64", "1", EIGHT),
    "too many axes": array("float64", [1] * 100, EIGHT),
    "empty, with a long axis": array("float64", [0, 2**40], b""),
    "empty, with a volume beyond memory": array("float64", [0, *[2**20] * 4], b""),
    "entries that are text": array("float64", [1], "12345678"),
    "numpy scalar with a shape": ["s", "float64", [1], EIGHT],
    "odd dict": ["d", 1],
    "dict with an array for a key": ["d", array("float64", [1], EIGHT), 1],
    "dict with a list for a key": ["d", ["l"], 1],
    "dict with a long integer for a key": ["d", ["i", b"\1" * 9], 1],
    "complex of integers": ["c", 1, 2],
    "complex of one": ["c", 1.0],
    "long integer of text": ["i", "12"],
    "longer integer": ["i", b"\1" * (wire.MAX_INT_BYTES + 1)],
    "reference by name": ["r", "open", "function"],
    "reference without type": ["y", 1],
    "map": {},
    "map with entries": {"a": 1},
    "extension": msgpack.ExtType(1, b"ab"),
    "empty extension": msgpack.ExtType(1, b""),
    "time": msgpack.Timestamp(0, 0),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_a_value_that_lower_does_not_make_is_refused(name: str, pair: tuple[socket.socket, wire.Connection]) -> None:
    with pytest.raises(wire.WireError):
        receive(pair, msgpack.packb(["value", MADE_UP[name]]))


NO_MESSAGE = {
    "empty": b"",
    "garbage": b"\xc1\xff\x00garbage",
    "truncated list": b"\x92\xa1a",
    "two values": b"\x91\xa1a\x91\xa1a",
    "list that promises 4 billion": b"\xdd\xff\xff\xff\xff\xa1a",
    "bytes that promise 4 billion": b"\x92\xa1a\xc6\xff\xff\xff\xff",
    "text that is not UTF-8": b"\x91\xa2\xff\xfe",
    "a depth of 10,000": b"\x91" * 10_000,
    "a number": b"\x01",
    "no list": b"\xa1a",
    "no kind": b"\x90",
    "kind that is a number": b"\x91\x01",
}


@pytest.mark.parametrize("name", NO_MESSAGE)
def test_bytes_that_are_no_message_are_refused(name: str, pair: tuple[socket.socket, wire.Connection]) -> None:
    with pytest.raises(wire.WireError):
        receive(pair, NO_MESSAGE[name])


@given(st.binary(max_size=60))
def test_any_bytes_give_a_message_or_a_refusal(payload: bytes) -> None:
    raw, checked = socket.socketpair()
    with raw, checked:
        raw.sendall(framed(payload))
        try:
            message = wire.Connection(checked, refer, resolve, tensors=False).receive(soon())
        except wire.WireError:
            return
    assert isinstance(message[0], str)


TREES = st.recursive(
    st.one_of(st.none(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=2), st.binary(max_size=17)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(st.sampled_from("ltdasTciry"), inner, inner, inner).map(list),
        st.tuples(
            st.sampled_from("asT"),
            st.sampled_from(["bool", "int8", "float64", "object"]),
            st.lists(st.integers(-1, 2**40), max_size=4),
            st.binary(max_size=16),
        ).map(list),
    ),
)


@given(TREES)
def test_any_tree_gives_a_value_or_a_refusal(tree: Any) -> None:
    try:
        wire.lift(tree, resolve, tensors=False)
    except wire.WireError:
        return


def test_bytes_of_a_bool_array_are_made_true_or_false(pair: tuple[socket.socket, wire.Connection]) -> None:
    payload = msgpack.packb(["value", array("bool", [3], b"\x00\x02\xff"), ["s", "bool", [], b"\x07"]])
    _, flags, flag = receive(pair, payload)
    assert flags.view(np.uint8).tolist() == [0, 1, 1]
    assert np.asarray(flag).view(np.uint8) == 1


def test_a_long_frame_is_refused_before_it_is_read(pair: tuple[socket.socket, wire.Connection]) -> None:
    raw, connection = pair
    raw.sendall(struct.pack(">Q", 2**63))
    with pytest.raises(wire.WireError, match="More data"):
        connection.receive(soon())


def test_all_frames_together_have_a_limit(
    pair: tuple[socket.socket, wire.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_TOTAL", 1000)
    message = msgpack.packb(["value", b"\0" * 400])
    receive(pair, message)
    receive(pair, message)
    with pytest.raises(wire.WireError, match="More data"):
        receive(pair, message)


def test_a_frame_of_many_small_lists_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three bytes each on the wire, but a hundred in memory."""
    monkeypatch.setattr(wire, "MAX_ITEMS", 1000)
    raw, checked = socket.socketpair()
    with raw, checked:
        raw.sendall(framed(msgpack.packb(["value", *[["l", *[["l"]] * 300]] * 3])))
        with pytest.raises(wire.WireError, match="More data"):
            wire.Connection(checked, refer, resolve, tensors=False).receive(soon())


def test_half_a_frame_ends_with_the_deadline(pair: tuple[socket.socket, wire.Connection]) -> None:
    raw, connection = pair
    raw.sendall(framed(b"\0" * 100)[:50])
    with pytest.raises(TimeoutError):
        connection.receive(time.monotonic() + 0.05)


def test_a_frame_that_comes_in_drops_has_one_deadline_not_one_for_each_drop(
    pair: tuple[socket.socket, wire.Connection],
) -> None:
    raw, connection = pair
    raw.sendall(struct.pack(">Q", wire.MAX_FRAME))

    def drip() -> None:
        # So many single bytes take minutes; they end when nobody listens any more.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while True:
                raw.sendall(b"\0")

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(TimeoutError):
        connection.receive(time.monotonic() + 0.1)
    connection.close()
    thread.join()


def test_a_reader_who_does_not_read_ends_with_the_deadline(pair: tuple[socket.socket, wire.Connection]) -> None:
    _, connection = pair
    with pytest.raises(TimeoutError):
        connection.send(["value", b"\0" * (wire.MAX_FRAME // 2)], time.monotonic() + 0.05)


@pytest.mark.parametrize("sent", [b"", b"\0\0", framed(b"\0" * 100)[:50]])
def test_the_end_of_the_other_side_is_told_as_such(sent: bytes, pair: tuple[socket.socket, wire.Connection]) -> None:
    raw, connection = pair
    raw.sendall(sent)
    raw.close()
    with pytest.raises(wire.Closed):
        connection.receive(soon())
    with pytest.raises(wire.Closed):
        connection.send(["value", 1], soon())


def test_equal_hashes_cannot_be_chosen() -> None:
    """A dict of 500,000 colliding keys would take the trusted process half an hour, past every deadline."""
    prime = 2**61 - 1
    keys = [prime * factor for factor in range(1, 10)]
    assert len({hash(key) for key in keys}) == 1
    with pytest.raises(wire.Unsendable):
        carried(dict.fromkeys(keys))


def test_nan_is_carried_bit_by_bit() -> None:
    assert math.isnan(carried(math.nan))
    assert math.copysign(1, carried(-0.0)) == -1

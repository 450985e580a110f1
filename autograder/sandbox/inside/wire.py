"""Plain data over a socket: length-prefixed msgpack, with raw arrays, strict in what it takes.

Both sides use this module; neither trusts the other's copy. No message names a type to construct, and nothing is
pickled. Every value travels as a msgpack scalar or as a tagged list: ["l", items…], ["t", items…], ["d", k, v, …],
["a", dtype, shape, bytes], ["T", dtype, shape, bytes] and so on; the decoder knows these tags and refuses the rest.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np

# The largest legitimate answer of the course has about 1e5 numbers; this leaves room for twenty times that.
MAX_FRAME = 16 * 2**20
# The same, for the whole of one test's conversation.
MAX_TOTAL = 16 * MAX_FRAME
# Nested dicts of lists of arrays need 4; the limit keeps a cyclic list from becoming a deep recursion.
MAX_DEPTH = 32
# The members of lists are decoded to Python objects of 32 bytes and more each, so they are held fewer than the entries
# of arrays may be, which are one item each. The longest honest answer has 362,431: the gradients of a layer of 600
# units as nested lists. A tenth more takes us a third of a second.
MAX_ITEMS = 400_000
# Numbers of 4,000 digits are printed by no answer; longer ones cost quadratic time to convert.
MAX_INT_BYTES = 1_700

_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = frozenset(["bool", *_INTEGERS, "float16", "float32", "float64", "complex64", "complex128"])
_HEADER = struct.Struct(">Q")


class WireError(Exception):
    """The other side sent what this protocol does not have, or more than it allows."""


class Unsendable(Exception):
    """A value of the caller's cannot travel; the text is a sentence about the value."""


class Closed(Exception):
    """The other side has closed the connection, or its process has ended."""


class Reference:
    """An object that stays with its owner; `owned_by_sender` says on which side of this message that is."""

    def __init__(self, number: int, type_name: str, owned_by_sender: bool) -> None:
        self.number, self.type_name, self.owned_by_sender = number, type_name, owned_by_sender


Refer = Callable[[Any], Reference | None]
Resolve = Callable[[Reference], Any]


class Connection:
    """One end of a conversation. `refer` names objects that stay here, `resolve` finds those that a message names."""

    def __init__(self, sock: socket.socket, refer: Refer, resolve: Resolve, tensors: bool) -> None:
        self._socket, self._refer, self._resolve, self._tensors = sock, refer, resolve, tensors
        self._received = 0

    def send(self, message: list[Any], deadline: float | None = None) -> None:
        """Send one message before `deadline` (of time.monotonic); raises Unsendable before anything is sent."""
        tree = [lower(item, self._refer) for item in message]
        if not _has_few_items(tree):
            raise Unsendable(f"Its lists have more than {MAX_ITEMS:,} members: return arrays.")
        payload = msgpack.packb(tree, unicode_errors="replace")
        if len(payload) > MAX_FRAME:
            raise Unsendable(f"It takes {len(payload) / 2**20:.0f} MB; answers may have {MAX_FRAME // 2**20} MB.")
        try:
            self._socket.settimeout(_remaining(deadline))
            self._socket.sendall(_HEADER.pack(len(payload)) + payload)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def receive(self, deadline: float | None = None) -> list[Any]:
        """The next message, whole before `deadline`; raises Closed, TimeoutError or WireError."""
        (length,) = _HEADER.unpack(self._exactly(_HEADER.size, deadline))
        self._received += length
        if length > MAX_FRAME or self._received > MAX_TOTAL:
            raise WireError("More data arrived than an answer may have.")
        payload = self._exactly(length, deadline)
        try:
            tree = msgpack.unpackb(payload, max_array_len=MAX_ITEMS, max_map_len=0, max_ext_len=0)
        except (ValueError, RecursionError, msgpack.exceptions.UnpackException) as error:
            raise WireError(f"A message could not be decoded ({type(error).__name__}).") from None
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise WireError("A message was not a list that starts with its kind.")
        if not _has_few_items(tree):
            raise WireError("More data arrived than an answer may have.")
        return [lift(item, self._resolve, self._tensors) for item in tree]

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, length: int, deadline: float | None) -> bytearray:
        buffer = bytearray(length)
        view, filled = memoryview(buffer), 0
        while filled < length:
            self._socket.settimeout(_remaining(deadline))
            try:
                count = self._socket.recv_into(view[filled:])
            except ConnectionResetError as error:
                raise Closed from error
            if count == 0:
                raise Closed
            filled += count
        return buffer


def _remaining(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _has_few_items(tree: list[Any]) -> bool:
    count, left = 0, [tree]
    while left and count <= MAX_ITEMS:
        node = left.pop()
        count += len(node)
        left += [item for item in node if type(item) is list]
    return count <= MAX_ITEMS


def lower(value: Any, refer: Refer, depth: int = 0) -> Any:
    """`value` as msgpack scalars and tagged lists; raises Unsendable."""
    if depth > MAX_DEPTH:
        raise Unsendable(f"It is nested more than {MAX_DEPTH} levels deep, or contains itself.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _lower_array("a" if isinstance(value, np.ndarray) else "s", np.asarray(value))
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _lower_big(int(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return ["c", value.real, value.imag]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, list | tuple | range):
        tag = "t" if isinstance(value, tuple) else "l"
        return [tag, *(lower(item, refer, depth + 1) for item in value)]
    if isinstance(value, dict):
        if not all(map(_is_key, value)):
            raise Unsendable("It is a dict with a key that is neither a string nor a real number.")
        return ["d", *(lower(item, refer, depth + 1) for pair in value.items() for item in pair)]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _lower_tensor(value, torch)
    if (reference := refer(value)) is not None:
        return ["r" if reference.owned_by_sender else "y", reference.number, reference.type_name]
    raise Unsendable(f"It is an object of type {type(value).__name__}.")


def _is_key(key: Any) -> bool:
    """Whether `key` may be one: whoever chooses long integers, tuples or complex numbers can choose equal hashes."""
    if isinstance(key, int):
        return -(2**63) <= key < 2**63
    return key is None or isinstance(key, str | bytes | float | np.bool_ | np.integer | np.floating)


def _lower_big(value: int) -> list[Any]:
    length = value.bit_length() // 8 + 1
    if length > MAX_INT_BYTES:
        raise Unsendable("It is an integer of more than 4,000 digits.")
    return ["i", value.to_bytes(length, "big", signed=True)]


def _lower_array(tag: str, array: np.ndarray[Any, Any]) -> list[Any]:
    if array.dtype == np.longdouble or array.dtype == np.clongdouble:
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    if array.dtype.name not in DTYPES:
        raise Unsendable(f"It is an array of dtype {array.dtype.name}, which holds no plain numbers.")
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    return [tag, array.dtype.name, list(array.shape), array.tobytes()]


def _lower_tensor(tensor: Any, torch: Any) -> list[Any]:
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise Unsendable("It is a tensor that is sparse, quantised or not on the CPU: return an ordinary one.")
    if tensor.dtype == torch.bfloat16:
        raise Unsendable("It is a tensor of bfloat16, which has three digits: use float32 or float64.")
    return _lower_array("T", tensor.detach().resolve_conj().resolve_neg().numpy())


def lift(tree: Any, resolve: Resolve, tensors: bool, depth: int = 0) -> Any:
    """The value that `tree` stands for; raises WireError for anything that `lower` does not make."""
    if tree is None or isinstance(tree, bool | int | float | str | bytes):
        return tree
    if depth > MAX_DEPTH or not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
        raise WireError("A message has a value of unknown form.")
    tag, *items = tree
    if tag in {"l", "t"}:
        members = [lift(item, resolve, tensors, depth + 1) for item in items]
        return tuple(members) if tag == "t" else members
    if tag == "d" and len(items) % 2 == 0:
        members = [lift(item, resolve, tensors, depth + 1) for item in items]
        if not all(map(_is_key, members[::2])):
            raise WireError("A dict has a key that cannot be one.")
        return dict(zip(members[::2], members[1::2], strict=True))
    if tag in {"a", "s", "T"}:
        return _lift_array(tag, items, tensors)
    if tag == "c" and [type(item) for item in items] == [float, float]:
        return complex(*items)
    if tag == "i" and len(items) == 1 and isinstance(items[0], bytes) and len(items[0]) <= MAX_INT_BYTES:
        return int.from_bytes(items[0], "big", signed=True)
    if tag in {"r", "y"} and [type(item) for item in items] == [int, str]:
        return resolve(Reference(items[0], items[1][:100], owned_by_sender=tag == "r"))
    raise WireError("A message has a value of unknown form.")


def _lift_array(tag: str, items: list[Any], tensors: bool) -> Any:
    if [type(item) for item in items] != [str, list, bytes]:
        raise WireError("An array has a header of unknown form.")
    name, shape, raw = items
    axes = 0 if tag == "s" else MAX_DEPTH
    if name not in DTYPES or len(shape) > axes or any(type(n) is not int or n < 0 for n in shape):
        raise WireError("An array has a dtype or a shape that answers may not have.")
    dtype = np.dtype(name).newbyteorder("<")
    if math.prod(shape) * dtype.itemsize != len(raw) or math.prod(n or 1 for n in shape) > MAX_FRAME:
        raise WireError("An array's bytes do not fit its shape.")
    flat = np.frombuffer(raw, dtype=np.uint8) != 0 if name == "bool" else np.frombuffer(raw, dtype=dtype)
    array = flat.astype(name).reshape(shape)
    if tag == "s":
        return array[()]
    if tag == "T" and tensors:
        return sys.modules["torch"].from_numpy(array)
    return array

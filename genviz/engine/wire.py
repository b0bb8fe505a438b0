"""What goes through the pipe: a length, a JSON head, then the bytes of the arrays. Nothing is pickled.

    message = 8 bytes (size of head), 8 bytes (size of body), head, body

In the head an array is its place in the body, and a tuple, a Shot and an Order say that they are one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from genviz.engine.job import Order, Shot

_SIZES = struct.Struct("<QQ")
_RECORDS = {"Order": Order, "Shot": Shot}


def write(pipe: IO[bytes], message: Any) -> None:
    """Send plain data: numbers, strings, lists, tuples, dictionaries with string keys, numpy arrays, Shots and Orders."""
    arrays: list[np.ndarray] = []
    head = json.dumps(_pack(message, arrays)).encode()
    pipe.write(_SIZES.pack(len(head), sum(a.nbytes for a in arrays)))
    pipe.write(head)
    for array in arrays:
        pipe.write(array.data if array.nbytes else b"")
    pipe.flush()


def read(pipe: IO[bytes]) -> Iterator[Any]:
    """Messages until the other side is gone; arrays are views of what was read, and read-only."""
    while len(sizes := pipe.read(_SIZES.size)) == _SIZES.size:
        head_size, body_size = _SIZES.unpack(sizes)
        head, body = pipe.read(head_size), pipe.read(body_size)
        if len(head) < head_size or len(body) < body_size:
            return
        yield _unpack(json.loads(head), body)


def _pack(value: Any, arrays: list[np.ndarray]) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.ndarray):
        at = sum(a.nbytes for a in arrays)
        arrays.append(np.ascontiguousarray(value))
        return {"~": "array", "is": [at, value.dtype.str, list(value.shape)]}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {"~": "tuple", "is": [_pack(v, arrays) for v in value]}
    if isinstance(value, list):
        return [_pack(v, arrays) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _pack(v, arrays) for k, v in value.items()}
    kind = type(value).__name__
    if kind not in _RECORDS:
        raise TypeError(f"{kind} cannot leave the worker; give numbers, strings, arrays and their lists and dictionaries.")
    return {"~": kind, "is": [_pack(getattr(value, name), arrays) for name in value.__slots__]}


def _unpack(value: Any, body: bytes) -> Any:
    if isinstance(value, list):
        return [_unpack(v, body) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("~")
    if kind is None:
        return {k: _unpack(v, body) for k, v in value.items()}
    if kind == "array":
        at, dtype, shape = value["is"]
        return np.frombuffer(body, dtype, int(np.prod(shape)), at).reshape(shape)
    parts = [_unpack(v, body) for v in value["is"]]
    return tuple(parts) if kind == "tuple" else _RECORDS[kind](*parts)

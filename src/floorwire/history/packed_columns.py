"""Columns of whole numbers and texts as bytes: MessagePack, and JSON where a number has more than 64 bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import sub
from typing import TypeVar

import msgspec

T = TypeVar("T")
JSON_STARTS = b"["
"""No array of MessagePack that we write starts with it."""


def pack(columns: Sequence[object]) -> bytes:
    """Return the columns as bytes."""
    try:
        return msgspec.msgpack.encode(columns)
    except OverflowError:
        return msgspec.json.encode(columns)


def unpack(data: bytes, kind: type[T]) -> T:
    """Return the columns as they were packed. Raises msgspec.MsgspecError."""
    if data.startswith(JSON_STARTS):
        return msgspec.json.decode(data, type=kind)
    return msgspec.msgpack.decode(data, type=kind)


def differences(numbers: Sequence[int]) -> list[int]:
    """Return the first number, and of each other one the difference to the one before."""
    return [*numbers[:1], *map(sub, numbers[1:], numbers)]


def sums(numbers: Iterable[int]) -> list[int]:
    """Return the numbers of which these are the ``differences``."""
    return list(accumulate(numbers))

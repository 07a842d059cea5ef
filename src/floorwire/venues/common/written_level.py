"""A level of a book as an exchange wrote it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class WrittenLevel(msgspec.Struct, array_like=True, gc=False):
    """``[price, size, ...]`` as decimals. What else an exchange has in the array is not read."""

    price: str
    size: str


PriceAndSize: TypeAlias = WrittenLevel | tuple[str, str]

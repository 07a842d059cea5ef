# cython: boundscheck=False, wraparound=False, nonecheck=False
"""One side of a venue's book in order, and the texts of its best levels, which checksums are of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.common_units import convert_steps
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.venues.common.decimals import MAX_TICKS

IS_COMPILED = not __file__.endswith(".py")
ZERO, DOT, COMMA, QUOTE = ord("0"), ord("."), ord(","), ord('"')
MAX_DIGITS = 40
"""More than two numbers of 64 bits have."""
EMPTY: Level = (0, 0)
"""The best level of a side without levels."""


class WrittenLevel(msgspec.Struct, array_like=True, gc=False):
    """``[price, size, ...]`` as decimals. What else an exchange has in the array is not read."""

    price: str
    size: str


PriceAndSize: TypeAlias = WrittenLevel | tuple[str, str] | bytes
"""A level as an exchange wrote it. Bytes are its part of the frame, with the quotation mark at the end."""
TextOf: TypeAlias = Callable[[PriceAndSize], bytes]
"""Makes the text that a level has in the checksum."""
Rows: TypeAlias = Sequence[PriceAndSize | None] | None
"""Levels as the exchange wrote them, each price once; None if no checksum is of them.

A row is None if its digits are those of ticks and lots times ``PriceLevels.price_unit`` and ``size_unit``.
With no rows at all this is so of each level."""


class PriceLevels:
    """The levels of one side, the worst first: most changes are among the best, the cheap end of a list.

    Where a checksum is of what the exchange wrote, that is kept of each level. A level whose size is below
    one lot is then part of the checksum and of the depth, but not of what is told.
    """

    __slots__ = (
        "_buffer",
        "_levels",
        "_sign",
        "_text_of",
        "_top",
        "_top_count",
        "_written",
        "price_unit",
        "size_unit",
    )

    _buffer: bytes
    """For digits, in C only: there it is an array."""

    def __init__(self, sign: int, text_of: TextOf | None = None, top_count: int = 0) -> None:
        """``sign`` 1: the highest price is best; -1: the lowest.

        ``top_count``: how many levels a checksum has, with the texts that ``text_of`` makes.
        """
        self._sign = sign
        self._text_of = text_of
        self._top_count = top_count
        self.price_unit = self.size_unit = 0
        """What a tick and a lot are in the digits of rows that are None."""
        self._levels: list[Level] = []
        self._written: list[PriceAndSize | None] | None = None
        """What was written of the levels, or already its text; None if no checksum is of it."""
        self._top: list[bytes] | None = None
        """The texts of the best levels; None if they are not known."""

    def clear(self) -> None:
        """Remove all levels."""
        self._levels = []
        self._written = self._top = None

    def replace(self, levels: tuple[Level, ...], rows: Rows = None) -> bool:
        """Replace all levels; return whether they are exactly ``levels``: best first, each with a size."""
        self.clear()
        if rows is not None:
            self._written = []
        if not self._is_sorted(levels):
            self.put(levels, rows)
            return False
        self._levels = list(levels)
        self._levels.reverse()
        if rows is not None:
            self._written = list(rows) or [None] * len(levels)
            self._written.reverse()
        return True

    def put(self, levels: tuple[Level, ...], rows: Rows = None) -> None:
        """Set levels to their absolute sizes; 0 removes one. ``rows``: the same as they were written."""
        if rows is None:
            self._written = None
        written, kept, index = self._written, self._levels, 0
        has_rows = rows is not None and len(rows) > 0
        place = len(kept)
        for level in levels:
            ticks, count, is_left = level[0], len(kept), level[1] != 0
            place = self._place(ticks, place)
            is_there = False
            if place < count:
                before = kept[place]
                is_there = before[0] == ticks
            if written is not None:
                row = rows[index] if rows is not None and has_rows else None
                index += 1
                is_left = is_left or (row is not None and has_size(row))
                if count - place - is_there < self._top_count:
                    self._top = None
                if is_left and is_there:
                    written[place] = row
                elif is_left:
                    written.insert(place, row)
                elif is_there:
                    written.pop(place)
            if is_left and is_there:
                kept[place] = level
            elif is_left:
                kept.insert(place, level)
            elif is_there:
                kept.pop(place)  # del would be slower where this is compiled

    def cut(self, depth: int) -> tuple[int, ...]:
        """Remove the levels after the best ones; return their prices, the best first."""
        over = len(self._levels) - depth
        if over <= 0:
            return ()
        pushed_out = [level[0] for level in self._levels[:over]]
        pushed_out.reverse()
        del self._levels[:over]
        if self._written is not None:
            del self._written[:over]
        if depth < self._top_count:
            self._top = None
        return tuple(pushed_out)

    def best(self) -> Level:
        """Return the best level, ``EMPTY`` if there is none."""
        for place in range(len(self._levels) - 1, -1, -1):
            level = self._levels[place]
            if level[1] != 0:  # else its size is below one lot
                return level
        return EMPTY

    def levels(self) -> tuple[Level, ...]:
        """Return all levels, the best first."""
        return tuple([level for level in reversed(self._levels) if level[1]])

    def convert(self, before: Instrument, now: Instrument) -> None:
        """Convert from the steps of ``before`` to those of ``now``. Sizes are floored to whole lots.

        A level between two ticks is left out, not added to another level. No checksum can be compared then.
        """
        converted: list[Level] = []
        self._write_digits()
        for price, size in self._levels:
            ticks, is_exact = convert_steps(price, before.price, now.price)
            lots, _ = convert_steps(size, before.size, now.size)
            if is_exact and ticks <= MAX_TICKS and (lots or self._written is not None):
                converted.append((ticks, lots))
        if len(converted) < len(self._levels):
            self._written = None
        self._levels, self._top = converted, None

    @property
    def is_written(self) -> bool:
        """Whether what the exchange wrote is known of all levels."""
        return self._written is not None

    def top(self) -> list[bytes]:
        """Return the texts of the best levels, the best first: the same list until one of them changes."""
        top = self._top
        if top is None:
            written, text_of = self._written, self._text_of
            assert written is not None
            assert text_of is not None
            first = max(0, len(written) - self._top_count)
            for place in range(first, len(written)):
                row = written[place]
                if row is None:
                    written[place] = self._digits(place)
                elif type(row) is not bytes or _is_of_frame(row):
                    written[place] = text_of(row)
            texts: list[bytes] = written[first:]  # type: ignore[assignment]  # all of them are texts now
            texts.reverse()
            top = self._top = texts
        return top

    def _write_digits(self) -> None:
        """Keep the digits of each level, because its ticks and lots will be others."""
        written = self._written
        if written is not None:
            for place in range(len(written)):
                if written[place] is None:
                    written[place] = self._digits(place)

    def _digits(self, place: int) -> bytes:
        """Return the digits of price and size of a level as they were written, without leading zeros."""
        level = self._levels[place]
        ticks, lots = level
        price, size = ticks * self.price_unit, lots * self.size_unit
        if not IS_COMPILED:
            return f"{price}{size}".encode()
        at = MAX_DIGITS
        while size:
            at -= 1
            self._buffer[at] = ZERO + size % 10  # type: ignore[index]
            size //= 10
        while price:
            at -= 1
            self._buffer[at] = ZERO + price % 10  # type: ignore[index]
            price //= 10
        return self._buffer[at:MAX_DIGITS]  # in C this is bytes

    # --- places ---------------------------------------------------------------------------------

    def _place(self, ticks: int, near: int) -> int:
        """Return the place of a price, or where it would be. ``near``: a place that may be near it."""
        levels, sign = self._levels, self._sign
        if not IS_COMPILED:
            return bisect_left(levels, ticks * sign, key=lambda level: level[0] * sign)
        low, high, step = 0, len(levels), 1
        # Levels of a message are in order and near each other: away from there in steps that double.
        if near and not self._is_worse(near - 1, ticks):
            high = near - 1
            while high >= step:
                if self._is_worse(high - step, ticks):
                    low = high - step + 1
                    break
                high -= step
                step += step
        else:
            low = near
            while low + step <= high:
                if not self._is_worse(low + step - 1, ticks):
                    high = low + step - 1
                    break
                low += step
                step += step
        while low < high:
            middle = (low + high) >> 1
            if self._is_worse(middle, ticks):
                low = middle + 1
            else:
                high = middle
        return low

    def _is_worse(self, place: int, ticks: int) -> bool:
        """Return whether the level at a place is worse than a price."""
        level = self._levels[place]
        price = level[0]
        return price < ticks if self._sign > 0 else price > ticks

    def _is_sorted(self, levels: tuple[Level, ...]) -> bool:
        """Return whether these are the best first, each price once, and none without a size."""
        sign, last = self._sign, 0
        for level in levels:
            ticks = level[0]
            if not level[1] or (last and (ticks >= last if sign > 0 else ticks <= last)):
                return False
            last = ticks
        return True


def _is_of_frame(text: bytes) -> bool:
    """Return whether a text is still a part of a frame, not what a checksum is of."""
    length = len(text)
    return length > 0 and text[length - 1] == QUOTE


def has_size(row: PriceAndSize) -> bool:
    """Return whether a level is there: its size as it was written is not 0."""
    if isinstance(row, bytes):
        return _ends_with_size(row)
    return bool(price_and_size(row)[1].strip("0."))


def price_and_size(row: PriceAndSize) -> tuple[str, str]:
    """Return the two texts of a level."""
    if isinstance(row, tuple):
        return row
    if isinstance(row, bytes):
        price, _, size = row.decode().partition('","')
        return price, size.removesuffix('"')
    return row.price, row.size


def _ends_with_size(row: bytes) -> bool:
    """Return whether the last decimal in a part of a frame is not 0."""
    at = len(row) - 1
    while at >= 0 and (row[at] == ZERO or row[at] == QUOTE or row[at] == DOT):
        at -= 1
    return at >= 0 and row[at] != COMMA

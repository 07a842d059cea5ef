"""An order book by price level, as channels keep it and as clients and tests rebuild it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias
from zlib import crc32

from floorwire.core.common_units import convert_steps
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level

CHECKSUM_LEVELS = 10

Changed: TypeAlias = dict[int, int]
"""Key of each level that an event changed -> its size before (0: the level was not there)."""


class Ladder:
    """One side of a book. The key of a level is its price, negated for asks: a greater key is better."""

    __slots__ = ("keys", "sign", "sizes")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        """Ascending, so that the best is last. Most changes are there, and cheap at the end of a list.
        Read only."""
        self.sizes: dict[int, int] = {}
        """Lots by key. Read only."""

    def set(self, price_ticks: int, size_lots: int) -> None:
        """Set the level to an absolute size; 0 removes it."""
        self.apply(((price_ticks, size_lots),))

    def apply(self, levels: Iterable[Level]) -> Changed:
        """Set the levels to their absolute sizes; return those that changed."""
        changed: Changed = {}
        _set_levels(self.sign, self.keys, self.sizes, levels, changed)
        return changed

    def put(self, levels: Iterable[Level]) -> None:
        """Set the levels to their absolute sizes, without telling which changed."""
        _set_levels(self.sign, self.keys, self.sizes, levels, None)

    def replace(self, levels: Iterable[Level]) -> None:
        """Replace all levels. If a price comes twice, the last one counts."""
        sizes = {self.sign * price: size for price, size in levels}
        self.sizes = {key: size for key, size in sizes.items() if size}
        self.keys = sorted(self.sizes)

    def drop_best(self, changed: Changed) -> None:
        """Remove the best level and add it to ``changed``."""
        key = self.keys.pop()
        if changed.setdefault(key, self.sizes.pop(key)) == 0:
            del changed[key]

    def size(self, price_ticks: int) -> int:
        """Return the size at the price in lots, 0 if there is no such level."""
        return self.sizes.get(self.sign * price_ticks, 0)

    def top(self, depth: int) -> list[Level]:
        """Return up to ``depth`` levels, best first."""
        sign, sizes = self.sign, self.sizes
        return [(sign * key, sizes[key]) for key in self.keys[: -depth - 1 : -1]]

    def best(self) -> Level | None:
        """Return the best level, None if the side is empty."""
        if not self.keys:
            return None
        key = self.keys[-1]
        return self.sign * key, self.sizes[key]

    def __len__(self) -> int:
        return len(self.keys)


class Book:
    """Bids and asks of one symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Ladder(1)
        self.asks = Ladder(-1)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace the whole book."""
        self.bids.replace(bids)
        self.asks.replace(asks)

    def apply(self, bids: Collection[Level], asks: Collection[Level]) -> tuple[Changed, Changed]:
        """Set levels to their absolute sizes; return the bids and the asks that changed."""
        return self.bids.apply(bids) if bids else {}, self.asks.apply(asks) if asks else {}

    def put(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Set levels to their absolute sizes, without telling which changed."""
        self.bids.put(bids)
        self.asks.put(asks)

    def converted(self, before: Instrument, now: Instrument) -> Book:
        """Return the book in the ticks and lots of ``now``.

        A level between two ticks is left out, not added to another level. Sizes are floored to whole lots.
        """
        book = Book()
        book.replace(_convert_levels(self.bids, before, now), _convert_levels(self.asks, before, now))
        return book

    def crossed(self) -> bool:
        """Return whether the best bid is at or above the best ask."""
        bids, asks = self.bids.keys, self.asks.keys
        return bool(bids and asks) and bids[-1] + asks[-1] >= 0

    def uncross(self, bids: Changed, asks: Changed) -> None:
        """Drop levels until the book is not crossed; ``bids`` and ``asks`` are what the last event changed.

        If one of two crossing levels is from the last event, the other is old and is dropped. If both or
        neither are, both are dropped. Dropped levels are added to ``bids`` and ``asks``.
        """
        while self.crossed():
            newer_bid, newer_ask = self.bids.keys[-1] in bids, self.asks.keys[-1] in asks
            if newer_bid >= newer_ask:
                self.asks.drop_best(asks)
            if newer_ask >= newer_bid:
                self.bids.drop_best(bids)

    def checksum(self, instrument: Instrument, depth: int = CHECKSUM_LEVELS) -> int:
        """Return the CRC32 of up to ten levels a side: bids, then asks, ``price:size`` joined by ``|``."""
        price, size = instrument.price.format, instrument.size.format
        levels = self.bids.top(min(depth, CHECKSUM_LEVELS)) + self.asks.top(min(depth, CHECKSUM_LEVELS))
        return crc32("|".join(f"{price(p)}:{size(s)}" for p, s in levels).encode())


def _set_levels(
    sign: int, keys: list[int], sizes: dict[int, int], levels: Iterable[Level], changed: Changed | None
) -> None:
    """Set levels of a side. Add to ``changed`` those that changed, with their sizes before."""
    for price, size in levels:
        key = price if sign > 0 else -price
        before = sizes.get(key)
        if not size:
            if before is None:
                continue
            del sizes[key], keys[bisect_left(keys, key)]
        else:
            if before is None:
                insort(keys, key)
            elif size == before:
                continue
            sizes[key] = size
        if changed is not None and changed.setdefault(key, before or 0) == size:
            del changed[key]  # it came twice, and has its old size again


def _convert_levels(ladder: Ladder, before: Instrument, now: Instrument) -> Iterator[Level]:
    for price, size in ladder.top(len(ladder)):
        ticks, is_exact = convert_steps(price, before.price, now.price)
        lots, _ = convert_steps(size, before.size, now.size)
        if is_exact and lots:
            yield ticks, lots

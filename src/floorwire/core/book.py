"""An order book by price level: the one that feeds, clients and tests rebuild."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market import Level

CHECKSUM_LEVELS = 10


class Ladder:
    """One side of a book, best first. Prices are kept signed (bids negated) so that best is least."""

    __slots__ = ("_keys", "_sign", "_sizes")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._sizes: dict[int, int] = {}
        self._keys: list[int] = []

    def set(self, price_ticks: int, size_lots: int) -> None:
        """Set the level to an absolute size; 0 removes it."""
        key = self._sign * price_ticks
        if size_lots:
            if key not in self._sizes:
                insort(self._keys, key)
            self._sizes[key] = size_lots
        elif self._sizes.pop(key, 0):
            del self._keys[bisect_left(self._keys, key)]

    def replace(self, levels: Iterable[Level]) -> None:
        """Replace every level."""
        self._sizes = {self._sign * price: size for price, size in levels if size}
        self._keys = sorted(self._sizes)

    def size(self, price_ticks: int) -> int:
        """Return the size at the price in lots, 0 where there is no such level."""
        return self._sizes.get(self._sign * price_ticks, 0)

    def top(self, depth: int) -> list[Level]:
        """Return up to ``depth`` levels, best first."""
        sign, sizes = self._sign, self._sizes
        return [(sign * key, sizes[key]) for key in self._keys[:depth]]

    def best(self) -> Level | None:
        """Return the best level, None where the side is empty."""
        if not self._keys:
            return None
        key = self._keys[0]
        return self._sign * key, self._sizes[key]

    def __len__(self) -> int:
        return len(self._keys)


class Book:
    """Bids and asks of one symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Ladder(-1)
        self.asks = Ladder(1)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace the whole book."""
        self.bids.replace(bids)
        self.asks.replace(asks)

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Set the given levels to their absolute sizes."""
        for price, size in bids:
            self.bids.set(price, size)
        for price, size in asks:
            self.asks.set(price, size)

    def crossed(self) -> bool:
        """Return whether the best bid is at or above the best ask."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def checksum(self, instrument: Instrument, depth: int = CHECKSUM_LEVELS) -> int:
        """Return the CRC32 of up to ten levels: bids then asks, ``price:size`` joined with ``|``."""
        price, size = instrument.price.format, instrument.size.format
        levels = self.bids.top(min(depth, CHECKSUM_LEVELS)) + self.asks.top(min(depth, CHECKSUM_LEVELS))
        return crc32("|".join(f"{price(p)}:{size(s)}" for p, s in levels).encode())

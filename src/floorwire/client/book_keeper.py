"""Keeps one book from its messages: applies them in sequence, and checks each one by its checksum."""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import Final
from zlib import crc32

import msgspec
from msgspec import UNSET

from floorwire.core.market_events import Feed
from floorwire.protocol.channel_events import BookEvent, WireLevel

CHECKED_LEVELS: Final = 10
GONE: Final = "0"
"""The size of a level that is not in the book any more."""


class WrongBookError(Exception):
    """The book is not the server's. It has to begin again from a snapshot."""


class Book(msgspec.Struct, frozen=True):
    """A book as it was at one message; the best levels first."""

    symbol: str
    depth: int
    epoch: str
    seq: int
    ts: int
    """Microseconds since the epoch, UTC, at the venue."""
    sent: int
    """When the gateway published it."""
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    feed: Feed | None = None
    """There only while the book is not current."""

    @property
    def best_bid(self) -> WireLevel | None:
        """The highest bid, as (price, size)."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> WireLevel | None:
        """The lowest ask, as (price, size)."""
        return self.asks[0] if self.asks else None


class BookLevels:
    """One side: its levels by price, and the prices in order."""

    def __init__(self) -> None:
        self._levels: dict[Decimal, WireLevel] = {}
        self._prices: list[Decimal] = []
        """The same prices, the lowest first."""

    def clear(self) -> None:
        """Remove all levels."""
        self._levels.clear()
        self._prices.clear()

    def set(self, level: WireLevel) -> None:
        """Set the level to its size, or remove it."""
        price = Decimal(level[0])
        if level[1] != GONE:
            if price not in self._levels:
                insort(self._prices, price)
            self._levels[price] = level
        elif self._levels.pop(price, None) is not None:
            del self._prices[bisect_left(self._prices, price)]

    def lowest(self, count: int | None = None) -> list[WireLevel]:
        """Return the levels, the lowest first."""
        return [self._levels[price] for price in self._prices[:count]]

    def highest(self, count: int | None = None) -> list[WireLevel]:
        """Return the levels, the highest first."""
        prices = self._prices if count is None else self._prices[-count:]
        return [self._levels[price] for price in reversed(prices)]


class BookKeeper:
    """Both sides as of the last message."""

    def __init__(self) -> None:
        self._last: BookEvent | None = None
        """The last message; None: there is no book."""
        self._bids = BookLevels()
        self._asks = BookLevels()

    def apply(self, event: BookEvent) -> None:
        """Apply the next message. Raises WrongBookError; then there is no book until a snapshot."""
        try:
            self._apply(event)
        except WrongBookError:
            self._last = None
            raise

    def book(self) -> Book:
        """Return the book as it is now. There must be one."""
        last = self._last
        assert last is not None
        return Book(
            symbol=last.symbol,
            depth=last.depth,
            epoch=last.epoch,
            seq=last.seq,
            ts=last.ts,
            sent=last.sent,
            bids=tuple(self._bids.highest()),
            asks=tuple(self._asks.lowest()),
            feed=None if last.feed is UNSET else last.feed,
        )

    def _apply(self, event: BookEvent) -> None:
        if event.type == "snapshot":
            self._bids.clear()
            self._asks.clear()
        elif self._last is None or (self._last.epoch, self._last.seq) != (event.epoch, event.prev):
            raise WrongBookError(f"an update of {event.prev} does not fit")
        for level in event.bids:
            self._bids.set(level)
        for level in event.asks:
            self._asks.set(level)
        if checksum(self._bids.highest(CHECKED_LEVELS), self._asks.lowest(CHECKED_LEVELS)) != event.checksum:
            raise WrongBookError(f"the checksum at {event.seq} differs")
        self._last = event


def checksum(bids: list[WireLevel], asks: list[WireLevel]) -> int:
    """Return the checksum of the best ten levels of each side, as docs/channels.md tells."""
    levels = bids[:CHECKED_LEVELS] + asks[:CHECKED_LEVELS]
    return crc32("|".join(f"{price}:{size}" for price, size in levels).encode())

"""The book of one instrument of Kraken: a snapshot, then changes without numbers, each with a checksum.

Source: the API guide of Kraken, "Book" and "Book checksum". After each message both sides are cut to the
subscribed depth: Kraken does not tell of levels that were pushed out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.venues.common.decimals import OffTickError, price_ticks
from floorwire.venues.common.errors import LostChangeError
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.venue_book import VenueBook
from floorwire.venues.kraken import messages
from floorwire.venues.kraken.messages import number

CHECKSUM_LEVELS = 10
"""The checksum is of so many levels a side, whatever the depth."""

Pairs = list[tuple[str, str]]


class CheckedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = ("_asks", "_bids", "_reader", "_steps", "depth", "has_left_out", "levels", "off_tick")

    def __init__(self, instrument: Instrument, depth: int) -> None:
        self.levels = VenueBook(instrument)
        self.depth = depth
        """How many levels a side has at most: the subscribed depth."""
        self.has_left_out = False
        self.off_tick = 0
        """Both are never set: a level between two ticks would make the depth wrong, so it ends the book."""
        self._reader = LevelReader(instrument)
        self._steps = instrument.steps
        """The steps by which the sides are kept."""
        self._bids = SideTexts(-1)
        self._asks = SideTexts(1)

    @property
    def instrument(self) -> Instrument:
        """The instrument of the book."""
        return self.levels.instrument

    @property
    def is_synced(self) -> bool:
        """Whether the book is the exchange's."""
        return self.levels.is_synced

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again (resync)."""
        self.levels.clear()
        self._bids.clear()
        self._asks.clear()

    def apply_snapshot(self, message: messages.Book, ts_us: int) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        self._bids.clear()
        self._asks.clear()
        self._steps = self.instrument.steps
        try:
            bids = self._set(self._bids, message.bids)
            asks = self._set(self._asks, message.asks)
            event = self.levels.apply_snapshot(_present(bids), _present(asks), ts_us)
            self._check(message)
        except ValueError:
            self.clear()
            raise
        return event

    def apply_change(self, message: messages.Book, ts_us: int) -> BookChange | None:
        """Apply a change; return it as an event, None if nothing changed.

        Raises ValueError, and then the book is cleared: LostChangeError, CrossedBookError, OffTickError, or
        what a level that cannot be read raises.
        """
        try:
            if self._steps != self.instrument.steps:
                self._bids.convert(self.instrument)
                self._asks.convert(self.instrument)
                self._steps = self.instrument.steps
            bids = self._set(self._bids, message.bids)
            asks = self._set(self._asks, message.asks)
            event = self.levels.apply_change(bids, asks, ts_us)
            self._check(message)
        except ValueError:
            self.clear()
            raise
        return event if bids or asks else None

    def _set(self, side: SideTexts, levels: Sequence[messages.Level]) -> tuple[Level, ...]:
        """Set the levels of one side and cut it to the depth; return all that changed."""
        if not levels:
            return ()
        pairs = [(number(level.price), number(level.qty)) for level in levels]
        changed, off_tick = self._reader.read(self.instrument, pairs)
        if off_tick:
            raise OffTickError("a level", self.instrument)
        side.set([ticks for ticks, _ in changed], pairs, self.instrument)
        pushed_out = side.cut(self.depth)
        if not pushed_out:
            return changed
        return tuple((dict(changed) | dict.fromkeys(pushed_out, 0)).items())

    def _check(self, message: messages.Book) -> None:
        """Compare the checksum. Without one, as in snapshots of few levels, there is nothing to compare."""
        if message.checksum is None:
            return
        if crc32((self._asks.best() + self._bids.best()).encode()) != message.checksum:
            raise LostChangeError(self.instrument.symbol, "bad_message")


class SideTexts:
    """One side of a book as Kraken wrote it, best level first. The checksum is of these texts."""

    __slots__ = ("_order", "_sign", "_texts")

    def __init__(self, sign: int) -> None:
        """``sign`` 1: the lowest price is best; -1: the highest."""
        self._sign = sign
        self._order: list[int] = []
        """The prices in ticks, times the sign, the best first."""
        self._texts: dict[int, tuple[str, str]] = {}
        """The same number -> price and size."""

    def clear(self) -> None:
        """Remove all levels."""
        self._order.clear()
        self._texts.clear()

    def set(self, prices: Sequence[int], pairs: Pairs, of: Instrument) -> None:
        """Set levels in order. ``prices`` are those of the pairs in ticks, each price once."""
        if len(prices) != len(pairs):  # a price came twice: the later pair counts
            prices = [price_ticks(of, price) for price, _ in pairs]
        for ticks, pair in zip(prices, pairs, strict=True):
            key = ticks * self._sign
            if pair[1].strip("0."):
                if key not in self._texts:
                    insort(self._order, key)
                self._texts[key] = pair
            elif self._texts.pop(key, None) is not None:
                del self._order[bisect_left(self._order, key)]

    def cut(self, depth: int) -> list[int]:
        """Remove the levels after the best ones; return their prices in ticks."""
        pushed_out = self._order[depth:]
        if pushed_out:
            del self._order[depth:]
            for key in pushed_out:
                del self._texts[key]
        return [key * self._sign for key in pushed_out]

    def convert(self, to: Instrument) -> None:
        """Keep the levels by the steps of an instrument. Raises ValueError if a price is no tick of it."""
        pairs = list(self._texts.values())
        self.clear()
        self.set([price_ticks(to, price) for price, _ in pairs], pairs, to)

    def best(self) -> str:
        """Return the text of the best levels for the checksum.

        Kraken: price, then size, without the dot and without leading zeros.
        """
        pairs = (self._texts[key] for key in self._order[:CHECKSUM_LEVELS])
        return "".join(_digits(price) + _digits(size) for price, size in pairs)


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _present(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple(level for level in levels if level[1])

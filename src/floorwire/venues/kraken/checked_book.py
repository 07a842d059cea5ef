"""The book of one instrument of Kraken: a snapshot, then changes without numbers, each with a checksum.

Source: the API guide of Kraken, "Book" and "Book checksum". After each message both sides are cut to the
subscribed depth: Kraken does not tell of levels that were pushed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.errors import LostChangeError
from floorwire.venues.common.venue_book import VenueBook
from floorwire.venues.common.written_side import WrittenSide
from floorwire.venues.kraken.messages import BookFrame

CHECKSUM_LEVELS = 10
"""The checksum is of so many levels a side, whatever the depth."""


class CheckedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = (
        "_asks",
        "_bids",
        "_checked",
        "_crc",
        "_steps",
        "depth",
        "has_left_out",
        "levels",
        "off_tick",
    )

    def __init__(self, instrument: Instrument, depth: int) -> None:
        self.levels = VenueBook(instrument)
        self.depth = depth
        """How many levels a side has at most: the subscribed depth."""
        self.has_left_out = False
        self.off_tick = 0
        """Both are never set: a level between two ticks would make the depth wrong, so it ends the book."""
        self._steps = instrument.steps
        """The steps by which the sides are kept."""
        self._bids = WrittenSide(-1, CHECKSUM_LEVELS, _text)
        self._asks = WrittenSide(1, CHECKSUM_LEVELS, _text)
        self._checked: tuple[list[str], list[str]] = ([], [])
        """The texts of the asks and the bids that the last checksum was computed of."""
        self._crc = 0

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

    def apply_snapshot(self, message: BookFrame, ts_us: int) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        self._bids.clear()
        self._asks.clear()
        self._steps = self.instrument.steps
        try:
            bids = self._set(self._bids, message.bids)
            asks = self._set(self._asks, message.asks)
            event = self.levels.apply_snapshot(_present(bids), _present(asks), ts_us)
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        return event

    def apply_change(self, message: BookFrame, ts_us: int) -> BookChange | None:
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
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        return event if bids or asks else None

    def _set(self, side: WrittenSide, pairs: Sequence[tuple[str, str]]) -> tuple[Level, ...]:
        """Set the levels of one side and cut it to the depth; return all that changed."""
        if not pairs:
            return ()
        changed, off_tick = self.levels.reader.read(self.instrument, pairs)
        if off_tick:
            raise OffTickError("a level", self.instrument)
        side.put(changed, pairs, self.instrument)
        pushed_out = side.cut(self.depth)
        if not pushed_out:
            return changed
        return tuple((dict(changed) | dict.fromkeys(pushed_out, 0)).items())

    def _check(self, checksum: int | None) -> None:
        """Compare the checksum. Without one, as in snapshots of few levels, there is nothing to compare.

        Kraken: the asks, then the bids, each price and size without the dot and without leading zeros.
        """
        if checksum is None:
            return
        asks, bids = self._asks.best(), self._bids.best()
        if asks is not self._checked[0] or bids is not self._checked[1]:
            self._checked = asks, bids
            self._crc = crc32("".join(asks + bids).encode())
        if self._crc != checksum:
            raise LostChangeError(self.instrument.symbol, "bad_message")


def _text(price: str, size: str) -> str:
    return _digits(price) + _digits(size)


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _present(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple(level for level in levels if level[1])

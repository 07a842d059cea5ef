"""The book of one instrument of Kraken: a snapshot, then changes without numbers, each with a checksum.

Source: the API guide of Kraken, "Book" and "Book checksum". After each message both sides are cut to the
subscribed depth: Kraken does not tell of levels that were pushed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.frame_scanner import FrameScanner
from floorwire.venues.common.price_levels import PriceAndSize, Rows, price_and_size
from floorwire.venues.common.venue_book import LostChangeError, VenueBook
from floorwire.venues.kraken.messages import BookFrame
from floorwire.venues.kraken.scanned_book import ScannedBook

CHECKSUM_LEVELS = 10
"""The checksum is of so many levels a side, whatever the depth."""


ReadLevels: TypeAlias = tuple[tuple[Level, ...], tuple[Level, ...], Rows, Rows]


class CheckedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = (
        "_crc",
        "_crc_asks",
        "_instrument",
        "_top_asks",
        "_top_bids",
        "depth",
        "has_left_out",
        "levels",
        "off_tick",
    )

    def __init__(self, instrument: Instrument, depth: int) -> None:
        self.levels = VenueBook(instrument, checksum_text, CHECKSUM_LEVELS)
        self._instrument = instrument
        """The instrument at the last change. Its steps may be others now."""
        self.depth = depth
        """How many levels a side has at most: the subscribed depth."""
        self.has_left_out = False
        self.off_tick = 0
        """Both are never set: a level between two ticks would make the depth wrong, so it ends the book."""
        self._top_asks: list[str] | None = None
        self._top_bids: list[str] | None = None
        """The texts that the last checksum was computed of."""
        self._crc_asks = self._crc = 0

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

    def apply_snapshot(self, message: BookFrame | ScannedBook, ts_us: int) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        levels = self.levels
        try:
            bids, asks, bid_rows, ask_rows = self._read(message)
            event = levels.apply_snapshot(bids, asks, ts_us, bid_rows, ask_rows)
            pushed_out = levels.bids.cut(self.depth) + levels.asks.cut(self.depth)
            if pushed_out:
                event = levels.snapshot(ts_us)
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        return event

    def apply_change(self, message: BookFrame | ScannedBook, ts_us: int) -> BookChange | None:
        """Apply a change; return it as an event, None if nothing changed.

        Raises ValueError, and then the book is cleared: LostChangeError, CrossedBookError, OffTickError, or
        what a level that cannot be read raises.
        """
        levels = self.levels
        try:
            if levels.instrument is not self._instrument:
                self._instrument = levels.instrument
                if (
                    not levels.bids.is_written or not levels.asks.is_written
                ):  # a level is between the new ticks
                    raise OffTickError("a level", levels.instrument)
            bids, asks, bid_rows, ask_rows = self._read(message)
            event = levels.apply_change(bids, asks, ts_us, bid_rows, ask_rows)
            bids_out, asks_out = levels.bids.cut(self.depth), levels.asks.cut(self.depth)
            if bids_out or asks_out:
                bids, asks = _with_removed(bids, bids_out), _with_removed(asks, asks_out)
                event = BookChange(event.symbol, bids, asks, ts_us)
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        return event if bids or asks else None

    def _read(self, message: BookFrame | ScannedBook) -> ReadLevels:
        """Return bids and asks, and what is written of them, each price once."""
        reader, of = self.levels.reader, self.levels.instrument
        bids: tuple[Level, ...] = ()
        asks: tuple[Level, ...] = ()
        bid_rows: Sequence[PriceAndSize]
        ask_rows: Sequence[PriceAndSize]
        bids_off = asks_off = 0
        if isinstance(message, ScannedBook):
            scanned = message
            bid_rows = ask_rows = ()
            if scanned.bids_at >= 0:
                rows: list[PriceAndSize] = []
                bids, bids_off = reader.scan(of, scanned.frame, scanned.bids_at, rows)
                bid_rows = rows
            if scanned.asks_at >= 0:
                rows = []
                asks, asks_off = reader.scan(of, scanned.frame, scanned.asks_at, rows)
                ask_rows = rows
        else:
            bid_rows, ask_rows = message.bids, message.asks
            bids, bids_off = reader.read(of, bid_rows)
            asks, asks_off = reader.read(of, ask_rows)
        if bids_off or asks_off:
            raise OffTickError("a level", of)
        if len(bids) != len(bid_rows):
            bid_rows = self.levels.last_of_each_price(bid_rows)
        if len(asks) != len(ask_rows):
            ask_rows = self.levels.last_of_each_price(ask_rows)
        return bids, asks, bid_rows, ask_rows

    def _check(self, checksum: int | None) -> None:
        """Compare the checksum. Without one, as in snapshots of few levels, there is nothing to compare.

        Kraken: the asks, then the bids, each price and size without the dot and without leading zeros.
        """
        if checksum is None:
            return
        asks, bids = self.levels.asks.top(), self.levels.bids.top()
        if asks is not self._top_asks:
            self._crc_asks, self._top_asks, self._top_bids = crc32("".join(asks).encode()), asks, None
        if bids is not self._top_bids:
            self._crc, self._top_bids = crc32("".join(bids).encode(), self._crc_asks), bids
        if self._crc != checksum:
            raise LostChangeError(self.levels.instrument.symbol, "bad_message")


def _with_removed(changed: tuple[Level, ...], prices: Sequence[int]) -> tuple[Level, ...]:
    """Return changed levels, and those at these prices as removed."""
    return tuple((dict(changed) | dict.fromkeys(prices, 0)).items())


def checksum_text(row: PriceAndSize) -> str:
    """Return the text that a level has in the checksum."""
    if isinstance(row, str):
        frame = FrameScanner(row.encode())
        plain_price = frame.decimal()
        frame.expect(b'","')
        plain_size = frame.decimal()
        return f"{plain_price >> 5}{plain_size >> 5}"
    price, size = price_and_size(row)
    return price.replace(".", "").lstrip("0") + size.replace(".", "").lstrip("0")

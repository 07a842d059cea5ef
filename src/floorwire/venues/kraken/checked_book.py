# cython: nonecheck=False
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
from floorwire.venues.common.price_levels import PriceAndSize, PriceLevels, Rows, price_and_size
from floorwire.venues.common.venue_book import LostChangeError, VenueBook
from floorwire.venues.kraken.messages import BookFrame
from floorwire.venues.kraken.scanned_book import NO_CHECKSUM, ScannedBook

CHECKSUM_LEVELS = 10
"""The checksum is of so many levels a side, whatever the depth."""


class CheckedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = (
        "_crc",
        "_crc_asks",
        "_instrument",
        "_rows",
        "_text_of_bids",
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
        self._top_asks: list[bytes] | None = None
        self._top_bids: list[bytes] | None = None
        """The texts that the last checksum was computed of."""
        self._crc_asks = self._crc = 0
        self._rows: Rows = ()
        """What is written of the side that was read last, each price once."""
        self._text_of_bids = b""

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
            bids, bid_rows = self._bids(message), self._rows
            asks, ask_rows = self._asks(message), self._rows
            event = levels.apply_snapshot(bids, asks, ts_us, bid_rows, ask_rows)
            pushed_out = levels.bids.cut(self.depth) + levels.asks.cut(self.depth)
            if pushed_out:
                event = levels.snapshot(ts_us)
            self._check(message)
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
            bids, bid_rows = self._bids(message), self._rows
            asks, ask_rows = self._asks(message), self._rows
            event = levels.apply_change(bids, asks, ts_us, bid_rows, ask_rows)
            bids_out, asks_out = levels.bids.cut(self.depth), levels.asks.cut(self.depth)
            if bids_out or asks_out:
                bids, asks = _with_removed(bids, bids_out), _with_removed(asks, asks_out)
                event = BookChange(event.symbol, bids, asks, ts_us)
            self._check(message)
        except ValueError:
            self.clear()
            raise
        return event if bids or asks else None

    def _bids(self, message: BookFrame | ScannedBook) -> tuple[Level, ...]:
        """Return the bids of a message, each price once. ``_rows``: what is written of them."""
        if not isinstance(message, ScannedBook):
            return self._read_side(message.bids)
        scanned = message
        return self._scan_side(scanned, scanned.bids_at, self.levels.bids)

    def _asks(self, message: BookFrame | ScannedBook) -> tuple[Level, ...]:
        """Return the same of the asks."""
        if not isinstance(message, ScannedBook):
            return self._read_side(message.asks)
        scanned = message
        return self._scan_side(scanned, scanned.asks_at, self.levels.asks)

    def _scan_side(self, scanned: ScannedBook, at: int, kept: PriceLevels) -> tuple[Level, ...]:
        self._rows = ()
        if at < 0:
            return ()
        frame, reader, of = scanned.frame, self.levels.reader, self.levels.instrument
        side = reader.scan(of, frame, at)
        if reader.off_tick:
            raise OffTickError("a level", of)
        if scanned.is_snapshot:
            kept.price_unit, kept.size_unit = reader.price_unit, reader.size_unit
        # Kraken writes each price and each size with as many decimals: so no text is kept of them.
        if reader.is_uniform and reader.price_unit == kept.price_unit and reader.size_unit == kept.size_unit:
            return side
        rows: list[PriceAndSize | None] = []
        reader.scan(of, frame, at, rows)
        self._rows = rows if len(side) == len(rows) else self.levels.scanned_rows(frame, at)
        return side

    def _read_side(self, rows: Sequence[PriceAndSize]) -> tuple[Level, ...]:
        of = self.levels.instrument
        side, off_tick = self.levels.reader.read(of, rows)
        if off_tick:
            raise OffTickError("a level", of)
        self._rows = rows if len(side) == len(rows) else self.levels.last_of_each_price(rows)
        return side

    def _check(self, message: BookFrame | ScannedBook) -> None:
        """Compare the checksum. Without one, as in snapshots of few levels, there is nothing to compare.

        Kraken: the asks, then the bids, each price and size without the dot and without leading zeros.
        """
        if isinstance(message, ScannedBook):
            scanned = message
            is_same = scanned.checksum == NO_CHECKSUM or scanned.checksum == self._checksum()
        else:
            is_same = message.checksum is None or message.checksum == self._checksum()
        if not is_same:
            raise LostChangeError(self.levels.instrument.symbol, "bad_message")

    def _checksum(self) -> int:
        """Return the checksum of the book. Of a side that has not changed it is known."""
        asks, bids = self.levels.asks.top(), self.levels.bids.top()
        if asks is not self._top_asks or bids is not self._top_bids:
            if asks is not self._top_asks:
                self._crc_asks, self._top_asks = crc32(b"".join(asks)), asks
            if bids is not self._top_bids:
                self._text_of_bids, self._top_bids = b"".join(bids), bids
            self._crc = crc32(self._text_of_bids, self._crc_asks)
        return self._crc


def _with_removed(changed: tuple[Level, ...], prices: Sequence[int]) -> tuple[Level, ...]:
    """Return changed levels, and those at these prices as removed."""
    return tuple((dict(changed) | dict.fromkeys(prices, 0)).items())


def checksum_text(row: PriceAndSize) -> bytes:
    """Return the text that a level has in the checksum."""
    price, size = price_and_size(row)
    return (price.replace(".", "").lstrip("0") + size.replace(".", "").lstrip("0")).encode()

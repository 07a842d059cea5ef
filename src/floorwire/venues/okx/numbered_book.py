# cython: nonecheck=False
"""The book of one instrument of OKX: a snapshot, then numbered changes, with a checksum where OKX sends one.

Source: the API guide of OKX, "WS / Order book channel". Each change names the message before it
(``prevSeqId``). That one comparison finds every loss: numbers may stay the same (nothing changed for a
minute) or become smaller (after maintenance).
"""

from __future__ import annotations

from typing import TypeAlias
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.core.microseconds import MILLISECOND_US
from floorwire.venues.common.price_levels import PriceAndSize, Rows, price_and_size
from floorwire.venues.common.venue_book import LostChangeError, VenueBook
from floorwire.venues.okx.messages import Book
from floorwire.venues.okx.scanned_messages import ScannedBook

CHECKSUM_LEVELS = 25
SIGN_BIT = 1 << 31
QUOTE, BETWEEN = ord('"'), len('","')


ReadLevels: TypeAlias = tuple[tuple[Level, ...], tuple[Level, ...], Rows, Rows]


class NumberedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = ("_crc", "_last", "_top_asks", "_top_bids", "has_left_out", "levels", "off_tick")

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument, checksum_text, CHECKSUM_LEVELS)
        self.has_left_out = False
        """Whether levels were left out since the snapshot: they were between two ticks."""
        self.off_tick = 0
        """How many levels of the last message were left out."""
        self._last: int | None = None
        """The number of the last message; None in recordings that have no numbers."""
        self._top_bids: list[bytes] | None = None
        self._top_asks: list[bytes] | None = None
        """The texts that the last checksum was computed of."""
        self._crc = 0

    @property
    def instrument(self) -> Instrument:
        """The instrument of the book."""
        return self.levels.instrument

    @property
    def is_synced(self) -> bool:
        """Whether the book is the venue's."""
        return self.levels.is_synced

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again (resync)."""
        self.levels.clear()
        self._last = None
        self.has_left_out = False

    def apply_snapshot(self, message: Book | ScannedBook) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        self.has_left_out = False
        try:
            # What is written is kept while OKX sends checksums. 0 is none, since June 2026.
            bids, asks, bid_rows, ask_rows = self._read(message, message.checksum != 0)
            event = self.levels.apply_snapshot(bids, asks, message.ts * MILLISECOND_US, bid_rows, ask_rows)
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        self._last = message.seq_id
        return event

    def apply_change(self, message: Book | ScannedBook) -> BookChange | None:
        """Apply a change; return it as an event, None if nothing changed.

        Raises ValueError, and then the book is cleared: LostChangeError, CrossedBookError, or what a level
        that cannot be read raises.
        """
        levels = self.levels
        try:
            if message.prev_seq_id != self._last:  # OKX: prevSeqId is the seqId of the message before
                raise LostChangeError(levels.instrument.symbol, "sequence_gap")
            # Without all texts since the snapshot no later checksum can be compared.
            is_kept = message.checksum != 0 and levels.bids.is_written
            bids, asks, bid_rows, ask_rows = self._read(message, is_kept)
            event = levels.apply_change(bids, asks, message.ts * MILLISECOND_US, bid_rows, ask_rows)
            self._check(message.checksum)
        except ValueError:
            self.clear()
            raise
        self._last = message.seq_id
        return event if bids or asks else None

    def _read(self, message: Book | ScannedBook, is_kept: bool) -> ReadLevels:
        """Return bids and asks, and what is written of them, each price once, if it is kept."""
        reader, of = self.levels.reader, self.levels.instrument
        bid_rows: Rows
        ask_rows: Rows
        if isinstance(message, ScannedBook):
            scanned = message
            written_bids: list[PriceAndSize | None] | None = [] if is_kept else None
            written_asks: list[PriceAndSize | None] | None = [] if is_kept else None
            bids = reader.scan(of, scanned.frame, scanned.bids_at, written_bids)
            bids_off = reader.off_tick
            asks = reader.scan(of, scanned.frame, scanned.asks_at, written_asks)
            asks_off = reader.off_tick
            bid_rows, ask_rows = written_bids, written_asks
            if written_bids is not None and not bids_off and len(bids) != len(written_bids):
                bid_rows = self.levels.scanned_rows(scanned.frame, scanned.bids_at)
            if written_asks is not None and not asks_off and len(asks) != len(written_asks):
                ask_rows = self.levels.scanned_rows(scanned.frame, scanned.asks_at)
        else:
            bids, bids_off = reader.read(of, message.bids)
            asks, asks_off = reader.read(of, message.asks)
            bid_rows, ask_rows = message.bids, message.asks
            if len(bids) != len(message.bids) and not bids_off:
                bid_rows = self.levels.last_of_each_price(message.bids)
            if len(asks) != len(message.asks) and not asks_off:
                ask_rows = self.levels.last_of_each_price(message.asks)
        self.off_tick = bids_off + asks_off
        self.has_left_out = self.has_left_out or self.off_tick > 0
        if not is_kept or self.has_left_out:
            return bids, asks, None, None
        return bids, asks, bid_rows, ask_rows

    def _check(self, checksum: int) -> None:
        """Compare the checksum, if there is one and the texts are known that it is of.

        OKX: the CRC32 of the best 25 levels, bid and ask by turns, as a signed number of 32 bits. If one side
        has fewer levels, the other goes on alone.
        """
        levels = self.levels
        if not levels.bids.is_written or not levels.asks.is_written:
            return
        bids, asks = levels.bids.top(), levels.asks.top()
        if bids is not self._top_bids or asks is not self._top_asks:
            self._top_bids, self._top_asks = bids, asks
            both = min(len(bids), len(asks))
            texts = bids + asks
            texts[: 2 * both : 2], texts[1 : 2 * both : 2] = bids[:both], asks[:both]
            texts[2 * both :] = bids[both:] or asks[both:]
            unsigned = crc32(b":".join(texts))
            self._crc = unsigned - 2 * SIGN_BIT if unsigned & SIGN_BIT else unsigned
        if self._crc != checksum:
            raise LostChangeError(levels.instrument.symbol, "bad_message")


def checksum_text(row: PriceAndSize) -> bytes:
    """Return the text that a level has in the checksum."""
    if isinstance(row, bytes):
        text, at = row, 0
        while text[at] != QUOTE:
            at += 1
        return text[:at] + b":" + text[at + BETWEEN : -1]
    price, size = price_and_size(row)
    return f"{price}:{size}".encode()

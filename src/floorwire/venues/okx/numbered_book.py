"""The book of one instrument of OKX: a snapshot, then numbered changes, with a checksum where OKX sends one.

Source: the API guide of OKX, "WS / Order book channel". Each change names the message before it
(``prevSeqId``). That one comparison finds every loss: numbers may stay the same (nothing changed for a
minute) or become smaller (after maintenance).
"""

from __future__ import annotations

from itertools import zip_longest
from zlib import crc32

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.common.errors import LostChangeError
from floorwire.venues.common.event_mapping import BookLevels
from floorwire.venues.common.venue_book import VenueBook
from floorwire.venues.common.written_side import WrittenSide
from floorwire.venues.okx import mapping, messages

CHECKSUM_LEVELS = 25
SIGN_BIT = 1 << 31


class NumberedBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared or a change is lost."""

    __slots__ = ("_last", "_texts", "has_left_out", "levels", "off_tick")

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument)
        self.has_left_out = False
        """Whether levels were left out since the snapshot: they were between two ticks."""
        self.off_tick = 0
        """How many levels of the last message were left out."""
        self._last: int | None = None
        """The number of the last message; None in recordings that have no numbers."""
        self._texts: ChecksumTexts | None = None
        """What the checksum is of; None while OKX sends none."""

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
        self._last = self._texts = None
        self.has_left_out = False

    def apply_snapshot(self, message: messages.Book) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        self.has_left_out = False
        try:
            levels = self._mapped(message)
            event = self.levels.apply_snapshot(levels.bids, levels.asks, levels.ts_us)
            self._texts = ChecksumTexts(self.instrument) if message.checksum else None
            self._check(message, levels)
        except ValueError:
            self.clear()
            raise
        self._last = message.seq_id
        return event

    def apply_change(self, message: messages.Book) -> BookChange | None:
        """Apply a change; return it as an event, None if nothing changed.

        Raises ValueError, and then the book is cleared: LostChangeError, CrossedBookError, or what a level
        that cannot be read raises.
        """
        try:
            if message.prev_seq_id != self._last:  # OKX: prevSeqId is the seqId of the message before
                raise LostChangeError(self.instrument.symbol, "sequence_gap")
            levels = self._mapped(message)
            event = self.levels.apply_change(levels.bids, levels.asks, levels.ts_us)
            self._check(message, levels)
        except ValueError:
            self.clear()
            raise
        self._last = message.seq_id
        return event if levels.bids or levels.asks else None

    def _mapped(self, message: messages.Book) -> BookLevels:
        levels = mapping.book(message, self.levels.instrument, self.levels.reader)
        self.off_tick = levels.off_tick
        self.has_left_out = self.has_left_out or levels.off_tick > 0
        return levels

    def _check(self, message: messages.Book, levels: BookLevels) -> None:
        """Compare the checksum, if there is one. OKX: 0 is none, since June 2026."""
        if self._texts is None:
            return
        if not message.checksum or self.has_left_out:
            self._texts = None  # without all texts since the snapshot no later checksum can be compared
            return
        self._texts.apply(message, levels, self.levels.instrument)
        if self._texts.checksum() != message.checksum:
            raise LostChangeError(self.instrument.symbol, "bad_message")


class ChecksumTexts:
    """The levels of a book as OKX wrote them. The checksum is of these texts, not of the numbers."""

    __slots__ = ("_asks", "_bids", "_instrument")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._bids = WrittenSide(-1, CHECKSUM_LEVELS, _text)
        self._asks = WrittenSide(1, CHECKSUM_LEVELS, _text)

    def apply(self, message: messages.Book, levels: BookLevels, of: Instrument) -> None:
        """Set the levels of a message, which are ``levels`` by the steps of ``of``. Size 0 removes one."""
        is_same = of is self._instrument or of.steps == self._instrument.steps
        bids, asks = (levels.bids, levels.asks) if is_same else ((), ())
        self._bids.put(bids, mapping.pairs(message.bids), self._instrument)
        self._asks.put(asks, mapping.pairs(message.asks), self._instrument)

    def checksum(self) -> int:
        """Return the CRC32 of the best 25 levels, bid and ask by turns, as a signed number of 32 bits.

        OKX: if one side has fewer levels, the other goes on alone.
        """
        bids, asks = self._bids.best(), self._asks.best()
        texts = [text for pair in zip_longest(bids, asks) for text in pair if text is not None]
        unsigned = crc32(":".join(texts).encode())
        return unsigned - 2 * SIGN_BIT if unsigned & SIGN_BIT else unsigned


def _text(price: str, size: str) -> str:
    return f"{price}:{size}"

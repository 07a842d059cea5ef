"""The book of one symbol of Bybit: snapshots, and changes whose numbers rise by one.

Source: the API guide of Bybit, "Orderbook". A snapshot replaces the book at any time. The number ``u`` of a
change is that of the message before, plus one; 1 says that the service restarted, and the message is a new
book.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.bybit import mapping, messages
from floorwire.venues.common.event_mapping import BookLevels
from floorwire.venues.common.venue_book import VenueBook

RESTARTED = 1
"""Bybit: the number of the first message after a restart. It is a whole book, whatever its type says."""

Continuity: TypeAlias = Literal["snapshot", "next", "known", "lost"]


class NumberedBook:
    """The book of one symbol at one depth. It is synced from a snapshot on until it is cleared."""

    __slots__ = ("_last", "has_left_out", "levels", "off_tick")

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument)
        self.has_left_out = False
        """Whether levels were left out since the snapshot: they were between two ticks."""
        self.off_tick = 0
        """How many levels of the last message were left out."""
        self._last = 0
        """The number of the last message."""

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
        self.has_left_out = False
        self._last = 0

    def continuity(self, frame: messages.BookFrame) -> Continuity:
        """Return what a message is to the book: a new one, the next change, known already, or after a loss.

        A change without a book before it is ``lost`` too.
        """
        update = frame.book.update
        if frame.is_snapshot or update == RESTARTED:
            return "snapshot"
        if not self.is_synced:
            return "lost"
        if update <= self._last:
            return "known"
        return "next" if update == self._last + 1 else "lost"

    def apply_snapshot(self, frame: messages.BookFrame) -> BookSnapshot:
        """Replace the book; return it as an event. Raises ValueError, and then the book is cleared."""
        self.has_left_out = False
        try:
            levels = self._mapped(frame)
            event = self.levels.apply_snapshot(levels.bids, levels.asks, levels.ts_us)
        except ValueError:
            self.clear()
            raise
        self._last = frame.book.update
        return event

    def apply_change(self, frame: messages.BookFrame) -> BookChange | None:
        """Apply the next change; return it as an event, None if nothing changed.

        Raises ValueError (CrossedBookError, or a level that cannot be read), and then the book is cleared.
        """
        try:
            levels = self._mapped(frame)
            event = self.levels.apply_change(levels.bids, levels.asks, levels.ts_us)
        except ValueError:
            self.clear()
            raise
        self._last = frame.book.update
        return event if levels.bids or levels.asks else None

    def _mapped(self, frame: messages.BookFrame) -> BookLevels:
        levels = mapping.book(frame, self.levels.instrument, self.levels.reader)
        self.off_tick = levels.off_tick
        self.has_left_out = self.has_left_out or levels.off_tick > 0
        return levels

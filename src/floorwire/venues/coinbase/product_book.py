"""The book of one product of Coinbase: a snapshot, then changes without numbers of their own."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.coinbase import mapping, messages
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.venue_book import VenueBook


class ProductBook:
    """The book of one product. It is synced from a snapshot on until it is cleared."""

    __slots__ = ("_changed_us", "awaited_trade", "has_left_out", "levels", "off_tick")

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument)
        self.has_left_out = False
        """Whether levels were left out since the snapshot: they were between two ticks."""
        self.off_tick = 0
        """How many levels of the last message were left out."""
        self.awaited_trade = 0
        """The id of a trade that the last heartbeat named and that has not come; 0: there is none."""
        self._changed_us = 0
        """The time, by Coinbase, of the last change that was applied."""

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again (resync)."""
        self.levels.clear()
        self.awaited_trade = 0
        self.has_left_out = False

    def apply_snapshot(self, message: messages.Snapshot, now_us: int) -> BookSnapshot | None:
        """Replace the book; return it as an event, None if it is older than the last change.

        Raises ValueError, and then the book is cleared.
        """
        ts_us = mapping.event_us(message.time, now_us)
        if message.time is not None and ts_us < self._changed_us:
            return None
        try:
            of = self.levels.instrument
            bids, bids_off = self.levels.reader.read(of, message.bids)
            asks, asks_off = self.levels.reader.read(of, message.asks)
            self.off_tick = bids_off + asks_off
            self.has_left_out = self.off_tick > 0
            return self.levels.apply_snapshot(bids, asks, ts_us)
        except ValueError:
            self.clear()
            raise

    def apply_change(self, message: messages.Change) -> BookChange:
        """Apply a change; return it as an event. Raises ValueError, and then the book is cleared."""
        try:
            of = self.levels.instrument
            bids, bids_off = self.levels.reader.read(of, mapping.side(message, "buy"))
            asks, asks_off = self.levels.reader.read(of, mapping.side(message, "sell"))
            event = self.levels.apply_change(bids, asks, rfc3339_us(message.time))
        except ValueError:
            self.clear()
            raise
        self.off_tick = bids_off + asks_off
        self.has_left_out = self.has_left_out or self.off_tick > 0
        return event

    def changed(self, at_us: int) -> None:
        """Record the time of a change. An older snapshot is refused from now on."""
        self._changed_us = max(self._changed_us, at_us)

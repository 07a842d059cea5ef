"""The book of one symbol of Binance: numbered differences, joined to a snapshot that is fetched."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.diff_book import BookDiff, DiffBook, DiffResult
from floorwire.venues.common.venue_book import CrossedBookError, VenueBook

RESTARTED_US = 5 * SECOND_US
"""A difference this much later than the last one is new, even if its update ids are lower."""


DEPTH_LATE_US = 5 * SECOND_US
"""Best prices carry an update id of the book. If the book is behind it for this long, the stream of
differences has ended."""


class DepthBook:
    """The book, and what is known of the update ids."""

    __slots__ = (
        "_applied_us",
        "_diffs",
        "has_left_out",
        "late_from_us",
        "levels",
        "off_tick",
        "quote_id",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument)
        self._diffs = DiffBook(self.levels)
        self.has_left_out = False
        """Whether levels were left out since the book was last dropped: they were between two ticks."""
        self.off_tick = 0
        """How many levels of the last message were left out."""
        self.quote_id = 0
        """The update id of the last best prices that Binance sent."""
        self.late_from_us = 0
        """When the next difference or snapshot is late."""
        self._applied_us = 0
        """The latest time, by Binance, of what was applied or buffered; 0: nothing yet."""

    @property
    def last_id(self) -> int:
        """The last update id in the book."""
        return self._diffs.last_id

    @property
    def has_buffered(self) -> bool:
        """Whether differences wait for a snapshot."""
        return self._diffs.has_buffered

    def clear(self) -> None:
        """Drop the book. A snapshot that is older than it is refused later."""
        self._diffs.reset()
        self.has_left_out = False
        self.quote_id = 0

    def count_off_tick(self, levels: int) -> None:
        """Record how many levels of a message were left out."""
        self.off_tick = levels
        self.has_left_out = self.has_left_out or levels > 0

    def apply(self, diff: BookDiff, venue_us: int, now_us: int) -> DiffResult:
        """Apply or buffer a difference. After a ``gap`` the book is dropped and the difference buffered.

        A snapshot that was requested before a gap is of no use. ``venue_us``: the time of the difference by
        Binance. Raises CrossedBookError; then it is the same.
        """
        is_gap = self.levels.is_synced
        self.late_from_us = now_us + DEPTH_LATE_US
        if diff.last <= self._diffs.newest_id and 0 < self._applied_us < venue_us - RESTARTED_US:
            self._diffs.reset_ids()  # Binance restarted its ids: new ones do not follow the old ones
            self.quote_id = 0
            is_gap = True
        try:
            result = self._diffs.apply(diff)
        except CrossedBookError:  # a message was lost although the update ids have no gap
            self.clear()
            self._diffs.apply(diff)
            self._applied_us = max(self._applied_us, venue_us)
            raise
        if result == "old":
            return result
        self._applied_us = max(self._applied_us, venue_us)
        if type(result) is BookChange:
            return result
        return "gap" if is_gap else "buffered"

    def apply_snapshot(
        self, last_id: int, bids: tuple[Level, ...], asks: tuple[Level, ...], venue_us: int, now_us: int
    ) -> BookSnapshot | None:
        """Start the book; return it as an event, None if the snapshot is too old. Raises CrossedBookError."""
        event = self._diffs.apply_snapshot(last_id, bids, asks, now_us)
        if event is None:
            return None
        self.late_from_us = now_us + DEPTH_LATE_US
        self._applied_us = max(self._applied_us, venue_us)
        return event

"""Resync of an order book: join a snapshot to numbered changes, by Binance's published rule.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md, "How to manage a local order book
correctly". U and u are the first and the last update id of a difference.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.venues.common.venue_book import VenueBook

MAX_BUFFERED = 1_000
"""Differences buffered while a snapshot is awaited: at ten a second, more than a minute and a half."""

OLD_SNAPSHOTS = 6
"""After so many snapshots below the last id, with differences below it too, the venue restarted its ids."""

DiffResult: TypeAlias = BookChange | Literal["buffered", "old", "gap"]
"""The event of a difference that was applied, or why there is none."""


class BookDiff(msgspec.Struct, frozen=True):
    """One difference: its first and last update id, and the new absolute sizes of the levels."""

    first: int
    last: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    ts_us: int


class DiffBook:
    """The book of one symbol, with resync: buffers differences until a snapshot fits, then applies them.

    A gap in the update ids starts the resync: the book is dropped, differences are buffered, and the caller
    fetches a snapshot. If more than ``MAX_BUFFERED`` wait, the oldest are dropped. A snapshot then fits only
    if it is newer than those: a full buffer costs another snapshot, never a wrong book.
    """

    __slots__ = ("_buffered", "_last", "_newest", "_old_snapshots", "_snapshot_is_last", "book", "is_live")

    def __init__(self, book: VenueBook) -> None:
        self.book = book
        self.is_live = False
        self._last = 0
        """The last update id in the book."""
        self._snapshot_is_last = False
        """Whether no difference was applied since the snapshot."""
        self._newest = 0
        """The last id that was ever applied. The book does not go back before it."""
        self._old_snapshots = 0
        """How many snapshots in a row were older than that."""
        self._buffered: deque[BookDiff] = deque(maxlen=MAX_BUFFERED)

    @property
    def has_buffered(self) -> bool:
        """Whether differences wait for a snapshot."""
        return bool(self._buffered)

    @property
    def last_id(self) -> int:
        """The last update id in the book."""
        return self._last

    @property
    def newest_id(self) -> int:
        """The last update id that was ever applied or buffered."""
        return max(self._newest, self._buffered[-1].last) if self._buffered else self._newest

    def reset_ids(self) -> None:
        """Drop the book and its ids, because the venue restarted its ids."""
        self.reset()
        self._newest = self._old_snapshots = 0

    def reset(self) -> None:
        """Drop the book. A snapshot older than it is refused later."""
        self.is_live = False
        self._buffered.clear()
        self.book.clear()

    def apply(self, diff: BookDiff) -> DiffResult:
        """Apply or buffer one difference. A ``gap`` drops the book; the difference is buffered.

        Raises CrossedBookError.
        """
        if not self.is_live:
            return self._buffer(diff)
        if diff.last <= self._last:  # Binance: ignore if u <= last update id
            return "old"
        if not self._follows(diff):
            self.reset()
            self._buffered.append(diff)
            return "gap"
        return self._apply(diff)

    def apply_snapshot(
        self, last_id: int, bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int
    ) -> BookSnapshot | None:
        """Start the book from a snapshot and the buffered differences; return it as an event.

        Return None if the snapshot is too old: it does not reach the first buffered difference, or is older
        than the book was. The caller then fetches another. Raises CrossedBookError.
        """
        if self._is_older(last_id):
            return None
        # Binance: discard differences with u <= lastUpdateId
        buffered = [diff for diff in self._buffered if diff.last > last_id]
        if buffered and buffered[0].first > last_id + 1:  # Binance: lastUpdateId < U is too old
            return None
        self._last, self._snapshot_is_last, self.is_live = last_id, True, True
        self._newest, self._old_snapshots = last_id, 0
        self._buffered.clear()
        event = self.book.apply_snapshot(bids, asks, ts_us)
        if not buffered:
            return event
        for diff in buffered:
            self._apply(diff)
        return self.book.snapshot(ts_us)

    def _is_older(self, last_id: int) -> bool:
        if last_id >= self._newest:
            return False
        if self._buffered and self._buffered[-1].last >= self._newest:
            return True  # the ids go on, so the snapshot is of a server that lags
        self._old_snapshots += 1
        return self._old_snapshots < OLD_SNAPSHOTS

    def _buffer(self, diff: BookDiff) -> DiffResult:
        if self._buffered and diff.last <= self._buffered[-1].last:
            return "old"
        if self._buffered and diff.first != self._buffered[-1].last + 1:
            self._buffered.clear()  # no snapshot can join those before the hole to this one
        self._buffered.append(diff)
        return "buffered"

    def _follows(self, diff: BookDiff) -> bool:
        if self._snapshot_is_last:  # Binance: U <= lastUpdateId + 1 <= u
            return diff.first <= self._last + 1 <= diff.last
        return diff.first == self._last + 1  # Binance: U == previous u + 1

    def _apply(self, diff: BookDiff) -> BookChange:
        self._last = self._newest = diff.last
        self._snapshot_is_last = False
        return self.book.apply_change(diff.bids, diff.asks, diff.ts_us)

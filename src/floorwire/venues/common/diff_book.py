"""A book kept from numbered differences and a snapshot, by Binance's published rule.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md, "How to manage a local order book
correctly". U and u are a difference's first and last update id.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple, TypeAlias

from floorwire.core.market_events import Level
from floorwire.core.order_book import Book

HELD = 1_000
"""Differences held while a snapshot is awaited: at ten a second, more than a minute and a half."""

RESTARTED = 6
"""So many snapshots below the last id, while differences are below it too: the ids have begun anew."""

Taken: TypeAlias = Literal["held", "old", "applied", "gap"]


class BookDiff(NamedTuple):
    """One difference: its first and last update id, and the levels' new absolute sizes."""

    first: int
    last: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    ts_us: int


class DiffBook:
    """The book of one symbol: holds differences until a snapshot fits, then applies them in turn.

    When more than ``HELD`` wait, the oldest fall out; a snapshot then fits only if it is newer than
    those, so a full buffer costs another snapshot, never a wrong book.
    """

    __slots__ = ("_first", "_held", "_last", "_newest", "_older", "book", "is_live")

    def __init__(self) -> None:
        self.book = Book()
        self.is_live = False
        self._last = 0
        self._first = False
        self._newest = 0
        """The last id that was ever applied: the book does not go back before it."""
        self._older = 0
        """How many snapshots in a row were older than that."""
        self._held: deque[BookDiff] = deque(maxlen=HELD)

    @property
    def is_waiting(self) -> bool:
        """Whether differences wait for a snapshot."""
        return bool(self._held)

    @property
    def last_id(self) -> int:
        """The last update id of the book."""
        return self._last

    @property
    def newest_id(self) -> int:
        """The last update id that was ever taken in."""
        return max(self._newest, self._held[-1].last) if self._held else self._newest

    def count_anew(self) -> None:
        """Forget the book and its ids: the venue began its ids anew."""
        self.restart()
        self._newest = self._older = 0

    def restart(self) -> None:
        """Forget the book. The next one is not older than it was."""
        self.is_live = False
        self._held.clear()
        self.book = Book()

    def take(self, diff: BookDiff) -> Taken:
        """Take one difference. After ``gap`` it is the first of those held."""
        if not self.is_live:
            return self._hold(diff)
        if diff.last <= self._last:  # u <= last update id: ignore
            return "old"
        if not self._follows(diff):
            self.restart()
            self._held.append(diff)
            return "gap"
        self._apply(diff)
        return "applied"

    def adopt(self, last_id: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> bool:
        """Start from a snapshot; False where it is too old: ask for another.

        It is where it does not reach the first difference held, or is older than what was applied before.
        """
        if self._is_older(last_id):
            return False
        held = [diff for diff in self._held if diff.last > last_id]  # discard u <= lastUpdateId
        if held and held[0].first > last_id + 1:  # lastUpdateId < U: too old
            return False
        self.book.replace(bids, asks)
        self._last, self._first, self.is_live = last_id, True, True
        self._newest, self._older = last_id, 0
        self._held.clear()
        for diff in held:
            self._apply(diff)
        return True

    def _is_older(self, last_id: int) -> bool:
        if last_id >= self._newest:
            return False
        if self._held and self._held[-1].last >= self._newest:
            return True  # a copy of the exchange's data that lags
        self._older += 1
        return self._older < RESTARTED

    def _hold(self, diff: BookDiff) -> Taken:
        if self._held and diff.last <= self._held[-1].last:
            return "old"
        if self._held and diff.first != self._held[-1].last + 1:
            self._held.clear()  # those before the hole can never be joined to it
        self._held.append(diff)
        return "held"

    def _follows(self, diff: BookDiff) -> bool:
        if self._first:  # the first after the snapshot: U <= lastUpdateId + 1 <= u
            return diff.first <= self._last + 1 <= diff.last
        return diff.first == self._last + 1  # then each U == previous u + 1

    def _apply(self, diff: BookDiff) -> None:
        self.book.apply(diff.bids, diff.asks)
        self._last = self._newest = diff.last
        self._first = False

"""Lines: our own resting orders on one side of a paper market, each with what stands before it.

How far back an order stands is an estimate that only ever falls: from the size of the level at its entry, by
what trades there, by its part of what is cancelled, and to the level's whole size where that is less. What
happened before it entered does not move it, whenever that is told.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from floorwire.core.instrument import Side
from floorwire.core.order_book import Changed
from floorwire.engine.unattributed_decreases import LATE_US, LevelDecrease, UnattributedDecreases
from floorwire.engine.visible_book import VisibleSide

UNSEEN = 1 << 62
"""Ahead of an order whose level the venue has not shown yet."""


class QueuedOrder(msgspec.Struct, gc=False, eq=False):
    """An order that rests or is being matched."""

    order_id: int
    side: Side
    price_ticks: int
    """The limit; 0 where it has none, and then it never rests."""
    key: int
    """The limit as a level's key on its own side."""
    lots: int
    """The quantity as placed or last amended, filled lots included."""
    open_lots: int
    post_only: bool
    rests: bool
    ahead: int = UNSEEN
    """Lots of others that are filled before it."""
    since_us: int = 0
    """The venue's time of the book that it found when it entered: what happened by then is in there."""


class QueuePositions:
    """One side's orders by price, at one price in the order in which they came."""

    __slots__ = ("_by_key", "_keys", "_unexplained", "shown")

    def __init__(self, shown: VisibleSide) -> None:
        self.shown = shown
        """What the venue shows on this side."""
        self._keys: list[int] = []
        self._by_key: dict[int, list[QueuedOrder]] = {}
        self._unexplained = UnattributedDecreases()

    def join(self, order: QueuedOrder) -> None:
        """Put the order at the end of the line at its price."""
        line = self._by_key.get(order.key)
        if line is None:
            line = self._by_key[order.key] = []
            insort(self._keys, order.key)
        line.append(order)

    def leave(self, order: QueuedOrder) -> None:
        """Take the order out, wherever it stands."""
        line = self._by_key[order.key]
        line.remove(order)
        if not line:
            del self._by_key[order.key], self._keys[bisect_left(self._keys, order.key)]

    def down_to(self, key: int) -> Iterator[QueuedOrder]:
        """Yield those at the key or better, in order of price, then time; any may leave meanwhile."""
        for best in self._keys[: bisect_left(self._keys, key) - len(self._keys) - 1 : -1]:
            yield from tuple(self._by_key[best])

    def trade(self, key: int, size_lots: int, us: int, as_of_us: int) -> Iterator[tuple[QueuedOrder, int]]:
        """Let lots be traded at the key; yield who gets how many of them, as far as they go.

        At better prices everybody comes before them; at the key, what stands ahead does. ``as_of_us``: of
        the book, whose last changes may be this very trade.
        """
        self._settle(us, as_of_us)
        self.sight(key)
        explained = self._unexplained.explain(key, size_lots, us)
        if us > as_of_us - LATE_US:  # else the book has it, as whoever repeats its last trade knows
            self.shown.trade(key, size_lots - explained, us)
        given = 0
        for order in self.down_to(key):
            if us <= order.since_us <= as_of_us:
                continue  # it was over when the order came
            ahead = order.ahead if order.key == key else 0
            lots = min(order.open_lots, size_lots - ahead - given)
            order.ahead = max(0, ahead - size_lots)
            if lots > 0:
                given += lots
                yield order, lots

    def change(self, changed: Changed, us: int) -> None:
        """Take in what levels changed, with their sizes before."""
        shown = self.shown
        for key, before in changed.items():
            lots = shown.change(key, before, us)
            if lots and shown.sees(key):
                self._unexplained.add(LevelDecrease(key, us, lots, shown.size(key)))
            self.sight(key)
        self._settle(us - LATE_US, us)

    def sight(self, key: int) -> None:
        """No more stands ahead at the key than is shown there, where it is in sight.

        What the level lost and no trade explains yet may be traded ahead of an order, so it counts.
        """
        line = self._by_key.get(key)
        if line is None or not self.shown.sees(key):
            return
        size = self.shown.size(key) + self._unexplained.lots(key)
        for order in reversed(line):
            if order.ahead <= size:
                break  # nobody has more ahead than those who came after
            order.ahead = size

    def _settle(self, since_us: int, until_us: int) -> None:
        """Take for cancelled what no trade can explain any more.

        Those who cancel stand anywhere in the queue with the same likelihood: what is ahead falls in
        proportion, rounded against the order.
        """
        for shrink in self._unexplained.settle(since_us, until_us):
            before = shrink.left_lots + shrink.lots
            for order in self._by_key.get(shrink.key, ()):
                if not shrink.us <= order.since_us <= until_us:
                    order.ahead = -(-order.ahead * shrink.left_lots // before)
            self.sight(shrink.key)

    def __bool__(self) -> bool:
        return bool(self._keys)

"""Lines: our own resting orders on one side of a paper market, each with what stands before it.

How far back an order stands is an estimate that only ever falls: from the size of the level at its entry, by
what trades there, by its part of what is cancelled, and to the level's whole size where that is less.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from floorwire.core.instrument import Side
from floorwire.engine.shown import Shown

UNSEEN = 1 << 62
"""Ahead of an order whose level the venue has not shown yet."""


class Resting(msgspec.Struct, gc=False, eq=False):
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


class Lines:
    """One side's orders by price, at one price in the order in which they came."""

    __slots__ = ("_by_key", "_keys")

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._by_key: dict[int, list[Resting]] = {}

    def join(self, order: Resting) -> None:
        """Put the order at the end of the line at its price."""
        line = self._by_key.get(order.key)
        if line is None:
            line = self._by_key[order.key] = []
            insort(self._keys, order.key)
        line.append(order)

    def leave(self, order: Resting) -> None:
        """Take the order out, wherever it stands."""
        line = self._by_key[order.key]
        line.remove(order)
        if not line:
            del self._by_key[order.key], self._keys[bisect_left(self._keys, order.key)]

    def down_to(self, key: int) -> Iterator[Resting]:
        """Yield those at the key or better, in order of price, then time; any may leave meanwhile."""
        for best in self._keys[: bisect_left(self._keys, key) - len(self._keys) - 1 : -1]:
            yield from tuple(self._by_key[best])

    def reach(self, key: int, size_lots: int) -> Iterator[tuple[Resting, int]]:
        """Let lots be traded at the key; yield who gets how many of them, as far as they go.

        At better prices everybody comes before them; at the key, what stands ahead does.
        """
        given = 0
        for order in self.down_to(key):
            ahead = order.ahead if order.key == key else 0
            lots = min(order.open_lots, size_lots - ahead - given)
            order.ahead = max(0, ahead - size_lots)
            if lots > 0:
                given += lots
                yield order, lots

    def sight(self, key: int, shown: Shown) -> None:
        """No more stands ahead at the key than is shown there, where it is in sight."""
        if not shown.sees(key):
            return
        size = shown.size(key)
        for order in reversed(self._by_key.get(key, ())):
            if order.ahead <= size:
                break  # nobody has more ahead than those who came after
            order.ahead = size

    def move_up(self, key: int, before: int, shown: Shown) -> None:
        """The level changed, and cancels made what it shows of ``before``.

        Those who cancel stand anywhere in the queue with the same likelihood: what is ahead falls in
        proportion, rounded against the order.
        """
        after = shown.size(key)
        if not (after or shown.sees(key)):
            return  # perhaps only out of sight
        for order in self._by_key.get(key, ()):
            if after < before:
                order.ahead = -(-min(order.ahead, before) * after // before)
            order.ahead = min(order.ahead, after)

    def __bool__(self) -> bool:
        return bool(self._keys)

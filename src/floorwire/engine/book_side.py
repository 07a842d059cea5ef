"""One side of a market: price levels in order of price, the orders of each in order of time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from floorwire.core.instrument import Side
from floorwire.core.market_events import Level

MIN_SWEEP = 3
"""Up to this many orders that are gone stay in a queue: below it a sweep is not worth its time. With 16 the
simulated book held half as many orders that were gone as resting ones after an hour."""


class RestingOrder(msgspec.Struct, gc=False):
    """An order that rests or is being matched."""

    order_id: int
    owner: int
    side: Side
    price_ticks: int
    lots: int
    """The whole quantity, filled lots included."""
    open_lots: int
    """What is not filled yet."""
    post_only: bool
    no_self_trade: bool


class PriceLevel:
    """The orders at one price, first come first served.

    An order that is filled or cancelled stays in the queue, with nothing open, until a sweep removes it.
    Measured against a linked list and a dict this was the fastest, and a dict does not find its front in
    constant time. A deque is as fast, but an empty one takes 760 bytes, and most levels have one order or
    two. An order is in one queue only: an order that moves to another price is a new ``RestingOrder``.
    """

    __slots__ = ("_begin", "_gone", "_queue", "lots")

    def __init__(self) -> None:
        self.lots = 0
        self._queue: list[RestingOrder] = []
        self._begin = 0
        """All orders before this place are gone."""
        self._gone = 0
        """How many orders of the queue are filled or cancelled."""

    def add(self, order: RestingOrder) -> None:
        """Put the order at the end of the queue."""
        self._queue.append(order)
        self.lots += order.open_lots

    def first(self) -> RestingOrder:
        """Return the order that has waited longest. The level is not empty: empty levels are removed."""
        queue = self._queue
        while not queue[self._begin].open_lots:
            self._begin += 1
        return queue[self._begin]

    def fill(self, order: RestingOrder, lots: int) -> None:
        """Fill lots of the first order. It is removed when nothing of it stays open."""
        order.open_lots -= lots
        self.lots -= lots
        if not order.open_lots:
            self._begin += 1
            self._sweep()

    def reduce(self, order: RestingOrder, lots: int) -> None:
        """Reduce the open lots of an order that keeps its place in the queue. Some lots stay open."""
        order.open_lots -= lots
        self.lots -= lots

    def remove(self, order: RestingOrder) -> None:
        """Remove an order from the queue, wherever it is."""
        self.lots -= order.open_lots
        order.open_lots = 0
        self._sweep()

    def _sweep(self) -> None:
        """Count one more order that is gone. Remove them all when they are most of the queue."""
        self._gone += 1
        if self._gone > MIN_SWEEP and self._gone * 2 > len(self._queue):
            self._queue = [order for order in self._queue if order.open_lots]
            self._begin = self._gone = 0

    def __iter__(self) -> Iterator[RestingOrder]:
        return (order for order in self._queue if order.open_lots)


class BookSide:
    """The price levels of one side.

    A level's key is its price, negated for asks. So the best level has the greatest key, at the end of a
    sorted list, where inserting and removing move the least.
    """

    __slots__ = ("_levels", "keys", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side: Side = side
        self.sign = 1 if side == "buy" else -1
        self.keys: list[int] = []
        self._levels: dict[int, PriceLevel] = {}

    def reaches(self, key: int) -> bool:
        """Return whether the best level is at the key or better."""
        return bool(self.keys) and self.keys[-1] >= key

    def best(self) -> PriceLevel:
        """Return the best level. The side is not empty."""
        return self._levels[self.keys[-1]]

    def best_ticks(self) -> int:
        """Return the price of the best level, 0 where the side is empty."""
        return self.sign * self.keys[-1] if self.keys else 0

    def best_size(self) -> Level:
        """Return price and size of the best level, (0, 0) where the side is empty."""
        if not self.keys:
            return 0, 0
        key = self.keys[-1]
        return self.sign * key, self._levels[key].lots

    def at(self, price_ticks: int) -> PriceLevel:
        """Return the level at a price that has one."""
        return self._levels[self.sign * price_ticks]

    def add(self, order: RestingOrder) -> int:
        """Add the order at the end of the queue at its price; return the level's new size in lots."""
        key = self.sign * order.price_ticks
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = PriceLevel()
            insort(self.keys, key)
        level.add(order)
        return level.lots

    def remove(self, order: RestingOrder) -> int:
        """Remove the order; return the level's new size in lots."""
        key = self.sign * order.price_ticks
        level = self._levels[key]
        level.remove(order)
        if not level.lots:
            del self._levels[key]
            del self.keys[bisect_left(self.keys, key)]
        return level.lots

    def drop_best(self) -> None:
        """Remove the best level, which is empty."""
        del self._levels[self.keys.pop()]

    def has_lots(self, lots: int, key: int) -> bool:
        """Return whether at least this many lots rest at the key or better."""
        for best in reversed(self.keys):
            if lots <= 0 or best < key:
                break
            lots -= self._levels[best].lots
        return lots <= 0

    def has_lots_of_others(self, lots: int, key: int, owner: int) -> bool:
        """Return whether this many lots of others rest at the key or better, ahead of the owner's orders."""
        for order in self:
            if lots <= 0 or self.sign * order.price_ticks < key or order.owner == owner:
                break
            lots -= order.open_lots
        return lots <= 0

    def affordable_lots(self, spend: int, key: int, limit_ticks: int) -> int:
        """Return how many lots an amount buys: first what rests here at the key or better, then at the limit.

        ``spend`` is in ticks x lots.
        """
        lots = 0
        for best in reversed(self.keys):
            price_ticks = self.sign * best
            bought = min(self._levels[best].lots, spend // price_ticks) if best >= key else 0
            if not bought:
                break
            lots, spend = lots + bought, spend - bought * price_ticks
        return lots + spend // limit_ticks

    def sizes(self) -> list[Level]:
        """Return price and size of each level, best first."""
        return [(self.sign * key, self._levels[key].lots) for key in reversed(self.keys)]

    def __iter__(self) -> Iterator[RestingOrder]:
        """Yield every order in order of priority: price, then time."""
        for key in reversed(self.keys):
            yield from self._levels[key]

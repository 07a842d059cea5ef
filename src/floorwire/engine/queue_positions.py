"""Queue positions: our paper orders that rest on one side, each with the lots of others ahead of it.

The lots ahead are an estimate that only falls: it starts at the level's size when the order entered. It falls
by what trades there, by the order's share of what is cancelled, and to the level's whole size if that is
less. What happened before the order entered does not change it, even if the venue reports it later.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from floorwire.core.instrument import Side
from floorwire.core.order_book import Changed
from floorwire.engine.unattributed_decreases import LATE_US, SideChange, UnattributedDecreases
from floorwire.engine.visible_book import VisibleSide

UNSEEN = 1 << 62
"""Lots ahead of an order whose level the venue has not shown yet."""


class QueuedOrder(msgspec.Struct, gc=False, eq=False):
    """A paper order that rests or is being matched."""

    order_id: int
    side: Side
    price_ticks: int
    """The limit; 0 if it has none, and then it never rests."""
    key: int
    """The limit as a level's key on its own side."""
    lots: int
    """The whole quantity, filled lots included."""
    open_lots: int
    post_only: bool
    may_rest: bool
    ahead: int = UNSEEN
    """The queue position: lots of others that are filled before it."""
    since_us: int = 0
    """The venue's time of the book when the order entered. Earlier events are in that book already."""


class QueuePositions:
    """The orders of one side by price; at one price in the order of arrival."""

    __slots__ = ("_by_key", "_decreases", "_keys", "visible")

    def __init__(self, visible: VisibleSide) -> None:
        self.visible = visible
        """What the venue shows on this side."""
        self._keys: list[int] = []
        self._by_key: dict[int, list[QueuedOrder]] = {}
        self._decreases = UnattributedDecreases(visible)

    def add(self, order: QueuedOrder) -> None:
        """Add the order at the end of the queue at its price."""
        queue = self._by_key.get(order.key)
        if queue is None:
            queue = self._by_key[order.key] = []
            insort(self._keys, order.key)
        queue.append(order)

    def remove(self, order: QueuedOrder) -> None:
        """Remove the order, wherever it is."""
        queue = self._by_key[order.key]
        queue.remove(order)
        if not queue:
            del self._by_key[order.key], self._keys[bisect_left(self._keys, order.key)]

    def down_to(self, key: int) -> Iterator[QueuedOrder]:
        """Yield the orders at the key or better, by price, then by arrival. Any may be removed meanwhile."""
        for best in self._keys[: bisect_left(self._keys, key) - len(self._keys) - 1 : -1]:
            yield from tuple(self._by_key[best])

    def apply_trade(
        self, key: int, size_lots: int, us: int, as_of_us: int
    ) -> Iterator[tuple[QueuedOrder, int]]:
        """Apply a trade of ``size_lots`` at the key; yield the orders that it fills, with the lots of each.

        A trade goes through all orders at better prices. At its own price the lots ahead of an order are
        filled before it. ``us`` is the trade's time, ``as_of_us`` that of the book, whose last changes may be
        this trade.
        """
        self._apply_cancels(us, as_of_us)
        self.cap_ahead(key)
        attributed = self._decreases.attribute(key, size_lots, us)
        if us > as_of_us - LATE_US:  # an older trade is in the book already
            self.visible.add_trade(key, size_lots - attributed, us)
        given = 0
        for order in self.down_to(key):
            if us <= order.since_us <= as_of_us:
                continue  # the trade is older than the order
            ahead = order.ahead if order.key == key else 0
            lots = min(order.open_lots, size_lots - ahead - given)
            order.ahead = max(0, ahead - size_lots)
            if lots > 0:
                given += lots
                yield order, lots

    def apply_changes(self, changed: Changed, us: int, *, counts_growth: bool) -> None:
        """Apply the venue's changes of levels, given with their sizes before. ``us``: the venue's time.

        ``counts_growth``: whether orders of ours may rest on the other side.
        """
        visible = self.visible
        if changed:
            attributed = visible.apply_changes(changed, us, counts_growth=counts_growth)
            self._decreases.add(SideChange(us, changed, visible.worst_key, attributed))
            if self._by_key:
                for key in changed.keys() & self._by_key.keys():
                    self.cap_ahead(key)
        self._apply_cancels(us - LATE_US, us)

    def cap_ahead(self, key: int) -> None:
        """Cap the size ahead of our orders at the size that the book shows at the key, if the book covers it.

        Lots that the level lost without a known trade count too: they may have been traded ahead of an order.
        """
        queue = self._by_key.get(key)
        if queue is None or not self.visible.covers(key):
            return
        size = self.visible.size(key) + self._decreases.lots_at(key)
        for order in reversed(queue):
            if order.ahead <= size:
                break  # orders before this one have no more ahead of them
            order.ahead = size

    def _apply_cancels(self, since_us: int, until_us: int) -> None:
        """Count the decreases that no trade can explain any more as cancels.

        The cancelled orders may have been anywhere in the queue, so what is ahead falls in proportion. It is
        rounded up, against our order.
        """
        for decrease in self._decreases.pop_settled(since_us, until_us, self._by_key.keys()):
            before = decrease.left_lots + decrease.lots
            for order in self._by_key.get(decrease.key, ()):
                if not decrease.change.us <= order.since_us <= until_us:
                    order.ahead = -(-order.ahead * decrease.left_lots // before)
            self.cap_ahead(decrease.key)

    def __bool__(self) -> bool:
        return bool(self._keys)

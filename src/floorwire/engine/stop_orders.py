"""Stops: orders that wait outside the book until the market trades at their price."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from msgspec.structs import replace

from floorwire.core.order_commands import Place

_Rank = tuple[int, int, int]  # stop price (negated for sells: they wait for less), arrival, order id
LAST = 1 << 62
REACHED = -LAST
"""The key of a stop whose price was traded already: every price lets it in."""


class StopOrders:
    """The stop orders of one market; those that are due at once leave in the order in which they came."""

    __slots__ = ("_arrivals", "_buys", "_ranks", "_sells", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Place] = {}
        """By their ids, in the order in which they came."""
        self._arrivals = 0
        self._ranks: dict[int, _Rank] = {}
        self._buys: list[_Rank] = []
        self._sells: list[_Rank] = []

    def add(self, place: Place, stop_ticks: int) -> None:
        """Let the order wait."""
        self._arrivals += 1
        key = stop_ticks if place.side == "buy" else -stop_ticks
        rank = self._ranks[place.order_id] = key, self._arrivals, place.order_id
        self.waiting[place.order_id] = place
        insort(self._line(place), rank)

    def remove(self, order_id: int) -> Place | None:
        """Take the order out; None where it does not wait."""
        place = self.waiting.pop(order_id, None)
        if place is not None:
            line, rank = self._line(place), self._ranks.pop(order_id)
            del line[bisect_left(line, rank)]
        return place

    def change(self, order_id: int, price_ticks: int | None, lots: int) -> None:
        """Give the order, which waits, another limit and quantity; it keeps its turn."""
        self.waiting[order_id] = replace(self.waiting[order_id], price_ticks=price_ticks, lots=lots)

    def reach(self, price_ticks: int) -> None:
        """Note a trade at this price that lets nothing in yet: the next ``due`` takes those it reaches."""
        for line, key in ((self._buys, price_ticks), (self._sells, -price_ticks)):
            for _, arrival, order_id in _cut(line, key):
                rank = self._ranks[order_id] = REACHED, arrival, order_id
                insort(line, rank)

    def due(self, lowest_ticks: int, highest_ticks: int) -> list[Place]:
        """Take out those whose price was reached by trades between these two prices."""
        ranks = [*_cut(self._buys, highest_ticks), *_cut(self._sells, -lowest_ticks)]
        ranks.sort(key=lambda rank: rank[1])
        for rank in ranks:
            del self._ranks[rank[2]]
        return [self.waiting.pop(rank[2]) for rank in ranks]

    def __iter__(self) -> Iterator[Place]:
        return iter(self.waiting.values())

    def _line(self, place: Place) -> list[_Rank]:
        return self._buys if place.side == "buy" else self._sells


def _cut(line: list[_Rank], key: int) -> list[_Rank]:
    """Take out what stands in the line up to the key."""
    end = bisect_right(line, (key, LAST, 0))
    due = line[:end]
    del line[:end]
    return due

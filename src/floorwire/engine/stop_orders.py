"""Stop orders: orders that wait outside the book until the market trades at their price."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from msgspec.structs import replace

from floorwire.core.order_commands import Place

_Rank = tuple[int, int, int]  # stop price (negated for sells, which wait for less), arrival, order id
LAST_ARRIVAL = 1 << 62
"""Above the number of every arrival."""
REACHED = -LAST_ARRIVAL
"""The key of a stop whose price was traded already: it is due at any price."""


class StopOrders:
    """The waiting stop orders of one market. Stops due at once are triggered in the order of arrival."""

    __slots__ = ("_arrivals", "_buys", "_ranks", "_sells", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Place] = {}
        """By order id, in the order of arrival."""
        self._arrivals = 0
        self._ranks: dict[int, _Rank] = {}
        """The place of each order in ``_buys`` or ``_sells``, by order id."""
        self._buys: list[_Rank] = []
        self._sells: list[_Rank] = []

    def add(self, place: Place, stop_ticks: int) -> None:
        """Add the order: a buy is due at ``stop_ticks`` or above, a sell at it or below."""
        self._arrivals += 1
        key = stop_ticks if place.side == "buy" else -stop_ticks
        rank = self._ranks[place.order_id] = key, self._arrivals, place.order_id
        self.waiting[place.order_id] = place
        insort(self._ranks_of(place), rank)

    def remove(self, order_id: int) -> Place | None:
        """Remove and return the order; None if it does not wait here."""
        place = self.waiting.pop(order_id, None)
        if place is not None:
            ranks, rank = self._ranks_of(place), self._ranks.pop(order_id)
            del ranks[bisect_left(ranks, rank)]
        return place

    def amend(self, order_id: int, price_ticks: int | None, lots: int) -> None:
        """Change limit and quantity of a waiting order. It keeps its place."""
        self.waiting[order_id] = replace(self.waiting[order_id], price_ticks=price_ticks, lots=lots)

    def mark_reached(self, price_ticks: int) -> None:
        """Mark the stops that a trade at this price reaches. The next ``pop_due`` returns them.

        For trades at which no stop may be triggered yet, such as those of a market that is stale.
        """
        for ranks, key in ((self._buys, price_ticks), (self._sells, -price_ticks)):
            for _, arrival, order_id in _pop_up_to(ranks, key):
                rank = self._ranks[order_id] = REACHED, arrival, order_id
                insort(ranks, rank)

    def pop_due(self, lowest_ticks: int, highest_ticks: int) -> list[Place]:
        """Remove and return the stops that trades between these two prices (both included) trigger."""
        ranks = [*_pop_up_to(self._buys, highest_ticks), *_pop_up_to(self._sells, -lowest_ticks)]
        ranks.sort(key=lambda rank: rank[1])
        for rank in ranks:
            del self._ranks[rank[2]]
        return [self.waiting.pop(rank[2]) for rank in ranks]

    def __iter__(self) -> Iterator[Place]:
        return iter(self.waiting.values())

    def _ranks_of(self, place: Place) -> list[_Rank]:
        return self._buys if place.side == "buy" else self._sells


def _pop_up_to(ranks: list[_Rank], key: int) -> list[_Rank]:
    """Remove and return all ranks up to the key."""
    end = bisect_right(ranks, (key, LAST_ARRIVAL, 0))
    pop_due = ranks[:end]
    del ranks[:end]
    return pop_due

"""The levels of one book that subscribers were sent, and what changed since."""

from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side

Level = tuple[int, int, int]  # price in ticks, lots, number of orders
Levels = dict[Side, list[Level]]


class SentLevels:
    """All subscribers of a depth have the same. `counts_orders`: a level changes with its orders too."""

    def __init__(
        self, core: MatchingCore, market: Market, depth: int, *, counts_orders: bool = False
    ) -> None:
        self.market = market
        self._core = core
        self._depth = depth
        self._counts_orders = counts_orders
        self._levels = {side: self._now(side) for side in Side}

    def snapshot(self, depth: int | None = None) -> Levels:
        return {side: list(self._levels[side].values())[:depth] for side in Side}

    def take_changes(self) -> Levels | None:
        """The levels that differ from those that were sent, or None if none do. No lots: it is deleted."""
        changes: Levels = {}
        for side in Side:
            before, after = self._levels[side], self._now(side)
            changed = [level for price, level in after.items() if before.get(price) != level]
            # Levels that are pushed out of the depth are deleted too.
            changes[side] = changed + [(price, 0, 0) for price in before if price not in after]
            self._levels[side] = after
        return changes if any(changes.values()) else None

    def _now(self, side: Side) -> dict[int, Level]:
        symbol = self.market.symbol
        counts = self._core.level_orders(symbol, side) if self._counts_orders else {}
        levels = self._core.levels(symbol, side)[: self._depth]
        return {price: (price, lots, counts.get(price, 0)) for price, lots in levels}

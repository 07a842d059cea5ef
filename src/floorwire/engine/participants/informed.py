"""Informed traders: they trade when the price is away from the fair value."""

from __future__ import annotations

from math import ceil, floor

from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.market_access import MarketAccess

MAX_TRADE_SIZES = 120  # one order takes at most so many usual trade sizes


class InformedTrader:
    """Compares the best prices with the fair value, and trades where they differ by the edge or more."""

    def __init__(self, market_access: MarketAccess, fair_values: FairValues) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._rng = market_access.rng
        self._fair_values = fair_values
        self._owner = market_access.sim_ids.next_owner()
        self._max_lots = market_access.sizes.usual_lots * MAX_TRADE_SIZES

    def act(self, now_us: int) -> int:
        """Buy below the fair value or sell above it, where the difference is at least the edge."""
        market_access, profile = self._market_access, self._market_access.profile
        fair_ticks = market_access.fair_ticks(self._fair_values)
        bid, ask = market_access.best_prices()
        if ask <= fair_ticks - profile.edge:
            limit_ticks = floor(fair_ticks - profile.edge)
            market_access.take_liquidity(self._owner, "buy", self._max_lots, limit_ticks, now_us)
        elif bid >= fair_ticks + profile.edge:
            limit_ticks = ceil(fair_ticks + profile.edge)
            market_access.take_liquidity(self._owner, "sell", self._max_lots, limit_ticks, now_us)
        return now_us + int(self._rng.expovariate(2.0 / profile.look_s) * 1_000_000)

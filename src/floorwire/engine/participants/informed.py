"""The informed: they trade when the price is off what they think the value is."""

from __future__ import annotations

from math import ceil, floor

from floorwire.engine.participants.fair_value import FairValues
from floorwire.engine.participants.market_access import MarketAccess

MOST = 120  # median trade sizes that one order takes at most


class Informed:
    """Compares the best prices with the value, and takes everything that is worth it."""

    def __init__(self, market_access: MarketAccess, fair_values: FairValues) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._rng = market_access.rng
        self._fair_values = fair_values
        self._owner = market_access.numbers.owner()
        self._lots = market_access.sizes.usual_lots * MOST

    def act(self, now_us: int) -> int:
        """Take where the price is off by more than the edge."""
        market_access, profile = self._market_access, self._market_access.profile
        value = market_access.value(self._fair_values)
        bid, ask = market_access.touch()
        if ask <= value - profile.edge:
            market_access.take(self._owner, "buy", self._lots, floor(value - profile.edge), now_us)
        elif bid >= value + profile.edge:
            market_access.take(self._owner, "sell", self._lots, ceil(value + profile.edge), now_us)
        return now_us + int(self._rng.expovariate(2.0 / profile.look_s) * 1_000_000)

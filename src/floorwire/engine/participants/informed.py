"""The informed: they trade when the price is off what they think the value is."""

from __future__ import annotations

from math import ceil, floor

from floorwire.engine.participants.opinion import Opinion
from floorwire.engine.participants.pit import Pit

MOST = 120  # median trade sizes that one order takes at most


class Informed:
    """Compares the best prices with the value, and takes everything that is worth it."""

    def __init__(self, pit: Pit, opinion: Opinion) -> None:
        self.due_us = 0
        self._pit = pit
        self._rng = pit.rng
        self._opinion = opinion
        self._owner = pit.numbers.owner()
        self._lots = pit.sizes.usual_lots * MOST

    def act(self, now_us: int) -> int:
        """Take where the price is off by more than the edge."""
        pit, profile = self._pit, self._pit.profile
        value = pit.value(self._opinion)
        bid, ask = pit.touch()
        if ask <= value - profile.edge:
            pit.take(self._owner, "buy", self._lots, floor(value - profile.edge), now_us)
        elif bid >= value + profile.edge:
            pit.take(self._owner, "sell", self._lots, ceil(value + profile.edge), now_us)
        return now_us + int(self._rng.expovariate(2.0 / profile.look_s) * 1_000_000)

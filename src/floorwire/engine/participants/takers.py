"""Takers: they want to have it now; the larger of them in many small pieces."""

from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.core.orders import TimeInForce
from floorwire.engine.participants.market_access import MarketAccess

PROGRAMS = 0.6  # how often a taker is the next piece of the large order that is being worked
LONGEST = 200
TAIL = 1.5  # exponent of the number of pieces; 1.5 gives sides the long memory that real ones have
SPREAD, ROUND_SIZES = 1.3, 0.3
AT_MARKET, FILL_OR_KILL = 0.12, 0.03


class Takers:
    """All who take in one market, one at a time."""

    def __init__(self, market_access: MarketAccess) -> None:
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.numbers.owner()
        self._side: Side = "buy"
        self._pieces = 0

    def come(self, now_us: int) -> None:
        """Take, on the side of the order that is being worked or on any."""
        side = self._work() if self._rng.random() < PROGRAMS else self._any()
        lots = self._market_access.sizes.draw(1.0, SPREAD, ROUND_SIZES)
        manner = self._rng.random()
        if manner < AT_MARKET:
            self._market_access.take(self._owner, side, lots, None, now_us)
            return
        bid, ask = self._market_access.touch()
        slip = int(self._rng.expovariate(1.0))
        price_ticks = ask + slip if side == "buy" else bid - slip
        time_in_force: TimeInForce = "fok" if manner > 1 - FILL_OR_KILL else "ioc"
        self._market_access.take(self._owner, side, lots, price_ticks, now_us, time_in_force)

    def _work(self) -> Side:
        if not self._pieces:
            self._side = self._any()
            self._pieces = int(min(LONGEST, (1.0 - self._rng.random()) ** (-1 / TAIL)))
        self._pieces -= 1
        return self._side

    def _any(self) -> Side:
        return "buy" if self._rng.random() < 0.5 else "sell"

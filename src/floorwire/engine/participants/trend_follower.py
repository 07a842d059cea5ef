"""Trend followers: they buy what has risen, sell what has fallen, and let go when it turns."""

from __future__ import annotations

from math import exp

from floorwire.engine.participants.market_access import MarketAccess

SLOW = 120.0  # looks over which the slow average forgets
ENTERS = 1.6  # mean absolute deviations off the slow average
LEAVES = 0.3
PIECES = 10  # orders to build up a position


class TrendFollower:
    """Holds up to so many pieces in the direction of the trend."""

    def __init__(self, market_access: MarketAccess) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.numbers.owner()
        self._average = float(market_access.opening_ticks)
        self._usual = float(market_access.profile.edge * 4)
        self._pieces = 0

    def act(self, now_us: int) -> int:
        """Compare the price with its average; build up or let go one piece."""
        away = self._market_access.last_ticks - self._average
        weight = 1.0 - exp(-1.0 / SLOW)
        self._average += weight * away
        self._usual += weight * (abs(away) - self._usual)
        signal = away / self._usual if self._usual else 0.0
        wanted = self._wanted(signal)
        if wanted != self._pieces:
            self._trade(1 if wanted > self._pieces else -1, now_us)
        return now_us + int(self._rng.expovariate(0.5 / self._market_access.profile.look_s) * 1_000_000)

    def _wanted(self, signal: float) -> int:
        if abs(signal) > ENTERS:
            return PIECES if signal > 0 else -PIECES
        if self._pieces * signal > LEAVES * abs(self._pieces):
            return self._pieces
        return 0

    def _trade(self, direction: int, now_us: int) -> None:
        market_access = self._market_access
        bid, ask = market_access.touch()
        lots = market_access.sizes.draw(2.0, 0.6, 0.3)
        if direction > 0:
            market_access.take(self._owner, "buy", lots, ask + 1, now_us)
        else:
            market_access.take(self._owner, "sell", lots, bid - 1, now_us)
        self._pieces += direction

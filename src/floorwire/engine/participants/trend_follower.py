"""Trend followers: they buy what has risen, sell what has fallen, and close the position when it turns."""

from __future__ import annotations

from math import exp

from floorwire.engine.participants.market_access import MarketAccess

AVERAGE_TURNS = 120.0  # the time constant of the moving averages, in turns
ENTRY_SIGNAL = 1.6  # mean absolute deviations from the average at which a position is built up
EXIT_SIGNAL = 0.3  # below this the position is closed
PIECES = 10  # orders that make a whole position


class TrendFollower:
    """Holds up to ``PIECES`` pieces in the direction of the trend."""

    def __init__(self, market_access: MarketAccess) -> None:
        self.due_us = 0
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.sim_ids.next_owner()
        self._average = float(market_access.last_ticks)
        self._deviation = float(market_access.profile.edge * 4)
        self._pieces = 0
        """Negative for a short position."""

    def act(self, now_us: int) -> int:
        """Compare the price with its average; trade one piece where the position should change."""
        distance = self._market_access.last_ticks - self._average
        weight = 1.0 - exp(-1.0 / AVERAGE_TURNS)
        self._average += weight * distance
        self._deviation += weight * (abs(distance) - self._deviation)
        signal = distance / self._deviation if self._deviation else 0.0
        wanted = self._wanted(signal)
        if wanted != self._pieces:
            self._trade(1 if wanted > self._pieces else -1, now_us)
        return now_us + int(self._rng.expovariate(0.5 / self._market_access.profile.look_s) * 1_000_000)

    def _wanted(self, signal: float) -> int:
        if abs(signal) > ENTRY_SIGNAL:
            return PIECES if signal > 0 else -PIECES
        if self._pieces * signal > EXIT_SIGNAL * abs(self._pieces):
            return self._pieces
        return 0

    def _trade(self, direction: int, now_us: int) -> None:
        market_access = self._market_access
        bid, ask = market_access.best_prices()
        lots = market_access.sizes.draw(2.0, 0.6, 0.3)
        if direction > 0:
            market_access.take_liquidity(self._owner, "buy", lots, ask + 1, now_us)
        else:
            market_access.take_liquidity(self._owner, "sell", lots, bid - 1, now_us)
        self._pieces += direction

"""Takers: they trade at once. A large order is split into many small pieces."""

from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.core.orders import TimeInForce
from floorwire.engine.participants.market_access import MarketAccess

SPLIT_SHARE = 0.6  # share of the orders that are the next piece of a large order
MAX_PIECES = 200
TAIL = 1.5  # exponent of the number of pieces; 1.5 gives sides the long memory that they have in real markets
SPREAD, ROUND_SIZES = 1.3, 0.3  # sizes: standard deviation of their logarithm, share of round ones
MARKET_SHARE, FILL_OR_KILL_SHARE = 0.12, 0.03


class Takers:
    """All takers of one market; one trades at a time."""

    def __init__(self, market_access: MarketAccess) -> None:
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.sim_ids.next_owner()
        self._side: Side = "buy"
        """The side of the large order that is being split."""
        self._pieces_left = 0

    def arrive(self, now_us: int) -> None:
        """Send one order that trades at once: a piece of the large order, or one on a random side."""
        side = self._next_piece_side() if self._rng.random() < SPLIT_SHARE else self._random_side()
        lots = self._market_access.sizes.draw(1.0, SPREAD, ROUND_SIZES)
        draw = self._rng.random()
        if draw < MARKET_SHARE:
            self._market_access.take_liquidity(self._owner, side, lots, None, now_us)
            return
        bid, ask = self._market_access.best_prices()
        slip = int(self._rng.expovariate(1.0))
        price_ticks = ask + slip if side == "buy" else bid - slip
        time_in_force: TimeInForce = "fok" if draw > 1 - FILL_OR_KILL_SHARE else "ioc"
        self._market_access.take_liquidity(self._owner, side, lots, price_ticks, now_us, time_in_force)

    def _next_piece_side(self) -> Side:
        if not self._pieces_left:
            self._side = self._random_side()
            self._pieces_left = int(min(MAX_PIECES, (1.0 - self._rng.random()) ** (-1 / TAIL)))
        self._pieces_left -= 1
        return self._side

    def _random_side(self) -> Side:
        return "buy" if self._rng.random() < 0.5 else "sell"

"""The crowd: patient orders at all distances, some of them taken back."""

from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.engine.participants.market_access import MarketAccess

TAIL = 1.25  # exponent of the distances: real books' are between 0.8 and 1.5
FARTHEST = 0.2  # of the price; who would wait for more stays away
ROUND_PRICES = 0.2  # how often a price is a round number
SPREAD, ROUND_SIZES = 1.1, 0.5


class LimitOrderCrowd:
    """Leaves and takes back one order at a time, near the market more often than far from it."""

    def __init__(self, market_access: MarketAccess) -> None:
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.numbers.owner()
        self._orders: dict[Side, list[int]] = {"buy": [], "sell": []}

    def open(self, now_us: int) -> None:
        """Leave as many orders as the crowd keeps."""
        for _ in range(self._market_access.profile.crowd):
            self._leave("buy", now_us)
            self._leave("sell", now_us)

    def come(self, now_us: int) -> None:
        """Leave an order or take one back, whichever brings the crowd nearer to its number."""
        side: Side = "buy" if self._rng.random() < 0.5 else "sell"
        count = len(self._orders[side])
        wanted = self._market_access.profile.crowd
        if self._rng.random() * (count + wanted) < wanted:
            self._leave(side, now_us)
        else:
            self._take_back(side, now_us)

    def _leave(self, side: Side, now_us: int) -> None:
        market_access, rng = self._market_access, self._rng
        bid, ask = market_access.touch()
        if ask - bid > 1 and rng.random() < market_access.profile.eager:
            distance = -1 - int(rng.random() * min(ask - bid - 1, 3))
        else:
            distance = int(self._market_access.profile.reach * ((1.0 - rng.random()) ** (-1 / TAIL) - 1.0))
        price_ticks = bid - distance if side == "buy" else ask + distance
        if rng.random() < ROUND_PRICES and distance > 10:
            price_ticks = _round_price(price_ticks, distance)
        if abs(price_ticks - market_access.last_ticks) > FARTHEST * market_access.last_ticks:
            return
        lots = market_access.sizes.draw(1.5 * (1 + max(0, distance) / 50) ** 0.3, SPREAD, ROUND_SIZES)
        order_id = market_access.rest(self._owner, side, lots, price_ticks, now_us)
        if order_id:
            self._orders[side].append(order_id)

    def _take_back(self, side: Side, now_us: int) -> None:
        """Take back the nearer of two orders; one in five times any, so that none waits for ever."""
        orders = self._orders[side]
        if not orders:
            return
        spot = self._pick(orders)
        if self._rng.random() > 0.2:
            spot = self._nearer(orders, spot, self._pick(orders))
        orders[spot], orders[-1] = orders[-1], orders[spot]
        order_id = orders.pop()
        if order_id in self._market_access.market.orders:
            self._market_access.pull(order_id, now_us)

    def _pick(self, orders: list[int]) -> int:
        return int(self._rng.random() * len(orders))

    def _nearer(self, orders: list[int], one: int, other: int) -> int:
        """Return the spot of an order that is no more, else of the one nearer to the market."""
        first = self._market_access.market.orders.get(orders[one])
        second = self._market_access.market.orders.get(orders[other])
        if first is None or second is None:
            return one if first is None else other
        last_ticks = self._market_access.last_ticks
        nearer = abs(first.price_ticks - last_ticks) <= abs(second.price_ticks - last_ticks)
        return one if nearer else other


def _round_price(price_ticks: int, distance: int) -> int:
    """Return a round price not far off, for the distance that it has."""
    step = 100 if distance > 200 else 10 if distance > 30 else 5
    return price_ticks - price_ticks % step

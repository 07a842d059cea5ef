"""The limit order crowd: patient orders at all distances from the market, some of them cancelled again."""

from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.engine.participants.market_access import MarketAccess

TAIL = 1.25  # exponent of the distances; those of real books are between 0.8 and 1.5
MAX_DISTANCE = 0.2  # as a share of the last price; no order is placed further away
ROUND_PRICES = 0.2  # share of the prices that are round numbers
SPREAD, ROUND_SIZES = 1.1, 0.5  # sizes: standard deviation of their logarithm, share of round ones
ANY = 0.2  # share of the cancels that take any order; the others take the nearer of two


class LimitOrderCrowd:
    """Places or cancels one order at a time, more often near the market than far from it."""

    def __init__(self, market_access: MarketAccess) -> None:
        self._market_access = market_access
        self._rng = market_access.rng
        self._owner = market_access.sim_ids.next_owner()
        self._orders: dict[Side, list[int]] = {"buy": [], "sell": []}
        """Order ids by side, in no order. Filled orders stay in the lists until they are picked."""

    def fill_book(self, now_us: int) -> None:
        """Place as many orders on each side as the crowd keeps, as far away as they are after hours.

        Near orders are cancelled more often, so those that rest are further away than those that are placed:
        otherwise the book would grow wider, and larger, for hours. Where a share u of the resting orders is
        further away than a distance, as many are cancelled there as placed: ANY u + (1 - ANY) u^2.
        """
        for _ in range(self._market_access.profile.crowd):
            for side in ("buy", "sell"):
                share = 1.0 - self._rng.random()
                self._place(side, self._distance(ANY * share + (1.0 - ANY) * share * share), now_us)

    def arrive(self, now_us: int) -> None:
        """Place or cancel an order, mostly what brings their number nearer to the profile's."""
        side: Side = "buy" if self._rng.random() < 0.5 else "sell"
        count = len(self._orders[side])
        wanted = self._market_access.profile.crowd
        if self._rng.random() * (count + wanted) < wanted:
            self._arrive(side, now_us)
        else:
            self._cancel_one(side, now_us)

    def _arrive(self, side: Side, now_us: int) -> None:
        market_access, rng = self._market_access, self._rng
        bid, ask = market_access.best_prices()
        if ask - bid > 1 and rng.random() < market_access.profile.eager:
            distance = -1 - int(rng.random() * min(ask - bid - 1, 3))
        else:
            distance = self._distance(1.0 - rng.random())
        self._place(side, distance, now_us)

    def _distance(self, share: float) -> int:
        """Return the distance in ticks that this share of the placed orders exceeds."""
        return int(self._market_access.profile.reach * (share ** (-1 / TAIL) - 1.0))

    def _place(self, side: Side, distance: int, now_us: int) -> None:
        market_access, rng = self._market_access, self._rng
        bid, ask = market_access.best_prices()
        price_ticks = bid - distance if side == "buy" else ask + distance
        if rng.random() < ROUND_PRICES and distance > 10:
            price_ticks = _round_price(price_ticks, distance)
        if abs(price_ticks - market_access.last_ticks) > MAX_DISTANCE * market_access.last_ticks:
            return
        lots = market_access.sizes.draw(1.5 * (1 + max(0, distance) / 50) ** 0.3, SPREAD, ROUND_SIZES)
        order_id = market_access.place_post_only(self._owner, side, lots, price_ticks, now_us)
        if order_id:
            self._orders[side].append(order_id)

    def _cancel_one(self, side: Side, now_us: int) -> None:
        """Cancel the nearer of two orders, and sometimes any order, so that none rests for ever."""
        orders = self._orders[side]
        if not orders:
            return
        index = self._random_index(orders)
        if self._rng.random() > ANY:
            index = self._nearer_index(orders, index, self._random_index(orders))
        orders[index], orders[-1] = orders[-1], orders[index]
        order_id = orders.pop()
        if order_id in self._market_access.market.orders:
            self._market_access.cancel(order_id, now_us)

    def _random_index(self, orders: list[int]) -> int:
        return int(self._rng.random() * len(orders))

    def _nearer_index(self, orders: list[int], one: int, other: int) -> int:
        """Return which index has an order that no longer rests, or else the one nearer to the market."""
        first = self._market_access.market.orders.get(orders[one])
        second = self._market_access.market.orders.get(orders[other])
        if first is None or second is None:
            return one if first is None else other
        last_ticks = self._market_access.last_ticks
        is_first_nearer = abs(first.price_ticks - last_ticks) <= abs(second.price_ticks - last_ticks)
        return one if is_first_nearer else other


def _round_price(price_ticks: int, distance: int) -> int:
    """Return a round price just below; the further from the market, the rounder."""
    step = 100 if distance > 200 else 10 if distance > 30 else 5
    return price_ticks - price_ticks % step

from __future__ import annotations

import msgspec

from floorwire.engine.participants.limit_order_crowd import MAX_DISTANCE, LimitOrderCrowd, _round_price
from tests.engine.participants.sim_market import PROFILE, SimMarket

CROWD = -1


class CrowdMarket(SimMarket):
    """A market with a limit order crowd."""

    def __init__(self, **changes: float) -> None:
        super().__init__(msgspec.structs.replace(PROFILE, **changes))
        self.crowd = LimitOrderCrowd(self.market_access)


def test_it_fills_the_book_except_for_orders_too_far_away() -> None:
    sim = CrowdMarket(reach=10.0)
    sim.crowd.fill_book(0)
    for orders in sim.orders_of(CROWD).values():
        assert 130 <= len(orders) <= 150


def test_its_orders_are_placed_more_often_near_than_far_and_never_too_far() -> None:
    sim = CrowdMarket(reach=200.0, eager=0.0)
    for side in ("buy", "sell"):
        for _ in range(150):
            sim.crowd._arrive(side, 0)
    distances = sorted(abs(order.price_ticks - 2000) for order in sim.market.orders.values())
    assert distances[-1] <= MAX_DISTANCE * 2000
    assert distances[len(distances) // 2] < 200
    assert distances[-1] > 300


def test_a_filled_book_is_as_wide_as_after_hours() -> None:
    """Half of the orders are this near: at first, and when each has been replaced many times."""
    sim = CrowdMarket(reach=20.0, eager=0.0)
    sim.crowd.fill_book(0)
    halves = []
    for _ in range(20):
        distances = sorted(abs(2000 - order.price_ticks) for order in sim.orders_of(CROWD)["buy"])
        halves.append(distances[len(distances) // 2])
        for n in range(1500):
            sim.crowd.arrive(n)
    later = halves[5:]
    assert min(later) <= halves[0] <= max(later), halves


def test_its_number_of_orders_returns_from_above_and_from_below() -> None:
    sim = CrowdMarket()
    for n in range(2500):
        sim.crowd.arrive(n)
    assert 100 < len(sim.orders_of(CROWD)["buy"]) < 170
    sim.buy(10**9, None)
    assert sim.orders_of(CROWD)["sell"] == []
    for n in range(2500):
        sim.crowd.arrive(n)
    assert 90 < len(sim.orders_of(CROWD)["sell"]) < 170


def test_an_eager_crowd_closes_the_spread_and_another_does_not() -> None:
    spreads = []
    for eager in (1.0, 0.0):
        sim = CrowdMarket(eager=eager)
        sim.buy(1, 1900)
        sim.sell(1, 2100)
        for n in range(500):
            sim.crowd.arrive(n)
        bid, ask = sim.market_access.best_prices()
        spreads.append(ask - bid)
    assert spreads == [1, 200]


def test_near_orders_are_cancelled_sooner() -> None:
    sim = CrowdMarket(reach=100.0)
    sim.crowd.fill_book(0)
    before = {order.order_id: order.price_ticks for order in sim.orders_of(CROWD)["buy"]}
    while len(sim.orders_of(CROWD)["buy"]) > len(before) / 2:
        sim.crowd._cancel_one("buy", 0)
    left = [order.price_ticks for order in sim.orders_of(CROWD)["buy"]]
    assert sum(left) / len(left) < sum(before.values()) / len(before)


def test_filled_orders_are_dropped_without_a_cancel() -> None:
    sim = CrowdMarket()
    sim.crowd.fill_book(0)
    sim.buy(10**9, None)
    sent = len(sim.exchange.sent)
    while sim.crowd._orders["sell"]:
        sim.crowd._cancel_one("sell", 0)
    assert len(sim.exchange.sent) == sent
    sim.crowd._cancel_one("sell", 0)
    assert len(sim.exchange.sent) == sent


def test_a_filled_order_is_dropped_before_a_resting_one() -> None:
    sim = CrowdMarket()
    sim.crowd.fill_book(0)
    orders = sim.crowd._orders["buy"]
    filled = orders[0]
    sim.market_access.cancel(filled, 0)
    assert sim.crowd._nearer_index(orders, 0, 1) == 0
    assert sim.crowd._nearer_index(orders, 1, 0) == 0


def test_orders_that_the_exchange_refuses_are_not_kept() -> None:
    sim = CrowdMarket()
    sim.exchange.halted = True
    sim.crowd.fill_book(0)
    assert sim.crowd._orders == {"buy": [], "sell": []}


def test_prices_further_away_are_rounder() -> None:
    assert [_round_price(1987, distance) for distance in (15, 40, 300)] == [1985, 1980, 1900]

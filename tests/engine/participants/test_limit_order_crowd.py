from __future__ import annotations

import msgspec

from floorwire.engine.participants.limit_order_crowd import FARTHEST, LimitOrderCrowd, _round_price
from tests.engine.participants.stand import PROFILE, Stand

CROWD = -1


class CrowdStand(Stand):
    """A pit with a crowd."""

    def __init__(self, **changes: float) -> None:
        super().__init__(msgspec.structs.replace(PROFILE, **changes))
        self.crowd = LimitOrderCrowd(self.market_access)


def test_it_opens_with_as_many_orders_as_it_keeps_but_those_too_far() -> None:
    stand = CrowdStand()
    stand.crowd.open(0)
    for orders in stand.side_of(CROWD).values():
        assert 140 <= len(orders) <= 150


def test_its_orders_are_near_more_often_than_far_and_never_too_far() -> None:
    stand = CrowdStand(reach=200.0)
    stand.crowd.open(0)
    distances = sorted(abs(order.price_ticks - 2000) for order in stand.market.orders.values())
    assert distances[-1] <= FARTHEST * 2000
    assert distances[len(distances) // 2] < 200
    assert distances[-1] > 300


def test_it_comes_back_to_its_number_from_above_and_from_below() -> None:
    stand = CrowdStand()
    for n in range(2500):
        stand.crowd.come(n)
    assert 100 < len(stand.side_of(CROWD)["buy"]) < 170
    stand.buy(10**9, None)
    assert stand.side_of(CROWD)["sell"] == []
    for n in range(2500):
        stand.crowd.come(n)
    assert 90 < len(stand.side_of(CROWD)["sell"]) < 170


def test_an_eager_crowd_closes_the_spread_and_another_does_not() -> None:
    spreads = []
    for eager in (1.0, 0.0):
        stand = CrowdStand(eager=eager)
        stand.buy(1, 1900)
        stand.sell(1, 2100)
        stand.crowd.open(0)
        bid, ask = stand.market_access.touch()
        spreads.append(ask - bid)
    assert spreads == [1, 200]


def test_what_is_near_is_taken_back_sooner() -> None:
    stand = CrowdStand(reach=100.0)
    stand.crowd.open(0)
    before = {order.order_id: order.price_ticks for order in stand.side_of(CROWD)["buy"]}
    while len(stand.side_of(CROWD)["buy"]) > len(before) / 2:
        stand.crowd._take_back("buy", 0)
    left = [order.price_ticks for order in stand.side_of(CROWD)["buy"]]
    assert sum(left) / len(left) < sum(before.values()) / len(before)


def test_orders_that_were_filled_are_forgotten_first() -> None:
    stand = CrowdStand()
    stand.crowd.open(0)
    stand.buy(10**9, None)
    sent = len(stand.exchange.sent)
    while stand.crowd._orders["sell"]:
        stand.crowd._take_back("sell", 0)
    assert len(stand.exchange.sent) == sent
    stand.crowd._take_back("sell", 0)
    assert len(stand.exchange.sent) == sent


def test_one_that_was_filled_is_forgotten_before_one_that_rests() -> None:
    stand = CrowdStand()
    stand.crowd.open(0)
    orders = stand.crowd._orders["buy"]
    filled = orders[0]
    stand.market_access.pull(filled, 0)
    assert stand.crowd._nearer(orders, 0, 1) == 0
    assert stand.crowd._nearer(orders, 1, 0) == 0


def test_what_the_exchange_refuses_is_not_counted() -> None:
    stand = CrowdStand()
    stand.exchange.halted = True
    stand.crowd.open(0)
    assert stand.crowd._orders == {"buy": [], "sell": []}


def test_round_prices_are_rounder_far_off() -> None:
    assert [_round_price(1987, distance) for distance in (15, 40, 300)] == [1985, 1980, 1900]

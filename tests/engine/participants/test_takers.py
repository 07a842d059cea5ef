from __future__ import annotations

from itertools import pairwise

from floorwire.core.order_commands import Place
from floorwire.engine.participants.takers import Takers
from tests.engine.participants.sim_market import SimMarket


def orders(count: int) -> list[Place]:
    """Return the orders of ``count`` takers in a deep market."""
    sim = SimMarket()
    sim.buy(10**9, 1999)
    sim.sell(10**9, 2001)
    takers = Takers(sim.market_access)
    sim.exchange.sent.clear()
    for n in range(count):
        takers.arrive(n)
    return [command for command in sim.exchange.sent if isinstance(command, Place)]


def test_takers_send_market_orders_or_limits_near_the_best_price() -> None:
    placed = orders(2000)
    limits = [order for order in placed if order.price_ticks is not None]
    assert 0.08 < 1 - len(limits) / len(placed) < 0.16
    assert {order.time_in_force for order in limits} == {"ioc", "fok"}
    for order in limits:
        assert order.price_ticks is not None
        assert order.price_ticks >= 2001 if order.side == "buy" else order.price_ticks <= 1999


def test_sides_come_in_runs_and_balance() -> None:
    sides = [1 if order.side == "buy" else -1 for order in orders(6000)]
    assert abs(sum(sides)) < 0.2 * len(sides)
    runs = sum(one * other for one, other in pairwise(sides)) / len(sides)
    assert runs > 0.08


def test_sizes_are_widely_spread() -> None:
    sizes = sorted(order.lots for order in orders(2000))
    assert 50 < sizes[1000] < 150
    assert sizes[-20] > 8 * sizes[1000]

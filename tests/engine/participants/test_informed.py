from __future__ import annotations

import pytest

from floorwire.engine.participants.informed import InformedTrader
from tests.engine.participants.sim_market import SimMarket


@pytest.fixture
def sim() -> SimMarket:
    sim = SimMarket()
    for away in range(1, 60):
        sim.buy(10, 2000 - away)
        sim.sell(10, 2000 + away)
    return sim


def test_it_buys_below_the_fair_value_up_to_its_edge(sim: SimMarket) -> None:
    sim.set_fair_value(1.01)
    InformedTrader(sim.market_access, sim.fair_values).act(0)
    assert sim.market_access.best_prices() == (1999, 2019)  # worth 2020, and the edge is 2


def test_it_sells_above_the_fair_value_down_to_its_edge(sim: SimMarket) -> None:
    sim.set_fair_value(0.99)
    InformedTrader(sim.market_access, sim.fair_values).act(0)
    assert sim.market_access.best_prices() == (1981, 2001)


@pytest.mark.parametrize("ratio", [1.0, 1.0014, 0.9986])
def test_within_its_edge_it_does_not_trade(sim: SimMarket, ratio: float) -> None:
    sim.set_fair_value(ratio)
    sim.exchange.sent.clear()
    assert InformedTrader(sim.market_access, sim.fair_values).act(5) > 5
    assert sim.exchange.sent == []


def test_one_order_has_a_maximum_size(sim: SimMarket) -> None:
    sim.sell(10**6, 2002)
    sim.set_fair_value(1.5)
    InformedTrader(sim.market_access, sim.fair_values).act(0)
    assert sim.market_access.best_prices()[1] == 2002

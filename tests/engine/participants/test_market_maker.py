from __future__ import annotations

import pytest

from floorwire.core.instrument import Side
from floorwire.core.order_commands import Cancel
from floorwire.engine.participants.market_maker import LAYERS, MarketMaker
from tests.engine.participants.sim_market import SimMarket

MAKER = -1


class MakerMarket(SimMarket):
    """A market with one maker that has quoted."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = MarketMaker(self.market_access, self.fair_values, 0)
        self.scheduler.schedule(self.maker, self.maker.act(0))

    def prices(self, side: Side) -> list[int]:
        return [order.price_ticks for order in self.orders_of(MAKER)[side]]


@pytest.fixture
def sim() -> MakerMarket:
    return MakerMarket()


def test_it_quotes_both_sides_of_its_fair_price(sim: MakerMarket) -> None:
    bids, asks = sim.prices("buy"), sim.prices("sell")
    assert len(bids) == len(asks) == LAYERS
    assert bids[0] == 1999
    assert asks[0] == 2001
    assert [2000 - price for price in bids] == [price - 2000 for price in asks]


def test_its_layers_are_larger_further_away(sim: MakerMarket) -> None:
    sizes = [order.lots for order in sim.orders_of(MAKER)["buy"]]
    assert sizes[-1] > 2 * sizes[0]


def test_a_filled_quote_is_replaced(sim: MakerMarket) -> None:
    best = sim.orders_of(MAKER)["sell"][0]
    sim.buy(best.open_lots, 2001)
    assert len(sim.prices("sell")) == LAYERS - 1
    sim.maker.act(1)
    assert len(sim.prices("sell")) == LAYERS


def test_a_nearly_filled_quote_is_replaced_and_a_half_filled_one_is_not(sim: MakerMarket) -> None:
    bid, ask = (sim.orders_of(MAKER)[side][0] for side in ("buy", "sell"))
    sim.buy(ask.open_lots - 1, 2001)
    sim.sell(bid.open_lots // 2, 1999)
    sim.maker.act(1)
    assert Cancel("BTC-USDT", ask.order_id) in sim.exchange.sent
    assert Cancel("BTC-USDT", bid.order_id) not in sim.exchange.sent
    assert len(sim.prices("sell")) == len(sim.prices("buy")) == LAYERS


def test_it_shifts_its_quotes_against_its_inventory(sim: MakerMarket) -> None:
    sim.maker._inventory_lots = 3.0 * sim.maker._full_lots
    sim.maker.act(1)
    assert sim.prices("buy")[0] < 1999
    assert sim.prices("sell")[0] <= 2000


def test_fills_change_its_inventory(sim: MakerMarket) -> None:
    sim.buy(7, None)
    sim.sell(5, None)
    assert sim.maker._inventory_lots == -2


def test_it_follows_trades_up_and_acts_sooner(sim: MakerMarket) -> None:
    planned_us = sim.maker.due_us
    sim.buy(10**6, 2010)
    assert sim.maker.due_us < planned_us
    before = sim.prices("buy")[0]
    sim.maker.act(sim.maker.due_us)
    assert sim.prices("buy")[0] > before


def test_a_trade_at_its_fair_price_does_not_make_it_act_sooner(sim: MakerMarket) -> None:
    planned_us = sim.maker.due_us
    sim.maker.on_trade(2000, 0)
    assert sim.maker.due_us == planned_us


def test_surprising_trades_widen_its_quotes(sim: MakerMarket) -> None:
    for _ in range(20):
        sim.maker.on_trade(2040, 0)
        sim.maker.on_trade(1960, 0)
    sim.maker._fair_ticks = 2000.0
    sim.maker.act(1)
    assert sim.prices("buy")[0] < 1995
    assert sim.prices("sell")[0] > 2005


def test_it_follows_the_fair_value_with_both_sides_without_crossing_itself(sim: MakerMarket) -> None:
    for ratio in (1.05, 0.95):
        sim.set_fair_value(ratio)
        for n in range(20):
            sim.maker.act(n)
        middle = (sim.prices("buy")[0] + sim.prices("sell")[0]) / 2
        assert middle == pytest.approx(2000 * ratio, abs=15)
        assert len(sim.prices("buy")) == len(sim.prices("sell")) == LAYERS


@pytest.mark.parametrize("ratio", [1.05, 0.95])
def test_the_side_that_moves_away_goes_first(sim: MakerMarket, ratio: float) -> None:
    sim.set_fair_value(ratio)
    sim.maker.act(1)
    assert sim.prices("sell")[0] - sim.prices("buy")[0] <= 3


def test_its_quotes_do_not_cross_orders_of_others(sim: MakerMarket) -> None:
    sim.sell(1, 2000)
    sim.set_fair_value(1.02)
    for n in range(10):
        sim.maker.act(n)
    assert sim.prices("buy")[0] == 1999
    assert sim.market.asks.best_size() == (2000, 1)


def test_in_a_halted_market_it_cancels_what_it_cannot_move_and_quotes_again_later(sim: MakerMarket) -> None:
    sim.exchange.halted = True
    sim.set_fair_value(1.05)
    for n in range(20):
        sim.maker.act(n)
    assert sim.prices("sell") == []
    sim.exchange.halted = False
    sim.maker.act(30)
    assert len(sim.prices("buy")) == len(sim.prices("sell")) == LAYERS

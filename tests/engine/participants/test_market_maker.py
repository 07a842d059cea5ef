from __future__ import annotations

import pytest

from floorwire.core.instrument import Side
from floorwire.core.order_commands import Cancel
from floorwire.engine.participants.market_maker import LAYERS, MarketMaker
from tests.engine.participants.stand import Stand

MAKER = -1


class MakerStand(Stand):
    """A pit with one maker who has quoted."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = MarketMaker(self.market_access, self.fair_values, 0)
        self.scheduler.enter(self.maker, self.maker.act(0))

    def prices(self, side: Side) -> list[int]:
        return [order.price_ticks for order in self.side_of(MAKER)[side]]


@pytest.fixture
def stand() -> MakerStand:
    return MakerStand()


def test_it_quotes_both_sides_of_what_it_thinks_fair(stand: MakerStand) -> None:
    bids, asks = stand.prices("buy"), stand.prices("sell")
    assert len(bids) == len(asks) == LAYERS
    assert bids[0] == 1999
    assert asks[0] == 2001
    assert [2000 - price for price in bids] == [price - 2000 for price in asks]


def test_it_quotes_more_further_off(stand: MakerStand) -> None:
    sizes = [order.lots for order in stand.side_of(MAKER)["buy"]]
    assert sizes[-1] > 2 * sizes[0]


def test_a_filled_quote_is_replaced(stand: MakerStand) -> None:
    best = stand.side_of(MAKER)["sell"][0]
    stand.buy(best.open_lots, 2001)
    assert len(stand.prices("sell")) == LAYERS - 1
    stand.maker.act(1)
    assert len(stand.prices("sell")) == LAYERS


def test_a_quote_that_is_nearly_used_up_is_replaced_and_another_is_not(stand: MakerStand) -> None:
    bid, ask = (stand.side_of(MAKER)[side][0] for side in ("buy", "sell"))
    stand.buy(ask.open_lots - 1, 2001)
    stand.sell(bid.open_lots // 2, 1999)
    stand.maker.act(1)
    assert Cancel("BTC-USDT", ask.order_id) in stand.exchange.sent
    assert Cancel("BTC-USDT", bid.order_id) not in stand.exchange.sent
    assert len(stand.prices("sell")) == len(stand.prices("buy")) == LAYERS


def test_it_leans_against_what_it_holds(stand: MakerStand) -> None:
    stand.maker._holds = 3.0 * stand.maker._full_lots
    stand.maker.act(1)
    assert stand.prices("buy")[0] < 1999
    assert stand.prices("sell")[0] <= 2000


def test_buys_and_sells_are_what_it_holds(stand: MakerStand) -> None:
    stand.buy(7, None)
    stand.sell(5, None)
    assert stand.maker._holds == -2


def test_it_follows_prints_up_and_is_there_sooner(stand: MakerStand) -> None:
    planned_us = stand.maker.due_us
    stand.buy(10**6, 2010)
    assert stand.maker.due_us < planned_us
    before = stand.prices("buy")[0]
    stand.maker.act(stand.maker.due_us)
    assert stand.prices("buy")[0] > before


def test_a_print_where_it_is_expected_hastens_nobody(stand: MakerStand) -> None:
    planned_us = stand.maker.due_us
    stand.maker.saw(2000, 0)
    assert stand.maker.due_us == planned_us


def test_surprising_prints_make_it_stand_further_off(stand: MakerStand) -> None:
    for _ in range(20):
        stand.maker.saw(2040, 0)
        stand.maker.saw(1960, 0)
    stand.maker._fair = 2000.0
    stand.maker.act(1)
    assert stand.prices("buy")[0] < 1995
    assert stand.prices("sell")[0] > 2005


def test_it_reads_the_news_and_moves_both_sides_without_crossing_itself(stand: MakerStand) -> None:
    for ratio in (1.05, 0.95):
        stand.worth(ratio)
        for n in range(20):
            stand.maker.act(n)
        middle = (stand.prices("buy")[0] + stand.prices("sell")[0]) / 2
        assert middle == pytest.approx(2000 * ratio, abs=15)
        assert len(stand.prices("buy")) == len(stand.prices("sell")) == LAYERS


@pytest.mark.parametrize("ratio", [1.05, 0.95])
def test_the_side_that_makes_room_moves_first(stand: MakerStand, ratio: float) -> None:
    stand.worth(ratio)
    stand.maker.act(1)
    assert stand.prices("sell")[0] - stand.prices("buy")[0] <= 3


def test_others_orders_bound_its_quotes(stand: MakerStand) -> None:
    stand.sell(1, 2000)
    stand.worth(1.02)
    for n in range(10):
        stand.maker.act(n)
    assert stand.prices("buy")[0] == 1999
    assert stand.market.asks.best_size() == (2000, 1)


def test_in_a_halted_market_it_takes_back_what_it_cannot_move_and_later_returns(stand: MakerStand) -> None:
    stand.exchange.halted = True
    stand.worth(1.05)
    for n in range(20):
        stand.maker.act(n)
    assert stand.prices("sell") == []
    stand.exchange.halted = False
    stand.maker.act(30)
    assert len(stand.prices("buy")) == len(stand.prices("sell")) == LAYERS

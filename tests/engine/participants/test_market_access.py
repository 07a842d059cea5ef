from __future__ import annotations

import pytest

from floorwire.core.market_events import BookChange, Quote, Trade
from floorwire.engine.matching_events import TradeMatched
from floorwire.engine.participants.market_access import SimIds
from tests.engine.participants.sim_market import SimMarket


class Listener:
    """Keeps the fills and trades that it is given."""

    def __init__(self) -> None:
        self.fills: list[TradeMatched] = []
        self.trades: list[tuple[int, int]] = []

    def on_fill(self, match: TradeMatched) -> None:
        self.fills.append(match)

    def on_trade(self, price_ticks: int, now_us: int) -> None:
        self.trades.append((price_ticks, now_us))


@pytest.fixture
def sim() -> SimMarket:
    return SimMarket()


def test_it_opens_at_the_profiles_price(sim: SimMarket) -> None:
    assert sim.market_access.opening_ticks == sim.market_access.last_ticks == 2000
    assert sim.market_access.best_prices() == (1999, 2001)


def test_an_empty_side_counts_as_one_tick_from_the_other(sim: SimMarket) -> None:
    bid = sim.buy(1, 1990)
    assert sim.market_access.best_prices() == (1990, 1991)
    sim.sell(1, 1995)
    assert sim.market_access.best_prices() == (1990, 1995)
    sim.market_access.cancel(bid, 0)
    assert sim.market_access.best_prices() == (1994, 1995)


def test_in_an_empty_book_the_best_prices_are_around_the_last_price(sim: SimMarket) -> None:
    sim.buy(1, 1500)
    sim.sell(1, None)
    assert sim.market_access.best_prices() == (1499, 1501)


def test_orders_are_placed_amended_and_cancelled(sim: SimMarket) -> None:
    order_id = sim.market_access.place_post_only(-5, "buy", 3, 1990, 0)
    assert sim.market.bids.sizes() == [(1990, 3)]
    assert sim.market.orders[order_id].owner == -5
    assert sim.market_access.amend_price(order_id, 1991, 0)
    assert sim.market.bids.sizes() == [(1991, 3)]
    sim.market_access.cancel(order_id, 0)
    assert sim.market.bids.sizes() == []


def test_a_post_only_order_that_would_trade_is_refused(sim: SimMarket) -> None:
    sim.sell(1, 2000)
    assert sim.market_access.place_post_only(-5, "buy", 3, 2000, 0) == 0
    order_id = sim.market_access.place_post_only(-5, "buy", 3, 1999, 0)
    assert not sim.market_access.amend_price(order_id, 2000, 0)


def test_taking_liquidity_returns_the_traded_lots(sim: SimMarket) -> None:
    sim.sell(2, 2000)
    sim.sell(2, 2001)
    assert sim.market_access.take_liquidity(-5, "buy", 3, 2000, 0) == 2
    assert sim.market_access.take_liquidity(-5, "buy", 3, 2001, 0, "fok") == 0
    assert sim.market_access.take_liquidity(-5, "buy", 9, None, 0) == 2


def test_owners_get_their_fills_and_trade_listeners_the_last_price(sim: SimMarket) -> None:
    owner, listener = Listener(), Listener()
    sim.market_access.fill_listeners[-5] = owner
    sim.market_access.trade_listeners.append(listener)
    sim.market_access.place_post_only(-5, "sell", 1, 2000, 0)
    sim.sell(1, 2001)
    sim.market_access.take_liquidity(-6, "buy", 2, None, 44)
    assert [(match.maker_owner, match.price_ticks) for match in owner.fills] == [(-5, 2000)]
    assert listener.trades == [(2001, 44)]
    assert sim.market_access.last_ticks == 2001


def test_the_tape_shows_the_commands_of_all_participants(sim: SimMarket) -> None:
    sim.market_access.place_post_only(-5, "sell", 2, 2000, 10)
    sim.market_access.take_liquidity(-6, "buy", 1, None, 44)
    assert sim.market_events == [
        BookChange("BTC-USDT", (), ((2000, 2),), 10),
        Quote("BTC-USDT", 0, 0, 2000, 2, 10),
        Trade("BTC-USDT", "1", 2000, 1, "buy", 44),
        BookChange("BTC-USDT", (), ((2000, 1),), 44),
        Quote("BTC-USDT", 0, 0, 2000, 1, 44),
    ]


def test_ids_of_orders_and_of_owners_count_down_independently() -> None:
    ids = SimIds()
    assert [ids.next_order_id(), ids.next_order_id(), ids.next_owner(), ids.next_order_id()] == [
        -1,
        -2,
        -1,
        -3,
    ]

"""The queues on paper: what moves an order up, and what does not."""

from __future__ import annotations

import pytest

from floorwire.core.execution_reports import Filled
from floorwire.core.market_events import BookSnapshot
from floorwire.engine.unattributed_decreases import LATE_US
from tests.engine.paper_world import ASKS, S, World, buy, fills, sell


@pytest.fixture
def world() -> World:
    return World()


def test_a_maker_waits_behind_what_the_level_shows(world: World) -> None:
    world.ask(buy(1, 5, 100))
    assert world.ahead(1) == 10
    assert world.trade("sell", 100, 4) == []
    assert world.ahead(1) == 6
    assert fills(world.trade("sell", 100, 8)) == [(1, 100, 2, "maker")]
    filled = world.trade("sell", 100, 8)
    assert filled == [Filled(1, f"t{world.now_us}", 100, 3, 0, "maker", world.now_us)]


def test_an_order_inside_the_spread_is_first(world: World) -> None:
    world.ask(sell(1, 5, 101))
    assert world.ahead(1) == 0
    assert fills(world.trade("buy", 101, 2)) == [(1, 101, 2, "maker")]


def test_only_trades_of_the_other_side_move_a_queue(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.trade("buy", 100, 50)
    world.trade("sell", 101, 50)
    assert world.ahead(1) == 10


def test_cancels_shorten_the_queue_in_proportion_and_never_past_it(world: World) -> None:
    world.ask(buy(1, 5, 99))
    for size, ahead in ((40, 20), (30, 15), (29, 15), (1, 1), (0, 0), (50, 0)):  # 14.5: against the order
        world.bids((99, size))
        world.later()
        assert world.ahead(1) == ahead


def test_what_a_trade_explains_is_no_cancel(world: World) -> None:
    world.ask(buy(1, 5, 99))
    world.bids((99, 40))
    world.trade("sell", 99, 10)
    assert world.ahead(1) == 10
    world.bids((99, 30))
    assert world.ahead(1) == 10
    world.bids((99, 15))
    world.later()
    assert world.ahead(1) == 5


def test_a_trade_that_is_younger_than_the_change_explains_the_next(world: World) -> None:
    world.ask(buy(1, 5, 99))
    world.bids((99, 40))
    before_us = world.now_us
    world.trade("sell", 99, 10)
    world.bids((99, 36), ts_us=before_us)
    world.later()
    assert world.ahead(1) == 10
    world.bids((99, 30))
    world.later()
    assert world.ahead(1) == 10
    world.trade("sell", 99, 5)
    world.bids((99, 29))  # five traded, four came: nothing of it is left for the next change
    world.bids((99, 28))
    world.later()
    assert world.ahead(1) == 5


def test_a_trade_that_is_told_after_its_change_counts_once(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.bids((100, 4))
    assert world.trade("sell", 100, 6, ts_us=world.now_us) == []
    assert world.ahead(1) == 4
    world.bids((100, 1))
    assert fills(world.trade("sell", 100, 5, ts_us=world.now_us)) == [(1, 100, 1, "maker")]


def test_of_what_a_level_lost_a_part_may_be_trades_and_the_rest_cancels(world: World) -> None:
    world.ask(buy(1, 5, 99))
    world.bids((99, 40))
    world.bids((99, 10))
    at_us = world.now_us
    world.trade("sell", 99, 6, ts_us=at_us)
    world.trade("sell", 99, 4, ts_us=at_us)
    assert world.ahead(1) == 10
    world.later()
    assert world.ahead(1) == 4  # ten traded, twenty of thirty cancelled: 3.3, against the order


def test_trades_that_are_told_late_explain_the_oldest_changes_first(world: World) -> None:
    world.ask(buy(1, 5, 99))
    world.bids((99, 16))
    first_us = world.now_us
    world.bids((99, 26))
    world.bids((99, 20))
    second_us = world.now_us
    world.trade("sell", 99, 4, ts_us=first_us)
    world.trade("sell", 99, 3, ts_us=second_us)
    assert world.ahead(1) == 13
    world.later()
    assert world.ahead(1) == 12  # three of 23 were cancelled: 11.3, against the order


def test_a_later_trade_tells_that_a_level_shrank_by_cancels(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.bids((100, 5))
    assert world.ahead(1) == 10
    assert fills(world.trade("sell", 100, 6)) == [(1, 100, 1, "maker")]


def test_a_trade_that_was_over_when_an_order_came_is_none_of_its_business(world: World) -> None:
    world.bids((100, 4))
    at_us = world.now_us
    for place in (buy(1, 5, 100), buy(2, 5, 101)):
        world.ask(place)
    assert world.trade("sell", 100, 6, ts_us=at_us) == []
    assert world.trade("sell", 98, 50, ts_us=at_us - 1) == []
    world.bids((100, 3))
    filled = world.trade("sell", 100, 10, ts_us=world.now_us)
    assert fills(filled) == [(2, 101, 5, "maker"), (1, 100, 1, "maker")]


def test_a_trade_that_was_over_long_before_explains_nothing(world: World) -> None:
    world.later()
    world.ask(buy(1, 5, 99))
    world.trade("sell", 99, 10, ts_us=1)
    world.bids((99, 10))
    world.later()
    assert world.ahead(1) == 10
    world.trade("buy", 102, 3, ts_us=1)
    assert fills(world.ask(buy(2, 9, 102, time_in_force="ioc"))) == [(2, 102, 5, "taker")]


def test_an_order_is_not_behind_what_had_left_before_it_came(world: World) -> None:
    world.bids((100, 4))
    world.ask(buy(1, 5, 100))
    assert fills(world.trade("sell", 100, 6)) == [(1, 100, 2, "maker")]


def test_a_clock_that_is_set_back_keeps_no_order_from_its_fills(world: World) -> None:
    world.paper.apply_book(BookSnapshot(S, ((100, 4), (99, 5)), ASKS, 10 * LATE_US), world.now_us)
    world.ask(buy(1, 5, 100))
    world.ask(buy(2, 5, 99))
    world.bids((98, 1))
    world.bids((99, 4))
    assert fills(world.trade("sell", 100, 6)) == [(1, 100, 2, "maker")]


def test_what_was_traded_is_not_taken_off_a_level_that_shows_it(world: World) -> None:
    world.asks((102, 3))
    world.trade("buy", 102, 2, ts_us=world.now_us)
    assert fills(world.ask(buy(1, 9, 102, time_in_force="ioc"))) == [(1, 102, 3, "taker")]


def test_a_level_out_of_sight_has_a_queue_of_unknown_length(world: World) -> None:
    world.ask(buy(1, 5, 90))
    assert world.trade("sell", 90, 1000) == []  # in sight from 97 up
    world.bids((90, 7))
    assert world.ahead(1) == 7
    world.bids((90, 0))
    assert world.ahead(1) == 7
    world.bids((90, 3))
    assert world.ahead(1) == 3


def test_an_order_out_of_sight_is_first_where_the_book_comes_to_show_nothing_there(world: World) -> None:
    world.ask(buy(1, 5, 90))
    world.bids((88, 4))
    assert fills(world.trade("sell", 90, 3)) == [(1, 90, 3, "maker")]


def test_the_example_of_the_manual(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.trade("sell", 100, 4)
    world.bids((100, 6))
    assert world.ahead(1) == 6
    world.bids((100, 3))
    world.trade("sell", 100, 1, ts_us=world.now_us)
    assert world.ahead(1) == 5
    world.later()
    assert world.ahead(1) == 3
    assert fills(world.trade("sell", 100, 5)) == [(1, 100, 2, "maker")]
    assert world.paper.orders[1].open_lots == 3
    assert fills(world.trade("sell", 99, 1)) == [(1, 100, 1, "maker")]

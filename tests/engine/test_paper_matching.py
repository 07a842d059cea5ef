"""Orders on paper: one symbol's, against a book and trades that are made up."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Triggered, Working
from floorwire.core.order_commands import Amend, Cancel, Place
from floorwire.core.ports import Prices
from tests.engine.paper_world import BIDS, S, World, buy, code, fills, sell


@pytest.fixture
def world() -> World:
    return World()


# --- takers -------------------------------------------------------------------------------------------


def test_a_taker_walks_the_book_each_level_at_its_price(world: World) -> None:
    reports = world.ask(buy(1, 22, 104))
    assert reports[0] == Working(1, world.now_us)
    assert fills(reports) == [(1, 102, 5, "taker"), (1, 103, 15, "taker")]
    assert world.paper.orders[1].open_lots == 2
    assert fills(world.ask(sell(2, 12, 99))) == [(2, 100, 10, "taker"), (2, 99, 2, "taker")]


def test_fills_say_what_is_left_and_have_names_of_their_own(world: World) -> None:
    first, second = (report for report in world.ask(buy(7, 6, 103)) if isinstance(report, Filled))
    assert (first.trade_id, first.left_lots) == ("paper-7-0", 1)
    assert (second.trade_id, second.left_lots) == ("paper-7-5", 0)
    again = world.ask(buy(8, 6, 103, filled_lots=4))
    assert isinstance(again[1], Filled)
    assert again[1].trade_id == "paper-8-4"


def test_what_was_taken_stays_taken_until_the_level_changes(world: World) -> None:
    world.ask(buy(1, 4, 102, time_in_force="ioc"))
    assert fills(world.ask(buy(2, 4, 102, time_in_force="ioc"))) == [(2, 102, 1, "taker")]
    assert fills(world.ask(buy(3, 4, 102, time_in_force="ioc"))) == []
    world.asks((102, 5), (103, 14))  # the same size is no news
    assert fills(world.ask(buy(4, 1, 102, time_in_force="ioc"))) == []
    world.snapshot(BIDS, ((102, 5), (103, 14)))
    assert fills(world.ask(buy(5, 1, 102, time_in_force="ioc"))) == []
    world.asks((102, 6))  # one more than before
    assert fills(world.ask(buy(6, 9, 102, time_in_force="ioc"))) == [(6, 102, 1, "taker")]


def test_a_level_that_flickers_is_sold_once(world: World) -> None:
    world.snapshot(BIDS, ((102, 100),))
    reports = world.ask(buy(1, 3_000, 102))
    for _ in range(30):
        reports += world.asks((102, 99))
        reports += world.asks((102, 100))
    assert fills(reports) == [(1, 102, 100, "taker"), *[(1, 102, 1, "maker")] * 30]


def test_of_a_level_that_shrinks_others_take_before_what_is_taken_returns(world: World) -> None:
    world.snapshot(BIDS, ((102, 10),))
    world.ask(buy(1, 4, 102))
    world.asks((102, 8))
    assert fills(world.ask(buy(2, 9, 102, time_in_force="ioc"))) == [(2, 102, 4, "taker")]
    world.asks((102, 3))
    assert fills(world.ask(buy(3, 9, 102, time_in_force="ioc"))) == []
    world.snapshot(BIDS, ((102, 5),))
    assert fills(world.ask(buy(4, 9, 102, time_in_force="ioc"))) == [(4, 102, 2, "taker")]


def test_what_stood_there_when_an_order_came_is_taken_and_not_made(world: World) -> None:
    """Three of five lots were traded, it seemed; the book says then that only one was, and that one came."""
    world.trade("buy", 102, 3)
    assert fills(world.ask(buy(1, 9, 103))) == [(1, 102, 2, "taker"), (1, 103, 7, "taker")]
    world.ask(buy(2, 9, 102))
    assert fills(world.asks((102, 4))) == [(2, 102, 2, "taker")]
    assert fills(world.asks((102, 5))) == [(2, 102, 1, "maker")]


def test_what_was_traded_is_gone_before_the_book_says_so(world: World) -> None:
    world.trade("buy", 102, 3)
    assert fills(world.ask(buy(1, 9, 102, time_in_force="ioc"))) == [(1, 102, 2, "taker")]
    world.trade("buy", 102, 9)
    assert fills(world.ask(buy(2, 9, 102, time_in_force="ioc"))) == []


def test_an_ioc_order_is_cancelled_where_it_cannot_go_on(world: World) -> None:
    reports = world.ask(buy(1, 9, 102, time_in_force="ioc"))
    assert reports[-1] == Ended(1, 4, "cancelled", Code.NO_LIQUIDITY, world.now_us)
    assert not world.paper.is_open(1)
    assert code(world.ask(buy(2, 9, 101, time_in_force="ioc"))) == Code.NO_LIQUIDITY


def test_a_fill_or_kill_order_is_filled_whole_or_refused(world: World) -> None:
    assert world.ask(buy(1, 21, 103, time_in_force="fok")) == [
        Refused(1, "place", Code.FOK_UNFILLED, world.now_us)
    ]
    assert fills(world.ask(buy(2, 20, 103, time_in_force="fok"))) == [
        (2, 102, 5, "taker"),
        (2, 103, 15, "taker"),
    ]
    assert code(world.ask(buy(3, 1, 103, time_in_force="fok"))) == Code.FOK_UNFILLED


def test_a_market_order_takes_whatever_there_is(world: World) -> None:
    reports = world.ask(buy(1, 50))
    assert sum(lots for _, _, lots, _ in fills(reports)) == 45
    assert code(reports) == Code.NO_LIQUIDITY
    assert world.ask(buy(2, 1)) == [Refused(2, "place", Code.NO_LIQUIDITY, world.now_us)]
    assert fills(world.ask(sell(3, 1))) == [(3, 100, 1, "taker")]


def test_money_buys_what_it_comes_to(world: World) -> None:
    reports = world.ask(buy(1, 50, 110, time_in_force="ioc", spend=102 * 5 + 103 * 3 + 50))
    assert reports[1] == Amended(1, 110, 8, world.now_us)
    assert fills(reports) == [(1, 102, 5, "taker"), (1, 103, 3, "taker")]
    assert fills(world.ask(buy(2, 4, spend=103 * 9))) == [(2, 103, 4, "taker")]
    assert code(world.ask(buy(3, 4, spend=102))) == Code.NO_LIQUIDITY


def test_money_of_which_a_part_is_spent_buys_the_rest(world: World) -> None:
    reports = world.ask(buy(1, 50, spend=102 * 2, filled_lots=7))
    assert reports[1] == Amended(1, 0, 9, world.now_us)
    assert fills(reports) == [(1, 102, 2, "taker")]


@pytest.mark.parametrize(
    "place",
    [
        buy(1, 0, 100),
        buy(1, 5, 100, filled_lots=5),
        buy(1, 5, 0),
        buy(1, 5, 100, stop_ticks=0),
        buy(1, 5, 100, time_in_force="ioc", post_only=True),
        buy(1, 5, post_only=True),
        buy(1, 5, stop_ticks=103, spend=1000),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, place: Place) -> None:
    assert world.ask(place) == [Refused(1, "place", Code.BAD_REQUEST, world.now_us)]


# --- makers -------------------------------------------------------------------------------------------


def test_a_trade_through_the_price_fills_out_of_what_was_traded(world: World) -> None:
    world.ask(buy(1, 5, 100))
    assert fills(world.trade("sell", 99, 3)) == [(1, 100, 3, "maker")]
    assert world.ahead(1) == 0
    assert fills(world.trade("sell", 98, 3)) == [(1, 100, 2, "maker")]


def test_an_opposite_best_at_the_price_fills_at_the_price(world: World) -> None:
    world.ask(buy(1, 5, 100))
    assert fills(world.asks((99, 3))) == [(1, 100, 3, "maker")]
    assert fills(world.asks((99, 3), (102, 0))) == []
    assert fills(world.asks((98, 9))) == [(1, 100, 2, "maker")]


def test_at_one_price_who_came_first_fills_first(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.ask(buy(2, 5, 100))
    world.ask(buy(3, 1, 101))
    assert fills(world.trade("sell", 100, 18)) == [
        (3, 101, 1, "maker"),
        (1, 100, 5, "maker"),
        (2, 100, 2, "maker"),
    ]


def test_orders_of_ours_never_meet_each_other(world: World) -> None:
    world.ask(buy(1, 5, 101))
    assert fills(world.ask(sell(2, 5, 101, no_self_trade=True))) == []
    assert fills(world.trade("buy", 101, 2)) == [(2, 101, 2, "maker")]


def test_what_a_taker_leaves_rests_and_fills_when_the_level_is_renewed(world: World) -> None:
    world.ask(buy(1, 8, 102))
    assert world.asks((103, 1)) == []
    assert world.asks((102, 2)) == []  # what is left of the five that it took
    assert fills(world.asks((102, 4))) == [(1, 102, 2, "maker")]


def test_post_only_refuses_to_take(world: World) -> None:
    assert world.ask(buy(1, 5, 102, post_only=True)) == [
        Refused(1, "place", Code.POST_ONLY_WOULD_CROSS, world.now_us)
    ]
    assert world.ask(buy(2, 5, 101, post_only=True)) == [Working(2, world.now_us)]


# --- stops --------------------------------------------------------------------------------------------


def test_a_stop_waits_for_a_trade_at_its_price(world: World) -> None:
    assert world.ask(buy(1, 6, 104, stop_ticks=103, time_in_force="ioc")) == [Working(1, world.now_us)]
    assert world.trade("buy", 102, 1) == []
    reports = world.trade("buy", 103, 1)
    assert reports[0] == Triggered(1, world.now_us)
    assert fills(reports) == [(1, 102, 4, "taker"), (1, 103, 2, "taker")]
    assert not world.paper.is_open(1)


def test_a_stop_limit_rests_after_its_trigger(world: World) -> None:
    world.ask(sell(1, 6, 101, stop_ticks=99))
    assert world.trade("sell", 99, 1) == [Triggered(1, world.now_us)]
    assert world.ahead(1) == 0
    assert world.paper.prices() == Prices(100, 102, 99, "live")


def test_a_stop_whose_price_was_traded_goes_in_at_once(world: World) -> None:
    world.trade("buy", 103, 1)
    reports = world.ask(buy(1, 1, stop_ticks=103))
    assert reports[:2] == [Working(1, world.now_us), Triggered(1, world.now_us)]
    assert fills(reports) == [(1, 102, 1, "taker")]


def test_a_stop_whose_price_was_traded_while_prices_were_not_current_goes_in_when_they_are(
    world: World,
) -> None:
    world.ask(sell(1, 1, stop_ticks=99))
    world.ask(sell(2, 1, stop_ticks=97))
    world.ask(buy(3, 1, stop_ticks=104))
    world.follow("stale")
    world.trade("sell", 98, 1)
    world.ask(sell(4, 1, stop_ticks=98))  # it came after that trade
    world.trade("buy", 103, 1)
    assert world.ask(Cancel(S, 3)) == [Ended(3, 1, "cancelled", None, world.now_us)]
    triggered = [report.order_id for report in world.follow("live") if isinstance(report, Triggered)]
    assert triggered == [1]
    assert {order_id for order_id in (2, 4) if world.paper.is_open(order_id)} == {2, 4}


def test_a_stop_that_may_not_enter_is_cancelled(world: World) -> None:
    world.ask(buy(1, 6, 103, stop_ticks=103, post_only=True))
    assert code(world.trade("buy", 103, 1)) == Code.POST_ONLY_WOULD_CROSS


def test_a_waiting_stop_is_amended_and_cancelled(world: World) -> None:
    world.ask(buy(1, 6, 104, stop_ticks=103, filled_lots=1))
    assert world.ask(Amend(S, 1, 105, 7)) == [Amended(1, 105, 7, world.now_us)]
    assert world.ask(Amend(S, 1, lots=1)) == [Ended(1, 6, "cancelled", None, world.now_us)]
    world.ask(buy(2, 6, stop_ticks=103))
    assert world.ask(Amend(S, 2, lots=7)) == [Amended(2, 0, 7, world.now_us)]
    assert world.ask(Cancel(S, 2)) == [Ended(2, 7, "cancelled", None, world.now_us)]
    assert world.paper.open_count == 0


# --- cancel, amend, expiry ----------------------------------------------------------------------------


def test_a_cancel_ends_what_is_open(world: World) -> None:
    world.ask(buy(1, 8, 102))
    assert world.ask(Cancel(S, 1)) == [Ended(1, 3, "cancelled", None, world.now_us)]
    assert world.ask(Cancel(S, 1)) == [Refused(1, "cancel", Code.UNKNOWN_ORDER, world.now_us)]
    assert world.trade("sell", 90, 50) == []


def test_a_cancel_says_why_where_it_was_told_why(world: World) -> None:
    world.ask(buy(1, 8, 100))
    world.ask(buy(2, 6, stop_ticks=103))
    for order_id, lots, why in ((1, 8, Code.DISCONNECTED), (2, 6, Code.MARKET_HALTED)):
        told = world.ask(Cancel(S, order_id, why))
        assert told == [Ended(order_id, lots, "cancelled", why, world.now_us)]


def test_an_amend_keeps_the_place_where_only_the_quantity_falls(world: World) -> None:
    world.ask(buy(1, 8, 100))
    world.trade("sell", 100, 6)
    assert world.ask(Amend(S, 1, 100, 5)) == [Amended(1, 100, 5, world.now_us)]
    assert world.ask(Amend(S, 1, lots=5)) == [Amended(1, 100, 5, world.now_us)]
    assert (world.ahead(1), world.paper.orders[1].open_lots) == (4, 5)
    assert fills(world.trade("sell", 100, 9)) == [(1, 100, 5, "maker")]


@pytest.mark.parametrize("amend", [Amend(S, 1, 99), Amend(S, 1, lots=9), Amend(S, 1, 99, 3)])
def test_any_other_amend_goes_to_the_end_of_the_queue(world: World, amend: Amend) -> None:
    world.ask(buy(1, 8, 100))
    world.ask(buy(2, 1, amend.price_ticks or 100))
    world.trade("sell", 100, 6)
    world.ask(amend)
    assert world.ahead(1) == {99: 20, None: 10}[amend.price_ticks]
    got = fills(world.trade("sell", amend.price_ticks or 100, 21))
    assert [order_id for order_id, *_ in got][:1] == [2]


def test_an_amend_through_the_market_takes(world: World) -> None:
    world.ask(buy(1, 8, 100))
    world.trade("sell", 99, 2)
    reports = world.ask(Amend(S, 1, 102, 9))
    assert reports[0] == Amended(1, 102, 9, world.now_us)
    assert fills(reports) == [(1, 102, 5, "taker")]
    assert world.paper.orders[1].open_lots == 2


def test_an_amend_that_makes_no_sense_changes_nothing(world: World) -> None:
    world.ask(buy(1, 8, 100, post_only=True))
    assert code(world.ask(Amend(S, 1, 0))) == Code.BAD_REQUEST
    assert code(world.ask(Amend(S, 1, lots=0))) == Code.BAD_REQUEST
    assert code(world.ask(Amend(S, 2, 99))) == Code.UNKNOWN_ORDER
    assert code(world.ask(Amend(S, 1, 102))) == Code.POST_ONLY_WOULD_CROSS
    assert world.ahead(1) == 10


def test_an_amend_to_what_is_filled_cancels_the_rest(world: World) -> None:
    world.ask(buy(1, 8, 102))
    assert world.ask(Amend(S, 1, lots=5)) == [Ended(1, 3, "cancelled", None, world.now_us)]


def test_an_order_expires_once_and_one_that_comes_late_at_once(world: World) -> None:
    world.ask(buy(1, 8, 102, time_in_force="gtd", expires_us=1_000))
    assert world.paper.expire(1, 1_000) == [Ended(1, 3, "expired", None, 1_000)]
    assert world.paper.expire(1, 1_000) == []
    late = world.ask(buy(2, 8, 102, time_in_force="gtd", expires_us=3))
    assert late == [Working(2, world.now_us), Ended(2, 8, "expired", None, world.now_us)]


# --- stale prices -------------------------------------------------------------------------------------


def test_nothing_fills_while_prices_are_not_current(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.ask(buy(2, 5, 104, stop_ticks=103))
    world.follow("stale")
    assert world.trade("sell", 95, 100) == []
    assert world.trade("buy", 103, 1) == []
    assert world.asks((99, 3)) == []
    world.later()
    assert world.ahead(1) == 0  # the level is gone: the asks have come to it
    assert world.paper.prices().feed == "stale"
    reports = world.follow("live")
    assert fills(reports)[0] == (1, 100, 3, "maker")
    assert Triggered(2, world.now_us) in reports
    assert world.follow("live") == []


def test_what_cannot_rest_is_refused_while_prices_are_not_current() -> None:
    world = World("connecting")
    assert code(world.ask(buy(1, 5, 104, time_in_force="ioc"))) == Code.STALE_MARKET
    assert code(world.ask(buy(2, 5))) == Code.STALE_MARKET


def test_what_may_rest_waits_for_prices_and_then_enters() -> None:
    world = World("connecting")
    for place in (buy(1, 7, 102), buy(2, 7, 99), buy(3, 1, 102, post_only=True), buy(4, 1, 98)):
        assert world.ask(place) == [Working(place.order_id, world.now_us)]
    world.ask(Cancel(S, 4))
    world.ask(Amend(S, 2, 100, 6))
    world.ask(Amend(S, 3, 103))
    reports = world.follow("live")
    assert fills(reports) == [(1, 102, 5, "taker")]
    assert reports[-1] == Ended(3, 1, "cancelled", Code.POST_ONLY_WOULD_CROSS, world.now_us)
    assert world.ahead(2) == 10
    assert set(world.paper.orders) == {1, 2}


def test_an_order_that_is_forgotten_is_not_there(world: World) -> None:
    world.ask(buy(1, 5, 100))
    world.ask(buy(2, 5, 104, stop_ticks=103))
    for order_id in (1, 2, 3):
        world.paper.remove(order_id)
    assert world.paper.open_count == 0
    assert world.trade("sell", 90, 50) == []

"""Every rule of the market, once for the fast one and once for the naive one."""

from __future__ import annotations

from random import Random
from typing import Protocol

import pytest

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.engine.book_side import MIN_SWEEP
from floorwire.engine.matching import DuplicateOrderError, Matching
from floorwire.engine.matching_events import (
    Accepted,
    Amended,
    Cancelled,
    Expired,
    LevelChanged,
    MatchingEvent,
    Rejected,
    TradeMatched,
    Triggered,
)
from tests.engine.naive import NaiveMatching

S = "BTC-USDT"


class Market(Protocol):
    def execute(self, command: Command) -> list[MatchingEvent]: ...


@pytest.fixture(params=[Matching, NaiveMatching])
def market(request: pytest.FixtureRequest) -> Market:
    made: Market = request.param()
    return made


def limit(
    order_id: int,
    side: Side,
    lots: int,
    price: int | None,
    tif: TimeInForce = "gtc",
    post_only: bool = False,
    owner: int = 7,
) -> Place:
    return Place(S, order_id, owner, side, lots, price, tif, post_only)


def run(market: Market, *commands: Command) -> list[MatchingEvent]:
    """Return the events of the last command, level changes last and in order of side and price."""
    for command in commands:
        events = market.execute(command)
    changes = [event for event in events if isinstance(event, LevelChanged)]
    others = [event for event in events if not isinstance(event, LevelChanged)]
    return [*others, *sorted(changes, key=lambda change: (change.side, change.price_ticks))]


def met(
    match_id: int, side: Side, price: int, lots: int, maker: tuple[int, int], taker: tuple[int, int]
) -> TradeMatched:
    """A match between owner 7's orders; maker and taker as (order id, lots left)."""
    return TradeMatched(match_id, side, price, lots, maker[0], 7, maker[1], taker[0], 7, taker[1])


# --- resting ------------------------------------------------------------------------------------------


def test_a_limit_order_that_meets_nothing_rests(market: Market) -> None:
    assert run(market, limit(1, "buy", 5, 100, owner=3)) == [Accepted(1, 3), LevelChanged("buy", 100, 5)]


def test_orders_at_one_price_add_up(market: Market) -> None:
    events = run(market, limit(1, "sell", 5, 100), limit(2, "sell", 3, 100))
    assert events == [Accepted(2, 7), LevelChanged("sell", 100, 8)]


def test_orders_that_do_not_reach_each_other_both_rest(market: Market) -> None:
    events = run(market, limit(1, "buy", 5, 100), limit(2, "sell", 3, 101))
    assert events == [Accepted(2, 7), LevelChanged("sell", 101, 3)]


# --- taking -------------------------------------------------------------------------------------------


def test_a_taker_gets_the_makers_price(market: Market) -> None:
    assert run(market, limit(1, "sell", 5, 100), limit(2, "buy", 5, 103)) == [
        Accepted(2, 7),
        met(1, "buy", 100, 5, (1, 0), (2, 0)),
        LevelChanged("sell", 100, 0),
    ]


def test_a_seller_takes_the_highest_bid_first(market: Market) -> None:
    bids = [limit(1, "buy", 1, 99), limit(2, "buy", 1, 101), limit(3, "buy", 1, 100)]
    assert run(market, *bids, limit(4, "sell", 2, 100)) == [
        Accepted(4, 7),
        met(1, "sell", 101, 1, (2, 0), (4, 1)),
        met(2, "sell", 100, 1, (3, 0), (4, 0)),
        LevelChanged("buy", 100, 0),
        LevelChanged("buy", 101, 0),
    ]


def test_a_buyer_takes_the_lowest_ask_first(market: Market) -> None:
    asks = [limit(1, "sell", 1, 101), limit(2, "sell", 1, 99), limit(3, "sell", 1, 100)]
    assert run(market, *asks, limit(4, "buy", 2, 100)) == [
        Accepted(4, 7),
        met(1, "buy", 99, 1, (2, 0), (4, 1)),
        met(2, "buy", 100, 1, (3, 0), (4, 0)),
        LevelChanged("sell", 99, 0),
        LevelChanged("sell", 100, 0),
    ]


def test_at_one_price_who_came_first_is_served_first(market: Market) -> None:
    makers = [limit(1, "sell", 2, 100), limit(2, "sell", 2, 100), limit(3, "sell", 2, 100)]
    assert run(market, *makers, limit(4, "buy", 3, 100)) == [
        Accepted(4, 7),
        met(1, "buy", 100, 2, (1, 0), (4, 1)),
        met(2, "buy", 100, 1, (2, 1), (4, 0)),
        LevelChanged("sell", 100, 3),
    ]


def test_a_maker_filled_in_part_stays_in_front(market: Market) -> None:
    makers = [limit(1, "sell", 2, 100), limit(2, "sell", 2, 100)]
    events = run(market, *makers, limit(3, "buy", 1, 100), limit(4, "buy", 2, 100))
    assert events[1:3] == [met(2, "buy", 100, 1, (1, 0), (4, 1)), met(3, "buy", 100, 1, (2, 1), (4, 0))]


def test_what_a_taker_leaves_open_rests_at_its_price(market: Market) -> None:
    assert run(market, limit(1, "sell", 2, 100), limit(2, "buy", 5, 101)) == [
        Accepted(2, 7),
        met(1, "buy", 100, 2, (1, 0), (2, 3)),
        LevelChanged("buy", 101, 3),
        LevelChanged("sell", 100, 0),
    ]


def test_a_match_names_both_owners(market: Market) -> None:
    events = run(market, limit(1, "sell", 2, 100, owner=11), limit(2, "buy", 2, 100, owner=22))
    assert events[1] == TradeMatched(1, "buy", 100, 2, 1, 11, 0, 2, 22, 0)


# --- market orders ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tif", ["gtc", "ioc"])
def test_a_market_order_takes_at_any_price_and_never_rests(market: Market, tif: TimeInForce) -> None:
    asks = [limit(1, "sell", 1, 100), limit(2, "sell", 1, 100_000)]
    assert run(market, *asks, limit(3, "buy", 5, None, tif)) == [
        Accepted(3, 7),
        met(1, "buy", 100, 1, (1, 0), (3, 4)),
        met(2, "buy", 100_000, 1, (2, 0), (3, 3)),
        Cancelled(3, 3, Code.NO_LIQUIDITY),
        LevelChanged("sell", 100, 0),
        LevelChanged("sell", 100_000, 0),
    ]


def test_a_market_sell_takes_down_to_the_last_bid(market: Market) -> None:
    events = run(market, limit(1, "buy", 1, 1), limit(2, "sell", 1, None))
    assert events[1] == met(1, "sell", 1, 1, (1, 0), (2, 0))


@pytest.mark.parametrize("tif", ["gtc", "ioc", "fok"])
def test_a_market_order_on_an_empty_side_is_refused(market: Market, tif: TimeInForce) -> None:
    events = run(market, limit(1, "buy", 1, 100), limit(2, "buy", 1, None, tif))
    assert events == [Rejected(2, Code.NO_LIQUIDITY)]


# --- time in force ------------------------------------------------------------------------------------


def test_an_ioc_order_cancels_what_it_did_not_get(market: Market) -> None:
    asks = [limit(1, "sell", 1, 100), limit(2, "sell", 1, 101)]
    assert run(market, *asks, limit(3, "buy", 5, 100, "ioc")) == [
        Accepted(3, 7),
        met(1, "buy", 100, 1, (1, 0), (3, 4)),
        Cancelled(3, 4, Code.NO_LIQUIDITY),
        LevelChanged("sell", 100, 0),
    ]


def test_an_ioc_order_that_gets_nothing_is_cancelled_whole(market: Market) -> None:
    assert run(market, limit(1, "buy", 5, 100, "ioc")) == [
        Accepted(1, 7),
        Cancelled(1, 5, Code.NO_LIQUIDITY),
    ]


def test_a_fok_order_takes_all_over_several_levels(market: Market) -> None:
    asks = [limit(1, "sell", 1, 100), limit(2, "sell", 2, 101)]
    events = run(market, *asks, limit(3, "buy", 2, 101, "fok"))
    assert events[1:3] == [met(1, "buy", 100, 1, (1, 0), (3, 1)), met(2, "buy", 101, 1, (2, 1), (3, 0))]


def test_a_fok_order_takes_exactly_what_there_is(market: Market) -> None:
    events = run(market, limit(1, "buy", 3, 100), limit(2, "sell", 3, None, "fok"))
    assert events[1] == met(1, "sell", 100, 3, (1, 0), (2, 0))


@pytest.mark.parametrize("price", [101, None])
def test_a_fok_order_takes_nothing_where_one_lot_is_missing(market: Market, price: int | None) -> None:
    asks = [limit(1, "sell", 1, 100), limit(2, "sell", 2, 101)]
    assert run(market, *asks, limit(3, "buy", 4, price, "fok")) == [Rejected(3, Code.FOK_UNFILLED)]
    assert run(market, limit(4, "buy", 9, 101, "ioc"))[-3:] == [
        Cancelled(4, 6, Code.NO_LIQUIDITY),
        LevelChanged("sell", 100, 0),
        LevelChanged("sell", 101, 0),
    ]


def test_a_fok_order_does_not_count_levels_beyond_its_price(market: Market) -> None:
    asks = [limit(1, "sell", 1, 100), limit(2, "sell", 2, 102)]
    assert run(market, *asks, limit(3, "buy", 2, 101, "fok")) == [Rejected(3, Code.FOK_UNFILLED)]


def test_a_fok_order_on_an_empty_side_is_refused(market: Market) -> None:
    assert run(market, limit(1, "buy", 1, 100, "fok")) == [Rejected(1, Code.FOK_UNFILLED)]


# --- money --------------------------------------------------------------------------------------------


def test_money_buys_lots_beside_those_that_were_filled_before(market: Market) -> None:
    asks = [limit(1, "sell", 2, 100), limit(2, "sell", 9, 110)]
    bought_before = Place(S, 3, 7, "buy", 50, None, "ioc", spend=2 * 100 + 3 * 110 + 9, filled_lots=7)
    assert run(market, *asks, bought_before) == [
        Accepted(3, 7),
        Amended(3, 0, 12, kept_priority=False),
        met(1, "buy", 100, 2, (1, 0), (3, 3)),
        met(2, "buy", 110, 3, (2, 6), (3, 0)),
        LevelChanged("sell", 100, 0),
        LevelChanged("sell", 110, 6),
    ]


def test_no_more_is_bought_than_the_order_has_left(market: Market) -> None:
    bought_before = Place(S, 2, 7, "buy", 9, None, "ioc", spend=5_000, filled_lots=7)
    assert run(market, limit(1, "sell", 5, 100), bought_before) == [
        Accepted(2, 7),
        met(1, "buy", 100, 2, (1, 3), (2, 0)),
        LevelChanged("sell", 100, 3),
    ]


# --- post-only ----------------------------------------------------------------------------------------


def test_a_post_only_order_rests(market: Market) -> None:
    events = run(market, limit(1, "sell", 1, 100), limit(2, "buy", 1, 99, post_only=True))
    assert events == [Accepted(2, 7), LevelChanged("buy", 99, 1)]


@pytest.mark.parametrize(("side", "price"), [("buy", 102), ("buy", 101), ("sell", 100), ("sell", 99)])
def test_a_post_only_order_that_would_take_is_refused(market: Market, side: Side, price: int) -> None:
    book = [limit(1, "buy", 1, 100), limit(2, "sell", 1, 101)]
    events = run(market, *book, limit(3, side, 1, price, post_only=True))
    assert events == [Rejected(3, Code.POST_ONLY_WOULD_CROSS)]


@pytest.mark.parametrize(("price", "tif"), [(100, "ioc"), (100, "fok"), (None, "gtc"), (None, "ioc")])
def test_post_only_contradicts_what_may_not_rest(market: Market, price: int | None, tif: TimeInForce) -> None:
    events = run(market, limit(1, "sell", 9, 200), limit(3, "buy", 1, price, tif, post_only=True))
    assert events == [Rejected(3, Code.BAD_REQUEST)]


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lots", "price"), [(0, 100), (-1, 100), (1, 0), (1, -5), (0, None)])
def test_nothing_below_one_lot_or_one_tick(market: Market, lots: int, price: int | None) -> None:
    events = run(market, limit(1, "sell", 1, 100), limit(2, "buy", lots, price))
    assert events == [Rejected(2, Code.BAD_REQUEST)]


def test_an_open_order_id_used_again_is_the_callers_fault() -> None:
    market = Matching()
    run(market, limit(1, "buy", 1, 100))
    with pytest.raises(DuplicateOrderError, match="order 1 is already open") as caught:
        run(market, limit(1, "buy", 1, 99))
    assert caught.value.order_id == 1


# --- cancel -------------------------------------------------------------------------------------------


def test_a_cancel_takes_the_open_rest_out(market: Market) -> None:
    book = [limit(1, "buy", 5, 100), limit(2, "buy", 1, 100), limit(3, "sell", 2, 100)]
    assert run(market, *book, Cancel(S, 1)) == [Cancelled(1, 3, None), LevelChanged("buy", 100, 1)]


def test_a_cancel_says_why_where_it_was_told_why(market: Market) -> None:
    waiting = Place(S, 2, 2, "buy", 3, 105, stop_ticks=105)
    run(market, limit(1, "buy", 5, 100), waiting)
    assert run(market, Cancel(S, 1, Code.DEADMAN))[0] == Cancelled(1, 5, Code.DEADMAN)
    assert run(market, Cancel(S, 2, Code.MARKET_HALTED)) == [Cancelled(2, 3, Code.MARKET_HALTED)]


def test_cancelling_the_last_order_removes_the_level(market: Market) -> None:
    book = [limit(1, "sell", 5, 100), limit(2, "sell", 1, 101)]
    assert run(market, *book, Cancel(S, 1)) == [Cancelled(1, 5, None), LevelChanged("sell", 100, 0)]
    assert run(market, limit(3, "buy", 1, 101))[1] == met(1, "buy", 101, 1, (2, 0), (3, 0))


def test_a_cancelled_order_is_passed_over(market: Market) -> None:
    book = [limit(1, "sell", 1, 100), limit(2, "sell", 1, 100), limit(3, "sell", 1, 100)]
    events = run(market, *book, Cancel(S, 1), Cancel(S, 2), limit(4, "buy", 1, 100))
    assert events[1] == met(1, "buy", 100, 1, (3, 0), (4, 0))


def test_an_unknown_a_filled_and_a_cancelled_order_cannot_be_cancelled(market: Market) -> None:
    run(market, limit(1, "buy", 1, 100), limit(2, "sell", 1, 100), limit(3, "buy", 1, 100), Cancel(S, 3))
    for order_id in (1, 2, 3, 4):
        assert run(market, Cancel(S, order_id)) == [Rejected(order_id, Code.UNKNOWN_ORDER)]
        assert run(market, Amend(S, order_id, lots=3)) == [Rejected(order_id, Code.UNKNOWN_ORDER)]


# --- amend --------------------------------------------------------------------------------------------


def test_less_size_at_the_same_price_keeps_the_place(market: Market) -> None:
    book = [limit(1, "sell", 5, 100), limit(2, "sell", 5, 100)]
    assert run(market, *book, Amend(S, 1, lots=2)) == [
        Amended(1, 100, 2, kept_priority=True),
        LevelChanged("sell", 100, 7),
    ]
    assert run(market, limit(3, "buy", 3, 100))[1:3] == [
        met(1, "buy", 100, 2, (1, 0), (3, 1)),
        met(2, "buy", 100, 1, (2, 4), (3, 0)),
    ]


def test_more_size_goes_to_the_end_of_the_queue(market: Market) -> None:
    book = [limit(1, "sell", 5, 100), limit(2, "sell", 5, 100)]
    assert run(market, *book, Amend(S, 1, lots=6)) == [
        Amended(1, 100, 6, kept_priority=False),
        LevelChanged("sell", 100, 11),
    ]
    assert run(market, limit(3, "buy", 6, 100))[1:3] == [
        met(1, "buy", 100, 5, (2, 0), (3, 1)),
        met(2, "buy", 100, 1, (1, 5), (3, 0)),
    ]


def test_another_price_goes_to_the_end_of_that_queue(market: Market) -> None:
    book = [limit(1, "buy", 5, 100), limit(2, "buy", 5, 99)]
    assert run(market, *book, Amend(S, 1, price_ticks=99)) == [
        Amended(1, 99, 5, kept_priority=False),
        LevelChanged("buy", 99, 10),
        LevelChanged("buy", 100, 0),
    ]
    assert run(market, limit(3, "sell", 6, 99))[1] == met(1, "sell", 99, 5, (2, 0), (3, 1))


def test_less_size_at_another_price_loses_the_place(market: Market) -> None:
    book = [limit(1, "buy", 5, 100), limit(2, "buy", 5, 99)]
    assert run(market, *book, Amend(S, 1, price_ticks=99, lots=1))[0] == Amended(1, 99, 1, False)
    assert run(market, limit(3, "sell", 1, 99))[1] == met(1, "sell", 99, 1, (2, 4), (3, 0))


def test_an_amend_that_changes_nothing_keeps_everything(market: Market) -> None:
    assert run(market, limit(1, "buy", 5, 100), Amend(S, 1)) == [Amended(1, 100, 5, kept_priority=True)]


def test_the_quantity_amended_to_is_the_total(market: Market) -> None:
    book = [limit(1, "buy", 5, 100), limit(2, "sell", 2, 100)]
    assert run(market, *book, Amend(S, 1, lots=4)) == [
        Amended(1, 100, 4, kept_priority=True),
        LevelChanged("buy", 100, 2),
    ]
    assert run(market, Amend(S, 1, lots=9)) == [
        Amended(1, 100, 9, kept_priority=False),
        LevelChanged("buy", 100, 7),
    ]


@pytest.mark.parametrize("lots", [1, 2])
def test_an_amend_to_no_more_than_is_filled_cancels_the_rest(market: Market, lots: int) -> None:
    book = [limit(1, "buy", 5, 100), limit(2, "sell", 2, 100)]
    assert run(market, *book, Amend(S, 1, lots=lots)) == [
        Cancelled(1, 3, None),
        LevelChanged("buy", 100, 0),
    ]


def test_an_amend_to_a_price_that_crosses_takes_and_the_rest_rests_there(market: Market) -> None:
    book = [limit(1, "sell", 2, 101), limit(2, "buy", 5, 100)]
    assert run(market, *book, Amend(S, 2, price_ticks=102)) == [
        Amended(2, 102, 5, kept_priority=False),
        met(1, "buy", 101, 2, (1, 0), (2, 3)),
        LevelChanged("buy", 100, 0),
        LevelChanged("buy", 102, 3),
        LevelChanged("sell", 101, 0),
    ]


def test_an_amend_may_fill_the_order_whole(market: Market) -> None:
    book = [limit(1, "buy", 7, 100), limit(2, "sell", 5, 101)]
    events = run(market, *book, Amend(S, 2, price_ticks=99))
    assert events[1] == met(1, "sell", 100, 5, (1, 2), (2, 0))
    assert run(market, Cancel(S, 2)) == [Rejected(2, Code.UNKNOWN_ORDER)]


def test_an_amended_post_only_order_still_never_takes(market: Market) -> None:
    book = [limit(1, "sell", 2, 101), limit(2, "buy", 5, 100, post_only=True)]
    refused = run(market, *book, Amend(S, 2, price_ticks=101))
    assert refused == [Rejected(2, Code.POST_ONLY_WOULD_CROSS)]
    events = run(market, limit(3, "sell", 1, 100))
    assert events[1] == met(1, "sell", 100, 1, (2, 4), (3, 0))


@pytest.mark.parametrize("amend", [Amend(S, 1, price_ticks=0), Amend(S, 1, lots=0), Amend(S, 1, lots=-3)])
def test_an_amend_below_one_lot_or_one_tick_is_refused(market: Market, amend: Amend) -> None:
    assert run(market, limit(1, "buy", 5, 100), amend) == [Rejected(1, Code.BAD_REQUEST)]


# --- what the fast one shows of its state -------------------------------------------------------------


def test_open_orders_are_found_by_their_ids() -> None:
    market = Matching()
    run(market, limit(1, "buy", 5, 100, owner=3), limit(2, "sell", 2, 100), limit(3, "sell", 1, 101))
    assert sorted(market.orders) == [1, 3]
    assert market.orders[1].open_lots == 3
    assert market.orders[1].owner == 3


def test_the_state_hash_tells_priorities_apart() -> None:
    one, other, same = Matching(), Matching(), Matching()
    run(one, limit(1, "buy", 5, 100), limit(2, "buy", 5, 100))
    run(other, limit(2, "buy", 5, 100), limit(1, "buy", 5, 100))
    run(same, limit(1, "buy", 5, 100), limit(9, "buy", 1, 99), limit(2, "buy", 5, 100), Cancel(S, 9))
    assert one.state_hash() != other.state_hash()
    assert one.state_hash() == same.state_hash()


def test_a_refused_command_leaves_the_state_as_it_was() -> None:
    market = Matching()
    run(market, limit(1, "buy", 5, 100, post_only=True), limit(2, "sell", 5, 101))
    before = market.state_hash()
    for refused in (
        limit(3, "buy", 9, 101, "fok"),
        limit(3, "buy", 1, 101, post_only=True),
        limit(3, "buy", 0, 101),
        Amend(S, 1, price_ticks=101),
        Amend(S, 1, lots=0),
        Cancel(S, 3),
    ):
        assert isinstance(run(market, refused)[0], Rejected)
        assert market.state_hash() == before


@pytest.mark.parametrize("stop_ticks", [2613, 2615])
def test_a_sweep_up_triggers_the_sell_stops_that_it_goes_through(market: Market, stop_ticks: int) -> None:
    market.execute(limit(1, "sell", 1, 2618))
    market.execute(limit(2, "buy", 1, 2618))  # the last price is above the stop
    for order_id, ticks in ((3, 2613), (4, 2616), (5, 2618)):
        market.execute(limit(order_id, "sell", 1, ticks))
    market.execute(Place(S, 6, 2, "sell", 1, None, "ioc", stop_ticks=stop_ticks))
    market.execute(Place(S, 7, 2, "sell", 1, None, "ioc", stop_ticks=2612))
    events = market.execute(limit(8, "buy", 3, 2618))
    assert [event.order_id for event in events if isinstance(event, Triggered)] == [6]


@pytest.mark.parametrize("stop_ticks", [2618, 2614])
def test_a_sweep_down_triggers_the_buy_stops_that_it_goes_through(market: Market, stop_ticks: int) -> None:
    market.execute(limit(1, "buy", 1, 2613))
    market.execute(limit(2, "sell", 1, 2613))
    for order_id, ticks in ((3, 2618), (4, 2616), (5, 2613)):
        market.execute(limit(order_id, "buy", 1, ticks))
    market.execute(Place(S, 6, 2, "buy", 1, None, "ioc", stop_ticks=stop_ticks))
    market.execute(Place(S, 7, 2, "buy", 1, None, "ioc", stop_ticks=2619))
    events = market.execute(limit(8, "sell", 3, 2613))
    assert [event.order_id for event in events if isinstance(event, Triggered)] == [6]


def test_dates_of_closed_orders_are_swept_and_the_others_keep_their_order() -> None:
    """Without the sweep a market would remember every gtd order that was ever cancelled."""
    market = Matching()
    for order_id, expires_us in ((1, 9_003), (2, 9_001), (3, 9_002)):
        market.execute(Place(S, order_id, 1, "buy", 1, 100, "gtd", expires_us=expires_us))
    market.execute(Place(S, 4, 1, "buy", 1, 100, "gtd", stop_ticks=200, expires_us=9_000))
    for order_id in range(5, 1_005):
        market.execute(Place(S, order_id, 1, "buy", 1, 90, "gtd", expires_us=order_id))
        market.execute(Cancel(S, order_id))
    remembered_us = market.next_expiry_us()
    assert remembered_us is not None
    assert remembered_us > 1_005 - 2 * 4 - MIN_SWEEP, "four are open: about as many others are remembered"
    expired = [event.order_id for event in market.expire(9_003) if isinstance(event, Expired)]
    assert expired == [4, 2, 3, 1]
    assert market.next_expiry_us() is None


def test_orders_expire_in_the_order_of_their_dates_whatever_was_swept() -> None:
    random, market, dates = Random(5), Matching(), dict[int, int]()
    for order_id in range(1, 2_000):
        dates[order_id] = random.randrange(10_000)
        market.execute(Place(S, order_id, 1, "buy", 1, 90, "gtd", expires_us=dates[order_id]))
        while len(dates) > 30:
            cancelled = random.choice(list(dates))
            market.execute(Cancel(S, cancelled))
            del dates[cancelled]
    expired = [event.order_id for event in market.expire(10_000) if isinstance(event, Expired)]
    assert expired == sorted(dates, key=lambda order_id: (dates[order_id], order_id))

"""What a market keeps of an order that was amended, and what it says of expiries."""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import (
    Amended,
    Cancelled,
    Expired,
    LevelChanged,
    MatchingEvent,
    Rejected,
    TradeMatched,
)

S = "BTC-USDT"


def run(market: Matching, *commands: Command) -> list[MatchingEvent]:
    """Return the events of the last command, without those of levels."""
    for command in commands:
        events = market.execute(command)
    return [event for event in events if not isinstance(event, LevelChanged)]


def limit(
    order_id: int,
    side: Side,
    lots: int,
    price: int,
    tif: TimeInForce = "gtc",
    owner: int = 7,
    *,
    expires_us: int | None = None,
    stop: int | None = None,
    no_self_trade: bool = False,
) -> Place:
    return Place(
        S,
        order_id,
        owner,
        side,
        lots,
        price,
        tif,
        stop_ticks=stop,
        expires_us=expires_us,
        no_self_trade=no_self_trade,
    )


def test_an_order_that_grew_may_shrink_again_in_its_turn() -> None:
    market = Matching()
    run(market, limit(1, "buy", 10, 100), Amend(S, 1, 101, 20))
    assert run(market, Amend(S, 1, None, 15)) == [Amended(1, 101, 15, kept_priority=True)]
    assert (market.orders[1].lots, market.orders[1].open_lots) == (15, 15)
    assert run(market, Amend(S, 1, None, 16)) == [Amended(1, 101, 16, kept_priority=False)]


def test_an_amend_that_would_meet_its_own_order_says_why_it_ends() -> None:
    market = Matching()
    run(market, limit(1, "sell", 4, 101), limit(2, "buy", 10, 99, no_self_trade=True))
    events = run(market, Amend(S, 2, 102, None))
    assert events == [Amended(2, 102, 10, kept_priority=False), Cancelled(2, 10, Code.SELF_TRADE)]
    assert 1 in market.orders


def test_the_next_expiry_is_the_earliest() -> None:
    market = Matching()
    assert market.next_expiry_us() is None
    run(market, limit(1, "buy", 1, 100, "gtd", expires_us=20))
    assert market.next_expiry_us() == 20
    run(market, limit(2, "sell", 1, 200, "gtd", expires_us=10, stop=90))
    assert market.next_expiry_us() == 10
    assert market.expire(9) == []
    assert market.expire(10) == [Expired(2, 1)]
    assert market.next_expiry_us() == 20
    assert market.expire(20)[0] == Expired(1, 1)
    assert market.next_expiry_us() is None


def test_when_open_orders_expire_is_part_of_the_state_and_of_closed_ones_is_not() -> None:
    def state(expires_us: int, *others: Command, stop: int | None = None) -> str:
        market = Matching()
        run(market, limit(1, "buy", 1, 100, "gtd", expires_us=expires_us, stop=stop), *others)
        return market.state_hash()

    gone = (limit(2, "buy", 1, 90, "gtd", expires_us=5), Cancel(S, 2))
    assert state(10) != state(11)
    assert state(10, stop=105) != state(11, stop=105)
    assert state(10) == state(10, *gone)
    assert state(10, stop=105) != state(10)


def test_an_order_spends_all_of_its_money_where_that_is_one_lot() -> None:
    for price in (100, 99):
        market = Matching()
        run(market, limit(1, "sell", 5, price))
        events = run(market, Place(S, 2, 8, "buy", 1_000, None, "ioc", spend=100))
        assert [event.lots for event in events if isinstance(event, TradeMatched)] == [1]
    market = Matching()
    run(market, limit(1, "sell", 1, 60), limit(2, "sell", 5, 40))
    events = run(market, Place(S, 3, 8, "buy", 1_000, None, "ioc", spend=260))
    assert [(event.price_ticks, event.lots) for event in events if isinstance(event, TradeMatched)] == [
        (40, 5),
        (60, 1),
    ]
    assert events[1] == Amended(3, 0, 6, kept_priority=False)


def test_a_state_is_told_by_sixteen_bytes() -> None:
    assert len(bytes.fromhex(Matching().state_hash())) == 16


def test_fill_or_kill_asks_for_what_is_left_of_an_order_that_was_filled_in_part() -> None:
    for there, fills in ((6, [6]), (5, [])):
        market = Matching()
        run(market, limit(1, "sell", there, 100))
        events = run(market, Place(S, 2, 8, "buy", 10, 100, "fok", filled_lots=4))
        assert [event.lots for event in events if isinstance(event, TradeMatched)] == fills


def test_who_may_not_trade_with_itself_stops_before_its_own_order() -> None:
    for others_lots, fills in ((0, []), (3, [3])):
        market = Matching()
        if others_lots:
            run(market, limit(1, "sell", others_lots, 100, owner=9))
        run(market, limit(2, "sell", 4, 100))
        events = run(market, limit(3, "buy", 10, 100, no_self_trade=True))
        assert [event.lots for event in events if isinstance(event, TradeMatched)] == fills
        assert events[-1] == Cancelled(3, 10 - others_lots, Code.SELF_TRADE)
        assert market.orders[2].open_lots == 4
        assert market.last_ticks == (100 if fills else 0), "nothing was traded"
    market = Matching()
    run(market, limit(2, "sell", 4, 100))
    assert isinstance(run(market, limit(3, "buy", 10, 100))[1], TradeMatched), (
        "it may, where nothing forbids it"
    )


def test_an_order_may_be_amended_down_to_one_tick_and_one_lot() -> None:
    market = Matching()
    run(market, limit(1, "buy", 5, 10))
    assert run(market, Amend(S, 1, 1, 1)) == [Amended(1, 1, 1, kept_priority=False)]
    for price, lots in ((0, 1), (1, 0)):
        assert run(market, Amend(S, 1, price, lots)) == [Rejected(1, Code.BAD_REQUEST)]


def test_so_may_a_stop_that_waits() -> None:
    market = Matching()
    run(market, Place(S, 1, 7, "buy", 5, 10, "gtc", stop_ticks=20, filled_lots=2))
    for price, lots in ((0, 5), (10, 0), (0, 0), (None, 0)):
        assert run(market, Amend(S, 1, price, lots)) == [Rejected(1, Code.BAD_REQUEST)]
    assert run(market, Amend(S, 1, 1, 3)) == [Amended(1, 1, 3, kept_priority=True)]
    assert run(market, Amend(S, 1, None, 2)) == [Cancelled(1, 1, None)]
    assert 1 not in market.waiting
    run(market, Place(S, 2, 7, "buy", 5, None, "ioc", stop_ticks=20))
    assert run(market, Amend(S, 2, None, 1)) == [Amended(2, 0, 1, kept_priority=True)]


def test_fill_or_kill_counts_only_what_others_offer_before_its_own_order() -> None:
    for lots, price, fills in ((3, 100, True), (4, 100, False), (4, 101, False)):
        market = Matching()
        run(
            market,
            limit(1, "sell", 3, 100, owner=9),
            limit(2, "sell", 4, 100),
            limit(3, "sell", 5, 101, owner=9),
        )
        events = run(market, limit(4, "buy", lots, price, "fok", no_self_trade=True))
        assert any(isinstance(event, TradeMatched) for event in events) is fills
        assert fills or events == [Rejected(4, Code.FOK_UNFILLED)]
    for lots, price, fills in (
        (3, 100, True),
        (4, 100, False),
        (4, 101, True),
        (8, 101, True),
        (9, 101, False),
    ):
        for no_self_trade in (True, False):
            market = Matching()
            run(market, limit(1, "sell", 3, 100, owner=9), limit(3, "sell", 5, 101, owner=9))
            events = run(market, limit(4, "buy", lots, price, "fok", no_self_trade=no_self_trade))
            assert any(isinstance(event, TradeMatched) for event in events) is fills


def test_the_best_price_of_a_side_is_told() -> None:
    market = Matching()
    assert (market.bids.best_size(), market.asks.best_size()) == ((0, 0), (0, 0))
    assert (market.bids.best_ticks(), market.asks.best_ticks()) == (0, 0)
    run(market, limit(1, "buy", 3, 99), limit(2, "buy", 4, 98), limit(3, "sell", 5, 101))
    assert (market.bids.best_size(), market.asks.best_size()) == ((99, 3), (101, 5))
    assert (market.bids.best_ticks(), market.asks.best_ticks()) == (99, 101)

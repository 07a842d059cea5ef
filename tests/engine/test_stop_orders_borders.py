"""Stop orders that wait: what an amend changes of one, and in which order those that are due enter."""

from __future__ import annotations

from floorwire.core.instrument import Side
from floorwire.core.order_commands import Amend, Place
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Amended, TradeMatched, Triggered

SYMBOL = "BTC-USDT"


def place(market: Matching, order_id: int, side: Side, lots: int, price: int, stop: int | None) -> None:
    market.execute(Place(SYMBOL, order_id, order_id, side, lots, price, "gtc", stop_ticks=stop))


def trade_at(market: Matching, price: int) -> list[object]:
    """Let two others trade one lot at the price; return what came of the second."""
    place(market, 1_000, "sell", 1, price, None)
    return list(market.execute(Place(SYMBOL, 1_001, 1_001, "buy", 1, price, "gtc")))


def test_a_stop_that_is_amended_enters_with_its_new_price_and_quantity() -> None:
    market = Matching()
    place(market, 1, "buy", 10, 105, 103)
    assert market.execute(Amend(SYMBOL, 1, 104, 12)) == [Amended(1, 104, 12, kept_priority=True)]
    assert (market.waiting[1].price_ticks, market.waiting[1].lots) == (104, 12)
    market.execute(Amend(SYMBOL, 1, None, 7))
    assert (market.waiting[1].price_ticks, market.waiting[1].lots) == (104, 7)
    trade_at(market, 103)
    order = market.orders[1]
    assert (order.price_ticks, order.open_lots) == (104, 7)


def test_stops_that_are_due_at_once_enter_in_the_order_in_which_they_came() -> None:
    market = Matching()
    for order_id, stop in ((7, 103), (5, 101), (6, 102)):
        place(market, order_id, "buy", 1, 110, stop)
    place(market, 4, "sell", 1, 90, 103)
    events = trade_at(market, 103)
    assert [event.order_id for event in events if isinstance(event, Triggered)] == [7, 5, 6, 4]
    (match,) = [event for event in events if isinstance(event, TradeMatched)][1:]
    assert (match.maker_id, match.taker_id) == (7, 4)


def test_a_stop_is_due_at_its_own_price_and_not_one_tick_before() -> None:
    for side, stop, before in (("buy", 103, 102), ("sell", 103, 104)):
        market = Matching()
        market.execute(Place(SYMBOL, 1, 1, side, 1, 100, "gtc", stop_ticks=stop))  # type: ignore[arg-type]
        trade_at(market, before)
        assert 1 in market.waiting
        trade_at(market, stop)
        assert 1 not in market.waiting

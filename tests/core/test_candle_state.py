"""A candle in the making."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.candle_state import CandleState
from floorwire.core.market_events import Candle, Trade
from floorwire.core.microseconds import SECOND_US


def trade(ts_us: int, price_ticks: int, size_lots: int = 1) -> Trade:
    return Trade("BTC-USDT", "1", price_ticks, size_lots, "sell", ts_us)


def test_a_trade_is_a_candle_of_its_second() -> None:
    bar = CandleState.from_trade(trade(3 * SECOND_US + 5, 100, 7))
    assert bar == CandleState(3 * SECOND_US, 3 * SECOND_US + 5, 3 * SECOND_US + 5, 100, 100, 100, 100, 7, 1)


def test_a_venues_candle_is_taken_as_it_is() -> None:
    candle = Candle("BTC-USDT", 60 * SECOND_US, 0, 1, 4, 1, 3, 50, 9, False, 30 * SECOND_US)
    assert CandleState.from_venue(candle).figures() == (0, 1, 4, 1, 3, 50, 9)


def test_a_flat_candle_shows_no_trade() -> None:
    assert CandleState.flat(SECOND_US, 42).figures() == (SECOND_US, 42, 42, 42, 42, 0, 0)


def test_only_figures_that_are_seen_make_a_difference() -> None:
    bar = CandleState.from_trade(trade(SECOND_US, 100))
    assert bar.has_same_figures(CandleState.from_trade(trade(SECOND_US + 9, 100)))
    assert not bar.has_same_figures(CandleState.from_trade(trade(SECOND_US, 101)))
    assert not bar.has_same_figures(CandleState.from_trade(trade(2 * SECOND_US, 100)))


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9)), min_size=1), st.data())
def test_merged_in_any_pieces_it_equals_the_trades_in_order_of_time(
    prints: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    trades = [trade(*what) for what in prints]
    cut = data.draw(st.integers(0, len(trades) - 1))
    bar = CandleState.from_trade(trades[0])
    for known in trades[1 : cut + 1]:
        bar.merge(CandleState.from_trade(known))
    rest = trades[cut + 1 :]
    if rest:
        tail = CandleState.from_trade(rest[0])
        for known in rest[1:]:
            tail = tail.merged(CandleState.from_trade(known))
        bar.merge(tail)
    by_time = sorted(trades, key=lambda known: known.ts_us)
    prices = [known.price_ticks for known in by_time]
    volume = sum(known.size_lots for known in trades)
    assert bar.figures() == (0, prices[0], max(prices), min(prices), prices[-1], volume, len(trades))
    assert (bar.first_us, bar.last_us) == (by_time[0].ts_us, by_time[-1].ts_us)

"""The candles of one interval, without the channel around them."""

from __future__ import annotations

from floorwire.channels.interval_candles import MAX_FLAT, VENUE_LATE_US, IntervalCandles
from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.candle_state import CandleState
from floorwire.core.market_events import Candle
from floorwire.core.microseconds import SECOND_US

MINUTE = 60 * SECOND_US
START = 1_000 * MINUTE


def second(at_us: int, price_ticks: int) -> CandleState:
    """Return the trades of one second: one of a lot."""
    return CandleState(at_us, at_us, at_us, price_ticks, price_ticks, price_ticks, price_ticks, 1, 1)


def of_venue(start_us: int, ts_us: int, *, closed: bool = False) -> Candle:
    return Candle("BTC-USDT", MINUTE, start_us, 100, 120, 90, 110, 7, 3, closed, ts_us)


def candles() -> IntervalCandles:
    """Return candles of a minute, in which one trade came."""
    made = IntervalCandles(INTERVALS["1m"])
    made.start_interval(START)
    made.add(second(START + SECOND_US, 100), 0)
    return made


def test_an_interval_ends_when_the_next_begins() -> None:
    made = candles()
    made.add(second(START + 2 * SECOND_US, 130), 0)
    (closed,) = made.start_interval(START + MINUTE)
    assert (closed.start_us, closed.open_ticks, closed.close_ticks, closed.trades) == (START, 100, 130, 2)
    assert (made.closed, made.shown) == (closed, None)


def test_a_trade_of_an_earlier_interval_is_too_late() -> None:
    made = candles()
    made.start_interval(START + MINUTE)
    made.add(second(START + 3 * SECOND_US, 130), 0)
    assert made.shown is None


def test_intervals_without_trades_are_flat_up_to_a_limit() -> None:
    made = candles()
    first, *flat = made.start_interval(START + (MAX_FLAT + 10) * MINUTE)
    assert (first.start_us, len(flat)) == (START, MAX_FLAT)
    assert {(one.close_ticks, one.trades) for one in flat} == {(100, 0)}


def test_after_a_missing_trade_nothing_is_flat_and_the_candle_is_incomplete() -> None:
    made = candles()
    assert made.miss_trade(START + 5 * SECOND_US)
    assert not made.miss_trade(START + 6 * SECOND_US)
    (closed,) = made.start_interval(START + 5 * MINUTE)
    assert closed.is_incomplete


def test_the_venues_candle_is_shown_until_it_is_overdue() -> None:
    made = candles()
    assert made.apply_venue_candle(of_venue(START, START + 2 * SECOND_US), 0) == []
    assert made.of_venue
    assert made.shown == CandleState.from_venue(of_venue(START, START + 2 * SECOND_US))
    assert made.start_interval(START + MINUTE) == []
    late_us = START + MINUTE + VENUE_LATE_US
    assert (made.is_overdue(late_us - 1), made.is_overdue(late_us)) == (False, True)
    (closed,) = made.drop_venue(late_us)
    assert (closed.start_us, closed.volume_lots, made.of_venue) == (START, 7, False)

"""The simulated market's past: whole in every interval, the same for a seed, and it meets the present."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.candle_state import CandleState
from floorwire.core.market_events import Quote
from floorwire.core.microseconds import DAY_US, MINUTE_US
from floorwire.venues import sim
from floorwire.venues.sim_past import STEPS, PastCandles

NOW_US = 1_796_001_085_242_903


@pytest.fixture(scope="module")
def past() -> list[PastCandles]:
    market = sim.venue(random.Random(1), ("BTC-USDT", "ETH-BTC"), "sim", "sim:")
    return market.past(random.Random("seed"), NOW_US)


def test_the_same_seed_gives_the_same_past(past: list[PastCandles]) -> None:
    market = sim.venue(random.Random(2), ("BTC-USDT", "ETH-BTC"), "sim", "sim:")
    assert market.past(random.Random("seed"), NOW_US) == past
    assert market.past(random.Random("other"), NOW_US) != past


def test_each_interval_is_whole_and_reaches_far_enough(past: list[PastCandles]) -> None:
    for one in past:
        for (name, reach_us), (coarser, _) in zip(STEPS, [*STEPS[1:], STEPS[-1]], strict=True):
            candles = one.candles[name]
            interval = INTERVALS[name]
            starts_us = [candle.start_us for candle in candles]
            assert starts_us[0] <= INTERVALS[coarser].start_of(NOW_US - reach_us)
            assert starts_us[1:] == [interval.end_of(start_us) for start_us in starts_us[:-1]]
            assert interval.end_of(starts_us[-1]) > NOW_US
        assert len(one.candles["1m"]) * MINUTE_US >= DAY_US
        assert len(one.candles["1M"]) >= 500


def test_a_candle_begins_where_the_one_before_ended_and_the_last_at_the_opening(
    past: list[PastCandles],
) -> None:
    for one in past:
        opening = one.profile.instrument("").price.floor(one.profile.price)
        for candles in one.candles.values():
            assert candles[-1].close_ticks == opening
            assert all(abs(later.open_ticks - candle.close_ticks) <= 1 for candle, later in pairwise(candles))
            assert all(is_sound(candle) for candle in candles)


def is_sound(candle: CandleState) -> bool:
    """Return whether a candle is one of trades."""
    low, high = candle.low_ticks, candle.high_ticks
    return 0 < low <= min(candle.open_ticks, candle.close_ticks) <= high and candle.trades > 0


def test_the_moves_of_a_day_are_as_wide_as_those_of_its_minutes(past: list[PastCandles]) -> None:
    candles = past[0].candles
    of_days = spread(candles["1d"][:2_000])
    of_minutes = spread(candles["1m"]) * (1_440**0.5)
    assert 0.4 < of_days / of_minutes < 1.6


def spread(candles: Sequence[CandleState]) -> float:
    """Return the standard deviation of the candles' relative moves."""
    moves = [candle.close_ticks / candle.open_ticks - 1.0 for candle in candles]
    return float((sum(move * move for move in moves) / len(moves)) ** 0.5)


def test_a_later_start_goes_on_from_the_last_prices() -> None:
    prices = {"sim:BTC-USDT": "70000.0", "sim:ETH-USDT": "3000.00", "sim:ETH-BTC": "0.04286"}
    symbols = ("BTC-USDT", "ETH-USDT", "ETH-BTC")
    market = sim.venue(random.Random(3), symbols, "sim", "sim:")
    market.continue_from(prices)
    shown = {event.symbol: event for event in market.start(NOW_US) if isinstance(event, Quote)}
    assert abs(shown["sim:BTC-USDT"].bid_ticks - 140_000) < 100
    assert abs(shown["sim:ETH-USDT"].bid_ticks - 60_000) < 100
    assert abs(shown["sim:ETH-BTC"].bid_ticks - 4_286) < 10

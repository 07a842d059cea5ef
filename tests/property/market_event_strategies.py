"""Strategies: whatever a venue may say of one symbol, in any order."""

from __future__ import annotations

from hypothesis import strategies as st

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Level,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.microseconds import MINUTE_US, SECOND_US
from floorwire.core.rolling_day import DAY_MINUTES

BTC_USDT = "BTC-USDT"
MIDNIGHT_US = 20_000 * DAY_MINUTES * MINUTE_US

# Small numbers, so that levels, prices and moments meet often.
prices = st.integers(1, 40)
sizes = st.integers(1, 5)
levels = st.lists(st.tuples(prices, st.integers(0, 5)), max_size=8).map(tuple)

# Mostly within a few minutes, now and then two days away; they come in any order.
moments = st.one_of(
    st.integers(0, 200 * 4).map(lambda quarter: MIDNIGHT_US + quarter * SECOND_US // 4),
    st.integers(0, 2 * DAY_MINUTES).map(lambda minute: MIDNIGHT_US + minute * MINUTE_US),
)


def _snapshot(bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookSnapshot:
    return BookSnapshot(BTC_USDT, bids, asks, ts_us)


def _change(bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookChange:
    return BookChange(BTC_USDT, bids, asks, ts_us)


def trade(price_ticks: int, size_lots: int, ts_us: int) -> Trade:
    """Return a trade."""
    return Trade(BTC_USDT, "1", price_ticks, size_lots, "buy", ts_us)


def _candle(interval_us: int, price_ticks: int, volume_lots: int, closed: bool, ts_us: int) -> Candle:
    start_us, price = ts_us - ts_us % interval_us, price_ticks
    return Candle(BTC_USDT, interval_us, start_us, price, price, price, price, volume_lots, 1, closed, ts_us)


def _quote(bid: Level, ask: Level, ts_us: int) -> Quote:
    return Quote(BTC_USDT, *bid, *ask, ts_us)


snapshots = st.builds(_snapshot, levels, levels, moments)
changes = st.builds(_change, levels, levels, moments)
trades = st.builds(trade, prices, sizes, moments)
clocks = st.builds(VenueTime, moments)
candles = st.builds(_candle, st.sampled_from([SECOND_US, MINUTE_US]), prices, sizes, st.booleans(), moments)
quotes = st.builds(
    _quote,
    st.one_of(st.just((0, 0)), st.tuples(prices, sizes)),
    st.one_of(st.just((0, 0)), st.tuples(prices, sizes)),
    moments,
)
day_stats = st.builds(
    DayStats,
    st.just(BTC_USDT),
    prices,
    prices,
    prices,
    sizes,
    st.one_of(st.none(), st.integers(0, 99)),
    moments,
)

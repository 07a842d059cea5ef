"""The last 24 hours beside a naive sum over all trades."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_events import Trade
from floorwire.core.microseconds import MINUTE_US
from floorwire.core.rolling_day import DAY_MINUTES, Day, DayWindow

DAY_US = DAY_MINUTES * MINUTE_US
NOON_US = 500 * DAY_US + 12 * 60 * MINUTE_US


def trade(ts_us: int, price_ticks: int = 100, size_lots: int = 1) -> Trade:
    return Trade("BTC-USDT", "1", price_ticks, size_lots, "buy", ts_us)


def naive(trades: list[Trade], oldest_us: int) -> Day | None:
    counted = sorted((t for t in trades if t.ts_us >= oldest_us), key=lambda t: t.ts_us)
    if not counted:
        return None
    prices = [t.price_ticks for t in counted]
    turnover = sum(t.price_ticks * t.size_lots for t in counted)
    return Day(prices[0], max(prices), min(prices), sum(t.size_lots for t in counted), turnover)


def test_nothing_is_known_before_the_first_trade() -> None:
    window = DayWindow()
    assert window.advance(NOON_US) is False
    assert window.day() is None


def test_the_oldest_minute_counts_whole_until_it_is_over() -> None:
    window = DayWindow()
    window.advance(NOON_US)
    window.add(trade(NOON_US, 100, 5))
    window.add(trade(NOON_US + MINUTE_US - 1, 90, 2))
    window.add(trade(NOON_US + MINUTE_US, 95, 1))
    whole = Day(100, 100, 90, 8, 500 + 180 + 95)
    assert window.advance(NOON_US + DAY_US + MINUTE_US - 1) is False
    assert window.day() == whole
    assert window.advance(NOON_US + DAY_US + MINUTE_US) is True
    assert window.day() == Day(95, 95, 95, 1, 95)
    assert window.advance(NOON_US + DAY_US + MINUTE_US) is False
    assert window.advance(NOON_US) is False, "time does not go back"
    assert window.advance(NOON_US + 3 * DAY_US) is True
    assert window.day() is None


def test_a_late_trade_counts_in_its_own_minute_unless_that_is_past() -> None:
    window = DayWindow()
    window.advance(NOON_US)
    window.add(trade(NOON_US, 100))
    window.add(trade(NOON_US - 2 * MINUTE_US, 80))
    window.add(trade(NOON_US - 2 * MINUTE_US - 1, 70))
    window.add(trade(NOON_US - 3 * MINUTE_US, 60))
    window.add(trade(NOON_US - DAY_US - 1, 1))
    assert window.day() == Day(60, 100, 60, 4, 310)
    window.advance(NOON_US + DAY_US - 2 * MINUTE_US)
    assert window.day() == Day(80, 100, 80, 2, 180)


def test_high_and_low_are_found_again_among_what_is_left() -> None:
    window = DayWindow()
    for minute, price in enumerate((9, 20, 1, 10, 2, 12, 11)):
        window.add(trade(NOON_US + minute * MINUTE_US, price))
    assert window.day() == Day(9, 20, 1, 7, 65)
    window.advance(NOON_US + DAY_US + 3 * MINUTE_US)
    assert window.day() == Day(10, 12, 2, 4, 35)


def test_a_late_trade_of_the_oldest_minute_still_counts() -> None:
    window = DayWindow()
    window.advance(NOON_US)
    window.add(trade(NOON_US - DAY_US))
    assert window.day() == Day(100, 100, 100, 1, 100)


moments = st.integers(0, 2 * DAY_MINUTES * 4).map(lambda quarter: NOON_US + quarter * MINUTE_US // 4)
trades_and_times = st.lists(
    st.tuples(moments, st.integers(1, 9), st.integers(1, 9), st.booleans()), min_size=1, max_size=60
)


@given(trades_and_times)
def test_the_window_equals_the_naive_one_at_every_moment(
    what: list[tuple[int, int, int, bool]],
) -> None:
    window, trades, now_us = DayWindow(), list[Trade](), 0
    for ts_us, price, size, is_trade in what:
        now_us = max(now_us, ts_us)
        oldest_us = now_us - now_us % MINUTE_US - DAY_US
        window.advance(ts_us)
        if is_trade:
            trades.append(trade(ts_us, price, size))
            window.add(trades[-1])
        assert window.day() == naive(trades, oldest_us)


def test_at_most_1441_minutes_are_kept() -> None:
    window = DayWindow()
    for minute in range(2 * DAY_MINUTES):
        window.advance(NOON_US + minute * MINUTE_US)
        window.add(trade(NOON_US + minute * MINUTE_US))
    day = window.day()
    assert day is not None
    assert day.volume_lots == 1441

"""The intervals of candles: weeks from Monday, months of the calendar, the others since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.microseconds import DAY_US, MINUTE_US, SECOND_US

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "3d", "1w", "1M"]

times_us = st.integers(-(2**56), 2**56)
intervals = st.sampled_from(list(INTERVALS.values()))


def micros(year: int, month: int, day: int = 1, hour: int = 0) -> int:
    return (datetime(year, month, day, hour, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def date(ts_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=ts_us)


def test_the_intervals_are_listed_the_shortest_first() -> None:
    assert list(INTERVALS) == NAMES
    lengths = [
        interval.end_of(interval.start_of(0)) - interval.start_of(0) for interval in INTERVALS.values()
    ]
    assert lengths == sorted(lengths)


@given(intervals, times_us)
def test_each_time_is_in_the_one_interval_that_has_it(interval: CandleInterval, ts_us: int) -> None:
    start_us = interval.start_of(ts_us)
    end_us = interval.end_of(start_us)
    assert start_us <= ts_us < end_us
    assert interval.start_of(start_us) == start_us
    assert interval.start_of(end_us - 1) == start_us
    assert interval.start_of(end_us) == end_us


@given(intervals, times_us)
def test_all_but_the_second_start_with_a_minute(interval: CandleInterval, ts_us: int) -> None:
    assert interval.start_of(ts_us) % (SECOND_US if interval.name == "1s" else MINUTE_US) == 0


@given(st.sampled_from(NAMES[:12]), times_us)
def test_those_up_to_a_day_start_anew_at_midnight(name: str, ts_us: int) -> None:
    midnight_us = ts_us - ts_us % DAY_US
    assert INTERVALS[name].start_of(midnight_us) == midnight_us


@given(st.datetimes(datetime(1970, 1, 5), datetime(9000, 1, 1)))
def test_weeks_start_on_monday_and_months_on_the_first(when: datetime) -> None:
    ts_us = (when.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    assert date(INTERVALS["1w"].start_of(ts_us)) == midnight - timedelta(days=when.weekday())
    assert date(INTERVALS["1M"].start_of(ts_us)) == midnight.replace(day=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [((2024, 2), (2024, 3)), ((2025, 2), (2025, 3)), ((2100, 2), (2100, 3)), ((2026, 12), (2027, 1))],
)
def test_a_month_is_as_long_as_the_calendar_says(start: tuple[int, int], end: tuple[int, int]) -> None:
    assert INTERVALS["1M"].end_of(micros(*start)) == micros(*end)


@given(intervals, times_us, st.integers(0, 30), st.integers(0, 40))
def test_the_last_starts_are_the_latest_of_all(
    interval: CandleInterval, ts_us: int, count: int, limit: int
) -> None:
    first_us = until_us = interval.start_of(ts_us)
    starts_us = []
    for _ in range(count):
        starts_us.append(until_us)
        until_us = interval.end_of(until_us)
    assert list(interval.last_starts(first_us, until_us, limit)) == starts_us[max(0, count - limit) :]

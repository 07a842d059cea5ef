"""When candles begin: minutes, days, weeks and months, in UTC and in other zones."""

from datetime import UTC, datetime

import pytest

from tests.fake_exchange.candle_intervals import HOUR_US, Interval, days, hours, minutes, months, week


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("interval", "time", "begin", "end"),
    [
        (minutes(3), "2026-11-29T23:59:59", "2026-11-29T23:57:00", "2026-11-30T00:00:00"),
        (hours(6), "2026-11-29T23:59:59", "2026-11-29T18:00:00", "2026-11-30T00:00:00"),
        (hours(6, 8 * HOUR_US), "2026-11-29T23:59:59", "2026-11-29T22:00:00", "2026-11-30T04:00:00"),
        (days(1, 8 * HOUR_US), "2026-11-29T15:59:59", "2026-11-28T16:00:00", "2026-11-29T16:00:00"),
        (week(), "2026-11-29T23:59:59", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
        (week(8 * HOUR_US), "2026-11-29T23:59:59", "2026-11-29T16:00:00", "2026-12-06T16:00:00"),
        (minutes(10_080), "2026-11-29T23:59:59", "2026-11-26T00:00:00", "2026-12-03T00:00:00"),
        (months(1), "2026-11-30T23:59:59", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
        (months(1), "2024-02-29T00:00:00", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        (months(1, 8 * HOUR_US), "2026-11-30T16:00:00", "2026-11-30T16:00:00", "2026-12-31T16:00:00"),
        (months(3), "2026-12-31T23:59:59", "2026-10-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_an_interval_begins_and_ends(interval: Interval, time: str, begin: str, end: str) -> None:
    assert interval.begin_us(us(time)) == us(begin)
    assert interval.end_us(us(begin)) == us(end)
    assert interval.begin_us(us(end)) == us(end)
    assert interval.begin_us(us(end) - 1) == us(begin)

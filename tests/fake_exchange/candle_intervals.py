"""Intervals of candles: when each of them begins and ends."""

from dataclasses import dataclass
from datetime import UTC, datetime

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
MONDAY_US = 4 * DAY_US  # 1970-01-05 was the first Monday after 1970-01-01


@dataclass(frozen=True)
class Interval:
    """So long from `origin_us` on, or so many months of the calendar.

    `zone_us` is how far the clock is ahead of UTC that its days, weeks and months follow."""

    length_us: int = 0
    months: int = 0
    origin_us: int = 0
    zone_us: int = 0

    def begin_us(self, time_us: int) -> int:
        """When the interval begins that has this time."""
        if not self.months:
            return time_us - (time_us + self.zone_us - self.origin_us) % self.length_us
        month = self._month(time_us)
        return self._month_us(month - month % self.months)

    def end_us(self, begin_us: int) -> int:
        """When the interval ends that begins so. The next one begins then."""
        if not self.months:
            return begin_us + self.length_us
        return self._month_us(self._month(begin_us) + self.months)

    def _month(self, time_us: int) -> int:
        moment = datetime.fromtimestamp((time_us + self.zone_us) // 1_000_000, UTC)
        return moment.year * 12 + moment.month - 1

    def _month_us(self, month: int) -> int:
        begin = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return int(begin.timestamp()) * 1_000_000 - self.zone_us


def seconds(number: int) -> Interval:
    return Interval(number * 1_000_000)


def minutes(number: int, zone_us: int = 0) -> Interval:
    return Interval(number * MINUTE_US, zone_us=zone_us)


def hours(number: int, zone_us: int = 0) -> Interval:
    return Interval(number * HOUR_US, zone_us=zone_us)


def days(number: int, zone_us: int = 0) -> Interval:
    return Interval(number * DAY_US, zone_us=zone_us)


def week(zone_us: int = 0) -> Interval:
    """A week begins on Monday."""
    return Interval(7 * DAY_US, origin_us=MONDAY_US, zone_us=zone_us)


def months(number: int, zone_us: int = 0) -> Interval:
    return Interval(months=number, zone_us=zone_us)

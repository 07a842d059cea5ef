"""The intervals of candles: where each starts and ends, in UTC.

All but the month have a fixed length. Weeks start on Monday. Months are those of the calendar. The others
start at multiples of their length since the epoch, so those up to a day start anew at midnight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from floorwire.core.microseconds import DAY_US, HOUR_US, MINUTE_US, SECOND_US

WEEK_US: Final = 7 * DAY_US
FIRST_MONDAY_US: Final = 4 * DAY_US
"""1970-01-05. The epoch was a Thursday."""
MONTHS: Final = 12
ERA_DAYS: Final = 146_097
"""Days of 400 years: after so many the calendar repeats."""
ERA_START_DAYS: Final = 719_468
"""Days from 0000-03-01 to the epoch. Years that begin in March have the leap day at their end."""


class CandleInterval(msgspec.Struct, frozen=True):
    """An interval of candles.

    ``length_us``: None if it is a month. ``offset_us``: the start of one of them; others are whole lengths
    away.
    """

    name: str
    length_us: int | None
    offset_us: int = 0

    def start_of(self, ts_us: int) -> int:
        """Return the start of the interval that has this time."""
        if self.length_us is None:
            return _month_start(_month_of(ts_us))
        return ts_us - (ts_us - self.offset_us) % self.length_us

    def end_of(self, start_us: int) -> int:
        """Return the end of the interval that starts then, which is the start of the next."""
        if self.length_us is None:
            return _month_start(_month_of(start_us) + 1)
        return start_us + self.length_us

    def last_starts(self, from_us: int, until_us: int, limit: int) -> Sequence[int]:
        """Return the latest ``limit`` starts of those from one start up to before another."""
        if self.length_us is None:
            first, end = _month_of(from_us), _month_of(until_us)
            return [_month_start(month) for month in range(max(first, end - limit), end)]
        return range(max(from_us, until_us - limit * self.length_us), until_us, self.length_us)


def _month_of(ts_us: int) -> int:
    """Return the month as a number: those since the year 0."""
    day = ts_us // DAY_US + ERA_START_DAYS
    era, day_of_era = divmod(day, ERA_DAYS)
    # Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    return MONTHS * (400 * era + year) + month_from_march + 2


def _month_start(month: int) -> int:
    """Return the start of a month, by its number."""
    year, month_from_march = divmod(month - 2, MONTHS)
    day_of_year = (153 * month_from_march + 2) // 5
    days = 365 * year + year // 4 - year // 100 + year // 400 + day_of_year
    return (days - ERA_START_DAYS) * DAY_US


INTERVALS: Final[Mapping[str, CandleInterval]] = MappingProxyType(
    {
        interval.name: interval
        for interval in (
            CandleInterval("1s", SECOND_US),
            CandleInterval("1m", MINUTE_US),
            CandleInterval("3m", 3 * MINUTE_US),
            CandleInterval("5m", 5 * MINUTE_US),
            CandleInterval("15m", 15 * MINUTE_US),
            CandleInterval("30m", 30 * MINUTE_US),
            CandleInterval("1h", HOUR_US),
            CandleInterval("2h", 2 * HOUR_US),
            CandleInterval("4h", 4 * HOUR_US),
            CandleInterval("6h", 6 * HOUR_US),
            CandleInterval("12h", 12 * HOUR_US),
            CandleInterval("1d", DAY_US),
            CandleInterval("3d", 3 * DAY_US),
            CandleInterval("1w", WEEK_US, FIRST_MONDAY_US),
            CandleInterval("1M", None),
        )
    }
)
"""By name, the shortest first. Each but the second starts with a minute, so all of them end with one."""

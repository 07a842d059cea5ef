"""Times and dates as pure code is given them, dates that never go back, and dates as text.

Arguments called ``now_us`` are monotonic, those called ``wall_us`` are dates; both are microseconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """One reading of the clock, in microseconds."""

    now_us: int
    """Monotonic."""
    wall_us: int
    """The date by the system's clock, smoothed."""
    stamp_us: int
    """The date to write: never less than the one before."""


class ForwardDate:
    """The dates of one stream of events.

    While the wall clock is not behind the last date, the date is the wall clock's. Where it is behind (the
    system's clock was set back), dates go on at half speed until it has caught up: they never go back, and
    never stand still.
    """

    __slots__ = ("_date_us", "_seen_us")

    def __init__(self, now_us: int, wall_us: int) -> None:
        self._seen_us = now_us
        self._date_us = wall_us

    def at(self, now_us: int, wall_us: int) -> int:
        """Return the date, in microseconds since the epoch. ``now_us`` is monotonic, ``wall_us`` a date."""
        if wall_us >= self._date_us:
            self._seen_us = now_us
            self._date_us = wall_us
            return wall_us
        half_us = max(0, now_us - self._seen_us) // 2
        self._seen_us += 2 * half_us  # what is left of an odd microsecond counts the next time
        self._date_us = max(wall_us, self._date_us + half_us)
        return self._date_us


def rfc3339(date_us: int) -> str:
    """Return the date in UTC with milliseconds."""
    at = EPOCH + timedelta(microseconds=date_us)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

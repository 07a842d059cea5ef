"""The process's clock: monotonic time for waiting, and dates.

``monotonic_us`` only counts up, even when the system's clock is set. Rate limits, timers, silence, pacing
and ages use it. Arguments that hold it are called ``now_us``. It begins at the date of the start. So both
times have the same size, but it is not a date.

``wall_us`` is a date: the start's date plus monotonic time, corrected towards the system's clock. Signatures
and expiries are compared with it. The system's clock is looked at once a millisecond, by this rule:

- Off by up to ``TOLERANCE_US``: left as it is.
- Off by up to ``SLEW_MOST_US``: corrected smoothly. Meanwhile the date runs at one and a half times or at
  half speed. So it never goes back, and is right after at most twice the time that it was off.
- Off by more: ignored for ``HOLD_US``, then taken over at once, forward or back. So a clock that is set wrong
  and corrected within that time changes nothing.

``stamp_us`` is the date of an event: it follows ``wall_us``, but never goes back (``core.dates``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from floorwire.core.dates import ForwardDate, Moment

LOOK_US = 1_000
TOLERANCE_US = 1_000
SLEW_MOST_US = 30_000_000
HOLD_US = 30_000_000

log = structlog.get_logger("floorwire.clock")


class Clock:
    """The clock of the process. ``app`` makes one and passes it on. Read it on the event loop's thread only.

    Arguments: functions that return monotonic time and the system's date, in nanoseconds.
    """

    __slots__ = (
        "_begin_us",
        "_is_ahead",
        "_is_slewing",
        "_look_us",
        "_monotonic",
        "_off_since_us",
        "_read_us",
        "_stamps",
        "_system",
        "offset_us",
    )

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, system_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._monotonic = monotonic_ns
        self._system = system_ns
        self._begin_us = system_ns() // 1000 - monotonic_ns() // 1000
        self.offset_us = 0
        """Date minus monotonic time, when the system's clock was last looked at."""
        self._read_us = self._look_us = self.monotonic_us()
        """When the system's clock was last looked at, and when it is looked at next."""
        self._is_slewing = False
        self._off_since_us: int | None = None
        """Since when the date is off by more than SLEW_MOST_US, in the direction of ``_is_ahead``."""
        self._is_ahead = False
        self._stamps: ForwardDate | None = None
        """The dates of events, while the date is behind those that were written."""

    def monotonic_us(self) -> int:
        """Return monotonic time in microseconds."""
        return self._monotonic() // 1000 + self._begin_us

    def wall_us(self) -> int:
        """Return the date in microseconds since the epoch, UTC, by the system's clock, smoothed."""
        now_us = self._monotonic() // 1000 + self._begin_us
        if now_us >= self._look_us:
            self._look(now_us)
        return now_us + self.offset_us

    def stamp_us(self) -> int:
        """Return the date to write into an event; it never goes back."""
        now_us = self._monotonic() // 1000 + self._begin_us
        if now_us >= self._look_us:
            self._look(now_us)
        wall_us = now_us + self.offset_us
        return wall_us if self._stamps is None else self._stamp_us(self._stamps, now_us, wall_us)

    def moment(self) -> Moment:
        """Return monotonic time, the date and the date to write, read together."""
        now_us = self._monotonic() // 1000 + self._begin_us
        if now_us >= self._look_us:
            self._look(now_us)
        wall_us = now_us + self.offset_us
        if self._stamps is None:
            return Moment(now_us, wall_us, wall_us)
        return Moment(now_us, wall_us, self._stamp_us(self._stamps, now_us, wall_us))

    def error_us(self) -> int:
        """Return how far our date is behind the system's clock. Below zero: ahead of it."""
        return self._system() // 1000 - self.wall_us()

    def _look(self, now_us: int) -> None:
        """Compare the date with the system's clock, and correct it. While it is corrected smoothly, every
        reading looks: otherwise a correction could take back more time than has passed since the last one."""
        error_us = self._system() // 1000 - now_us - self.offset_us
        passed_us = now_us - self._read_us if self._is_slewing else 0
        self._is_slewing = TOLERANCE_US < abs(error_us) <= SLEW_MOST_US
        self._read_us = now_us
        self._look_us = now_us if self._is_slewing else now_us + LOOK_US
        if self._is_slewing:
            self._off_since_us = None
            most_us = max(0, passed_us) // 2
            self.offset_us += max(-most_us, min(most_us, error_us))
        elif abs(error_us) <= TOLERANCE_US:
            self._off_since_us = None
        else:
            self._wait_and_jump(error_us, now_us)

    def _wait_and_jump(self, error_us: int, now_us: int) -> None:
        is_ahead = error_us < 0
        if self._off_since_us is None or is_ahead is not self._is_ahead:
            self._off_since_us, self._is_ahead = now_us, is_ahead
        elif now_us - self._off_since_us >= HOLD_US:
            if self._stamps is None and is_ahead:
                self._stamps = ForwardDate(now_us, now_us + self.offset_us)
            self.offset_us += error_us
            self._off_since_us = None
            log.warning("the system's clock was set; dates follow it", by_s=error_us / 1e6)

    def _stamp_us(self, stamps: ForwardDate, now_us: int, wall_us: int) -> int:
        """Return the date to write while the date is behind those that were written."""
        stamp_us = stamps.at(now_us, wall_us)
        if stamp_us == wall_us:
            self._stamps = None
        return stamp_us

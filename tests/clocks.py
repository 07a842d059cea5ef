"""A clock that a test sets: monotonic time and the system's date move apart only when the test says so."""

from __future__ import annotations

from collections.abc import Callable

from floorwire.clock import Clock
from floorwire.core.dates import Moment

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000


class Times:
    """Where the process's clock gets its times from. Time stands still until the test moves it."""

    def __init__(self, start_us: int = START_US) -> None:
        self.monotonic_us = 77_000_000  # since the machine started: nothing like a date
        self.system_us = start_us

    def clock(self) -> Clock:
        """Return a process's clock, started now."""
        return Clock(lambda: self.monotonic_us * 1000, lambda: self.system_us * 1000)

    def sleep(self, us: int) -> None:
        """Let time pass."""
        self.monotonic_us += us
        self.system_us += us

    def step(self, us: int) -> None:
        """Set the system's clock ahead, or back."""
        self.system_us += us


def following(date_us: Callable[[], int]) -> Clock:
    """Return a clock whose system's clock is never set."""
    return Clock(lambda: date_us() * 1000, lambda: date_us() * 1000)


def moment(us: int) -> Moment:
    """Return a moment at which all times are one."""
    return Moment(us, us, us)

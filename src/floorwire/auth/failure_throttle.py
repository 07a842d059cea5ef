"""Slows down failing sign-ins: each failure makes the next wait longer. Bounded in number."""

from __future__ import annotations

from typing import Generic, TypeVar

SubjectT = TypeVar("SubjectT")

FREE = 10
"""Failures without a wait: people mistype."""
FREE_OF_ADDRESS = 100
"""Failures of all keys together from one address without a wait: many people may share an address."""
FIRST_US = 250_000
LONGEST_US = 60_000_000
FORGET_US = 900_000_000
"""A subject's failures are forgotten this long after the last one."""
LIMIT = 10_000


class FailureThrottle(Generic[SubjectT]):
    """Counts failures by subject (an address, or an address and a key).

    When full, it forgets the subject whose last failure is the longest ago.
    """

    def __init__(self, limit: int = LIMIT, free: int = FREE) -> None:
        self._limit = limit
        self._free = free
        self._failures: dict[SubjectT, tuple[int, int]] = {}  # count, last_us; in the order of last_us

    def wait_us(self, subject: SubjectT, now_us: int) -> int:
        """Return how long the subject still has to wait, in microseconds. 0: it may try."""
        count, last_us = self._failures.get(subject, (0, 0))
        delay_us = self._delay_us(count)
        return min(delay_us, max(0, last_us + delay_us - now_us))  # at most that, should the clock go back

    def fail(self, subject: SubjectT, now_us: int) -> None:
        """Count a failure of the subject."""
        count, last_us = self._failures.pop(subject, (0, now_us))
        self._failures[subject] = (count + 1 if now_us - last_us < FORGET_US else 1), now_us
        if len(self._failures) > self._limit:
            del self._failures[next(iter(self._failures))]

    def _delay_us(self, failures: int) -> int:
        if failures <= self._free:
            return 0
        return min(LONGEST_US, FIRST_US << min(failures - self._free - 1, 16))

"""Rate limits: a token bucket in one integer (the generic cell rate algorithm), and one for each key.

All times are monotonic, in microseconds.
"""

from __future__ import annotations

MAX_SUBJECTS = 20_000
"""The most subjects that are remembered, unless told otherwise."""
BURST_S = 5
"""Burst of a keyed rate limit, in seconds' worth of tokens."""


class TokenBucket:
    """A rate limit: allow ``per_second`` on average and ``burst`` at once."""

    __slots__ = ("_burst_us", "_due_us", "_interval_us")

    def __init__(self, per_second: float, burst: float) -> None:
        self._interval_us = max(1, round(1_000_000 / per_second))
        self._burst_us = round(self._interval_us * (burst - 1))
        self._due_us = 0

    def allow(self, now_us: int, keep: int = 0) -> bool:
        """Take one token, or return False and take none. ``keep``: leave so many for others."""
        due_us = self._due_us
        if due_us <= now_us:
            self._due_us = now_us + self._interval_us
            return True
        if due_us - now_us > self._burst_us - keep * self._interval_us:
            most_us = now_us + self._burst_us + self._interval_us  # more was never taken: the time went back
            if due_us > most_us:
                self._due_us = most_us
            return False
        self._due_us = due_us + self._interval_us
        return True

    def wait_us(self, now_us: int) -> int:
        """Return how long until one token is there, at most one interval; 0 where it is now."""
        return min(self._interval_us, max(0, self._due_us - now_us - self._burst_us))

    def is_full(self, now_us: int) -> bool:
        """Return whether all tokens are there: the bucket is as good as a new one."""
        return self._due_us <= now_us


class KeyedRateLimit:
    """A rate limit for each subject (an address, a key): ``per_second`` on average.

    ``BURST_S`` seconds' worth may come at once. At most ``limit`` subjects are remembered.
    """

    def __init__(self, per_second: int, limit: int = MAX_SUBJECTS) -> None:
        self._per_second = per_second
        self._limit = limit
        self._buckets: dict[str, TokenBucket] = {}

    def allow(self, subject: str, now_us: int) -> bool:
        """Take one of the subject's tokens, or return False and take none."""
        bucket = self._buckets.get(subject)
        if bucket is None:
            self._make_room(now_us)
            bucket = self._buckets[subject] = TokenBucket(self._per_second, burst=BURST_S * self._per_second)
        return bucket.allow(now_us)

    def wait_us(self, subject: str, now_us: int) -> int:
        """Return how long until the subject has a token."""
        bucket = self._buckets.get(subject)
        return bucket.wait_us(now_us) if bucket else 0

    def _make_room(self, now_us: int) -> None:
        if len(self._buckets) < self._limit:
            return
        # A full bucket is as good as a new one: drop it. If that is not enough, forget the older half.
        busy = [item for item in self._buckets.items() if not item[1].is_full(now_us)]
        self._buckets = dict(busy[-(self._limit // 2) :])

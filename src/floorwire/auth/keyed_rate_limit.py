"""A rate limit for each of many subjects (keys, addresses): a bounded number of token buckets."""

from __future__ import annotations

from floorwire.protocol.rate_limit import TokenBucket

LIMIT = 20_000
BURST_S = 5


class KeyedRateLimit:
    """A rate limit of ``per_second`` for each subject, with a burst of five seconds."""

    def __init__(self, per_second: int, limit: int = LIMIT) -> None:
        self._per_second = per_second
        self._limit = limit
        self._buckets: dict[str, TokenBucket] = {}

    def allow(self, subject: str, now_us: int) -> bool:
        """Charge one token of the subject. Return False, and charge nothing, if it has none."""
        bucket = self._buckets.get(subject)
        if bucket is None:
            self._make_room(now_us)
            bucket = self._buckets[subject] = TokenBucket(self._per_second, burst=BURST_S * self._per_second)
        return bucket.allow(now_us)

    def wait_us(self, subject: str, now_us: int) -> int:
        """Return the microseconds until the subject has a token."""
        bucket = self._buckets.get(subject)
        return bucket.wait_us(now_us) if bucket else 0

    def _make_room(self, now_us: int) -> None:
        if len(self._buckets) < self._limit:
            return
        # A full bucket equals a new one. If none is full, the oldest half is forgotten.
        busy = [item for item in self._buckets.items() if not item[1].is_full(now_us)]
        self._buckets = dict(busy[-(self._limit // 2) :])

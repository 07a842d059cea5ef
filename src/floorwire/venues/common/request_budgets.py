"""Request budgets: how many requests of each kind may be sent, and when the next one may."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from floorwire.venues.common.request_bucket import RequestBucket


class BudgetRule(msgspec.Struct, frozen=True):
    """``capacity`` at once, one more each ``interval_us``.

    In any time W at most ``capacity + W / interval_us`` are sent. So a venue's limit over W, however it
    counts, is kept if that sum is not above it.
    """

    capacity: int
    interval_us: int


class RequestBudgets:
    """Token buckets by kind of request and, where the venue counts so, by symbol.

    There are as many as kinds times symbols that were used.
    """

    __slots__ = ("_blocked_us", "_buckets", "_rules")

    def __init__(self, rules: Mapping[str, BudgetRule]) -> None:
        self._rules = rules
        self._buckets: dict[tuple[str, str], RequestBucket] = {}
        self._blocked_us = 0
        """Nothing is sent before this time: the venue said that there were too many requests."""

    def spend(self, kind: str, key: str, now_us: int, weight: int = 1) -> bool:
        """Take the tokens of a request; return False, and take none, if it may not be sent now."""
        return now_us >= self._blocked_us and self._bucket(kind, key, now_us).spend(weight, now_us)

    def charge(self, kind: str, key: str, now_us: int, weight: int) -> bool:
        """Take the tokens of a request that the limit does not stop; return False only while blocked.

        Those that it may stop wait the longer.
        """
        if now_us < self._blocked_us:
            return False
        self._bucket(kind, key, now_us).charge(weight, now_us)
        return True

    def free_us(self, kind: str, key: str, now_us: int, weight: int = 1) -> int:
        """Return when the request may be sent, if no other is sent before."""
        return max(self._blocked_us, self._bucket(kind, key, now_us).free_us(weight, now_us))

    @property
    def blocked_us(self) -> int:
        """Until when nothing is sent."""
        return self._blocked_us

    def block(self, until_us: int) -> None:
        """Send nothing before this time."""
        self._blocked_us = max(self._blocked_us, until_us)

    def _bucket(self, kind: str, key: str, now_us: int) -> RequestBucket:
        bucket = self._buckets.get((kind, key))
        if bucket is None:
            rule = self._rules[kind]
            bucket = self._buckets[kind, key] = RequestBucket(rule.capacity, rule.interval_us, now_us)
        return bucket

"""Request budgets: how many requests of each kind may be sent, and when the next one may."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from floorwire.core.order_ports import AddressLimits
from floorwire.venues.common.request_bucket import RequestBucket


class BudgetRule(msgspec.Struct, frozen=True):
    """``capacity`` at once, one more each ``interval_us``.

    In any time W at most ``capacity + W / interval_us`` are sent. So a venue's limit over W, however it
    counts, is kept if that sum is not above it.
    """

    capacity: int
    interval_us: int
    longer: BudgetRule | None = None
    """The rule of a longer time, where the venue has two: both must allow a request."""
    address: str = ""
    """The bucket of the address that the requests count in too; "": they count by account alone."""
    left: int = 0
    """What they leave in that bucket, for requests that go first."""


class RequestBudgets:
    """Token buckets by kind of request and, where the venue counts so, by symbol.

    There are as many as kinds times symbols that were used.
    """

    __slots__ = ("_address", "_blocked_us", "_buckets", "_rules")

    def __init__(self, rules: Mapping[str, BudgetRule], address: AddressLimits | None = None) -> None:
        """``address``: what the address is allowed, prices and other accounts included; None: not counted."""
        self._rules = rules
        self._address = address
        self._buckets: dict[tuple[str, str], tuple[RequestBucket, ...]] = {}
        self._blocked_us = 0
        """Nothing is sent before this time: the venue said that there were too many requests."""

    def spend(self, kind: str, key: str, now_us: int, weight: int = 1) -> bool:
        """Take the tokens of a request; return False, and take none, if it may not be sent now."""
        if now_us < self._blocked_us:
            return False
        buckets = self._of(kind, key, now_us)
        for bucket in buckets:
            if bucket.free_us(weight, now_us) > now_us:
                return False
        if not self._spend_of_address(self._rules[kind], weight, now_us):
            return False
        for bucket in buckets:
            bucket.charge(weight, now_us)
        return True

    def charge(self, kind: str, key: str, now_us: int, weight: int) -> bool:
        """Take the tokens of a request that the limit does not stop; return False only while blocked.

        Those that it may stop wait the longer.
        """
        if now_us < self._blocked_us:
            return False
        for bucket in self._of(kind, key, now_us):
            bucket.charge(weight, now_us)
        return True

    def free_us(self, kind: str, key: str, now_us: int, weight: int = 1) -> int:
        """Return when the request may be sent, if no other is sent before."""
        free_us = self._own_free_us(kind, key, now_us, weight)
        rule = self._rules[kind]
        if rule.address and self._address is not None:
            free_us = max(free_us, self._address.free_us(rule.address, weight, now_us, rule.left))
        return free_us

    @property
    def blocked_us(self) -> int:
        """Until when nothing is sent."""
        return self._blocked_us

    def block(self, until_us: int) -> None:
        """Send nothing before this time."""
        self._blocked_us = max(self._blocked_us, until_us)

    def block_address(self, until_us: int) -> None:
        """Send nothing from the address before this time, neither for prices: the venue banned it."""
        self.block(until_us)
        if self._address is not None:
            self._address.block(until_us)

    def _spend_of_address(self, rule: BudgetRule, weight: int, now_us: int) -> bool:
        if not rule.address or self._address is None:
            return True
        return self._address.spend(rule.address, weight, now_us, rule.left)

    def _own_free_us(self, kind: str, key: str, now_us: int, weight: int) -> int:
        free = (bucket.free_us(weight, now_us) for bucket in self._of(kind, key, now_us))
        return max(self._blocked_us, *free)

    def _of(self, kind: str, key: str, now_us: int) -> tuple[RequestBucket, ...]:
        buckets = self._buckets.get((kind, key))
        if buckets is None:
            rules = [self._rules[kind]]
            while rules[-1].longer is not None:
                rules.append(rules[-1].longer)
            buckets = tuple(RequestBucket(rule.capacity, rule.interval_us, now_us) for rule in rules)
            self._buckets[kind, key] = buckets
        return buckets

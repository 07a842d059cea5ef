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
    for_urgent: int = 0
    """What requests that can wait leave of the capacity, for those that cannot. Their own part is empty when
    a process begins: it does not know how much an earlier one has used."""


class RequestBudgets:
    """Token buckets by kind of request and, where the venue counts so, by symbol.

    There are as many as kinds times symbols that were used.
    """

    __slots__ = ("_address", "_blocked_us", "_buckets", "_can_wait", "_rules")

    def __init__(self, rules: Mapping[str, BudgetRule], address: AddressLimits | None = None) -> None:
        """``address``: what the address is allowed, prices and other accounts included; None: not counted."""
        self._rules = rules
        self._address = address
        self._buckets: dict[tuple[str, str], tuple[RequestBucket, ...]] = {}
        self._can_wait: dict[tuple[str, str], RequestBucket] = {}
        """The part of those that can wait, where the rule has one."""
        self._blocked_us = 0
        """Nothing is sent before this time: the venue said that there were too many requests."""

    def spend(self, kind: str, key: str, now_us: int, weight: int = 1, *, can_wait: bool = False) -> bool:
        """Take the tokens of a request; return False, and take none, if it may not be sent now."""
        if self._own_free_us(kind, key, now_us, weight, can_wait=can_wait) > now_us:
            return False
        if not self._spend_of_address(self._rules[kind], weight, now_us):
            return False
        for bucket in self._of(kind, key, now_us):
            bucket.charge(weight, now_us)
        if can_wait and self._rules[kind].for_urgent:
            self._can_wait[kind, key].charge(weight, now_us)
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

    def drain(self, kind: str, key: str, now_us: int) -> None:
        """The venue said that the tokens of the kind are used up: others, or an earlier process, used them.

        The next request may be sent when they have come back for it. So a venue that counts up, and takes
        something off with time, is asked again as soon as it may allow that.
        """
        for bucket in self._of(kind, key, now_us):
            bucket.drain(now_us)

    def free_us(self, kind: str, key: str, now_us: int, weight: int = 1, *, can_wait: bool = False) -> int:
        """Return when the request may be sent, if no other is sent before."""
        free_us = self._own_free_us(kind, key, now_us, weight, can_wait=can_wait)
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

    def _own_free_us(self, kind: str, key: str, now_us: int, weight: int, *, can_wait: bool) -> int:
        left = self._rules[kind].for_urgent if can_wait else 0
        free = [bucket.free_us(weight + left, now_us) for bucket in self._of(kind, key, now_us)]
        if left:
            free.append(self._can_wait[kind, key].free_us(weight, now_us))
        return max(self._blocked_us, *free)

    def _of(self, kind: str, key: str, now_us: int) -> tuple[RequestBucket, ...]:
        buckets = self._buckets.get((kind, key))
        if buckets is None:
            rules = [self._rules[kind]]
            while rules[-1].longer is not None:
                rules.append(rules[-1].longer)
            buckets = tuple(RequestBucket(rule.capacity, rule.interval_us, now_us) for rule in rules)
            self._buckets[kind, key] = buckets
            rule = rules[0]
            if rule.for_urgent:
                part = RequestBucket(rule.capacity - rule.for_urgent, rule.interval_us, now_us)
                part.drain(now_us)
                self._can_wait[kind, key] = part
        return buckets

"""What an exchange allows an address: shared by all links and instances of it in this process.

An exchange counts by the address that requests come from, whichever of our instances sends them, and whether
for prices or for orders. Orders go first, in two ways:

- Prices leave a part of a bucket that only orders use (``Allowance.for_orders``). As large as the burst of
  the orders' own budgets, which come back no faster than the bucket, that part is never used up.
- Where too little was there for an order, prices get nothing more until orders have got theirs.

What can wait, as candles of the past, leaves half of what prices may use too (``allow_spare``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Headers
from floorwire.venues.common.request_bucket import RequestBucket

REST = "rest"
"""The bucket of HTTP requests. Each exchange counts their weight in its own way."""
CONNECTIONS = "connections"
"""The bucket of new WebSockets."""
TOO_MANY_REQUESTS = 429
"""The status that asks for a pause of requests. Others that ask for one are bans, of new links too."""
MAX_PAUSE_US = 3 * 86_400 * SECOND_US
"""Binance: bans last up to three days. A longer one is not believed."""

ORDERS_WAIT_US = 5 * SECOND_US
"""Longer than it takes until an order's request or link is tried again."""


class Allowance(NamedTuple):
    """So much weight at once, and one more in each interval."""

    capacity: int
    interval_us: int
    for_orders: int = 0
    """What prices leave of the capacity."""


class RateLimits:
    """Named buckets of weight, and the times until which nothing may be sent.

    Prices use ``allow``, and what can wait ``allow_spare``. Orders use the rest: it is ``AddressLimits`` of
    ``core.order_ports``.
    """

    __slots__ = ("_allowances", "_blocked_until", "_buckets", "_orders_wait_until", "blocked_until")

    def __init__(self, allowances: Mapping[str, Allowance]) -> None:
        self._allowances = allowances
        self._buckets = {
            name: RequestBucket(allowance.capacity, allowance.interval_us, 0)
            for name, allowance in allowances.items()
        }
        self.blocked_until = 0
        """Monotonic time. Before it nothing may be sent: the exchange has banned this address."""
        self._blocked_until: dict[str, int] = {}
        """By bucket: the exchange has asked for a pause of these."""
        self._orders_wait_until: dict[str, int] = {}
        """By bucket: until when prices leave it to orders, which found too little."""

    def allow(self, name: str, weight: int, now_us: int) -> bool:
        """Take weight for prices; return False, and take nothing, if there is too little now."""
        if now_us < max(self._blocked_us(name), self._orders_wait_until.get(name, 0)):
            return False
        return self._buckets[name].spend(weight, now_us, self._allowances[name].for_orders)

    def allow_spare(self, name: str, weight: int, now_us: int) -> bool:
        """Take weight for what can wait; return False, and take nothing, if others may soon need it.

        Half of what prices may use is left to them.
        """
        if now_us < max(self._blocked_us(name), self._orders_wait_until.get(name, 0)):
            return False
        allowance = self._allowances[name]
        left = allowance.for_orders + (allowance.capacity - allowance.for_orders) // 2
        return self._buckets[name].spend(weight, now_us, left)

    def spend(self, name: str, weight: int, now_us: int, left: int = 0) -> bool:
        """Take weight, if so much is left then; return False, and take nothing, if not."""
        if now_us < self._blocked_us(name):
            return False
        if self._buckets[name].spend(weight, now_us, left):
            self._orders_wait_until.pop(name, None)
            return True
        self._orders_wait_until[name] = now_us + ORDERS_WAIT_US
        return False

    def free_us(self, name: str, weight: int, now_us: int, left: int = 0) -> int:
        """Return when the weight may be spent, if nobody spends any before."""
        return max(self._blocked_us(name), self._buckets[name].free_us(weight + left, now_us))

    def block(self, until_us: int, name: str | None = None) -> None:
        """Allow nothing of a bucket before this time; None: of all. An earlier time changes nothing."""
        if name is None:
            self.blocked_until = max(self.blocked_until, until_us)
        else:
            self._blocked_until[name] = max(self._blocked_until.get(name, 0), until_us)

    def _blocked_us(self, name: str) -> int:
        return max(self.blocked_until, self._blocked_until.get(name, 0))


class TooManyRequestsError(ValueError):
    """The exchange says, in the body of an answer, that it got too many requests."""


class SharedRateLimits:
    """The rate limits of every exchange in this process, by kind and address."""

    def __init__(self) -> None:
        self._limits: dict[tuple[str, str], RateLimits] = {}

    def of(self, kind: str, address: str, allowances: Mapping[str, Allowance]) -> RateLimits:
        """Return the limits of a kind at an address: the same each time."""
        found = self._limits.get((kind, address))
        if found is None:
            found = self._limits[kind, address] = RateLimits(allowances)
        return found


def pause_us(status: int, headers: Headers, pauses_us: Mapping[int, int]) -> int:
    """Return for how long nothing may be sent after such an answer; 0: it asks for no pause.

    ``pauses_us``: status -> the pause where the answer names none.
    """
    default_us = pauses_us.get(status)
    if default_us is None:
        return 0
    named_us = _retry_after_us(headers)
    return default_us if named_us is None else named_us


def _retry_after_us(headers: Headers) -> int | None:
    """Return what Retry-After says in seconds; None if it is not there, or is a date (RFC 9110 10.2.3)."""
    value = next((value.strip() for name, value in headers if name == "retry-after"), "")
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        return None
    return min(int(value) * SECOND_US, MAX_PAUSE_US)

"""What an exchange allows an address: shared by all links and instances of it in this process.

An exchange counts by the address that requests come from, whichever of our instances sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from floorwire.core.ports import Headers
from floorwire.venues.common.request_bucket import RequestBucket

SECOND_US = 1_000_000
REST = "rest"
"""The bucket of HTTP requests. Each exchange counts their weight in its own way."""
CONNECTIONS = "connections"
"""The bucket of new WebSockets."""
TOO_MANY_REQUESTS = 429
"""The status that asks for a pause of requests. Others that ask for one are bans, of new links too."""
MAX_PAUSE_US = 3 * 86_400 * SECOND_US
"""Binance: bans last up to three days. A longer one is not believed."""


class Allowance(NamedTuple):
    """So much weight at once, and one more in each interval."""

    capacity: int
    interval_us: int


class RateLimits:
    """Named buckets of weight, and the times until which nothing may be sent."""

    __slots__ = ("_blocked_until", "_buckets", "blocked_until")

    def __init__(self, allowances: Mapping[str, Allowance]) -> None:
        self._buckets = {name: RequestBucket(*allowance, 0) for name, allowance in allowances.items()}
        self.blocked_until = 0
        """Monotonic time. Before it nothing may be sent: the exchange has banned this address."""
        self._blocked_until: dict[str, int] = {}
        """By bucket: the exchange has asked for a pause of these."""

    def allow(self, name: str, weight: int, now_us: int) -> bool:
        """Take weight from a bucket; return False, and take nothing, if there is too little now."""
        blocked_until = max(self.blocked_until, self._blocked_until.get(name, 0))
        return now_us >= blocked_until and self._buckets[name].spend(weight, now_us)

    def block(self, until_us: int, name: str | None = None) -> None:
        """Allow nothing of a bucket before this time; None: of all. An earlier time changes nothing."""
        if name is None:
            self.blocked_until = max(self.blocked_until, until_us)
        else:
            self._blocked_until[name] = max(self._blocked_until.get(name, 0), until_us)


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

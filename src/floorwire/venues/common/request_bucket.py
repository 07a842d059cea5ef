"""The rate limit of our own requests: a number at once, and then one in each interval."""

from __future__ import annotations


class RequestBucket:
    """A token bucket. Each request takes a token; tokens come back one in each interval."""

    __slots__ = ("_capacity", "_interval_us", "_since_us", "_tokens")

    def __init__(self, capacity: int, interval_us: int, now_us: int) -> None:
        """``capacity`` requests are allowed at once, one more every ``interval_us``."""
        self._capacity = capacity
        self._interval_us = interval_us
        self._tokens = capacity
        self._since_us = now_us
        """Tokens that came back up to this time are counted."""

    def spend(self, requests: int, now_us: int, left: int = 0) -> bool:
        """Take tokens for so many requests; return False, and take none, if there are too few.

        ``left``: so many have to be left, for others.
        """
        self._refill(now_us)
        if self._tokens < requests + left:
            return False
        self._tokens -= requests
        return True

    def charge(self, requests: int, now_us: int) -> None:
        """Take tokens for requests that are sent in any case. The bucket may owe some afterwards."""
        self._refill(now_us)
        self._tokens -= requests

    def drain(self, now_us: int) -> None:
        """Leave no tokens: whoever counts says that they are used up. From now on they come back."""
        self._tokens, self._since_us = min(0, self._tokens), now_us

    def free_us(self, requests: int, now_us: int) -> int:
        """Return when there are tokens for so many requests, if none is taken before."""
        self._refill(now_us)
        missing = min(requests, self._capacity) - self._tokens
        return now_us if missing <= 0 else self._since_us + missing * self._interval_us

    def _refill(self, now_us: int) -> None:
        came_back = max(0, now_us - self._since_us) // self._interval_us
        self._since_us += came_back * self._interval_us
        self._tokens = min(self._capacity, self._tokens + came_back)

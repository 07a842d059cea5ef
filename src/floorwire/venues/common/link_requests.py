"""What is requested on one link: in order, and within the exchange's rate limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from floorwire.venues.common.request_bucket import RequestBucket

MAX_WAITING = 2_000
"""Requests. Beyond that the link is opened again: it then requests only what is wanted now."""


class LinkRequests:
    """The requests of one link that wait, and when the last message came on it."""

    __slots__ = ("_bucket", "_waiting", "heard_us")

    def __init__(self, capacity: int, interval_us: int, now_us: int) -> None:
        """``capacity`` requests are sent at once, one more every ``interval_us``."""
        self._bucket = RequestBucket(capacity, interval_us, now_us)
        self._waiting: deque[str] = deque()
        self.heard_us = now_us
        """When the last message came, or a ping was sent."""

    @property
    def is_overfull(self) -> bool:
        """Whether more waits than can be of use."""
        return len(self._waiting) > MAX_WAITING

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def put(self, requests: Iterable[str]) -> None:
        """Add requests behind those that wait."""
        self._waiting.extend(requests)

    def due(self, now_us: int) -> Iterator[str]:
        """Yield what may be sent now."""
        while self._waiting and self._bucket.spend(1, now_us):
            yield self._waiting.popleft()

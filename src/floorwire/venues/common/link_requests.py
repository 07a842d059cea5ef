"""What is requested on one link: in order, and within the exchange's rate limit.

Streams to subscribe to, or to unsubscribe from, are put together while they wait: many small changes of what
is wanted become few requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from floorwire.core.capabilities import StreamKind
from floorwire.venues.common.exchange import Operation
from floorwire.venues.common.request_bucket import RequestBucket

MAX_WAITING = 2_000
"""Requests. Beyond that the link is opened again: it then requests only what is wanted now."""

Render = Callable[[Operation, Mapping[str, frozenset[StreamKind]]], Iterable[str]]
"""Makes the exchange's requests for streams."""


class LinkRequests:
    """The requests of one link that wait, and when a ping was sent on it."""

    __slots__ = ("_bucket", "_render", "_subscribe", "_unsubscribe", "_waiting", "pinged_us")

    def __init__(self, capacity: int, interval_us: int, now_us: int, render: Render) -> None:
        """``capacity`` requests are sent at once, one more every ``interval_us``."""
        self._bucket = RequestBucket(capacity, interval_us, now_us)
        self._render = render
        self._waiting: deque[str] = deque()
        self._subscribe: dict[str, frozenset[StreamKind]] = {}
        self._unsubscribe: dict[str, frozenset[StreamKind]] = {}
        self.pinged_us = now_us
        """When the last ping was sent; at first, when the link came up."""

    @property
    def is_overfull(self) -> bool:
        """Whether more waits than can be of use."""
        return len(self._waiting) > MAX_WAITING

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self._waiting or self._subscribe or self._unsubscribe)

    def put(self, requests: Iterable[str]) -> None:
        """Add requests behind those that wait."""
        self._waiting.extend(requests)

    def subscribe(self, streams: Mapping[str, frozenset[StreamKind]]) -> None:
        """Add streams to subscribe to."""
        for native, kinds in streams.items():
            self._subscribe[native] = self._subscribe.get(native, frozenset()) | kinds

    def unsubscribe(self, streams: Mapping[str, frozenset[StreamKind]]) -> None:
        """Add streams to unsubscribe from. A subscription that still waits is not sent at all."""
        for native, kinds in streams.items():
            waiting = self._subscribe.pop(native, frozenset())
            if waiting - kinds:
                self._subscribe[native] = waiting - kinds
            if kinds - waiting:
                self._unsubscribe[native] = self._unsubscribe.get(native, frozenset()) | (kinds - waiting)

    def due(self, now_us: int) -> Iterator[str]:
        """Yield what may be sent now."""
        while not self.is_empty and self._bucket.spend(1, now_us):
            if not self._waiting:
                self._render_streams()
            if self._waiting:
                yield self._waiting.popleft()

    def _render_streams(self) -> None:
        """Make requests of the streams that wait. What ends comes first, as it may begin again at once."""
        ended, self._unsubscribe = self._unsubscribe, {}
        begun, self._subscribe = self._subscribe, {}
        if ended:
            self._waiting.extend(self._render("unsubscribe", ended))
        if begun:
            self._waiting.extend(self._render("subscribe", begun))

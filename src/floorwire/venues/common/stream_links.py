"""The links of an exchange with subscriptions: what each carries, and what is requested on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic

from floorwire.core.capabilities import StreamKind
from floorwire.core.ports import Close, Open, Send
from floorwire.venues.common.links import Links
from floorwire.venues.common.request_bucket import RequestBucket
from floorwire.venues.common.snapshot_stream_exchange import Exchange, MessageT
from floorwire.venues.common.stream_assignment import Changes, StreamAssignment


class StreamLinks(Generic[MessageT]):
    """Opens links for what is wanted, subscribes when they are up, and closes those without streams.

    ``links`` has the state of each link.
    """

    __slots__ = ("_assignments", "_buckets", "_exchange", "_heard_us", "links")

    def __init__(self, exchange: Exchange[MessageT], stale_us: int) -> None:
        self.links = Links(exchange.silent_us, None, stale_us, RequestBucket(*exchange.connections, 0))
        self._exchange = exchange
        self._assignments = [
            StreamAssignment(kind.name, kind.kinds, kind.symbols) for kind in exchange.link_kinds
        ]
        self._heard_us: dict[str, int] = {}
        """Link -> when its last message came, or a ping was sent."""
        self._buckets: dict[str, RequestBucket] = {}

    def link_of(self, native: str) -> str | None:
        """Return the link of a symbol's book, or of what else is wanted of it; None: nothing is wanted."""
        found = (assignment.link_of(native) for assignment in self._assignments)
        return next((link for link in found if link is not None), None)

    def want(self, wish: Mapping[str, frozenset[StreamKind]], now_us: int) -> Iterator[Open | Close | Send]:
        """Take in the whole wish, by the exchange's names; yield what follows from it."""
        for assignment, kind in zip(self._assignments, self._exchange.link_kinds, strict=True):
            changes = assignment.want(wish)
            for link in changes.closed:
                close = self.links.remove(link, "unwanted", now_us)
                if close is None:
                    assignment.closed(link)
                else:
                    yield close
            for link in changes.opened:
                self.links.plan(link, kind.url)
            yield from self._changed(changes, now_us)
        yield from self.links.due_opens(now_us)

    def opened(self, link: str, now_us: int) -> Iterator[Send]:
        """Yield the requests for all that the link carries, now that it is up."""
        self._heard_us[link] = now_us
        self._buckets[link] = RequestBucket(*self._exchange.requests, now_us)
        for assignment, kind in zip(self._assignments, self._exchange.link_kinds, strict=True):
            if streams := assignment.streams(link):
                yield from _sends(link, self._exchange.opening_requests(kind.name))
                yield from _sends(link, self._exchange.requests_for("subscribe", streams))

    def closed(self, link: str) -> None:
        """Record that a link is down."""
        self._heard_us.pop(link, None)
        for assignment in self._assignments:
            assignment.closed(link)

    def received(self, link: str, now_us: int) -> None:
        """Record a message on a link that is up."""
        self._heard_us[link] = now_us

    def pings(self, now_us: int) -> Iterator[Send]:
        """Yield a ping for each link of which nothing came for a while."""
        for link, heard_us in self._heard_us.items():
            if self._is_up(link, now_us) and now_us - heard_us >= self._exchange.ping_us:
                self._heard_us[link] = now_us
                yield Send(link, self._exchange.ping)

    def resubscribe(self, native: str, now_us: int) -> Iterator[Send]:
        """Yield the requests that renew one book, if the link is up and the rate limit allows them now."""
        link = self.link_of(native)
        requests = self._exchange.resubscriptions(native)
        is_up = link is not None and self._is_up(link, now_us)
        if link is not None and is_up and self._buckets[link].spend(len(requests), now_us):
            yield from _sends(link, requests)

    def _changed(self, changes: Changes, now_us: int) -> Iterator[Send]:
        """Yield the requests on links that were there before. Others subscribe when they are up."""
        for link, streams in changes.removed.items():
            if self._is_up(link, now_us):
                yield from _sends(link, self._exchange.requests_for("unsubscribe", streams))
        for link, streams in changes.added.items():
            if self._is_up(link, now_us):
                yield from _sends(link, self._exchange.requests_for("subscribe", streams))

    def _is_up(self, link: str, now_us: int) -> bool:
        return self.links.up_us(link, now_us) is not None


def _sends(link: str, requests: Iterator[str] | Sequence[str]) -> Iterator[Send]:
    return (Send(link, request) for request in requests)

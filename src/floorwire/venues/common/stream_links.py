"""The links of an exchange with subscriptions: what each carries, and what is requested on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from floorwire.core.capabilities import StreamKind
from floorwire.core.ports import Close, Open, Send
from floorwire.venues.common.backoff import Jitter
from floorwire.venues.common.exchange import Exchange, LinkKind
from floorwire.venues.common.link_requests import LinkRequests
from floorwire.venues.common.links import Links
from floorwire.venues.common.rate_limits import CONNECTIONS, RateLimits
from floorwire.venues.common.stream_assignment import Changes, StreamAssignment, Streams

REPLACEMENT = "-b"
"""The end of the name of a link that replaced another one. The next one has the first name again."""
SPREAD = 24
"""Links are replaced up to one part in so many before their age, so that not all of them are at once."""


class StreamLinks:
    """Opens links for what is wanted, subscribes when they are up, and closes those without streams.

    ``links`` has the state of each link.
    """

    __slots__ = ("_ages_us", "_assignments", "_exchange", "_jitter", "_replaced", "_requests", "links")

    def __init__(self, exchange: Exchange, stale_us: int, limits: RateLimits, jitter: Jitter) -> None:
        may_connect = partial(limits.allow, CONNECTIONS, 1)
        self.links = Links(exchange.silent_us, stale_us, may_connect, jitter)
        self._exchange = exchange
        self._jitter = jitter
        self._assignments = [
            StreamAssignment(kind.name, kind.kinds, kind.symbols, kind.costs, kind.capacity)
            for kind in exchange.link_kinds
        ]
        self._requests: dict[str, LinkRequests] = {}
        """By link that is up."""
        self._ages_us: dict[str, int] = {}
        """Link -> the age at which it is replaced."""
        self._replaced: dict[str, str] = {}
        """New link -> the one that it will replace."""

    def link_of(self, native: str) -> str | None:
        """Return the link of a symbol's book, or of what else is wanted of it; None: nothing is wanted."""
        found = (assignment.link_of(native) for assignment in self._assignments)
        return next((link for link in found if link is not None), None)

    def streams(self, link: str) -> Streams:
        """Return what the link carries, or will carry."""
        found = (assignment.streams(self._replaced.get(link, link)) for assignment in self._assignments)
        return next(filter(None, found), {})

    def want(self, wanted: Mapping[str, frozenset[StreamKind]], now_us: int) -> Iterator[Open | Close | Send]:
        """Take in all streams that are wanted, by the exchange's names; yield what follows from it."""
        for assignment, kind in zip(self._assignments, self._exchange.link_kinds, strict=True):
            changes = assignment.want(wanted)
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
        requests = LinkRequests(*self._exchange.requests, now_us, self._exchange.requests_for)
        self._requests[link] = requests
        if self._exchange.link_age_us is not None:
            earlier_us = int((1 - self._jitter()) * self._exchange.link_age_us / SPREAD)
            self._ages_us[link] = self._exchange.link_age_us - earlier_us
        kind, streams = self._kind(link), self.streams(link)
        if kind is not None and streams:
            requests.put(self._exchange.opening_requests(kind.name))
            requests.subscribe(streams)
            yield from self._due(link, now_us)

    def closed(self, link: str) -> None:
        """Record that a link is down."""
        self._requests.pop(link, None)
        self._ages_us.pop(link, None)
        for assignment in self._assignments:
            assignment.closed(link)

    def due_requests(self, now_us: int) -> Iterator[Send]:
        """Yield what waited for the rate limit, and a ping for each link that is quiet."""
        for link, requests in self._requests.items():
            if not self._is_up(link, now_us):
                continue
            yield from (Send(link, text) for text in requests.due(now_us))
            heard_us = max(requests.pinged_us, self.links.received_us(link))
            if self._exchange.ping and now_us - heard_us >= self._exchange.ping_us:
                requests.pinged_us = now_us
                yield Send(link, self._exchange.ping)

    def overfull(self) -> list[str]:
        """Return the links on which more requests wait than can be of use."""
        return [link for link, requests in self._requests.items() if requests.is_overfull]

    def request(self, link: str, requests: Iterable[str], now_us: int) -> Iterator[Send]:
        """Yield these requests if the link is up, as far as the rate limit allows them now."""
        if self._is_up(link, now_us):
            self._requests[link].put(requests)
            yield from self._due(link, now_us)

    def resubscribe(
        self, link: str, native: str, wanted: frozenset[StreamKind], now_us: int
    ) -> Iterator[Send]:
        """Yield the requests that renew one book, if the link is up and no other requests wait there."""
        if self._is_up(link, now_us) and self._requests[link].is_empty:
            self._requests[link].put(self._exchange.resubscriptions(native, wanted))
            yield from self._due(link, now_us)

    # --- replacement ----------------------------------------------------------------------------

    def oldest_due(self, now_us: int) -> str | None:
        """Return a link that is as old as a link may become; None if there is none."""
        due = (link for link, age_us in self._ages_us.items() if self._up_us(link, now_us) >= age_us)
        return next((link for link in due if link not in self._replaced), None)

    def replace(self, link: str, now_us: int) -> str | None:
        """Plan the link that replaces another one; return its name. None: nothing is carried there."""
        kind = self._kind(link)
        if kind is None or not self.streams(link):
            return None
        new = link.removesuffix(REPLACEMENT) if link.endswith(REPLACEMENT) else link + REPLACEMENT
        self._replaced[new] = link
        self.links.plan(new, kind.url)
        return new

    def finish_replacement(self, new: str, now_us: int) -> Iterator[Close]:
        """Move the streams to the new link; yield the end of the old one."""
        old = self._replaced.pop(new)
        for assignment in self._assignments:
            if assignment.streams(old):
                assignment.rename(old, new)
        yield from self._remove(old, "replaced", now_us)

    def abandon_replacement(self, new: str, now_us: int) -> Iterator[Close]:
        """Keep the old link; yield the end of the new one."""
        del self._replaced[new]
        yield from self._remove(new, "unwanted", now_us)

    # --- helpers --------------------------------------------------------------------------------

    def _remove(self, link: str, reason: str, now_us: int) -> Iterator[Close]:
        close = self.links.remove(link, reason, now_us)
        if close is None:
            self.closed(link)
        else:
            yield close

    def _changed(self, changes: Changes, now_us: int) -> Iterator[Send]:
        """Yield the requests on links that were there before. Others subscribe when they are up."""
        for link, streams in changes.removed.items():
            if self._is_up(link, now_us):
                self._requests[link].unsubscribe(streams)
        for link, streams in changes.added.items():
            if self._is_up(link, now_us):
                self._requests[link].subscribe(streams)
        for link in dict.fromkeys((*changes.removed, *changes.added)):
            if self._is_up(link, now_us):
                yield from self._due(link, now_us)

    def _due(self, link: str, now_us: int) -> Iterator[Send]:
        return (Send(link, text) for text in self._requests[link].due(now_us))

    def _kind(self, link: str) -> LinkKind | None:
        old = self._replaced.get(link, link)
        for assignment, kind in zip(self._assignments, self._exchange.link_kinds, strict=True):
            if assignment.streams(old):
                return kind
        return None

    def _is_up(self, link: str, now_us: int) -> bool:
        return link in self._requests and self.links.up_us(link, now_us) is not None

    def _up_us(self, link: str, now_us: int) -> int:
        return self.links.up_us(link, now_us) or 0

"""How a book starts, and starts again after a loss (resync): by a subscription, or by an HTTP request."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.ports import Answer, Fetch, Send, VenueOutput
from floorwire.venues.common.backoff import Jitter
from floorwire.venues.common.exchange import Exchange
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.rate_limits import REST, RateLimits
from floorwire.venues.common.snapshot_fetches import FetchedSymbol, SnapshotFetches
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol


class BookRequests:
    """Requests whole books as the exchange gives them."""

    __slots__ = ("_exchange", "_fetches", "_followed", "_is_recorded", "_jitter", "_limits", "_streams")

    def __init__(
        self,
        exchange: Exchange,
        streams: StreamLinks,
        followed: FollowedSymbols,
        fetches: SnapshotFetches,
        limits: RateLimits,
        jitter: Jitter,
        *,
        is_recorded: bool,
    ) -> None:
        self._exchange = exchange
        self._streams = streams
        self._followed = followed
        self._fetches = fetches
        self._limits = limits
        self._jitter = jitter
        self._is_recorded = is_recorded

    def resync(
        self, native: str, symbol: SubscribedSymbol, reason: str, now_us: int
    ) -> Iterator[VenueOutput]:
        """Start the resync of a book: stale, and a new snapshot."""
        yield from self._followed.turn(symbol, reason, now_us)
        if self._exchange.snapshots is None:
            yield from self.request(native, symbol, now_us)
            return
        if symbol.is_synced:
            symbol.clear(now_us)
        if reason == "silent":
            symbol.clear(now_us)
            symbol.is_book_silent = True
            symbol.count_try(self._jitter)
            yield from self._resubscribe(native, symbol, now_us)
        yield from self.fetch(native, symbol, now_us)

    def request(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Drop a book and request it, without a word about its status."""
        symbol.clear(now_us)
        if self._exchange.snapshots is not None:
            yield from self.fetch(native, symbol, now_us)
            return
        symbol.count_try(self._jitter)
        yield from self._resubscribe(native, symbol, now_us)

    def due(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Request a book again that has not come in time."""
        if symbol.is_synced or "book" not in symbol.wanted:
            return
        if self._exchange.snapshots is not None and not symbol.is_book_silent:
            yield from self.fetch(native, symbol, now_us)
        elif symbol.snapshot_is_due(now_us):
            symbol.clear(now_us)
            symbol.count_try(self._jitter)
            yield from self._resubscribe(native, symbol, now_us)

    def fetch(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[Fetch]:
        """Request a book by HTTP, if it is needed and the rate limit allows it."""
        snapshots = self._exchange.snapshots
        if snapshots is None or symbol.is_synced or symbol.is_book_silent or "book" not in symbol.wanted:
            return
        up_us = self._streams.links.up_us(symbol.link or "", now_us)
        if symbol.fetch is not None or up_us is None or now_us < symbol.next_fetch_us:
            return
        if snapshots.is_due(symbol, up_us) and self._limits.allow(REST, snapshots.weight, now_us):
            yield self._fetches.request(snapshots.url(native), native, symbol, now_us)

    def answered(self, answer: Answer) -> FetchedSymbol | None:
        """Return the symbol whose book the answer is; None if it is none, or of no use any more."""
        return self._fetches.answered(answer)

    def _resubscribe(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[Send]:
        if not self._is_recorded and symbol.link is not None and "book" in symbol.wanted:
            yield from self._streams.resubscribe(symbol.link, native, symbol.wanted, now_us)

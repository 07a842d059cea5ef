"""The feed status of a venue and of each of its symbols, as events.

A symbol is as current as its venue, or less current. So the venue is live as soon as one symbol is live; the
statuses of the other symbols come before that event.
"""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.market_events import Feed, FeedStatus


class FeedStatuses:
    """Yields an event only where a status changed, and one event for the whole venue where all agree."""

    __slots__ = ("_symbols", "_venue")

    def __init__(self) -> None:
        self._venue: tuple[Feed, str] | None = None
        self._symbols: dict[str, tuple[Feed, str]] = {}
        """Symbol -> its feed and the reason."""

    def add(self, symbol: str, now_us: int) -> Iterator[FeedStatus]:
        """Add a symbol. It is connecting."""
        yield from self.set_symbol(symbol, "connecting", "start", now_us)

    def set_symbol(self, symbol: str, feed: Feed, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Set the status of one symbol."""
        if self._symbols.get(symbol) == (feed, reason):
            return
        self._symbols[symbol] = (feed, reason)
        if feed == "live" and not self._venue_is_live():
            yield from self._other_symbols(symbol, now_us)
            self._venue = ("live", reason)
            yield FeedStatus(None, "live", reason, now_us)
        if self._venue_is_live():
            yield FeedStatus(symbol, feed, reason, now_us)

    def set_all(self, feed: Feed, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Set the status of the whole venue. Nothing of it is current."""
        self._symbols = dict.fromkeys(self._symbols, (feed, reason))
        if self._venue != (feed, reason):
            self._venue = (feed, reason)
            yield FeedStatus(None, feed, reason, now_us)

    def set_idle(self, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Set the venue live although none of its symbols is: nothing is wanted of it."""
        if not self._venue_is_live():
            yield from self._other_symbols(None, now_us)
            self._venue = ("live", reason)
            yield FeedStatus(None, "live", reason, now_us)

    def _venue_is_live(self) -> bool:
        return self._venue is not None and self._venue[0] == "live"

    def _other_symbols(self, symbol: str | None, now_us: int) -> Iterator[FeedStatus]:
        for other, (feed, reason) in self._symbols.items():
            if other != symbol:
                yield FeedStatus(other, feed, reason, now_us)

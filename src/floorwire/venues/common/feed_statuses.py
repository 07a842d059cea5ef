"""How current each symbol is, told once for all of the venue's where it is the same for all.

A symbol is as current as its venue, or worse. So the venue is live as soon as one symbol is, and what the
others are is said before that.
"""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.market_events import Feed, FeedStatus


class FeedStatuses:
    """The feed of the venue and of each of its symbols; says only what changed."""

    __slots__ = ("_symbols", "_venue")

    def __init__(self) -> None:
        self._venue: tuple[Feed, str] | None = None
        self._symbols: dict[str, tuple[Feed, str]] = {}

    def add(self, symbol: str, now_us: int) -> Iterator[FeedStatus]:
        """Take in a new symbol."""
        yield from self.one(symbol, "connecting", "start", now_us)

    def one(self, symbol: str, feed: Feed, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Say how one symbol is."""
        if self._symbols.get(symbol) == (feed, reason):
            return
        self._symbols[symbol] = (feed, reason)
        if feed == "live" and not self._venue_is_live():
            yield from self._others(symbol, now_us)
            self._venue = ("live", reason)
            yield FeedStatus(None, "live", reason, now_us)
        if self._venue_is_live():
            yield FeedStatus(symbol, feed, reason, now_us)

    def all(self, feed: Feed, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Say that nothing of the venue is current."""
        self._symbols = dict.fromkeys(self._symbols, (feed, reason))
        if self._venue != (feed, reason):
            self._venue = (feed, reason)
            yield FeedStatus(None, feed, reason, now_us)

    def _venue_is_live(self) -> bool:
        return self._venue is not None and self._venue[0] == "live"

    def _others(self, symbol: str, now_us: int) -> Iterator[FeedStatus]:
        for other, (feed, reason) in self._symbols.items():
            if other != symbol:
                yield FeedStatus(other, feed, reason, now_us)

"""The symbols of which something is wanted, how current each is, and what follows for them from a link."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.market_events import FeedStatus
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.links import ActivityTracker, Links
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol


class FollowedSymbols:
    """The symbols by the exchange's name. In a recording all of them are followed."""

    __slots__ = ("_links", "activity", "by_native", "statuses")

    def __init__(self, links: Links) -> None:
        self.by_native: dict[str, SubscribedSymbol] = {}
        self.statuses = FeedStatuses()
        self.activity = ActivityTracker()
        self._links = links

    def on(self, link: str) -> Iterator[tuple[str, SubscribedSymbol]]:
        """Yield the symbols whose book comes on a link, with their names."""
        return ((native, symbol) for native, symbol in self.by_native.items() if symbol.link == link)

    def turn(self, symbol: SubscribedSymbol, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Mark a symbol stale: what is known of it is not the exchange's any more."""
        return self.statuses.set_symbol(symbol.instrument.symbol, "stale", reason, now_us)

    def synced(self, symbol: SubscribedSymbol, now_us: int) -> Iterator[FeedStatus]:
        """Mark a symbol live: its book is complete, or its first message came.

        One that the exchange delisted stays stale: what still comes of it was on its way.
        """
        if symbol.instrument.state == "closed":
            return iter(())
        return self.statuses.set_symbol(symbol.instrument.symbol, "live", "synced", now_us)

    def heard(self, symbol: SubscribedSymbol, now_us: int) -> Iterator[FeedStatus]:
        """Mark a symbol live again: it was only quiet and lost no message."""
        return self.statuses.set_symbol(symbol.instrument.symbol, "live", "heard", now_us)

    def delisted(self, symbol: SubscribedSymbol, now_us: int) -> Iterator[FeedStatus]:
        """Mark a symbol stale that the exchange delisted, and drop what is known of it."""
        symbol.clear(now_us)
        return self.turn(symbol, "delisted", now_us)

    def unwanted(self, symbol: str, now_us: int) -> Iterator[FeedStatus]:
        """Mark a symbol as one that is not streamed, because nobody wants it."""
        return self.statuses.set_symbol(symbol, "connecting", "unwanted", now_us)

    # --- links ----------------------------------------------------------------------------------

    def link_opened(self, link: str, now_us: int) -> None:
        """Wait for the books of a link from now on."""
        for _, symbol in self.on(link):
            symbol.requested_us = now_us

    def is_linked(self, symbol: SubscribedSymbol, now_us: int) -> bool:
        """Return whether the link of a symbol is up, if it has one."""
        return not symbol.link or self._links.up_us(symbol.link, now_us) is not None

    def link_down(self, link: str, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Drop the books of a link. They start again (resync) when it is up again."""
        for _, symbol in self.on(link):
            symbol.link_lost(now_us)
        yield from self.link_stale(link, reason, now_us)

    def link_stale(self, link: str, reason: str, now_us: int) -> Iterator[FeedStatus]:
        """Mark the symbols of a link stale, or the venue if no link with books is active."""
        if not self._links.any_active({symbol.link for symbol in self.by_native.values() if symbol.link}):
            yield from self.statuses.set_all("stale", reason, now_us)
            return
        for _, symbol in self.on(link):
            yield from self.turn(symbol, reason, now_us)

    def link_active_again(self, link: str, now_us: int) -> Iterator[FeedStatus]:
        """Mark the symbols of a link live again that are current: it was only quiet and lost no message."""
        for _, symbol in self.on(link):
            if symbol.is_current and not symbol.is_silent:
                yield from self.heard(symbol, now_us)

    # --- silence --------------------------------------------------------------------------------

    def is_silent(self, symbol: SubscribedSymbol, silent_us: int, now_us: int) -> bool:
        """Return whether the exchange stopped sending a symbol while its link is active.

        Nothing is expected of a symbol that is not traded.
        """
        active_us = self._links.active_us(symbol.link or "", now_us)
        is_expected = symbol.is_synced and not symbol.is_silent and symbol.instrument.state == "open"
        if not active_us or not is_expected:
            return False
        age_us = self.activity.age_us(symbol.instrument.symbol, now_us)
        return (active_us if age_us is None else min(age_us, active_us)) >= silent_us

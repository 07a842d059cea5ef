"""All replacements of links that are under way, and which of two links a symbol is read from."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.ports import Close, VenueOutput
from floorwire.venues.common.book_requests import BookRequests
from floorwire.venues.common.exchange import Exchange
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.link_rotation import RETRY_US, Rotation
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol


class LinkRotations:
    """Begins, ends and gives up replacements. At most one begins at a time by age."""

    __slots__ = ("_books", "_exchange", "_followed", "_next_us", "_streams", "by_new")

    def __init__(
        self,
        exchange: Exchange,
        streams: StreamLinks,
        followed: FollowedSymbols,
        books: BookRequests,
    ) -> None:
        self._exchange = exchange
        self._streams = streams
        self._followed = followed
        self._books = books
        self.by_new: dict[str, Rotation] = {}
        """Those under way, by the new link. Public, because it is asked for each message."""
        self._next_us = 0
        """The earliest time of the next one by age."""

    def of(self, link: str) -> Rotation | None:
        """Return the replacement that a link is part of, as the old or the new one."""
        return next((one for one in self.by_new.values() if link in (one.old, one.new)), None)

    def begin(self, old: str, now_us: int) -> None:
        """Plan a new link, unless the old one is part of a replacement already."""
        if self.of(old) is not None:
            return
        new = self._streams.replace(old, now_us)
        if new is None:
            return
        waiting = {
            native: SubscribedSymbol(self._exchange.book(symbol.instrument), new, now_us, symbol.wanted)
            for native, symbol in self._followed.on(old)
            if "book" in symbol.wanted
        }
        self.by_new[new] = Rotation(old, new, self._streams.streams(old), waiting, now_us)

    def tick(self, now_us: int) -> Iterator[VenueOutput]:
        """Begin what is due by age, end what is done, and give up what cannot be done."""
        for rotation in list(self.by_new.values()):
            if self._streams.streams(rotation.old) != rotation.carried or rotation.has_failed(now_us):
                yield from self.abandon(rotation, now_us)
            elif rotation.is_done(now_us):
                yield from self.end(rotation, now_us)
            else:
                for native, symbol in rotation.waiting.items():
                    yield from self._books.fetch(native, symbol, now_us)
        if not self.by_new and now_us >= self._next_us:
            oldest = self._streams.oldest_due(now_us)
            if oldest is not None:
                self.begin(oldest, now_us)

    def opened(self, link: str, now_us: int) -> None:
        """Record that a link is up."""
        rotation = self.by_new.get(link)
        if rotation is not None:
            rotation.opened(now_us)

    def symbol_on(self, link: str, native: str, symbol: SubscribedSymbol) -> SubscribedSymbol | None:
        """Return what a message of the symbol is for: itself, or what is known of it by the new link.

        None: the symbol has moved, and the message came on the old link.
        """
        rotation = self.of(link)
        if rotation is None or symbol.link == link:
            return symbol
        if link == rotation.new:
            return rotation.waiting.get(native, symbol)
        return None if symbol.link == rotation.new else symbol

    def move_if_synced(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Move a symbol to the new link, if its book is complete there."""
        rotation = self.by_new.get(symbol.link or "")
        if rotation is None or not symbol.is_synced:
            return
        if rotation.waiting.pop(native, None) is symbol:
            symbol.is_heard = True
            symbol.book_synced()
            self._followed.by_native[native] = symbol
            yield from self._followed.synced(symbol, now_us)

    def end(self, rotation: Rotation, now_us: int) -> Iterator[VenueOutput]:
        """Close the old link. Books that are not complete on the new one start again there."""
        del self.by_new[rotation.new]
        for native, symbol in list(self._followed.on(rotation.old)):
            moved = rotation.waiting.get(native)
            if moved is None:
                symbol.link = rotation.new
            else:
                self._followed.by_native[native] = moved
                yield from self._followed.turn(moved, "link_lost", now_us)
        yield from self._streams.finish_replacement(rotation.new, now_us)

    def abandon(self, rotation: Rotation, now_us: int) -> Iterator[VenueOutput | Close]:
        """Close the new link. Books that have moved start again on the old one."""
        del self.by_new[rotation.new]
        self._next_us = now_us + RETRY_US
        yield from self._streams.abandon_replacement(rotation.new, now_us)
        for native, symbol in list(self._followed.on(rotation.new)):
            symbol.link = rotation.old
            symbol.clear(now_us)
            yield from self._books.resync(native, symbol, "link_lost", now_us)

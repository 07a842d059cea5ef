"""What clients want of an exchange, and what that changes: subscriptions, followed symbols, statuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import StreamsEnded
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.exchange import Exchange
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.link_rotations import LinkRotations
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.venue_clock import VenueClock


class WantedStreams:
    """The streams that clients want, and what follows from them."""

    __slots__ = ("_clock", "_exchange", "_followed", "_is_named", "_links", "_rotations", "streams")

    def __init__(
        self,
        exchange: Exchange,
        links: StreamLinks,
        followed: FollowedSymbols,
        rotations: LinkRotations,
        streams: Mapping[str, frozenset[StreamKind]] | None,
        *,
        is_named: bool,
    ) -> None:
        """``is_named``: whether the symbols of the exchange were named. ``streams``: what is known so far."""
        self.streams = streams
        """Canonical symbol -> the streams that clients want. None before they said so: all if named."""
        self._exchange = exchange
        self._links = links
        self._followed = followed
        self._rotations = rotations
        self._is_named = is_named
        self._clock: VenueClock = exchange.clock

    def apply(self, instruments: Mapping[str, Instrument], now_us: int) -> Iterator[VenueOutput]:
        """Subscribe to what is wanted now, and unsubscribe from all else."""
        by_native = {
            native: kinds for native, instrument in instruments.items() if (kinds := self._wanted(instrument))
        }
        # What is delisted is not subscribed to: some exchanges refuse a whole request for one such name.
        there = {
            native: kinds for native, kinds in by_native.items() if instruments[native].state != "closed"
        }
        yield from self._links.want(there, now_us)
        for native, instrument in instruments.items():
            wanted = by_native.get(native, frozenset())
            known = self._followed.by_native.get(native)
            before = frozenset() if known is None else known.wanted
            if wanted:
                yield from self._want(native, instrument, wanted, now_us)
                before = EVERYTHING if known is None else before
            else:
                self._followed.by_native.pop(native, None)
                if self.streams is not None:
                    yield from self._followed.unwanted(instrument.symbol, now_us)
            if before - wanted:
                yield StreamsEnded(instrument.symbol, before - wanted, self._clock.venue_time(now_us))
        if self.streams is not None and instruments and not by_native:
            yield from self._followed.statuses.set_idle("unwanted", now_us)

    def _wanted(self, instrument: Instrument) -> frozenset[StreamKind]:
        if self.streams is None:
            return EVERYTHING if self._is_named else frozenset()
        return self.streams.get(instrument.symbol, frozenset())

    def _want(
        self, native: str, instrument: Instrument, wanted: frozenset[StreamKind], now_us: int
    ) -> Iterator[VenueOutput]:
        """Take in what is wanted of a symbol. Its book stays while other streams come and go."""
        link = self._links.link_of(native)
        symbol = self._followed.by_native.get(native)
        if symbol is None:
            symbol = SubscribedSymbol(self._exchange.book(instrument), link, now_us, wanted)
            self._followed.by_native[native] = symbol
        else:
            rotation = self._rotations.of(link or "")
            is_moved = rotation is not None and symbol.link == rotation.new
            if symbol.wanted == wanted and (symbol.link == link or is_moved):
                return
            if ("book" in symbol.wanted) != ("book" in wanted) or (symbol.link != link and not is_moved):
                symbol.link_lost(now_us)
                symbol.link = link
            symbol.wanted = wanted
        if instrument.state == "closed":
            yield from self._followed.delisted(symbol, now_us)
        elif not symbol.is_current:
            yield from self._followed.statuses.set_symbol(
                symbol.instrument.symbol, "connecting", "start", now_us
            )

"""The market as the hub knows it: instruments, each channel's tracker, and how current each feed is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, get_args

from floorwire.channels import BadOptionError, Channel, Option, Stream, Tracker
from floorwire.core.account_events import PrivateChannel
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Feed, FeedStatus, Listing, MarketEvent
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.refusal import Refusal
from floorwire.core.symbols import SymbolTable
from floorwire.protocol.topic import TopicChoice, TopicName

Happening: TypeAlias = MarketEvent | Notice


class SymbolState:
    """One symbol's trackers (or the gateway's own, for channels without symbol), by what they listen to."""

    def __init__(self, channels: Iterable[Channel], instrument: Instrument | None) -> None:
        self.instrument = instrument
        self._trackers: dict[str, Tracker] = {}
        self._by_kind: dict[type[Happening], list[Tracker]] = {}
        for channel in channels:
            tracker = self._trackers[channel.name] = channel.tracker(instrument)
            for kind in channel.event_types:
                self._by_kind.setdefault(kind, []).append(tracker)

    def apply(self, event: Happening) -> None:
        """Tell every tracker that listens."""
        for tracker in self._by_kind.get(type(event), ()):
            tracker.apply(event)

    def has_steps_of(self, other: Instrument) -> bool:
        """Return whether the instrument still trades in the same ticks and lots."""
        return self.instrument is not None and self.instrument.steps == other.steps

    def trades_what(self, other: Instrument) -> bool:
        """Return whether the other's prices and sizes are of the same assets."""
        mine = self.instrument
        return mine is not None and (mine.base, mine.quote) == (other.base, other.quote)

    def change_steps(self, instrument: Instrument) -> None:
        """Bring what every tracker knows into the steps of now."""
        self.instrument = instrument
        for tracker in self._trackers.values():
            tracker.change_steps(instrument)

    def stream(self, channel: str, option: Option) -> Stream:
        """Return a new stream."""
        return self._trackers[channel].stream(option)


class MarketState:
    """Every symbol's listeners; also the catalogue that sessions choose from."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self.channels = channels
        self.symbols = SymbolTable()
        self.gateway = SymbolState([c for c in channels.values() if not c.per_symbol], None)
        self._per_symbol = [c for c in channels.values() if c.per_symbol]
        self._listeners: dict[str, SymbolState] = {}
        self._venue_feeds: dict[str, Feed] = {}
        self._symbol_feeds: dict[str, Feed] = {}
        self._told: dict[str, Feed] = {}
        """How current each symbol is, as its trackers were told."""

    def take_in(self, listing: Listing) -> list[str]:
        """Take in new or changed instruments; return those known symbols whose steps are others now.

        What trackers know of these is converted; where other assets are traded, they begin anew.
        """
        self.symbols.update(listing.instruments)
        resized: list[str] = []
        for instrument in listing.instruments:
            known = self._listeners.get(instrument.symbol)
            if known is not None and known.has_steps_of(instrument):
                known.instrument = instrument
                continue
            if known is not None:
                resized.append(instrument.symbol)
                if known.trades_what(instrument):
                    known.change_steps(instrument)
                    continue
            listeners = self._listeners[instrument.symbol] = SymbolState(self._per_symbol, instrument)
            self._tell_first(listeners, instrument.symbol, listing.ts_us)
        return resized

    def _tell_first(self, listeners: SymbolState, symbol: str, ts_us: int) -> None:
        """Tell new trackers how current the symbol is. They heard nothing of what was before."""
        listeners.apply(SymbolFeedChanged(symbol, "connecting", "start", ts_us))
        feed = self._told[symbol] = self.feed(symbol)
        if feed != "connecting":
            listeners.apply(SymbolFeedChanged(symbol, feed, "start", ts_us))

    def of(self, symbol: str | None) -> SymbolState | None:
        """Return a symbol's listeners, None where it was never listed; the gateway's own for None."""
        return self.gateway if symbol is None else self._listeners.get(symbol)

    def of_venue(self, venue: str) -> list[str]:
        """Return the venue's symbols."""
        return [
            symbol
            for symbol, known in self._listeners.items()
            if known.instrument is not None and known.instrument.venue == venue
        ]

    def note(self, venue: str, status: FeedStatus) -> list[SymbolFeedChanged]:
        """Remember how current the venue's feed is, of one symbol or of all; return what that changes."""
        symbols = self.of_venue(venue) if status.symbol is None else [status.symbol]
        if status.symbol is not None:
            self._symbol_feeds[status.symbol] = status.feed
        else:
            self._venue_feeds[venue] = status.feed
            if status.feed != "live":  # what comes after is said of each symbol again
                for symbol in symbols:
                    self._symbol_feeds.pop(symbol, None)
        return [turned for symbol in symbols for turned in self._turned(symbol, status)]

    def _turned(self, symbol: str, status: FeedStatus) -> Iterator[SymbolFeedChanged]:
        if symbol in self._listeners and self.feed(symbol) != self._told[symbol]:
            feed = self._told[symbol] = self.feed(symbol)
            yield SymbolFeedChanged(symbol, feed, status.reason, status.ts_us)

    def feed(self, symbol: str | None) -> Feed:
        """Return how current the symbol is: as its venue, or worse; of all venues for None: the worst."""
        if symbol is None:
            return _worst(self._venue_feeds.values())
        instrument = self._listeners[symbol].instrument
        venue = self._venue_feeds.get(instrument.venue, "connecting") if instrument else "connecting"
        return _worst((venue, self._symbol_feeds.get(symbol, venue)))

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None
    ) -> TopicChoice:
        """Return what the names name. Raises Refusal (unknown_channel, unknown_symbol, bad_request)."""
        known = self.channels.get(channel)
        if known is None:
            raise Refusal(
                Code.UNKNOWN_CHANNEL,
                f"there is no channel {channel[:64]!r}",
                {"channels": sorted({*self.channels, *get_args(PrivateChannel)})},
            )
        try:
            option = known.option(depth, interval)
        except BadOptionError as error:
            raise Refusal(Code.BAD_REQUEST, str(error), {"field": error.field}) from None
        name = self._canonical(known, symbol)
        return TopicChoice(TopicName(channel, name, option), symbol, known.on_slow, known.contracts)

    def _canonical(self, channel: Channel, symbol: str | None) -> str | None:
        if not channel.per_symbol:
            if symbol is not None:
                raise Refusal(Code.BAD_REQUEST, f"symbol: {channel.name} has none", {"field": "symbol"})
            return None
        if symbol is None:
            raise Refusal(Code.BAD_REQUEST, f"symbol: {channel.name} needs one", {"field": "symbol"})
        instrument = self.symbols.resolve(symbol)
        if instrument is None:
            raise Refusal(Code.UNKNOWN_SYMBOL, f"{symbol[:64]!r} names no instrument, or more than one")
        return instrument.symbol


def _worst(feeds: Iterable[Feed]) -> Feed:
    seen = set(feeds)
    return "stale" if "stale" in seen else "live" if seen == {"live"} else "connecting"

"""The market's state: instruments, the trackers of each channel, and how current each feed is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, get_args

from msgspec.structs import replace

from floorwire.channels import BadOptionError, Channel, Option, Stream, Tracker
from floorwire.core.account_events import PrivateChannel
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Feed, FeedStatus, Listing, MarketEvent
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.refusal import Refusal
from floorwire.core.symbols import SymbolTable
from floorwire.core.venue_names import VenueNames
from floorwire.protocol.topic_names import TopicChoice, TopicName, VenueTopics

HubEvent: TypeAlias = MarketEvent | Notice
TrackersByKind: TypeAlias = dict[type[HubEvent], list[Tracker]]


class SymbolState:
    """The trackers of one symbol, by event type. Channels without symbol have theirs in the gateway's own.

    Their instrument has the symbol as clients know it: they make messages. A tracker that no stream reads may
    follow later: what clients wait for comes first. ``follow`` must be called before anything else is asked.
    """

    def __init__(self, channels: Iterable[Channel], instrument: Instrument | None) -> None:
        self.instrument = instrument
        self._trackers: dict[str, Tracker] = {}
        self._kinds: dict[str, Sequence[type[HubEvent]]] = {}
        self._read: TrackersByKind = {}
        """The trackers that streams read."""
        self._unread: TrackersByKind = {}
        self._streams = Counter[str]()
        """How many streams read each channel's tracker."""
        self._later: list[HubEvent] = []
        """What the trackers that no stream reads have not applied yet."""
        for channel in channels:
            tracker = self._trackers[channel.name] = channel.tracker(instrument)
            self._kinds[channel.name] = channel.event_types
            for kind in channel.event_types:
                self._unread.setdefault(kind, []).append(tracker)

    def apply(self, event: HubEvent) -> None:
        """Apply the event to each tracker of its type that streams read. ``follow`` does the rest."""
        kind = type(event)
        for tracker in self._read.get(kind, ()):
            tracker.apply(event)
        if kind in self._unread:
            self._later.append(event)

    def follow(self) -> None:
        """Apply to all other trackers what came since the last time."""
        if self._later:
            later, self._later = self._later, []
            for event in later:
                for tracker in self._unread[type(event)]:
                    tracker.apply(event)

    def has_same_steps(self, other: Instrument) -> bool:
        """Return whether the instrument still trades in the same ticks and lots."""
        return self.instrument is not None and self.instrument.steps == other.steps

    def has_same_assets(self, other: Instrument) -> bool:
        """Return whether the other has the same base and quote asset."""
        mine = self.instrument
        return mine is not None and (mine.base, mine.quote) == (other.base, other.quote)

    def change_steps(self, instrument: Instrument) -> None:
        """Convert the state of every tracker to the instrument's new tick and lot sizes."""
        self.follow()
        self.instrument = instrument
        for tracker in self._trackers.values():
            tracker.change_steps(instrument)

    def stream(self, channel: str, option: Option) -> Stream:
        """Return a new stream. ``release`` must be called when it is used no more."""
        self.follow()
        self._streams[channel] += 1
        if self._streams[channel] == 1:
            self._move(channel, self._unread, self._read)
        return self._trackers[channel].stream(option)

    def release(self, channel: str) -> None:
        """A stream of the channel is used no more."""
        self.follow()
        self._streams[channel] -= 1
        if not self._streams[channel]:
            self._move(channel, self._read, self._unread)

    def _move(self, channel: str, old: TrackersByKind, new: TrackersByKind) -> None:
        tracker = self._trackers[channel]
        for kind in self._kinds[channel]:
            old[kind].remove(tracker)
            if not old[kind]:
                del old[kind]
            new.setdefault(kind, []).append(tracker)


class MarketState:
    """The state of every symbol. Sessions choose topics from it."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        names: VenueNames | None = None,
        venues: Collection[str] = (),
    ) -> None:
        """``venues``: those that run, also if they have listed nothing yet."""
        self.channels = channels
        self._venues = venues
        self.names = names or VenueNames()
        self.symbols = SymbolTable(names=self.names)
        self.revision = 0
        """How often instruments were added or changed."""
        gateway = SymbolState([c for c in channels.values() if not c.per_symbol], None)
        self.states: dict[str | None, SymbolState] = {None: gateway}
        """Of each symbol that was ever listed; None: the gateway's own."""
        self._per_symbol = [c for c in channels.values() if c.per_symbol]
        self._venue_feeds: dict[str, Feed] = {}
        self._symbol_feeds: dict[str, Feed] = {}
        self._published_feeds: dict[str, Feed] = {}
        """The feed state that each symbol's trackers last got."""

    def update_instruments(self, listing: Listing) -> list[str]:
        """Add or change instruments. Return the known symbols whose tick or lot size changed.

        The trackers of these are converted. If the assets changed, the symbol gets new trackers.
        """
        self.symbols.update(listing.instruments)
        self.revision += 1
        resized: list[str] = []
        for instrument in listing.instruments:
            symbol, shown = instrument.symbol, self.names.listed(instrument)
            known = self.states.get(symbol)
            if known is not None and known.has_same_steps(shown):
                known.instrument = shown
                continue
            if known is not None:
                resized.append(symbol)
                if known.has_same_assets(shown):
                    known.change_steps(shown)
                    continue
            state = self.states[symbol] = SymbolState(self._per_symbol, shown)
            self._start_feed(state, symbol, listing.ts_us)
        return resized

    def _start_feed(self, state: SymbolState, symbol: str, ts_us: int) -> None:
        """Give new trackers the present feed state of the symbol."""
        state.apply(SymbolFeedChanged(symbol, "connecting", "start", ts_us))
        feed = self._published_feeds[symbol] = self.feed(symbol)
        if feed != "connecting":
            state.apply(SymbolFeedChanged(symbol, feed, "start", ts_us))

    def shown(self, symbol: str | None) -> str | None:
        """Return the name that clients know the symbol by."""
        return None if symbol is None else self.names.shown(symbol)

    def shown_listing(self, listing: Listing) -> Listing:
        """Return the listing with the symbols as clients know them."""
        return Listing(tuple(map(self.names.listed, listing.instruments)), listing.ts_us)

    def shown_status(self, status: FeedStatus) -> FeedStatus:
        """Return the status with its symbol as clients know it."""
        return status if status.symbol is None else replace(status, symbol=self.names.shown(status.symbol))

    def symbols_of(self, venue: str) -> list[str]:
        """Return the venue's symbols."""
        return [
            symbol
            for symbol, known in self.states.items()
            if symbol is not None and known.instrument is not None and known.instrument.venue == venue
        ]

    def update_feed(self, venue: str, status: FeedStatus) -> list[SymbolFeedChanged]:
        """Apply a feed status, of one symbol or of the whole venue. Return the symbols' changes."""
        symbols = self.symbols_of(venue) if status.symbol is None else [status.symbol]
        if status.symbol is not None:
            self._symbol_feeds[status.symbol] = status.feed
        else:
            self._venue_feeds[venue] = status.feed
            if status.feed != "live":  # After a loss the venue reports each symbol again.
                for symbol in symbols:
                    self._symbol_feeds.pop(symbol, None)
        return [turned for symbol in symbols for turned in self._feed_changes(symbol, status)]

    def _feed_changes(self, symbol: str, status: FeedStatus) -> Iterator[SymbolFeedChanged]:
        if symbol in self.states and self.feed(symbol) != self._published_feeds[symbol]:
            feed = self._published_feeds[symbol] = self.feed(symbol)
            yield SymbolFeedChanged(symbol, feed, status.reason, status.ts_us)

    def feed(self, symbol: str | None) -> Feed:
        """Return the worse of the symbol's and its venue's feed state. ``symbol`` None: the worst venue's."""
        if symbol is None:
            return _worst(self._venue_feeds.values())
        instrument = self.states[symbol].instrument
        venue = self._venue_feeds.get(instrument.venue, "connecting") if instrument else "connecting"
        return _worst((venue, self._symbol_feeds.get(symbol, venue)))

    def listed_by(self, listing: Listing) -> list[str]:
        """Return the symbols that are not closed, and were not known or closed before the listing."""
        before = ((i, self.states.get(i.symbol)) for i in listing.instruments if i.state != "closed")
        return [i.symbol for i, known in before if known is None or _is_closed(known.instrument)]

    def choose(
        self,
        channel: str,
        symbol: str | None,
        depth: int | None,
        interval: str | None,
        closed_only: bool = False,
    ) -> TopicChoice:
        """Return the topic of these names. Raises Refusal (unknown_channel, unknown_symbol, bad_request)."""
        known, option = self._channel(channel, depth, interval, closed_only)
        name = self._canonical(known, symbol)
        return TopicChoice(TopicName(channel, name, option), symbol, known.on_slow, known.contracts)

    def choose_venue(
        self,
        channel: str,
        venue: str | None,
        depth: int | None,
        interval: str | None,
        closed_only: bool = False,
    ) -> tuple[VenueTopics, list[TopicChoice]]:
        """Return the topics of a venue's symbols, and those of the symbols that are not closed.

        Raises Refusal (unknown_channel, bad_request).
        """
        known, option = self._channel(channel, depth, interval, closed_only)
        if not known.per_symbol:
            raise Refusal(Code.BAD_REQUEST, f"all: {channel} has no symbols", {"field": "all"})
        venue = self.names.default if venue is None else venue
        symbols = self.symbols_of(venue)
        if not symbols and venue not in self._venues:
            raise Refusal(Code.BAD_REQUEST, f"venue: there is no {venue!r}", {"field": "venue"})
        topics = VenueTopics(channel, venue, option, known.on_slow, known.contracts)
        open_symbols = (symbol for symbol in symbols if not _is_closed(self.states[symbol].instrument))
        return topics, [topics.of(symbol, self.names.shown(symbol)) for symbol in open_symbols]

    def _channel(
        self, channel: str, depth: int | None, interval: str | None, closed_only: bool
    ) -> tuple[Channel, Option]:
        known = self.channels.get(channel)
        if known is None:
            raise Refusal(
                Code.UNKNOWN_CHANNEL,
                f"there is no channel {channel[:64]!r}",
                {"channels": sorted({*self.channels, *get_args(PrivateChannel)})},
            )
        try:
            return known, known.option(depth, interval, closed_only)
        except BadOptionError as error:
            raise Refusal(Code.BAD_REQUEST, str(error), {"field": error.field}) from None

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


def _is_closed(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.state == "closed"


def _worst(feeds: Iterable[Feed]) -> Feed:
    seen = set(feeds)
    return "stale" if "stale" in seen else "live" if seen == {"live"} else "connecting"

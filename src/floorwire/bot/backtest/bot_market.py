"""What a bot is told of the market: it does what the hub does for one client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from floorwire.bot.backtest import bot_topics
from floorwire.bot.backtest.bot_topics import HubEvent, Told, Topic
from floorwire.bot.bot import Bot
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Listing,
    MarketEvent,
    MissingTrade,
    Quote,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.core.notices import SymbolFeedChanged
from floorwire.core.venue_names import VenueNames
from floorwire.hub.market_state import MarketState

OF_A_SYMBOL = (Quote, Trade, BookChange, BookSnapshot, DayStats, Candle, MissingTrade, StreamsEnded)
"""The events of one symbol. Topics get them straight; what is of a whole venue is told to each symbol."""


class BotMarket:
    """Applies the events of all venues, and makes the messages that the bot gets."""

    def __init__(self, bot: Bot, names: VenueNames, venues: Iterable[str]) -> None:
        """``bot``: its symbols and callbacks decide what is told. It is not called."""
        self._state = MarketState({}, names, list(venues))
        self._bot = bot
        self._topics: dict[str, list[Topic]] = {}
        """By symbol, as the venues name it."""
        self._by_kind: dict[type[HubEvent], dict[str, list[Topic]]] = {kind: {} for kind in OF_A_SYMBOL}
        """Who needs an event, by its type and its symbol."""
        self._waiting: dict[Topic, None] = {}
        """What is to be delivered, in the order in which it began."""

    @property
    def symbols(self) -> Sequence[str]:
        """The listed instruments, by the names that the bot knows them by."""
        names = self._state.names
        return [names.shown(instrument.symbol) for instrument in self._state.symbols]

    def apply(self, venue: str, event: MarketEvent, now_us: int) -> None:
        """Apply an event of a venue."""
        kind = type(event)
        by_symbol = self._by_kind.get(kind)
        if by_symbol is not None:
            for topic in by_symbol.get(event.symbol, ()):  # type: ignore[union-attr, arg-type] # of one
                if topic.apply(event, now_us):
                    self._waiting[topic] = None
        elif kind is Listing:
            assert isinstance(event, Listing)
            self._list(event, now_us)
        elif kind is FeedStatus:
            assert isinstance(event, FeedStatus)
            for turned in self._state.update_feed(venue, event):
                self._give(turned.symbol, turned, now_us)
        elif kind is VenueTime:
            for symbol in self._state.symbols_of(venue):
                self._give(symbol, event, now_us)

    def _give(self, symbol: str, event: HubEvent, now_us: int) -> None:
        for topic in self._topics.get(symbol, ()):
            if type(event) in topic.kinds and topic.apply(event, now_us):
                self._waiting[topic] = None

    def _list(self, listing: Listing, now_us: int) -> None:
        resized = self._state.update_instruments(listing)
        for instrument in self._state.shown_listing(listing).instruments:
            symbol = self._state.names.identity(instrument.symbol)
            if symbol in self._topics:
                if symbol in resized:
                    for topic in self._topics[symbol]:
                        if topic.change_steps(instrument, now_us):
                            self._waiting[topic] = None
            elif instrument.symbol in self._bot.symbols:
                topics = self._topics[symbol] = bot_topics.make(self._bot, instrument)
                for topic in topics:
                    for kind in topic.kinds:
                        if kind in self._by_kind:
                            self._by_kind[kind].setdefault(symbol, []).append(topic)
                self._give(symbol, SymbolFeedChanged(symbol, "connecting", "start", listing.ts_us), now_us)
                feed = self._state.feed(symbol)
                if feed != "connecting":
                    self._give(symbol, SymbolFeedChanged(symbol, feed, "start", listing.ts_us), now_us)

    def start(self, now_us: int) -> None:
        """Tell the bot from now on. States are told first."""
        for topics in self._topics.values():
            for topic in topics:
                if topic.start(now_us):
                    self._waiting[topic] = None

    def pop_told(self) -> Sequence[Told]:
        """Return what the bot is told now: all that waited, topic by topic."""
        if not self._waiting:
            return ()
        told = [one for topic in self._waiting for one in topic.pop_told()]
        self._waiting.clear()
        return tuple(told)

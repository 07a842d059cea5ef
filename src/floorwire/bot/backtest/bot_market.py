"""The market of a backtest: instruments, feeds and topics. It does what the hub does for one client."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.bot.backtest import bot_topics
from floorwire.bot.backtest.bot_topics import HubEvent, Topic
from floorwire.bot.bot import Bot
from floorwire.bot.run import Run
from floorwire.core.authorization import Principal
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
from floorwire.hub import subscription_replies
from floorwire.hub.market_state import MarketState
from floorwire.protocol.replies import SymbolRow

OF_A_SYMBOL = (Quote, Trade, BookChange, BookSnapshot, DayStats, Candle, MissingTrade, StreamsEnded)
"""The events of one symbol. Topics get them straight; what is of a whole venue is told to each symbol."""


class BotMarket:
    """Applies the events of all venues, and delivers what comes of them to the bot."""

    def __init__(self, bot: Bot, run: Run, names: VenueNames, venues: Iterable[str]) -> None:
        self.state = MarketState({}, names, list(venues))
        """The instruments and how current each is."""
        self.events = 0
        """How many market events there were."""
        self._bot = bot
        self._run = run
        self._topics: dict[str, list[Topic]] = {}
        """By symbol, as the venues name it."""
        self._by_kind: dict[type[HubEvent], dict[str, list[Topic]]] = {kind: {} for kind in OF_A_SYMBOL}
        """Who needs an event, by its type and its symbol."""
        self._waiting: dict[Topic, None] = {}
        """What is to be delivered, in the order in which it began."""

    def symbol_rows(self, principal: Principal) -> dict[str, SymbolRow]:
        """Return the instruments by the names that the bot knows them by."""
        rows = subscription_replies.symbol_rows(self.state, principal, frozenset())
        return {row.symbol: row for row in rows}

    def apply(self, venue: str, event: MarketEvent, now_us: int) -> None:
        """Apply an event of a venue."""
        self.events += 1
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
            for turned in self.state.update_feed(venue, event):
                self._give(turned.symbol, turned, now_us)
        elif kind is VenueTime:
            for symbol in self.state.symbols_of(venue):
                self._give(symbol, event, now_us)

    def _give(self, symbol: str, event: HubEvent, now_us: int) -> None:
        for topic in self._topics.get(symbol, ()):
            if type(event) in topic.kinds and topic.apply(event, now_us):
                self._waiting[topic] = None

    def _list(self, listing: Listing, now_us: int) -> None:
        resized = self.state.update_instruments(listing)
        for instrument in self.state.shown_listing(listing).instruments:
            symbol = self.state.names.identity(instrument.symbol)
            if symbol in self._topics:
                if symbol in resized:
                    for topic in self._topics[symbol]:
                        if topic.change_steps(instrument, now_us):
                            self._waiting[topic] = None
            elif instrument.symbol in self._bot.symbols:
                topics = self._topics[symbol] = bot_topics.make(self._bot, instrument, self._run)
                for topic in topics:
                    for kind in topic.kinds:
                        if kind in self._by_kind:
                            self._by_kind[kind].setdefault(symbol, []).append(topic)
                self._give(symbol, SymbolFeedChanged(symbol, "connecting", "start", listing.ts_us), now_us)
                feed = self.state.feed(symbol)
                if feed != "connecting":
                    self._give(symbol, SymbolFeedChanged(symbol, feed, "start", listing.ts_us), now_us)

    def start(self, now_us: int) -> None:
        """Tell the bot from now on. States are told first."""
        for topics in self._topics.values():
            for topic in topics:
                if topic.start(now_us):
                    self._waiting[topic] = None

    def stop(self) -> None:
        """Tell the bot nothing any more."""
        for by_symbol in self._by_kind.values():
            by_symbol.clear()
        self._topics.clear()
        self._waiting.clear()

    def deliver(self) -> None:
        """Call the bot with all that waits. Raises BotFailedError."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        try:
            for topic in waiting:
                self._run.record.events += topic.deliver()
        except Exception as error:
            raise self._run.failed(error) from error

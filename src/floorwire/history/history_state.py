"""What market events mean for history: trades, candles, and the times of which something may be missing.

A hole opens when the feed of a symbol is not live, when events were dropped, and with the start of the
process. It ends a second after the first time that the venue tells with a live feed: what is under way then
may be late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    Candle,
    Feed,
    FeedStatus,
    Listing,
    MarketEvent,
    MissingTrade,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.core.microseconds import SECOND_US
from floorwire.core.past_candles import PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.history import candle_filling, history_file, simulated_past, trade_filling
from floorwire.history.filled_ranges import FilledRanges
from floorwire.history.history_file import Connection, StoredSymbol, UnitNumbers
from floorwire.history.missing_past import Missing
from floorwire.history.simulated_past import START
from floorwire.history.symbol_history import SymbolHistory

RESTART: Final = "restart"
NOT_STORED: Final = "not_stored"
DROPPED: Final = "dropped"
MISSING_TRADE: Final = "missing_trade"
NOT_STREAMED: Final = "not_streamed"
UNWANTED: Final = "unwanted"
MOST_REGAINED: Final = 10_000


class VenueHistory:
    """What is known of one venue."""

    def __init__(self, name: str, clock_us: int, *, on_demand: bool) -> None:
        self.name = name
        self.clock_us = clock_us
        """The time up to which it was heard."""
        self.on_demand = on_demand
        """Whether it streams trades only while they are wanted."""
        self.feed: Feed = "connecting"
        self.symbols: dict[str, SymbolHistory] = {}
        self.feeds: dict[str, Feed] = {}
        """Those of symbols that were told apart from the venue's."""
        self.trades: dict[str, list[Trade]] = {}
        """By symbol: those since another event came."""
        self.with_hole: dict[str, None] = {}
        """The symbols with an open hole."""

    def is_live(self, symbol: str) -> bool:
        """Return whether the prices of a symbol are current."""
        return self.feed == "live" and self.feeds.get(symbol, "live") == "live"


class HistoryState:
    """Everything of market history that is in memory. Not for two threads at once."""

    def __init__(self, connection: Connection, on_demand: Collection[str]) -> None:
        """``on_demand``: the venues that stream trades only while they are wanted."""
        self._connection = connection
        self._on_demand = on_demand
        self._units = UnitNumbers(connection)
        self._stored_symbols = {row.symbol: row for row in history_file.symbols(connection)}
        self._stored_clocks = history_file.clocks(connection)
        self._venues: dict[str, VenueHistory] = {}
        self.symbols: dict[str, SymbolHistory] = {}
        """Those that were listed since the start."""
        self.trades = 0
        """How many were added."""
        self.regained: deque[str] = deque(maxlen=MOST_REGAINED)
        """Symbols of which a hole has ended: other threads take them out. If it is full, the oldest goes."""

    @property
    def venues(self) -> Iterable[VenueHistory]:
        """The venues that were heard since the start."""
        return self._venues.values()

    def stored_symbol(self, symbol: str) -> StoredSymbol | None:
        """Return a symbol as the file had it at the start."""
        return self._stored_symbols.get(symbol)

    def stored_filled(self, row: StoredSymbol) -> FilledRanges:
        """Return what candles of the venue fill of a symbol's holes, as the file has it."""
        return FilledRanges(history_file.filled(self._connection, row.number))

    def fill(self, page: PastPage, pause: Callable[[], None]) -> None:
        """Take in candles of a venue's past."""
        known = self.symbols.get(page.symbol)
        if known is not None:
            venue = self._venue(known.instrument.venue)
            self._add(venue)
            candle_filling.fill(known, page, venue.clock_us, pause)

    def fill_trades(self, page: PastTradesPage, pause: Callable[[], None]) -> None:
        """Take in trades of a venue's past, and store them with what is left of their holes, in one step.

        Raises sqlite3.Error.
        """
        known = self.symbols.get(page.symbol)
        if known is None:
            return
        self._add(self._venue(known.instrument.venue))
        self._begin()
        known.keep_no_trades(self._units)
        if trade_filling.fill(known, page, self._units, pause):
            known.write(self._units)
        # The time up to which the venue was heard is left to ``write``: other symbols are not written here.
        self._connection.execute("COMMIT")
        known.written()

    def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
        """Return what the venue can fill of a symbol's candles (None: of its trades).

        Not before ``first_us``, nor further back.
        """
        known = self.symbols.get(symbol)
        if known is None:
            return Missing()
        clock_us = self._venue(known.instrument.venue).clock_us
        first_us = max(first_us, clock_us - back_us)
        if interval is None:
            return trade_filling.missing(known, first_us, clock_us)
        return candle_filling.missing(known, interval, first_us, clock_us)

    def clock_us(self, venue: str) -> int:
        """Return the time up to which a venue was heard, now or before the start."""
        known = self._venues.get(venue)
        return self._stored_clocks.get(venue, 0) if known is None else known.clock_us

    def apply(self, venue_name: str, events: Sequence[MarketEvent]) -> None:
        """Apply the events of a venue, in order. ``settle`` adds the trades that came since another event."""
        venue = self._venue(venue_name)
        trades = venue.trades
        for event in events:  # by type: isinstance takes four times as long where it is not
            if type(event) is Trade:
                run = trades.get(event.symbol)
                if run is None:
                    run = trades[event.symbol] = []
                run.append(event)
            elif type(event) in _HANDLED:
                self._add(venue)
                self._handle(venue, event)

    def settle(self) -> None:
        """Add the trades that were applied. Many at once cost less for each."""
        for venue in self._venues.values():
            self._add(venue)

    def drop(self, venue_name: str) -> None:
        """Take in that events of a venue were dropped here."""
        venue = self._venue(venue_name)
        self._add(venue)
        for symbol in venue.symbols:
            self._lose(venue, symbol, DROPPED)

    def _venue(self, name: str) -> VenueHistory:
        venue = self._venues.get(name)
        if venue is None:
            clock_us = self._stored_clocks.get(name, 0)
            venue = self._venues[name] = VenueHistory(name, clock_us, on_demand=name in self._on_demand)
        return venue

    def _add(self, venue: VenueHistory) -> None:
        for symbol, run in venue.trades.items():
            known = venue.symbols.get(symbol)
            if known is not None:
                self.trades += len(run)
                known.is_streamed = True
                known.add_trades(run)
        venue.trades.clear()

    def _handle(self, venue: VenueHistory, event: MarketEvent) -> None:
        match event:
            case VenueTime(ts_us):
                venue.clock_us = max(venue.clock_us, ts_us)
                for symbol in [*venue.with_hole]:
                    if venue.is_live(symbol) and venue.symbols[symbol].is_streamed:
                        self._regain(venue, symbol)
            case Candle(symbol) if symbol in venue.symbols:
                venue.symbols[symbol].is_streamed = True
            case MissingTrade(symbol, ts_us) if symbol in venue.symbols:
                second_us = ts_us - ts_us % SECOND_US
                venue.symbols[symbol].add_hole(second_us, second_us + SECOND_US, MISSING_TRADE)
                self.regained.append(symbol)
            case FeedStatus():
                self._set_feed(venue, event)
            case Listing(instruments, ts_us):
                for instrument in instruments:
                    self._list(venue, instrument, ts_us)
            case StreamsEnded(symbol, kinds) if "trades" in kinds and symbol in venue.symbols:
                venue.symbols[symbol].is_streamed = False
                self._lose(venue, symbol, NOT_STREAMED)
            case _:
                pass

    def _set_feed(self, venue: VenueHistory, status: FeedStatus) -> None:
        if status.symbol is None:
            venue.feed = status.feed
            if status.feed != "live":  # the venue reports each symbol again
                venue.feeds.clear()
        else:
            venue.feeds[status.symbol] = status.feed
            known = venue.symbols.get(status.symbol)
            if known is not None and status.reason == UNWANTED:
                known.is_streamed = not venue.on_demand
        for symbol in venue.symbols if status.symbol is None else (status.symbol,):
            if symbol in venue.symbols and not venue.is_live(symbol):
                self._lose(venue, symbol, status.reason)

    def _list(self, venue: VenueHistory, instrument: Instrument, ts_us: int) -> None:
        symbol = instrument.symbol
        known = venue.symbols.get(symbol)
        if known is None:
            known = self._open(venue, instrument)
        elif known.instrument == instrument:
            return
        known.change_instrument(instrument, ts_us)

    def follow(self, before: HistoryState) -> None:
        """Go on from another state, which knows the feeds. Of what came, this one has what its file has.

        The rest is a hole, from the last time that is stored. Raises sqlite3.Error.
        """
        self.trades = before.trades
        for known_venue in before.venues:
            venue = self._venue(known_venue.name)
            for was in known_venue.symbols.values():
                known = self._open(venue, was.instrument, NOT_STORED)
                known.is_streamed = was.is_streamed
                known.change_instrument(was.instrument, known_venue.clock_us)
            venue.feed, venue.feeds = known_venue.feed, known_venue.feeds
            venue.clock_us = max(venue.clock_us, known_venue.clock_us)

    def _open(self, venue: VenueHistory, instrument: Instrument, reason: str = RESTART) -> SymbolHistory:
        """Begin or continue the history of a symbol. ``reason``: of the hole before it continues."""
        symbol = instrument.symbol
        row = self._symbol_row(venue.name, symbol)
        known = SymbolHistory(row, instrument, self._connection)
        known.is_streamed = not venue.on_demand
        venue.symbols[symbol] = self.symbols[symbol] = known
        is_new = known.holes["trades"].latest is None
        for holes in known.holes.values():
            holes.open(0 if is_new else self._stored_clocks.get(venue.name, 0), START if is_new else reason)
        venue.with_hole[symbol] = None
        return known

    def _symbol_row(self, venue: str, symbol: str) -> StoredSymbol:
        """Return a symbol as it is in the file, where it is added if it is new."""
        row = self._stored_symbols.get(symbol)
        if row is None:
            self._begin()
            number = history_file.add_symbol(self._connection, venue, symbol)
            row = self._stored_symbols[symbol] = StoredSymbol(number, venue, symbol, 0, 0)
        return row

    def put_past(
        self, instrument: Instrument, candles: simulated_past.CandlesByInterval, complete_until_us: int
    ) -> None:
        """Store candles of the time before a symbol is first listed."""
        row = self._symbol_row(instrument.venue, instrument.symbol)
        self._begin()
        until_us = simulated_past.put(
            self._connection, self._units, row.number, instrument, candles, complete_until_us
        )
        self._stored_clocks[instrument.venue] = until_us
        history_file.put_clock(self._connection, instrument.venue, until_us)
        self._connection.execute("COMMIT")

    def _lose(self, venue: VenueHistory, symbol: str, reason: str) -> None:
        """Open a hole: events may be missing from now on."""
        for holes in venue.symbols[symbol].holes.values():
            holes.open(venue.clock_us, reason)
        venue.with_hole[symbol] = None

    def _regain(self, venue: VenueHistory, symbol: str) -> None:
        """End the hole: nothing is missing from now on."""
        for holes in venue.symbols[symbol].holes.values():
            holes.close(venue.clock_us + SECOND_US)
        del venue.with_hole[symbol]
        self.regained.append(symbol)

    # --- writing ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin the transaction in which symbols are added and everything is written."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")

    def write(self, pause: Callable[[], None]) -> None:
        """Write all that is not stored, in one transaction. Raises sqlite3.Error."""
        self._begin()
        for venue in self._venues.values():
            history_file.put_clock(self._connection, venue.name, venue.clock_us)
        for known in self.symbols.values():
            known.write(self._units)
            pause()
        self._connection.execute("COMMIT")
        for known in self.symbols.values():
            known.written()


_HANDLED: Final = frozenset({VenueTime, Candle, MissingTrade, FeedStatus, Listing, StreamsEnded})

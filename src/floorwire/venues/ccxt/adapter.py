"""The adapter of exchanges that ccxt streams: from whole books, trades and tickers to market events.

ccxt keeps links, subscriptions and books itself (``connectors/ccxt_connector.py`` runs it). A link of this
adapter is one watch of one symbol. Each book that ccxt shows is whole; what changed is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import final

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, Listing, MissingTrade, StreamsEnded
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Frame,
    Open,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.venues.ccxt import mapping
from floorwire.venues.ccxt.messages import MARKETS_URL, BookRow, DayRow, MarketRow, Row, TradeRows, Watch
from floorwire.venues.ccxt.watched_symbol import WATCHES, WatchedSymbol
from floorwire.venues.common import event_mapping
from floorwire.venues.common.backoff import Jitter, no_jitter
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.links import ActivityTracker
from floorwire.venues.common.venue_clock import VenueClock

SILENT_US = 300 * SECOND_US
"""A book that did not change for this long is watched anew, though ccxt says nothing of a fault."""
ALL_SILENT_US = 60 * SECOND_US
"""If nothing at all came for this long, everything is watched anew, over new links of ccxt."""

_ROWS = msgspec.json.Decoder(Row)
_MARKETS = msgspec.json.Decoder(tuple[MarketRow, ...])


@final
class CcxtVenue:
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    streams_on_demand = True

    def __init__(
        self,
        name: str,
        symbols: Sequence[str],
        watches: frozenset[Watch],
        prefix: str = "",
        jitter: Jitter = no_jitter,
    ) -> None:
        """``watches``: what ccxt can watch at this exchange. ``prefix`` goes before each canonical symbol."""
        self.name = name
        self.skipped: Counter[str] = Counter()
        self._requested = symbols
        self._watches = watches
        self._prefix = prefix
        self._jitter = jitter
        self._ids = count(1)
        self._streams: Mapping[str, frozenset[StreamKind]] | None = None
        """What clients want, by canonical symbol. None before the first ``Wanted``: everything."""
        self._reset(0)

    def _reset(self, now_us: int) -> None:
        self._catalogue = InstrumentCatalogue(self._requested, None, self._ids, self._jitter)
        self._statuses = FeedStatuses()
        self._activity = ActivityTracker()
        self._clock = VenueClock()
        self._listed: dict[str, Instrument] = {}
        """ccxt's name -> each instrument that is listed."""
        self._symbols: dict[str, WatchedSymbol] = {}
        """ccxt's name -> each symbol of which something is wanted."""
        self._by_link: dict[str, tuple[WatchedSymbol, Watch]] = {}
        self._heard_us = now_us
        """When anything came last, or something was wanted for the first time."""

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the markets. Started again, it begins anew: nothing is watched."""
        self._reset(now_us)
        return [*self._statuses.set_all("connecting", "start", now_us), *self._tick(now_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        outputs = self._clock.check(list(self._outputs(happened, now_us)), now_us)
        self.skipped["bad_time"] = self._clock.refused
        return outputs

    def _outputs(self, happened: VenueInput, now_us: int) -> Iterator[VenueOutput]:
        match happened:
            case Frame(link, data):
                yield from self._frame(link, data, now_us)
            case Closed(link):
                known = self._by_link.get(link)
                if known is not None:
                    yield from self._lost(*known, "link_lost", now_us)
            case Answer() if self._catalogue.is_answered_by(happened):
                yield from self._apply_list(happened, now_us)
            case Wanted(streams):
                self._streams = streams
                yield from self._apply_wish(now_us)
            case Woke():
                yield from self._tick(now_us)
            case _:
                pass

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        is_all_silent = bool(self._symbols) and now_us - self._heard_us >= ALL_SILENT_US
        if is_all_silent:
            self._heard_us = now_us
        for symbol in self._symbols.values():
            is_expected = symbol.is_synced and symbol.instrument.state == "open"
            if is_all_silent or (is_expected and now_us - symbol.heard_us >= SILENT_US):
                yield from self._restart(symbol, "silent", now_us)
        yield from self._due_opens(now_us)
        yield from self._activity.pop()
        if self._catalogue.is_due(now_us):
            yield self._catalogue.request(MARKETS_URL, now_us)
        yield from self._clock.events(now_us)
        yield Wake((now_us // SECOND_US + 1) * SECOND_US)

    # --- instruments ----------------------------------------------------------------------------

    def _apply_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        rows: Sequence[MarketRow] = ()
        if answer.status == 200:
            try:
                rows = _MARKETS.decode(answer.body)
            except (ValueError, RecursionError):
                self.skipped["bad_list"] += 1
        listed = dict(self._instruments(rows))
        self._catalogue.update(listed, now_us)
        for native, before in list(self._listed.items()):
            renewed = self._catalogue.updated(native, before, listed)
            if renewed != before:
                yield from self._renew(native, before, renewed, now_us)
        new = {
            native: instrument
            for native in listed
            if native not in self._listed and (instrument := self._catalogue.find(native))
        }
        if not new:
            return
        yield Listing(tuple(new.values()), now_us)
        self._listed.update(new)
        for instrument in new.values():
            yield from self._statuses.add(instrument.symbol, now_us)
        yield from self._apply_wish(now_us)

    def _instruments(self, rows: Sequence[MarketRow]) -> Iterator[tuple[str, Instrument]]:
        for row in rows:
            try:
                yield row.native, mapping.instrument(row, self.name, self._prefix)
            except ValueError:
                self.skipped["bad_listing"] += 1

    def _renew(
        self, native: str, before: Instrument, renewed: Instrument, now_us: int
    ) -> Iterator[VenueOutput]:
        self._listed[native] = renewed
        yield Listing((renewed,), now_us)
        symbol = self._symbols.get(native)
        if symbol is None:
            return
        symbol.instrument = renewed
        if before.steps != renewed.steps:
            yield from self._restart(symbol, "steps_changed", now_us)

    # --- what clients want ----------------------------------------------------------------------

    def _apply_wish(self, now_us: int) -> Iterator[VenueOutput]:
        if not self._symbols:
            self._heard_us = now_us
        for native, instrument in self._listed.items():
            wanted = self._wanted(instrument)
            known = self._symbols.get(native)
            before: frozenset[StreamKind] = frozenset() if known is None else known.wanted
            if wanted != before:
                yield from self._want(native, instrument, wanted, now_us)
            elif not wanted:
                yield from self._statuses.set_symbol(instrument.symbol, "connecting", "unwanted", now_us)
        if self._listed and not self._symbols:
            yield from self._statuses.set_idle("unwanted", now_us)
        yield from self._due_opens(now_us)

    def _wanted(self, instrument: Instrument) -> frozenset[StreamKind]:
        if self._streams is None:
            return frozenset(WATCHES)
        return self._streams.get(instrument.symbol, frozenset())

    def _want(
        self, native: str, instrument: Instrument, wanted: frozenset[StreamKind], now_us: int
    ) -> Iterator[VenueOutput]:
        symbol = self._symbols.get(native)
        if symbol is None:
            symbol = self._symbols[native] = WatchedSymbol(native, instrument, now_us, self._jitter)
        before, symbol.wanted = symbol.wanted, wanted
        watches = frozenset(WATCHES[kind] for kind in wanted) & self._watches
        for link in symbol.watch(watches, now_us):
            del self._by_link[link]
            yield Close(link, "unwanted")
        if not wanted:
            del self._symbols[native]
            yield from self._statuses.set_symbol(instrument.symbol, "connecting", "unwanted", now_us)
        elif not symbol.is_current:
            yield from self._statuses.set_symbol(instrument.symbol, "connecting", "start", now_us)
        if before - wanted:
            yield StreamsEnded(instrument.symbol, before - wanted, self._clock.venue_time(now_us))
        if symbol.is_synced and wanted:  # what is new of the book is known already
            ts_us = self._clock.venue_time(now_us)
            if "book" in wanted - before:
                yield symbol.snapshot(ts_us)
            if "quote" in wanted - before:
                symbol.quote = None
                yield from self._quote(symbol, ts_us)

    def _due_opens(self, now_us: int) -> Iterator[VenueOutput]:
        for symbol in self._symbols.values():
            for watch, link in symbol.links.items():
                if link.state == "waiting" and now_us >= link.due_us:
                    link.open(now_us)
                    symbol.heard_us = now_us
                    self._by_link[link.name] = symbol, watch
                    yield Open(link.name, f"ccxt:{link.name}")

    # --- losses ---------------------------------------------------------------------------------

    def _restart(self, symbol: WatchedSymbol, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """End all watches of a symbol, to begin them again after a wait."""
        for watch, link in symbol.links.items():
            if link.state == "open":
                yield Close(link.name, reason)
                yield from self._lost(symbol, watch, reason, now_us)

    def _lost(self, symbol: WatchedSymbol, watch: Watch, reason: str, now_us: int) -> Iterator[VenueOutput]:
        link = symbol.links[watch]
        self._by_link.pop(link.name, None)
        link.lost(now_us)
        if watch == "trades":
            yield MissingTrade(symbol.instrument.symbol, self._clock.venue_time(now_us))
        if watch == "book":
            symbol.clear_book()
        elif "book" in symbol.links:
            return  # its book is current all the same
        symbol.is_heard = False
        if any(one.is_current for one in self._symbols.values()):
            yield from self._statuses.set_symbol(symbol.instrument.symbol, "stale", reason, now_us)
        else:
            yield from self._statuses.set_all("stale", reason, now_us)

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        known = self._by_link.get(link)
        if known is None:
            return
        symbol, _ = known
        self._heard_us = now_us
        self._activity.link_received(link)
        self._activity.symbol_received(symbol.instrument.symbol, now_us)
        try:
            row = _ROWS.decode(data)
            match row:
                case BookRow():
                    yield from self._book(symbol, row, now_us)
                case TradeRows():
                    yield from self._trades(symbol, row, now_us)
                case DayRow():
                    yield from self._day(symbol, row, now_us)
        except (ValueError, RecursionError):
            self.skipped["bad_message"] += 1
            yield from self._restart(symbol, "bad_message", now_us)
            return
        if "book" not in symbol.links and not symbol.is_heard:
            symbol.is_heard = True
            yield from self._statuses.set_symbol(symbol.instrument.symbol, "live", "synced", now_us)

    def _book(self, symbol: WatchedSymbol, row: BookRow, now_us: int) -> Iterator[VenueOutput]:
        ts_us = mapping.time_us(row.ts_ms, now_us)
        levels = event_mapping.book(symbol.reader, symbol.instrument, row.bids, row.asks, ts_us)
        bids, asks = ({ticks: lots for ticks, lots in side if lots} for side in (levels.bids, levels.asks))
        self.skipped["off_tick"] += levels.off_tick
        self.skipped["below_lot"] += len(levels.bids) + len(levels.asks) - len(bids) - len(asks)
        symbol.heard_us = now_us
        bids_before, asks_before = symbol.bids, symbol.asks
        symbol.bids, symbol.asks = bids, asks
        if symbol.is_crossed and symbol.instrument.state == "open":
            self.skipped["crossed_book"] += 1
            yield from self._restart(symbol, "bad_message", now_us)
            return
        if not symbol.is_synced:
            symbol.is_synced = True
            if "book" in symbol.wanted:
                yield symbol.snapshot(ts_us)
        elif "book" in symbol.wanted:
            bid_changes = mapping.changes(bids_before, bids)
            ask_changes = mapping.changes(asks_before, asks)
            if bid_changes or ask_changes:
                yield BookChange(symbol.instrument.symbol, bid_changes, ask_changes, ts_us)
        yield from self._quote(symbol, ts_us)
        yield from self._statuses.set_symbol(symbol.instrument.symbol, "live", "synced", now_us)

    @staticmethod
    def _quote(symbol: WatchedSymbol, ts_us: int) -> Iterator[VenueOutput]:
        quote = symbol.new_quote(ts_us) if "quote" in symbol.wanted else None
        if quote is not None:
            yield quote

    def _trades(self, symbol: WatchedSymbol, rows: TradeRows, now_us: int) -> Iterator[VenueOutput]:
        for row in rows.trades:
            if row.id is None:
                symbol.trades += 1
            elif not symbol.trade_ids.add(row.id):
                self.skipped["repeated"] += 1
                continue
            try:
                yield mapping.trade(symbol.instrument, row, row.id or f"{symbol.trades}", now_us)
            except ValueError as error:
                self.skipped["off_tick" if isinstance(error, OffTickError) else "bad_trade"] += 1
                yield MissingTrade(symbol.instrument.symbol, mapping.time_us(row.ts_ms, now_us))

    def _day(self, symbol: WatchedSymbol, row: DayRow, now_us: int) -> Iterator[VenueOutput]:
        day = mapping.day(symbol.instrument, row, now_us)
        if day is None:
            self.skipped["incomplete_day"] += 1
        else:
            yield day

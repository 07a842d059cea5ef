"""The adapter for Binance Spot: the list of symbols, combined streams, and books with resync by snapshots.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md. docs/venues.md says
which messages are understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Level,
    Listing,
    MarketEvent,
    MissingTrade,
    Quote,
)
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Opened,
    Send,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.core.symbols import normalize_symbol
from floorwire.venues.binance import mapping, messages
from floorwire.venues.binance.symbol_state import RequestBudget, SymbolState
from floorwire.venues.common.decimals import OffTickError, epoch_us, levels
from floorwire.venues.common.diff_book import BookDiff
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.links import SECOND_US, STALE_US, ActivityTracker, Links
from floorwire.venues.common.venue_clock import VenueClock

HOSTS = frozenset(
    ("stream.binance.com", "data-stream.binance.vision", "api.binance.com", "data-api.binance.vision")
)
STREAM_URL = "wss://stream.binance.com:9443/stream"
API_URL = "https://api.binance.com/api/v3"
LIST_URL = f"{API_URL}/exchangeInfo"

STREAMS = (
    "depth@100ms",
    "trade",
    "bookTicker",
    "ticker",
    *(f"kline_{interval}" for interval in ("1m", "5m", "15m", "1h", "4h", "1d")),
)
SYMBOLS_PER_LINK = 25
"""Binance: at most 1,024 streams a link. 250 of them make an address that is not too long for servers."""
SILENT_US = 60 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""Binance sends candles every 2 s, and at the end of each minute (web-socket-streams.md, "Kline/Candlestick
Streams"). If nothing of a symbol comes for longer while its link is active, Binance stopped sending it."""
RESUBSCRIBE_US = 60 * SECOND_US
"""How often the streams of such a symbol are subscribed to again."""
QUOTE_LATE_US = 3 * SECOND_US
"""Best prices come at once, differences every 100 ms. If the book has other best prices for this long, the
stream of best prices has ended, and the quotes are made from the book."""
DEPTH_LATE_US = 5 * SECOND_US
"""Best prices carry an update id of the book. If the book is behind it for this long, the stream of
differences has ended."""
EMPTY: Level = (0, 0)
"""The best level of a side without levels."""

DEPTH = 1_000
"""Levels of a side in a snapshot."""
QUIET_US = 5 * SECOND_US
"""If no difference of a symbol came for this long after the link opened, its snapshot is requested anyway."""
SNAPSHOTS = 40
"""Snapshot requests at once. Binance: each has weight 50 of the 6,000 allowed per address and minute."""
RESTARTED_US = 5 * SECOND_US
"""A difference this much later than the last one is new, even if its update ids are lower."""
STOP_STATUS = (418, 429)
"""Binance: too many requests (429), and banned for going on (418)."""
STOP_US = 60 * SECOND_US


def venue(
    symbols: Sequence[str] = (), prefix: str = "", *, recorded: bool = False, stale_us: int = STALE_US
) -> Binance:
    """Return the adapter for these symbols (BASE-QUOTE); without symbols, for every symbol that comes.

    ``prefix`` goes before each canonical symbol. ``recorded``: for recordings, which have one link and may
    lack the list; an unlisted symbol then has steps of eight decimals. ``stale_us``: after this long without
    a message on an open link, what came on it is not current.
    """
    return Binance(symbols, prefix, recorded=recorded, stale_us=stale_us)


def requested_symbols(text: str) -> list[str]:
    """Return the symbols in a recorded stream address or subscription. Raises ValueError."""
    if text.startswith("{"):
        streams = msgspec.json.decode(text, type=messages.Request).params
    else:
        url = urlsplit(text)
        streams = "/".join(parse_qs(url.query).get("streams", [url.path.removeprefix("/ws/")])).split("/")
    named = [name.partition("@")[0].upper() for name in streams if "@" in name and not name.startswith("!")]
    return list(dict.fromkeys(named))


class Binance:
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    name = mapping.VENUE

    def __init__(self, symbols: Sequence[str], prefix: str, *, recorded: bool, stale_us: int) -> None:
        self.skipped: Counter[str] = Counter()
        self._prefix = prefix
        self._ids = count(1)
        self._catalogue = InstrumentCatalogue(
            LIST_URL, symbols, self._unlisted_instrument if recorded else None, self._ids
        )
        self._links = Links(SILENT_US, None if recorded else SYMBOLS_PER_LINK, stale_us)
        self._activity = ActivityTracker()
        self._is_recorded = recorded
        self._statuses = FeedStatuses()
        self._clock = VenueClock()
        self._symbols: dict[str, SymbolState] = {}
        self._snapshots: dict[int, SymbolState] = {}
        """Request -> the symbol whose snapshot it is."""
        self._budget = RequestBudget(SNAPSHOTS)

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the list of symbols."""
        return [
            *self._statuses.set_all("connecting", "start", now_us),
            *self._catalogue.request_if_due(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        match happened:
            case Frame(link, data):
                outputs = self._clock.check(self._frame(link, data, now_us), now_us)
                self.skipped["bad_time"] = self._clock.refused
                return outputs
            case Answer():
                return list(self._answer(happened, now_us))
            case Opened(link):
                self._links.opened(link, now_us)
                return []
            case Closed(link):
                return list(self._closed(link, now_us))
            case Woke():
                return list(self._tick(now_us))
            case Wanted():  # the symbols of the settings are followed
                return []

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        self._budget.refill()
        for effect in self._links.due_effects(now_us):
            if isinstance(effect, Close):
                yield from self._link_down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._links.newly_quiet(now_us):
            yield from self._mark_stale(link, "silent", now_us)
        for native, state in self._symbols.items():
            yield from self._check_silence(native, state, now_us)
            yield from self._request_snapshot(native, state, now_us)
        yield from self._activity.pop()
        yield from self._catalogue.request_if_due(now_us)
        yield from self._clock.events(now_us)
        yield _next_second(now_us)

    # --- instruments ----------------------------------------------------------------------------

    def _answer(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        if self._catalogue.is_answered_by(answer):
            yield from self._apply_list(answer, now_us)
        elif state := self._snapshots.pop(answer.request, None):
            yield from self._apply_snapshot(state, answer, now_us)

    def _apply_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        listed = dict(self._listed(answer.body))
        self._catalogue.update(listed, now_us)
        for native, state in self._symbols.items():
            renewed = self._catalogue.updated(native, state.instrument, listed)
            yield from self._update_instrument(state, renewed, now_us)
        if self._catalogue.is_ready and not len(self._links):
            yield from self._open_links(now_us)
        # The list of all symbols has megabytes. Binance refuses a request in which one symbol is unknown.
        self._catalogue.url = _list_url(list(self._symbols)) if listed else LIST_URL

    def _listed(self, body: bytes) -> Iterator[tuple[str, Instrument]]:
        try:
            symbols = msgspec.json.decode(body, type=messages.ExchangeInfo).symbols
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
            return
        for raw in symbols:
            try:
                symbol = msgspec.json.decode(raw, type=messages.Symbol)
                yield symbol.symbol, mapping.instrument(symbol, self._prefix)
            except (ValueError, RecursionError):
                self.skipped["bad_listing"] += 1

    def _unlisted_instrument(self, text: str) -> tuple[str, Instrument] | None:
        native = normalize_symbol(text)
        instrument = mapping.unlisted_instrument(native, self._prefix)
        return None if instrument is None else (native, instrument)

    def _open_links(self, now_us: int) -> Iterator[VenueOutput]:
        wanted = self._catalogue.requested()
        for some in self._links.batches(wanted):
            link = f"streams-{len(self._links)}"
            for native in some:
                yield from self._follow(native, wanted[native], link, now_us)
            yield self._links.add(link, _stream_url(some), now_us)

    def _follow(self, native: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        self._symbols[native] = SymbolState(instrument, link)
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

    def _update_instrument(
        self, state: SymbolState, now_listed: Instrument, now_us: int
    ) -> Iterator[VenueOutput]:
        before, state.instrument = state.instrument, now_listed
        if before == now_listed:
            return
        yield Listing((now_listed,), now_us)
        if before.steps == now_listed.steps:
            return
        if state.diffs.is_live and not state.has_left_out:
            state.diffs.book = state.diffs.book.converted(before, now_listed)
            state.best = None
            yield self._book_snapshot(state, now_us)
            return
        if state.diffs.is_live:  # a finer tick has levels that were left out before
            yield from self._statuses.set_symbol(now_listed.symbol, "stale", "steps_changed", now_us)
        state.clear()  # the book and the snapshot under way are in the old steps

    # --- links ----------------------------------------------------------------------------------

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if self._links.lost(link, now_us):
            yield from self._link_down(link, "link_lost", now_us)

    def _link_down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Drop the books of the link. They start again (resync) when it is up again."""
        for state in self._symbols.values():
            if state.link == link:
                state.clear()
        yield from self._mark_stale(link, reason, now_us)

    def _mark_stale(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the symbols of the link stale, or the venue if no link is active."""
        if not self._links.any_active():
            yield from self._statuses.set_all("stale", reason, now_us)
            return
        for state in self._symbols.values():
            if state.link == link:
                yield from self._statuses.set_symbol(state.instrument.symbol, "stale", reason, now_us)

    def _mark_live_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the books of the link live again: it was only quiet and lost no message."""
        for state in self._symbols.values():
            if state.link == link and state.diffs.is_live:
                yield from self._statuses.set_symbol(state.instrument.symbol, "live", "heard", now_us)

    def _check_silence(self, native: str, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Find out whether the venue stopped sending a symbol while its link is active."""
        active_us = self._links.active_us(state.link, now_us)
        if not active_us or state.instrument.state != "open":
            return
        age_us = self._activity.age_us(state.instrument.symbol, now_us)
        quiet_us = active_us if age_us is None else min(age_us, active_us)
        is_expected = state.has_candles or not self._is_recorded
        if quiet_us >= SYMBOL_SILENT_US and is_expected and not state.is_silent:
            yield from self._mark_silent(native, state, now_us)
        elif state.is_silent and now_us - state.resubscribed_us >= RESUBSCRIBE_US:
            yield from self._resubscribe(native, state, now_us)

    def _mark_silent(self, native: str, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Mark a symbol stale and subscribe to it again. Its next difference starts the resync."""
        state.is_silent = True
        state.is_outdated = state.is_requested
        state.diffs.reset()
        yield from self._statuses.set_symbol(state.instrument.symbol, "stale", "silent", now_us)
        yield from self._resubscribe(native, state, now_us)

    def _resubscribe(self, native: str, state: SymbolState, now_us: int) -> Iterator[Send]:
        state.resubscribed_us = now_us
        streams = [f"{native.lower()}@{stream}" for stream in STREAMS]
        for number, method in enumerate(("UNSUBSCRIBE", "SUBSCRIBE"), 1):
            request = {"method": method, "params": streams, "id": number}
            yield Send(state.link, msgspec.json.encode(request).decode())

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        receipt = self._links.received(link, now_us)
        if receipt == "ignored":
            return
        self._activity.link_received(link)
        if receipt == "active_again":
            yield from self._mark_live_again(link, now_us)
        try:
            message = messages.read(data)
            if message is None:
                self.skipped["other_kind"] += 1
                return
            yield from self._follow_if_wanted(message.symbol, link, now_us)
            state = self._symbols.get(message.symbol)
            if state is None:
                self.skipped["unknown_symbol"] += 1
                return
            self._activity.symbol_received(state.instrument.symbol, now_us)
            yield from self._message_events(message, state, now_us)
        except OffTickError:
            self.skipped["off_tick"] += 1
            self._catalogue.refresh_soon()  # trades are on the current ticks, so the list is old
        except (ValueError, RecursionError):
            # If a difference was lost, the next one shows a gap. Other messages do not build on earlier ones.
            self.skipped["bad_message"] += 1

    def _follow_if_wanted(self, native: str, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Follow a symbol that appears if it is wanted; record the link on which it comes."""
        state = self._symbols.get(native)
        if state is not None:
            state.link = link
            return
        instrument = self._catalogue.find(native)
        if instrument is not None:
            yield from self._follow(native, instrument, link, now_us)

    def _message_events(
        self, message: messages.Message, state: SymbolState, now_us: int
    ) -> Iterator[VenueOutput]:
        match message:
            case messages.DepthUpdate():
                yield from self._depth_update(message, state, now_us)
            case messages.BookTicker():
                yield from self._book_ticker(message, state, now_us)
            case messages.Trade() | messages.AggTrade():
                yield from self._trade(message, state, now_us)
            case messages.DayTicker():
                yield mapping.day(message, state.instrument)
            case messages.KlineEvent():
                yield from self._candle(message, state)

    def _trade(
        self, message: messages.Trade | messages.AggTrade, state: SymbolState, now_us: int
    ) -> Iterator[MarketEvent]:
        ts_us = epoch_us(message.trade_time)
        venue_us = self._clock.bounded(ts_us, now_us)
        # A trade comes again after a reconnect, and in both trade streams.
        if state.trade_ids.check(message.trade_id, venue_us) == "repeated":
            self.skipped["repeated"] += 1
            return
        try:
            trade = mapping.trade(message, state.instrument)
        except ValueError:
            yield MissingTrade(state.instrument.symbol, ts_us)
            raise
        yield trade

    def _book_ticker(
        self, message: messages.BookTicker, state: SymbolState, now_us: int
    ) -> Iterator[VenueOutput]:
        quote = mapping.quote(message, state.instrument, now_us)
        if message.update < state.quote_id:
            self.skipped["repeated"] += 1
            return
        state.quote_id, state.quote_us = message.update, now_us
        state.best = (quote.bid_ticks, quote.bid_lots), (quote.ask_ticks, quote.ask_lots)
        yield quote
        behind = state.diffs.is_live and message.update > state.diffs.last_id
        if behind and now_us - state.depth_us >= DEPTH_LATE_US:
            yield from self._mark_silent(message.symbol, state, now_us)

    def _quote_from_book(self, state: SymbolState, ts_us: int, now_us: int) -> Iterator[Quote]:
        """Yield the best prices of the book if the stream of best prices has ended."""
        if state.best is None or now_us - state.quote_us < QUOTE_LATE_US:
            return
        book = state.diffs.book
        best = book.bids.best() or EMPTY, book.asks.best() or EMPTY
        if best != state.best:
            state.best = best
            yield Quote(state.instrument.symbol, *best[0], *best[1], ts_us)

    def _candle(self, message: messages.KlineEvent, state: SymbolState) -> Iterator[MarketEvent]:
        candle = mapping.candle(message, state.instrument)
        if candle is None:
            self.skipped["other_kind"] += 1
        else:
            state.has_candles = True
            yield candle

    # --- books ----------------------------------------------------------------------------------

    def _depth_update(
        self, update: messages.DepthUpdate, state: SymbolState, now_us: int
    ) -> Iterator[VenueOutput]:
        bids, bids_off = levels(state.instrument, update.bids)
        asks, asks_off = levels(state.instrument, update.asks)
        self._count_off_tick(state, bids_off + asks_off)
        diff = BookDiff(update.first, update.last, bids, asks, epoch_us(update.event_time))
        state.depth_us = now_us
        venue_us = self._clock.bounded(diff.ts_us, now_us)
        if diff.last <= state.diffs.newest_id and 0 < state.applied_us < venue_us - RESTARTED_US:
            yield from self._reset_ids(state, now_us)
        match state.diffs.apply(diff):
            case "applied" if self._is_crossed(state):
                yield from self._resync_crossed(state, now_us)
                state.diffs.apply(diff)
            case "applied":
                yield BookChange(state.instrument.symbol, bids, asks, diff.ts_us)
                yield from self._quote_from_book(state, diff.ts_us, now_us)
            case "buffered":
                state.is_silent = False
                yield from self._request_snapshot(update.symbol, state, now_us)
            case "gap":
                yield from self._statuses.set_symbol(state.instrument.symbol, "stale", "sequence_gap", now_us)
                yield from self._request_snapshot(update.symbol, state, now_us)
            case "old":
                self.skipped["repeated"] += 1
                return
        state.applied_us = max(state.applied_us, venue_us)

    def _count_off_tick(self, state: SymbolState, levels: int) -> None:
        self.skipped["off_tick"] += levels
        state.has_left_out = state.has_left_out or levels > 0

    def _request_snapshot(self, native: str, state: SymbolState, now_us: int) -> Iterator[Fetch]:
        """Request a snapshot for the resync, if one is needed and the rate limit allows it."""
        up_us = self._links.up_us(state.link, now_us)
        if state.diffs.is_live or state.is_requested or up_us is None or now_us < state.next_us:
            return
        # Binance: buffer differences first, then request. If none come, the book does not change either.
        is_quiet = up_us >= QUIET_US and not state.is_silent
        if (state.diffs.has_buffered or is_quiet) and self._budget.spend(now_us):
            state.is_requested = True
            state.back_off(now_us)
            request = next(self._ids)
            self._snapshots[request] = state
            yield Fetch(request, _depth_url(native))

    def _apply_snapshot(self, state: SymbolState, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        state.is_requested = False
        if answer.status in STOP_STATUS:
            self._budget.stop(now_us + STOP_US)
        if state.is_outdated or state.diffs.is_live or state.is_silent:
            state.is_outdated = False
            return
        try:
            depth = msgspec.json.decode(answer.body, type=messages.Depth)
            bids, bids_off = levels(state.instrument, depth.bids)
            asks, asks_off = levels(state.instrument, depth.asks)
        except (ValueError, RecursionError):
            self.skipped["bad_snapshot"] += 1
            return
        self._count_off_tick(state, bids_off + asks_off)
        if not state.diffs.apply_snapshot(depth.last_update_id, bids, asks):
            self.skipped["old_snapshot"] += 1
        elif self._is_crossed(state):
            yield from self._resync_crossed(state, now_us)
        else:
            state.tries = 0
            yield from self._synced(state, now_us)

    def _synced(self, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        yield self._book_snapshot(state, now_us)
        state.depth_us = now_us
        state.applied_us = max(state.applied_us, self._clock.venue_time(now_us))
        yield from self._statuses.set_symbol(state.instrument.symbol, "live", "synced", now_us)

    @staticmethod
    def _book_snapshot(state: SymbolState, now_us: int) -> BookSnapshot:
        book = state.diffs.book
        bids, asks = book.bids.top(len(book.bids)), book.asks.top(len(book.asks))
        return BookSnapshot(state.instrument.symbol, tuple(bids), tuple(asks), now_us)

    def _reset_ids(self, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Drop the book, because the venue restarted its update ids; new ids do not follow the old ones."""
        state.diffs.reset_ids()
        state.is_outdated = state.is_requested
        state.quote_id = 0
        state.best = None
        yield from self._statuses.set_symbol(state.instrument.symbol, "stale", "sequence_gap", now_us)

    def _is_crossed(self, state: SymbolState) -> bool:
        return state.instrument.state == "open" and state.diffs.book.crossed()

    def _resync_crossed(self, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Drop a crossed book: a message was lost although the update ids have no gap."""
        state.diffs.reset()
        self.skipped["crossed_book"] += 1
        yield from self._statuses.set_symbol(state.instrument.symbol, "stale", "bad_message", now_us)


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)


def _list_url(natives: Sequence[str]) -> str:
    if not natives:
        return LIST_URL
    return f"{LIST_URL}?symbols={quote(msgspec.json.encode(natives).decode())}"


def _stream_url(natives: Sequence[str]) -> str:
    if not natives:
        return STREAM_URL
    names = "/".join(f"{native.lower()}@{stream}" for native in natives for stream in STREAMS)
    return f"{STREAM_URL}?streams={quote(names, safe='/@')}"


def _depth_url(native: str) -> str:
    return f"{API_URL}/depth?symbol={quote(native)}&limit={DEPTH}"

"""Binance Spot: exchangeInfo, combined streams, and books from differences and REST snapshots.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md. docs/venues.md tells
what is understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level, Listing, MarketEvent, Quote
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
    Woke,
)
from floorwire.venues.binance import mapping as terms
from floorwire.venues.binance import messages as shapes
from floorwire.venues.common.ages import Ages
from floorwire.venues.common.decimals import OffTickError, levels, since_epoch
from floorwire.venues.common.diff_book import BookDiff, DiffBook
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.link import SECOND_US, STALE_US
from floorwire.venues.common.links import Links
from floorwire.venues.common.request_budget import RequestBudget
from floorwire.venues.common.symbol_filter import folded
from floorwire.venues.common.trade_ids import TradeIds
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
"""250 streams of the 1,024 that a link may have, in an address that is not too long for servers."""
SILENT_US = 60 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""Candles are pushed every 2 s, and each minute when it is over: a symbol of which nothing comes for longer,
while its link speaks, is not sent any more (web-socket-streams.md, "Kline/Candlestick Streams")."""
ASK_AGAIN_US = 60 * SECOND_US
"""How often the streams of such a symbol are subscribed anew."""
QUOTE_LATE_US = 3 * SECOND_US
"""Best prices come at once, differences every 100 ms. Where the book has shown others for this long, best
prices have ceased to come, and the book tells them."""
DEPTH_LATE_US = 5 * SECOND_US
"""Best prices carry the book's update id. Where differences are behind it for this long, they have ceased."""
NOTHING: Level = (0, 0)

DEPTH = 1_000
QUIET_US = 5 * SECOND_US
"""A symbol without differences for this long after the link opened is asked for all the same."""
SNAPSHOTS = 40
"""Snapshots at once. Each weighs 50 of the 6,000 that an address may use in a minute."""
BACKOFF_S = (1, 2, 4, 8, 16, 30)
RESTARTED_US = 5 * SECOND_US
"""A difference this much later than the last one is no old one, whatever its update ids say."""
STOP_STATUS = (418, 429)
STOP_US = 60 * SECOND_US


def venue(
    symbols: Sequence[str] = (), prefix: str = "", *, recorded: bool = False, stale_us: int = STALE_US
) -> Binance:
    """Return the adapter for these symbols (BASE-QUOTE); with none, for whatever comes on the link.

    ``prefix`` is put before canonical symbols. ``recorded``: for recordings, where all is on one link, and
    where the list may be missing; a symbol that no list tells is then taken at eight decimals. ``stale_us``:
    how long nothing may come on an open link until what it told is not current.
    """
    return Binance(symbols, prefix, recorded=recorded, stale_us=stale_us)


def asked_for(text: str) -> list[str]:
    """Return the symbols that a recorded stream address or subscription names. Raises ValueError."""
    if text.startswith("{"):
        streams = msgspec.json.decode(text, type=shapes.Request).params
    else:
        url = urlsplit(text)
        streams = "/".join(parse_qs(url.query).get("streams", [url.path.removeprefix("/ws/")])).split("/")
    named = [name.partition("@")[0].upper() for name in streams if "@" in name and not name.startswith("!")]
    return list(dict.fromkeys(named))


class SymbolState:
    """One symbol that is followed."""

    __slots__ = (
        "best",
        "depth_us",
        "diffs",
        "has_candles",
        "instrument",
        "is_asked",
        "is_silent",
        "is_void",
        "link",
        "next_us",
        "quoted",
        "quoted_us",
        "resubscribed_us",
        "taken_us",
        "trade_ids",
        "tries",
    )

    def __init__(self, instrument: Instrument, link: str) -> None:
        self.instrument = instrument
        self.link = link
        self.diffs = DiffBook()
        self.is_asked = False
        self.is_void = False
        """The snapshot under way was asked for before the link was lost."""
        self.next_us = 0
        self.tries = 0
        self.quoted = 0
        self.quoted_us = 0
        """When the last best prices came."""
        self.best: tuple[Level, Level] | None = None
        """The best prices told last, None before the first since the link opened."""
        self.depth_us = 0
        """When the last difference came."""
        self.taken_us = 0
        """The venue's time up to which differences or a snapshot were taken in; 0 before any."""
        self.trade_ids = TradeIds()
        self.has_candles = False
        """Whether candles came since the link opened: then the symbol is never silent for long."""
        self.is_silent = False
        """Whether nothing of the symbol, or of its book, comes any more though its link speaks."""
        self.resubscribed_us = 0

    def forget(self) -> None:
        """The link is gone: what was known and asked for is of the past."""
        self.diffs.restart()
        self.is_void = self.is_asked
        self.tries = self.quoted = 0
        self.best = None
        self.has_candles = self.is_silent = False

    def back_off(self, now_us: int) -> None:
        """Wait before the next snapshot is asked for, longer each time."""
        self.next_us = now_us + BACKOFF_S[self.tries] * SECOND_US
        self.tries = min(self.tries + 1, len(BACKOFF_S) - 1)


class Binance:
    """The adapter: a pure state machine. ``skipped`` counts what was left out, by reason."""

    name = terms.VENUE

    def __init__(self, symbols: Sequence[str], prefix: str, *, recorded: bool, stale_us: int) -> None:
        self.skipped: Counter[str] = Counter()
        self._prefix = prefix
        self._catalogue = InstrumentCatalogue(LIST_URL, symbols, self._guess if recorded else None)
        self._lines = Links(SILENT_US, None if recorded else SYMBOLS_PER_LINK, stale_us)
        self._ages = Ages()
        self._is_recorded = recorded
        self._statuses = FeedStatuses()
        self._times = VenueClock()
        self._markets: dict[str, SymbolState] = {}
        self._by_url: dict[str, SymbolState] = {}
        self._budget = RequestBudget(SNAPSHOTS)

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Ask for the list of symbols."""
        return [
            *self._statuses.all("connecting", "start", now_us),
            *self._catalogue.ask(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        match happened:
            case Frame(link, data):
                outputs = self._times.hear(self._frame(link, data, now_us), now_us)
                self.skipped["bad_time"] = self._times.refused
                return outputs
            case Answer():
                return list(self._answer(happened, now_us))
            case Opened(link):
                self._lines.opened(link, now_us)
                return []
            case Closed(link):
                return list(self._closed(link, now_us))
            case Woke():
                return list(self._tick(now_us))

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        self._budget.refill()
        for effect in self._lines.watch(now_us):
            if isinstance(effect, Close):
                yield from self._down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._lines.quieted(now_us):
            yield from self._not_current(link, "silent", now_us)
        for native, market in self._markets.items():
            yield from self._watch_symbol(native, market, now_us)
            yield from self._ask(native, market, now_us)
        yield from self._ages.news()
        yield from self._catalogue.ask(now_us)
        yield from self._times.clock(now_us)
        yield _next_second(now_us)

    # --- instruments ----------------------------------------------------------------------------

    def _answer(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        if answer.url == self._catalogue.url:
            yield from self._take_list(answer, now_us)
        elif answer.url in self._by_url:
            yield from self._take_depth(self._by_url[answer.url], answer, now_us)

    def _take_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        listed = dict(self._listed(answer.body))
        self._catalogue.take(listed, now_us)
        for native, market in self._markets.items():
            renewed = self._catalogue.renewed(native, market.instrument, listed)
            yield from self._relist(market, renewed, now_us)
        if self._catalogue.is_ready and not len(self._lines):
            yield from self._begin(now_us)
        # All symbols are megabytes; one that is unknown by now refuses the whole request.
        self._catalogue.url = _list_url(list(self._markets)) if listed else LIST_URL

    def _listed(self, body: bytes) -> Iterator[tuple[str, Instrument]]:
        try:
            symbols = msgspec.json.decode(body, type=shapes.ExchangeInfo).symbols
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
            return
        for raw in symbols:
            try:
                symbol = msgspec.json.decode(raw, type=shapes.Symbol)
                yield symbol.symbol, terms.instrument(symbol, self._prefix)
            except (ValueError, RecursionError):
                self.skipped["bad_listing"] += 1

    def _guess(self, text: str) -> tuple[str, Instrument] | None:
        native = folded(text)
        instrument = terms.guessed(native, self._prefix)
        return None if instrument is None else (native, instrument)

    def _begin(self, now_us: int) -> Iterator[VenueOutput]:
        wanted = self._catalogue.wanted()
        for some in self._lines.spread(wanted):
            link = f"streams-{len(self._lines)}"
            for native in some:
                yield from self._follow(native, wanted[native], link, now_us)
            yield self._lines.add(link, _stream_url(some), now_us)

    def _follow(self, native: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        market = self._markets[native] = SymbolState(instrument, link)
        self._by_url[_depth_url(native)] = market
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

    def _relist(self, market: SymbolState, now_listed: Instrument, now_us: int) -> Iterator[VenueOutput]:
        before, market.instrument = market.instrument, now_listed
        if before == now_listed:
            return
        yield Listing((now_listed,), now_us)
        if (before.price, before.size) != (now_listed.price, now_listed.size):
            market.forget()  # what is known and asked for is in the old steps
            yield from self._statuses.one(now_listed.symbol, "connecting", "start", now_us)

    # --- links ----------------------------------------------------------------------------------

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if self._lines.lost(link, now_us):
            yield from self._down(link, "link_lost", now_us)

    def _down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """What came on the link has no future: its books begin anew when it is up again."""
        for market in self._markets.values():
            if market.link == link:
                market.forget()
        yield from self._not_current(link, reason, now_us)

    def _not_current(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Say that what came on the link is not current."""
        if not self._lines.any_speaks():
            yield from self._statuses.all("stale", reason, now_us)
            return
        for market in self._markets.values():
            if market.link == link:
                yield from self._statuses.one(market.instrument.symbol, "stale", reason, now_us)

    def _heard_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """A link that was only quiet has lost nothing: the books of before are current again."""
        for market in self._markets.values():
            if market.link == link and market.diffs.is_live:
                yield from self._statuses.one(market.instrument.symbol, "live", "heard", now_us)

    def _watch_symbol(self, native: str, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Notice a symbol that is not sent any more while others on its link are."""
        speaks_us = self._lines.speaks_us(market.link, now_us)
        if not speaks_us or market.instrument.state != "open":
            return
        age_us = self._ages.of(market.instrument.symbol, now_us)
        quiet_us = speaks_us if age_us is None else min(age_us, speaks_us)
        is_expected = market.has_candles or not self._is_recorded
        if quiet_us >= SYMBOL_SILENT_US and is_expected and not market.is_silent:
            yield from self._fall_silent(native, market, now_us)
        elif market.is_silent and now_us - market.resubscribed_us >= ASK_AGAIN_US:
            yield from self._subscribe_anew(native, market, now_us)

    def _fall_silent(self, native: str, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """What is known of the symbol is not current; its next difference begins the book anew."""
        market.is_silent = True
        market.is_void = market.is_asked
        market.diffs.restart()
        yield from self._statuses.one(market.instrument.symbol, "stale", "silent", now_us)
        yield from self._subscribe_anew(native, market, now_us)

    def _subscribe_anew(self, native: str, market: SymbolState, now_us: int) -> Iterator[Send]:
        market.resubscribed_us = now_us
        streams = [f"{native.lower()}@{stream}" for stream in STREAMS]
        for number, method in enumerate(("UNSUBSCRIBE", "SUBSCRIBE"), 1):
            request = {"method": method, "params": streams, "id": number}
            yield Send(market.link, msgspec.json.encode(request).decode())

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        hearing = self._lines.heard(link, now_us)
        if hearing == "deaf":
            return
        self._ages.link(link)
        if hearing == "heard_again":
            yield from self._heard_again(link, now_us)
        try:
            message = shapes.read(data)
            if message is None:
                self.skipped["other_kind"] += 1
                return
            yield from self._place(message.symbol, link, now_us)
            market = self._markets.get(message.symbol)
            if market is None:
                self.skipped["unknown_symbol"] += 1
                return
            self._ages.symbol(market.instrument.symbol, now_us)
            yield from self._said(message, market, now_us)
        except OffTickError:
            self.skipped["off_tick"] += 1
            self._catalogue.hurry()  # what trades is on the ticks of today
        except (ValueError, RecursionError):
            # A difference lost in it shows in the next one's numbers; nothing else builds on what was before.
            self.skipped["bad_message"] += 1

    def _place(self, native: str, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Follow a symbol that appears, where it is to be; and know which link it is on."""
        market = self._markets.get(native)
        if market is not None:
            market.link = link
            return
        instrument = self._catalogue.find(native)
        if instrument is not None:
            yield from self._follow(native, instrument, link, now_us)

    def _said(self, message: shapes.Message, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        match message:
            case shapes.DepthUpdate():
                yield from self._differs(message, market, now_us)
            case shapes.BookTicker():
                yield from self._quotes(message, market, now_us)
            case shapes.Trade() | shapes.AggTrade():
                yield from self._traded(message, market, now_us)
            case shapes.DayTicker():
                yield terms.day(message, market.instrument)
            case shapes.Kline():
                yield from self._candle(message, market)

    def _traded(
        self, message: shapes.Trade | shapes.AggTrade, market: SymbolState, now_us: int
    ) -> Iterator[MarketEvent]:
        trade = terms.trade(message, market.instrument)
        said_us = self._times.bounded(trade.ts_us, now_us)
        # Repeated: again after a reconnect, or in both streams.
        if market.trade_ids.take(message.trade_id, said_us) == "repeated":
            self.skipped["repeated"] += 1
            return
        yield trade

    def _quotes(self, message: shapes.BookTicker, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        quote = terms.quote(message, market.instrument, now_us)
        if message.update < market.quoted:
            self.skipped["repeated"] += 1
            return
        market.quoted, market.quoted_us = message.update, now_us
        market.best = (quote.bid_ticks, quote.bid_lots), (quote.ask_ticks, quote.ask_lots)
        yield quote
        behind = market.diffs.is_live and message.update > market.diffs.last_id
        if behind and now_us - market.depth_us >= DEPTH_LATE_US:
            yield from self._fall_silent(message.symbol, market, now_us)

    def _best(self, market: SymbolState, ts_us: int, now_us: int) -> Iterator[Quote]:
        """Tell the best prices of the book where the venue has ceased to tell them."""
        if market.best is None or now_us - market.quoted_us < QUOTE_LATE_US:
            return
        book = market.diffs.book
        best = book.bids.best() or NOTHING, book.asks.best() or NOTHING
        if best != market.best:
            market.best = best
            yield Quote(market.instrument.symbol, *best[0], *best[1], ts_us)

    def _candle(self, message: shapes.Kline, market: SymbolState) -> Iterator[MarketEvent]:
        candle = terms.candle(message, market.instrument)
        if candle is None:
            self.skipped["other_kind"] += 1
        else:
            market.has_candles = True
            yield candle

    # --- books ----------------------------------------------------------------------------------

    def _differs(self, said: shapes.DepthUpdate, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        bids, bids_off = levels(market.instrument, said.bids)
        asks, asks_off = levels(market.instrument, said.asks)
        self.skipped["off_tick"] += bids_off + asks_off
        diff = BookDiff(said.first, said.last, bids, asks, since_epoch(said.event_time))
        market.depth_us = now_us
        said_us = self._times.bounded(diff.ts_us, now_us)
        if diff.last <= market.diffs.newest_id and 0 < market.taken_us < said_us - RESTARTED_US:
            yield from self._count_anew(market, now_us)
        match market.diffs.take(diff):
            case "applied" if self._is_crossed(market):
                yield from self._start_over(market, now_us)
                market.diffs.take(diff)
            case "applied":
                yield BookChange(market.instrument.symbol, bids, asks, diff.ts_us)
                yield from self._best(market, diff.ts_us, now_us)
            case "held":
                market.is_silent = False
                yield from self._ask(said.symbol, market, now_us)
            case "gap":
                yield from self._statuses.one(market.instrument.symbol, "stale", "sequence_gap", now_us)
                yield from self._ask(said.symbol, market, now_us)
            case "old":
                self.skipped["repeated"] += 1
                return
        market.taken_us = max(market.taken_us, said_us)

    def _ask(self, native: str, market: SymbolState, now_us: int) -> Iterator[Fetch]:
        """Ask for a snapshot where one is needed and may be asked for."""
        up_us = self._lines.up_us(market.link, now_us)
        if market.diffs.is_live or market.is_asked or up_us is None or now_us < market.next_us:
            return
        # Buffer first, then ask. Where nothing comes to be buffered, nothing changes the book either.
        is_quiet = up_us >= QUIET_US and not market.is_silent
        if (market.diffs.is_waiting or is_quiet) and self._budget.spend(now_us):
            market.is_asked = True
            market.back_off(now_us)
            yield Fetch(_depth_url(native))

    def _take_depth(self, market: SymbolState, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        market.is_asked = False
        if answer.status in STOP_STATUS:
            self._budget.stop(now_us + STOP_US)
        if market.is_void or market.diffs.is_live or market.is_silent:
            market.is_void = False
            return
        try:
            depth = msgspec.json.decode(answer.body, type=shapes.Depth)
            bids, bids_off = levels(market.instrument, depth.bids)
            asks, asks_off = levels(market.instrument, depth.asks)
        except (ValueError, RecursionError):
            self.skipped["bad_snapshot"] += 1
            return
        self.skipped["off_tick"] += bids_off + asks_off
        if not market.diffs.adopt(depth.last_update_id, bids, asks):
            self.skipped["old_snapshot"] += 1
        elif self._is_crossed(market):
            yield from self._start_over(market, now_us)
        else:
            market.tries = 0
            yield from self._synced(market, now_us)

    def _synced(self, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        symbol, book = market.instrument.symbol, market.diffs.book
        bids, asks = book.bids.top(len(book.bids)), book.asks.top(len(book.asks))
        yield BookSnapshot(symbol, tuple(bids), tuple(asks), now_us)
        market.depth_us = now_us
        market.taken_us = max(market.taken_us, self._times.present(now_us))
        yield from self._statuses.one(symbol, "live", "synced", now_us)

    def _count_anew(self, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """The venue began its update ids anew: what they say from now on does not follow what is known."""
        market.diffs.count_anew()
        market.is_void = market.is_asked
        market.quoted = 0
        market.best = None
        yield from self._statuses.one(market.instrument.symbol, "stale", "sequence_gap", now_us)

    def _is_crossed(self, market: SymbolState) -> bool:
        return market.instrument.state == "open" and market.diffs.book.crossed()

    def _start_over(self, market: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """A crossed book has lost something, whatever its numbers say."""
        market.diffs.restart()
        self.skipped["crossed_book"] += 1
        yield from self._statuses.one(market.instrument.symbol, "stale", "bad_message", now_us)


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

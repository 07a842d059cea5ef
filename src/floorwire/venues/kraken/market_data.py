"""The adapter for Kraken spot: one public stream (WebSocket v2) with books, best prices, trades and candles.

Source: the API guide of Kraken, "Spot WebSocket v2". docs/venues.md says which messages are understood and
what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, DayStats, MissingTrade, Quote
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.exchange import (
    Control,
    FetchedSnapshots,
    LinkKind,
    ListedRows,
    Operation,
    Reading,
    SymbolMessages,
    Unreadable,
)
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.trade_ids import TradeIds
from floorwire.venues.common.venue_book import LostChangeError
from floorwire.venues.common.venue_clock import VenueClock
from floorwire.venues.common.venue_maker import VenueMaker
from floorwire.venues.kraken import limits, mapping, messages, messages_v1, public_answers
from floorwire.venues.kraken.candle_history import KrakenCandles
from floorwire.venues.kraken.checked_book import CheckedBook
from floorwire.venues.kraken.mapping import scanned_day, scanned_quote, scanned_trade
from floorwire.venues.kraken.messages import BookFrame, Ohlc, Ticker, Trade
from floorwire.venues.kraken.messages import read as read_v2
from floorwire.venues.kraken.messages_v1 import is_array
from floorwire.venues.kraken.messages_v1 import read as read_v1
from floorwire.venues.kraken.scanned_book import ScannedBook
from floorwire.venues.kraken.scanned_messages import NO_TIME, ScannedTicker, ScannedTrade
from floorwire.venues.kraken.trade_history import KrakenTrades

HOSTS = frozenset(("api.kraken.com", "ws.kraken.com", "beta-ws.kraken.com"))
STREAM_URL = "wss://ws.kraken.com/v2"
LIST_URL = "https://api.kraken.com/0/public/AssetPairs"
DEPTH = limits.CAPABILITIES.book_depth or 0
DEPTHS = (10, 25, 100, 500, 1000)
"""The depths that Kraken has."""
OPTIONS: dict[str, dict[str, object]] = {
    "ticker": {"event_trigger": "bbo"},
    "trade": {"snapshot": False},
    "book": {"depth": DEPTH},
    "ohlc": {"interval": 1, "snapshot": False},
}
"""Channel -> what is subscribed to with it. A connection has one depth and one interval of a symbol."""
CHANNELS: dict[StreamKind, str] = {
    "book": "book",
    "quote": "ticker",
    "day": "ticker",
    "trades": "trade",
    "candles": "ohlc",
}
ALREADY = "Already subscribed"
"""So begins the refusal of what is subscribed to already. It is no fault."""

Message: TypeAlias = messages.Message


def requested_symbols(text: str) -> list[str]:
    """Return the symbols in a recorded subscription; none for an address. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=messages.Request)
    if not request.method:
        return messages_v1.requested_pairs(text)
    return list(dict.fromkeys(request.params.symbol)) if request.method == "subscribe" else []


class Kraken:
    """What differs at Kraken: its addresses, requests, limits, and the meaning of its messages."""

    name = mapping.VENUE
    link_kinds: tuple[LinkKind, ...] = (LinkKind("spot", STREAM_URL, limits.SYMBOLS_PER_LINK, EVERYTHING),)
    ping = '{"method":"ping"}'
    ping_us = limits.PING_US
    silent_us = limits.SILENT_US
    symbol_silent_us = limits.SYMBOL_SILENT_US
    link_age_us: int | None = None
    requests = (limits.REQUESTS, limits.REQUEST_INTERVAL_US)
    allowances = limits.ALLOWANCES
    list_weight = 1
    pauses_us = limits.PAUSES_US
    candle_history: CandleHistory | None = KrakenCandles()
    trade_history: TradeHistory | None = KrakenTrades()
    snapshots: FetchedSnapshots | None = None

    def __init__(self, prefix: str) -> None:
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()
        self._prefix = prefix
        self._depths: dict[str, int] = {}
        """Symbol -> the depth of its book, as requested or as Kraken confirmed it."""
        self._ticker_kinds: dict[str, frozenset[StreamKind]] = {}
        """Symbol -> what of its ticker is subscribed to. Best prices and the day come in one channel."""
        self._trade_ids: dict[str, TradeIds] = {}
        self._unnumbered: dict[str, int] = {}
        """Symbol -> how many trades without an id came."""
        self._days: dict[str, DayStats] = {}
        self._candles: dict[tuple[str, int], Candle] = {}
        """Symbol and interval -> the candle that is not closed."""

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the whole list."""
        return LIST_URL

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of the list. Raises ValueError; Kraken refuses with status 200."""
        return [bytes(row) for row in public_answers.result(body).values()]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the name and the instrument of a row. Raises ValueError, RecursionError."""
        return mapping.listed(row, self._prefix)

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return the name and an instrument for a symbol that no list has."""
        return mapping.unlisted_instrument(text, self._prefix)

    def book(self, instrument: Instrument) -> CheckedBook:
        """Return an empty book."""
        return CheckedBook(instrument, DEPTH)

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return the request for changes of instruments. The whole list came before."""
        return (_request("subscribe", {"channel": "instrument", "snapshot": False}),)

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return a request for each channel and some symbols. Kraken answers each symbol alone."""
        by_channel: dict[str, list[str]] = {}
        for native, kinds in streams.items():
            for channel in self._changed_channels(op, native, kinds):
                by_channel.setdefault(channel, []).append(native)
        for channel, natives in by_channel.items():
            for start in range(0, len(natives), limits.SYMBOLS_PER_REQUEST):
                yield _channel_request(op, channel, natives[start : start + limits.SYMBOLS_PER_REQUEST])

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book."""
        return tuple(_channel_request(op, "book", [native]) for op in ("unsubscribe", "subscribe"))

    def link_opened(self, link: str) -> None:
        """Do nothing: connections have no numbers here."""

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is. Raises ValueError, RecursionError."""
        message = read_v1(data) if is_array(data) else read_v2(data)
        if isinstance(message, ScannedMessage):
            return message
        if message is None:
            message = messages_v1.read_event(data)
        if message is None:
            return None
        if type(message) is SymbolMessages:
            return message
        if isinstance(message, messages.Notice):
            return self._answered(message)
        return ListedRows([bytes(row) for row in message.pairs])

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return the symbol of a frame of a book."""
        native = messages.symbol_of_book(data) or messages_v1.symbol_of_book(data)
        return Unreadable() if native is None else Unreadable(native, is_of_book=True)

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError."""
        if type(message) is ScannedBook:
            scanned = message
            self._book(scanned, scanned.is_snapshot, scanned.ts_us, scanned.most_levels, symbol, now_us, out)
        elif type(message) is BookFrame:
            most_levels = max(len(message.bids), len(message.asks))
            self._book(message, message.is_snapshot, message.ts_us, most_levels, symbol, now_us, out)
        elif type(message) is ScannedTrade:
            traded = message
            self._trade(traded, traded.trade_id, traded.ts_us, symbol, out)
        elif type(message) is ScannedTicker:
            best = message
            of = symbol.levels.instrument
            ts_us = best.ts_us if best.ts_us != NO_TIME else self.clock.venue_time(now_us)
            quote = scanned_quote(best, of, symbol.levels.reader, ts_us)
            out.append(quote)
            self._day(scanned_day(best, of, ts_us), out)
            self._quoted(quote, symbol, now_us)
        elif type(message) is Trade:
            self._trade(message, message.trade_id, rfc3339_us(message.timestamp), symbol, out)
        elif type(message) is Ticker:
            of = symbol.levels.instrument
            ts_us = self._time(message.timestamp, now_us)
            quote = mapping.quote(message, of, symbol.levels.reader, ts_us)
            out.append(quote)
            self._day(mapping.day(message, of, ts_us), out)
            self._quoted(quote, symbol, now_us)
        elif type(message) is Ohlc:
            self._candle(message, symbol.instrument, now_us, out)

    def _book(
        self,
        frame: BookFrame | ScannedBook,
        is_snapshot: bool,
        told_us: int | None,
        most_levels: int,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        if "book" not in symbol.wanted:
            return  # it came after it was unsubscribed
        book, levels = symbol.book, symbol.levels
        assert isinstance(book, CheckedBook)
        symbol.book_came()
        ts_us = told_us or self.clock.venue_time(now_us)
        if is_snapshot:
            book.depth = self._depths.get(frame.symbol) or _fitting_depth(most_levels)
            out.append(book.apply_snapshot(frame, ts_us))
        elif not levels.is_synced:
            return
        elif change := book.apply_change(frame, ts_us):
            out.append(change)
        if not symbol.has_quotes(now_us) and (quote := levels.changed_quote(ts_us)) is not None:
            out.append(quote)

    def _day(self, day: DayStats, out: list[VenueOutput]) -> None:
        """Append the last 24 hours if they changed."""
        known = self._days.get(day.symbol)
        if known is None or msgspec.structs.replace(known, ts_us=day.ts_us) != day:
            self._days[day.symbol] = day
            out.append(day)

    def _quoted(self, quote: Quote, symbol: SubscribedSymbol, now_us: int) -> None:
        bid, ask = (quote.bid_ticks, quote.bid_lots), (quote.ask_ticks, quote.ask_lots)
        if symbol.quoted(bid, ask, now_us):
            symbol.book.clear()
            raise LostChangeError(quote.symbol, "silent")

    def _trade(
        self,
        message: Trade | ScannedTrade,
        trade_id: int,
        ts_us: int,
        symbol: SubscribedSymbol,
        out: list[VenueOutput],
    ) -> None:
        of = symbol.levels.instrument
        if not trade_id:  # trades of v1 have none: those of each symbol are counted from 1
            trade_id = self._unnumbered[message.symbol] = self._unnumbered.get(message.symbol, 0) + 1
        ids = self._trade_ids.get(of.symbol)
        if ids is None:
            ids = self._trade_ids[of.symbol] = TradeIds()
        if ids.check(trade_id, ts_us) == "repeated":
            self.skipped["repeated"] += 1
            return
        try:
            if isinstance(message, ScannedTrade):
                out.append(scanned_trade(message, trade_id, of, symbol.levels.reader))
            else:
                out.append(mapping.trade(message, trade_id, of, symbol.levels.reader))
        except ValueError:
            out.append(MissingTrade(of.symbol, ts_us))
            raise

    def _candle(self, message: messages.Ohlc, of: Instrument, now_us: int, out: list[VenueOutput]) -> None:
        """Append a candle. Kraken says of none that it is closed: the first of a later time closes it."""
        candle = mapping.candle(message, of, self.clock.venue_time(now_us))
        if candle is None:
            self.skipped["other_kind"] += 1
            return
        key = of.symbol, candle.interval_us
        open_candle = self._candles.get(key)
        if open_candle is not None and candle.start_us < open_candle.start_us:
            self.skipped["out_of_order"] += 1
            return
        if open_candle is not None and candle.start_us > open_candle.start_us:
            out.append(msgspec.structs.replace(open_candle, closed=True, ts_us=candle.ts_us))
        self._candles[key] = candle
        out.append(candle)

    def _answered(self, notice: messages.Notice) -> Control:
        result = notice.result
        if result is not None and result.channel == "book" and result.depth in DEPTHS and result.depth:
            self._depths[result.symbol] = result.depth
        is_fault = bool(notice.error) and not notice.error.startswith(ALREADY)
        return Control("refused" if is_fault else "")

    def _changed_channels(self, op: Operation, native: str, kinds: frozenset[StreamKind]) -> list[str]:
        """Return the channels to subscribe to or to leave. The ticker is left with the last of its kinds."""
        ticker = frozenset(kind for kind in kinds if CHANNELS[kind] == "ticker")
        before = self._ticker_kinds.get(native, frozenset())
        after = before | ticker if op == "subscribe" else before - ticker
        self._ticker_kinds[native] = after
        channels = dict.fromkeys(CHANNELS[kind] for kind in CHANNELS if kind in kinds)
        if op == "unsubscribe" and after:
            channels.pop("ticker", None)
        if op == "subscribe" and "candles" in kinds:
            self._forget_candles(native)
        return list(channels)

    def _forget_candles(self, native: str) -> None:
        """Forget the open candle of a symbol: trades of it may have been missed, so it is never closed."""
        symbol = self._prefix + native.replace("/", "-")
        for key in [key for key in self._candles if key[0] == symbol]:
            del self._candles[key]

    def _time(self, text: str | None, now_us: int) -> int:
        return self.clock.venue_time(now_us) if text is None else rfc3339_us(text)


def _fitting_depth(levels: int) -> int:
    """Return the least depth that a snapshot fits, for recordings that do not say what was subscribed to."""
    return next((depth for depth in DEPTHS if depth >= levels), DEPTHS[-1])


def _channel_request(op: Operation, channel: str, natives: Sequence[str]) -> str:
    return _request(op, {"channel": channel, "symbol": list(natives)} | OPTIONS[channel])


def _request(op: Operation, params: Mapping[str, object]) -> str:
    return msgspec.json.encode({"method": op, "params": params}).decode()


venue = VenueMaker(Kraken)

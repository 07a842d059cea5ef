"""The adapter for OKX spot: public channels for books, best prices, trades and tickers, business for candles.

Source: the API guide of OKX, version 5. docs/venues.md says which messages are understood and what happens on
each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MissingTrade, Quote
from floorwire.core.microseconds import MILLISECOND_US
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.exchange import (
    Control,
    EndsSoon,
    FetchedSnapshots,
    LinkKind,
    ListedRows,
    Operation,
    Reading,
    SymbolMessages,
    Unreadable,
)
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.trade_ids import TradeIds
from floorwire.venues.common.venue_book import LostChangeError
from floorwire.venues.common.venue_clock import VenueClock
from floorwire.venues.common.venue_maker import VenueMaker
from floorwire.venues.okx import limits, mapping, messages, public_answers
from floorwire.venues.okx.candle_history import OkxCandles
from floorwire.venues.okx.mapping import scanned_day, scanned_quote, scanned_trade
from floorwire.venues.okx.messages import (
    BookFrame,
    CandleFrame,
    TickerFrame,
    Trade,
    TradeFrame,
)
from floorwire.venues.okx.messages import (
    read as read_message,
)
from floorwire.venues.okx.numbered_book import NumberedBook
from floorwire.venues.okx.scanned_messages import ScannedBook, ScannedQuote, ScannedTicker, ScannedTrade
from floorwire.venues.okx.trade_history import OkxTrades

HOSTS = frozenset(
    (
        "www.okx.com",
        "eea.okx.com",
        "us.okx.com",
        "ws.okx.com",
        "wseea.okx.com",
        "wsus.okx.com",
        "wspap.okx.com",
        "wseeapap.okx.com",
    )
)
PUBLIC_URL = "wss://ws.okx.com:8443/ws/v5/public"
BUSINESS_URL = "wss://ws.okx.com:8443/ws/v5/business"
LIST_URL = "https://www.okx.com/api/v5/public/instruments?instType=SPOT"
CANDLE_CHANNELS = ("candle1m", "candle5m", "candle15m", "candle1H", "candle4H", "candle1Dutc")
CHANNELS: dict[StreamKind, tuple[str, ...]] = {
    "book": ("books",),
    "quote": ("bbo-tbt",),
    "trades": ("trades",),
    "day": ("tickers",),
    "candles": CANDLE_CHANNELS,
}

ENDS_SOON = "64008"
"""OKX: the service is upgraded in some 60 s, and the connection then closed."""
CODE_DIGITS = 5
"""OKX: codes of refusals, such as 60018, have five digits."""
PUBLIC_KINDS: frozenset[StreamKind] = frozenset(("book", "quote", "trades", "day"))

Message: TypeAlias = BookFrame | Trade | TickerFrame | CandleFrame


def requested_symbols(text: str) -> list[str]:
    """Return the spot symbols in a recorded subscription; none for an address. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=messages.Request)
    names = [stream.inst_id for stream in request.args if stream.inst_id.count("-") == 1]
    return list(dict.fromkeys(names)) if request.op == "subscribe" else []


class Okx:
    """What differs at OKX: its addresses, requests, limits, and the meaning of its messages."""

    name = mapping.VENUE
    link_kinds: tuple[LinkKind, ...] = (
        LinkKind(
            "public",
            PUBLIC_URL,
            limits.SYMBOLS_PER_LINK,
            PUBLIC_KINDS,
            {"book": 1},
            limits.BOOKS_PER_LINK,
        ),
        LinkKind("business", BUSINESS_URL, limits.SYMBOLS_PER_LINK, frozenset(("candles",))),
    )
    ping = "ping"
    ping_us = limits.PING_US
    silent_us = limits.SILENT_US
    symbol_silent_us = limits.SYMBOL_SILENT_US
    link_age_us: int | None = None
    requests = (limits.REQUESTS, limits.REQUEST_INTERVAL_US)
    allowances = limits.ALLOWANCES
    list_weight = 1
    pauses_us = limits.PAUSES_US
    candle_history: CandleHistory | None = OkxCandles()
    trade_history: TradeHistory | None = OkxTrades()
    snapshots: FetchedSnapshots | None = None

    def __init__(self, prefix: str) -> None:
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()
        self._prefix = prefix
        self._trade_ids: dict[str, TradeIds] = {}

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the whole list."""
        return LIST_URL

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of the list. Raises ValueError; OKX refuses with a code and status 200."""
        # Rows are decoded one by one, so that a broken one affects no other.
        return [bytes(row) for row in msgspec.json.decode(public_answers.rows(body), type=list[msgspec.Raw])]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the name and the instrument of a row. Raises ValueError, RecursionError."""
        listed = msgspec.json.decode(row, type=messages.InstrumentRow)
        return listed.inst_id, mapping.instrument(listed, self._prefix)

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return the name and an instrument for a symbol that no list has."""
        native = text.upper()
        instrument = mapping.unlisted_instrument(native, self._prefix)
        return None if instrument is None else (native, instrument)

    def book(self, instrument: Instrument) -> NumberedBook:
        """Return an empty book."""
        return NumberedBook(instrument)

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return the request for changes of instruments, on each public link."""
        spot = messages.Stream("instruments", inst_type=mapping.SPOT)
        return (messages.request("subscribe", [spot]),) if kind == "public" else ()

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return one request for all channels: OKX counts requests, not what is in them."""
        named = [
            messages.Stream(channel, native)
            for native, kinds in streams.items()
            for kind, channels in CHANNELS.items()
            if kind in kinds
            for channel in channels
        ]
        for start in range(0, len(named), limits.CHANNELS_PER_REQUEST):
            yield messages.request(op, named[start : start + limits.CHANNELS_PER_REQUEST])

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book."""
        books = [messages.Stream("books", native)]
        return messages.request("unsubscribe", books), messages.request("subscribe", books)

    def link_opened(self, link: str) -> None:
        """Do nothing: connections have no numbers here."""

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is. Raises ValueError, RecursionError."""
        message = read_message(data)
        if isinstance(message, ScannedMessage):
            return message
        if type(message) is BookFrame or type(message) is TickerFrame or type(message) is CandleFrame:
            return SymbolMessages(message.stream.inst_id, (message,))
        if type(message) is TradeFrame:
            return SymbolMessages(message.stream.inst_id, message.rows)
        return _other_reading(message)

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return the symbol of a frame of a book."""
        stream = messages.stream_of(data)
        is_book = stream is not None and stream.channel == "books"
        return Unreadable(stream.inst_id, is_of_book=True) if stream is not None and is_book else Unreadable()

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError."""
        if type(message) is ScannedBook:
            self._book(message.is_snapshot, message, symbol, now_us, out)
        elif type(message) is ScannedQuote:
            levels = symbol.levels
            self._quote(scanned_quote(message, levels.instrument, levels.reader), symbol, now_us, out)
        elif type(message) is ScannedTrade:
            traded = message
            self._trade(traded, traded.trade_id, traded.ts, symbol, now_us, out)
        elif type(message) is ScannedTicker:
            out.append(scanned_day(message, symbol.instrument))
        elif type(message) is BookFrame:
            is_book = message.stream.channel == "books"
            for row in message.rows:
                if is_book:
                    self._book(message.action == "snapshot", row, symbol, now_us, out)
                else:
                    levels = symbol.levels
                    quote = mapping.quote(row, levels.instrument, levels.reader)
                    self._quote(quote, symbol, now_us, out)
        elif type(message) is Trade:
            self._trade(message, message.trade_id, message.ts, symbol, now_us, out)
        elif type(message) is TickerFrame:
            out += [mapping.day(ticker, symbol.instrument) for ticker in message.rows]
        elif type(message) is CandleFrame:
            self._candles(message, symbol.instrument, now_us, out)

    def _book(
        self,
        is_snapshot: bool,
        row: messages.Book | ScannedBook,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        if "book" not in symbol.wanted:
            return  # it came after it was unsubscribed
        book, levels = symbol.book, symbol.levels
        assert isinstance(book, NumberedBook)
        symbol.book_came()
        if is_snapshot:
            out.append(book.apply_snapshot(row))
        elif not levels.is_synced:
            return
        elif change := book.apply_change(row):
            out.append(change)
        else:
            symbol.is_regular = True  # OKX: sent where nothing changed for about a minute
        if book.off_tick:
            self.skipped["off_tick"] += book.off_tick
        if (
            not symbol.has_quotes(now_us)
            and (quote := levels.changed_quote(row.ts * MILLISECOND_US)) is not None
        ):
            out.append(quote)

    def _quote(self, quote: Quote, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        out.append(quote)
        if symbol.quoted((quote.bid_ticks, quote.bid_lots), (quote.ask_ticks, quote.ask_lots), now_us):
            symbol.book.clear()
            raise LostChangeError(symbol.instrument.symbol, "silent")

    def _trade(
        self,
        message: Trade | ScannedTrade,
        trade_id: int,
        ts_ms: int,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        of, ts_us = symbol.levels.instrument, ts_ms * MILLISECOND_US
        ids = self._trade_ids.get(of.symbol)
        if ids is None:
            ids = self._trade_ids[of.symbol] = TradeIds()
        if ids.check(trade_id, self.clock.bounded(ts_us, now_us)) == "repeated":
            self.skipped["repeated"] += 1
            return
        try:
            if isinstance(message, ScannedTrade):
                out.append(scanned_trade(message, of, symbol.levels.reader))
            else:
                out.append(mapping.trade(message, of, symbol.levels.reader))
        except ValueError:
            out.append(MissingTrade(of.symbol, ts_us))
            raise

    def _candles(self, frame: CandleFrame, of: Instrument, now_us: int, out: list[VenueOutput]) -> None:
        for row in frame.rows:
            candle = mapping.candle(row, frame.stream.channel, of, self.clock.venue_time(now_us))
            if candle is None:
                self.skipped["other_kind"] += 1
            else:
                out.append(candle)


def _other_reading(message: object) -> Control | EndsSoon | ListedRows | None:
    """Return what a frame is that has no prices."""
    match message:
        case messages.Notice("error" | "channel-conn-count-error"):
            is_code = message.code.isdecimal() and message.code.isascii() and len(message.code) == CODE_DIGITS
            return Control(f"refused_{message.code}" if is_code else "refused")
        case messages.Notice():
            return EndsSoon() if (message.event, message.code) == ("notice", ENDS_SOON) else Control()
        case messages.InstrumentFrame():
            return ListedRows([bytes(row) for row in message.rows])
    return None


venue = VenueMaker(Okx)

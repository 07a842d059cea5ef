"""What differs at Binance Spot: combined streams, and books of numbered differences and fetched snapshots.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md. docs/venues.md says
which messages are understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, MissingTrade, Quote
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import VenueOutput
from floorwire.core.symbols import normalize_symbol
from floorwire.venues.binance import limits, mapping, messages
from floorwire.venues.binance.candle_history import BinanceCandles
from floorwire.venues.binance.depth_book import DepthBook
from floorwire.venues.binance.mapping import scanned_diff, scanned_quote, scanned_trade
from floorwire.venues.binance.messages import (
    AggTrade,
    BookTicker,
    DayTicker,
    DepthUpdate,
    KlineEvent,
    Refusal,
    ServerShutdown,
    Trade,
)
from floorwire.venues.binance.messages import (
    read as read_message,
)
from floorwire.venues.binance.scanned_messages import ScannedDepth, ScannedQuote, ScannedTrade
from floorwire.venues.binance.trade_history import BinanceTrades
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.decimals import epoch_us
from floorwire.venues.common.exchange import (
    Control,
    EndsSoon,
    FetchedSnapshots,
    LinkKind,
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

HOSTS = frozenset(
    ("stream.binance.com", "data-stream.binance.vision", "api.binance.com", "data-api.binance.vision")
)
STREAM_URL = "wss://stream.binance.com:9443/stream"
API_URL = "https://api.binance.com/api/v3"
LIST_URL = f"{API_URL}/exchangeInfo"
STREAMS: dict[StreamKind, tuple[str, ...]] = {
    "book": ("depth@100ms",),
    "trades": ("trade",),
    "quote": ("bookTicker",),
    "day": ("ticker",),
    "candles": tuple(f"kline_{interval}" for interval in ("1m", "5m", "15m", "1h", "4h", "1d")),
}
NAMED_IN_LIST = 100
"""The list of all symbols has megabytes. Up to so many are named in the address of a shorter one."""
DEPTH = 1_000
"""Levels of a side in a snapshot."""
QUIET_US = 5 * SECOND_US
"""If no difference of a symbol came for this long after the link opened, its snapshot is requested anyway."""


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
    """What differs at Binance: its addresses, requests, limits, and the meaning of its messages."""

    name = mapping.VENUE
    link_kinds: tuple[LinkKind, ...] = (
        LinkKind(
            "streams",
            STREAM_URL,
            limits.STREAMS_PER_LINK,
            EVERYTHING,
            {kind: len(streams) for kind, streams in STREAMS.items()},
            limits.STREAMS_PER_LINK,
        ),
    )
    ping = ""
    ping_us = 0
    silent_us = limits.SILENT_US
    symbol_silent_us = limits.SYMBOL_SILENT_US
    link_age_us: int | None = limits.LINK_AGE_US
    requests = (limits.REQUESTS, limits.REQUEST_INTERVAL_US)
    allowances = limits.ALLOWANCES
    list_weight = limits.LIST_WEIGHT
    pauses_us = limits.PAUSES_US
    candle_history: CandleHistory | None = BinanceCandles()
    trade_history: TradeHistory | None = BinanceTrades()

    def __init__(self, prefix: str) -> None:
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()
        self.snapshots: FetchedSnapshots | None = DepthSnapshots(self.skipped, self.clock)
        self._prefix = prefix
        self._request_ids = count(1)
        self._trade_ids: dict[str, TradeIds] = {}

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the list. Binance refuses a request in which one symbol is unknown."""
        if not natives or len(natives) > NAMED_IN_LIST:
            return LIST_URL
        return f"{LIST_URL}?symbols={quote(msgspec.json.encode(natives).decode())}"

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of the list. Raises ValueError, RecursionError."""
        return [bytes(row) for row in msgspec.json.decode(body, type=messages.ExchangeInfo).symbols]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the name and the instrument of a row. Raises ValueError, RecursionError."""
        symbol = msgspec.json.decode(row, type=messages.Symbol)
        return symbol.symbol, mapping.instrument(symbol, self._prefix)

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return the name and an instrument for a symbol that no list has."""
        native = normalize_symbol(text)
        instrument = mapping.unlisted_instrument(native, self._prefix)
        return None if instrument is None else (native, instrument)

    def book(self, instrument: Instrument) -> DepthBook:
        """Return an empty book."""
        return DepthBook(instrument)

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return nothing: Binance does not tell of changes of symbols."""
        return ()

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return requests with many streams each. Binance counts requests, not what is in them."""
        names = [name for native, kinds in streams.items() for name in _names(native, kinds)]
        for start in range(0, len(names), limits.STREAMS_PER_REQUEST):
            yield self._request(op, names[start : start + limits.STREAMS_PER_REQUEST])

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew all streams of a symbol."""
        names = _names(native, wanted)
        return self._request("unsubscribe", names), self._request("subscribe", names)

    def link_opened(self, link: str) -> None:
        """Do nothing: connections have no numbers here."""

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is. Raises ValueError, RecursionError."""
        message = read_message(data)
        if isinstance(message, ScannedMessage):
            return message
        if message is None:
            return None
        if type(message) is ServerShutdown:
            return EndsSoon()
        if type(message) is Refusal:
            return Control("refused")
        return SymbolMessages(message.symbol, (message,))

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return nothing: if a difference was lost, the next one shows a gap."""
        return Unreadable()

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError."""
        levels = symbol.levels
        of, reader = levels.instrument, levels.reader
        if type(message) is ScannedQuote:  # the most frequent first
            best = message
            self._quote(best.update, scanned_quote(best, of, reader, now_us), symbol, now_us, out)
        elif type(message) is ScannedTrade:
            traded = message
            self._trade(message, traded.trade_id, traded.trade_time, symbol, now_us, out)
        elif type(message) is ScannedDepth or type(message) is DepthUpdate:
            if "book" in symbol.wanted:  # otherwise it came after it was unsubscribed
                self._depth(message, symbol, now_us, out)
        elif type(message) is BookTicker:
            self._quote(message.update, mapping.quote(message, of, reader, now_us), symbol, now_us, out)
        elif type(message) is Trade or type(message) is AggTrade:
            self._trade(message, message.trade_id, message.trade_time, symbol, now_us, out)
        elif type(message) is KlineEvent:
            self._candle(message, symbol, out)
        elif type(message) is DayTicker:
            out.append(mapping.day(message, symbol.instrument))

    def _depth(
        self,
        message: DepthUpdate | ScannedDepth,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        book, levels = symbol.book, symbol.levels
        assert isinstance(book, DepthBook)
        if isinstance(message, ScannedDepth):
            diff, off_tick = scanned_diff(message, levels.instrument, levels.reader)
        else:
            diff, off_tick = mapping.diff(message, levels.instrument, levels.reader)
        symbol.book_came()
        book.count_off_tick(off_tick)
        if off_tick:
            self.skipped["off_tick"] += off_tick
        result = book.apply(diff, self.clock.bounded(diff.ts_us, now_us), now_us)
        if type(result) is BookChange:
            out.append(result)
            if symbol.quotes_ended(now_us) and (quote := levels.changed_quote(diff.ts_us)) is not None:
                out.append(quote)
        elif result == "old":
            self.skipped["repeated"] += 1
        elif result == "gap":
            symbol.fetch = None
            raise LostChangeError(symbol.instrument.symbol, "sequence_gap")

    def _quote(
        self, update: int, best: Quote, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]
    ) -> None:
        book, levels = symbol.book, symbol.levels
        assert isinstance(book, DepthBook)
        if update < book.quote_id:
            self.skipped["repeated"] += 1
            return
        book.quote_id = update
        symbol.quote_came(now_us)
        levels.quoted(best)
        out.append(best)
        if now_us >= book.late_from_us and levels.is_synced and update > book.last_id:
            book.clear()
            raise LostChangeError(symbol.instrument.symbol, "silent")

    def _trade(
        self,
        message: Trade | AggTrade | ScannedTrade,
        trade_id: int,
        trade_time: int,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        levels = symbol.levels
        of, ts_us = levels.instrument, epoch_us(trade_time)
        ids = self._trade_ids.get(of.symbol)
        if ids is None:
            ids = self._trade_ids[of.symbol] = TradeIds()
        # A trade comes again after a reconnect, and in both trade streams.
        if ids.check(trade_id, self.clock.bounded(ts_us, now_us)) == "repeated":
            self.skipped["repeated"] += 1
            return
        try:
            if isinstance(message, ScannedTrade):
                out.append(scanned_trade(message, of, levels.reader))
            else:
                out.append(mapping.trade(message, of, levels.reader))
        except ValueError:
            out.append(MissingTrade(of.symbol, ts_us))
            raise

    def _candle(self, message: KlineEvent, symbol: SubscribedSymbol, out: list[VenueOutput]) -> None:
        candle = mapping.candle(message, symbol.instrument)
        if candle is None:
            self.skipped["other_kind"] += 1
        else:
            symbol.is_regular = True
            out.append(candle)

    def _request(self, op: Operation, names: Sequence[str]) -> str:
        request = {"method": op.upper(), "params": names, "id": next(self._request_ids)}
        return msgspec.json.encode(request).decode()


class DepthSnapshots:
    """Whole books by ``GET /api/v3/depth``."""

    weight = limits.SNAPSHOT_WEIGHT

    def __init__(self, skipped: Counter[str], clock: VenueClock) -> None:
        self._skipped = skipped
        self._clock = clock

    def url(self, native: str) -> str:
        """Return the address of a symbol's book."""
        return f"{API_URL}/depth?symbol={quote(native)}&limit={DEPTH}"

    def is_due(self, symbol: SubscribedSymbol, up_us: int) -> bool:
        """Return whether to request it. Binance: buffer differences first, then request.

        If none come, the book does not change either.
        """
        assert isinstance(symbol.book, DepthBook)
        return symbol.book.has_buffered or up_us >= QUIET_US

    def apply(self, body: bytes, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> bool:
        """Append the book; return False if it is older than what came. Raises ValueError, RecursionError."""
        book = symbol.book
        assert isinstance(book, DepthBook)
        depth = msgspec.json.decode(body, type=messages.Depth)
        reader = book.levels.reader
        bids, bids_off = reader.read(symbol.instrument, depth.bids)
        asks, asks_off = reader.read(symbol.instrument, depth.asks)
        book.count_off_tick(bids_off + asks_off)
        self._skipped["off_tick"] += book.off_tick
        event = book.apply_snapshot(depth.last_update_id, bids, asks, self._clock.venue_time(now_us), now_us)
        if event is not None:
            out.append(event)
        return event is not None


def _names(native: str, kinds: frozenset[StreamKind]) -> list[str]:
    return [
        f"{native.lower()}@{stream}"
        for kind, streams in STREAMS.items()
        if kind in kinds
        for stream in streams
    ]


venue = VenueMaker(Binance)

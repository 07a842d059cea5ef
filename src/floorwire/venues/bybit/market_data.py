"""The adapter for Bybit spot: one public stream with books, best prices, trades, tickers and candles.

Source: the API guide of Bybit, version 5. docs/venues.md says which messages are understood and what happens
on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TypeAlias

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MissingTrade
from floorwire.core.microseconds import MILLISECOND_US
from floorwire.core.ports import VenueOutput
from floorwire.core.symbols import normalize_symbol
from floorwire.venues.bybit import limits, mapping, messages, public_answers
from floorwire.venues.bybit.candle_history import BybitCandles
from floorwire.venues.bybit.numbered_book import NumberedBook
from floorwire.venues.bybit.trade_history import BybitTrades
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.exchange import (
    Control,
    FetchedSnapshots,
    LinkKind,
    Operation,
    Reading,
    SymbolMessages,
    Unreadable,
)
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.trade_ids import RecentTradeIds
from floorwire.venues.common.venue_book import LostChangeError
from floorwire.venues.common.venue_clock import VenueClock
from floorwire.venues.common.venue_maker import VenueMaker

HOSTS = frozenset(
    (
        "api.bybit.com",
        "api.bytick.com",
        "stream.bybit.com",
        "api-testnet.bybit.com",
        "stream-testnet.bybit.com",
        "api-demo.bybit.com",
        "stream-demo.bybit.com",
    )
)
STREAM_URL = "wss://stream.bybit.com/v5/public/spot"
LIST_URL = "https://api.bybit.com/v5/market/instruments-info?category=spot"
BOOK = "orderbook.200"
"""200 levels of a side, every 100 ms. Bybit also has 50 every 20 ms and 1,000 every 200 ms."""
BEST = "1"
"""The depth of the topic with the best prices, every 10 ms."""
TOPICS: dict[StreamKind, tuple[str, ...]] = {
    "book": (BOOK,),
    "quote": (f"orderbook.{BEST}",),
    "trades": ("publicTrade",),
    "day": ("tickers",),
    "candles": tuple(f"kline.{interval}" for interval in ("1", "5", "15", "60", "240", "D")),
}
MAX_REQUESTS = 1_000
"""So many requests without an answer are remembered. Bybit does not name the topics that it refuses."""

Message: TypeAlias = messages.BookFrame | messages.Trade | messages.TickerFrame | messages.KlineFrame


def requested_symbols(text: str) -> list[str]:
    """Return the symbols in a recorded subscription; none for an address. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=messages.Request)
    named = [topic.rpartition(".")[2] for topic in request.args if "." in topic]
    return list(dict.fromkeys(named)) if request.op == "subscribe" else []


class Bybit:
    """What differs at Bybit: its addresses, requests, limits, and the meaning of its messages."""

    name = mapping.VENUE
    link_kinds: tuple[LinkKind, ...] = (
        LinkKind(
            "spot",
            STREAM_URL,
            limits.TOPICS_PER_LINK,
            EVERYTHING,
            {kind: len(topics) for kind, topics in TOPICS.items()},
            limits.TOPICS_PER_LINK,
        ),
    )
    ping = '{"op":"ping"}'
    ping_us = limits.PING_US
    silent_us = limits.SILENT_US
    symbol_silent_us = limits.SYMBOL_SILENT_US
    link_age_us: int | None = None
    requests = (limits.REQUESTS, limits.REQUEST_INTERVAL_US)
    allowances = limits.ALLOWANCES
    list_weight = 1
    pauses_us = limits.PAUSES_US
    candle_history: CandleHistory | None = BybitCandles()
    trade_history: TradeHistory | None = BybitTrades()
    snapshots: FetchedSnapshots | None = None

    def __init__(self, prefix: str) -> None:
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()
        self._prefix = prefix
        self._request_ids = count(1)
        self._requests: dict[str, tuple[Operation, Sequence[str]]] = {}
        """Request id -> what was requested and not answered."""
        self._trade_ids: dict[str, RecentTradeIds] = {}
        self._best: dict[str, NumberedBook] = {}
        """Symbol -> the book of depth 1."""

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the whole list."""
        return LIST_URL

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of the list. Raises ValueError; Bybit refuses with a code and status 200."""
        # Rows are decoded one by one, so that a broken one affects no other.
        return [bytes(row) for row in msgspec.json.decode(public_answers.rows(body), type=list[msgspec.Raw])]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the name and the instrument of a row. Raises ValueError, RecursionError."""
        listed = msgspec.json.decode(row, type=messages.InstrumentRow)
        return listed.symbol, mapping.instrument(listed, self._prefix)

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return the name and an instrument for a symbol that no list has."""
        native = normalize_symbol(text)
        instrument = mapping.unlisted_instrument(native, self._prefix)
        return None if instrument is None else (native, instrument)

    def book(self, instrument: Instrument) -> NumberedBook:
        """Return an empty book."""
        return NumberedBook(instrument)

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return nothing: Bybit does not tell of changes of instruments."""
        return ()

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return a request for each symbol: Bybit refuses a whole request for one topic in it."""
        for native, kinds in streams.items():
            topics = [
                f"{topic}.{native}" for kind, all_of in TOPICS.items() if kind in kinds for topic in all_of
            ]
            for start in range(0, len(topics), limits.TOPICS_PER_REQUEST):
                yield self._request(op, topics[start : start + limits.TOPICS_PER_REQUEST])

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book."""
        topics = [f"{BOOK}.{native}"]
        return self._request("unsubscribe", topics), self._request("subscribe", topics)

    def link_opened(self, link: str) -> None:
        """Do nothing: connections have no numbers here."""

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is. Raises ValueError, RecursionError."""
        message = messages.read(data)
        match message:
            case None:
                return None
            case messages.Notice():
                return self._answered(message)
            case messages.TradeFrame():
                return SymbolMessages(message.symbol, message.rows)
            case messages.BookFrame():
                return SymbolMessages(message.book.symbol, (message,))
            case _:
                return SymbolMessages(message.symbol, (message,))

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return the symbol of a frame of a book."""
        channel, _, native = messages.topic_of(data).rpartition(".")
        is_book = channel.startswith("orderbook.") and channel != f"orderbook.{BEST}"
        return Unreadable(native, is_of_book=True) if is_book else Unreadable()

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError."""
        if type(message) is messages.BookFrame:
            if message.depth == BEST:
                self._quote(message, symbol, now_us, out)
            else:
                self._book(message, symbol, now_us, out)
        elif type(message) is messages.Trade:
            self._trade(message, symbol, out)
        elif type(message) is messages.TickerFrame:
            out.append(mapping.day(message, symbol.instrument))
        elif type(message) is messages.KlineFrame:
            self._candles(message, symbol.instrument, out)

    def _book(
        self, frame: messages.BookFrame, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]
    ) -> None:
        book = symbol.book
        assert isinstance(book, NumberedBook)
        if "book" not in symbol.wanted:
            return  # it came after it was unsubscribed
        symbol.book_came()
        match book.continuity(frame):
            case "snapshot":
                out.append(book.apply_snapshot(frame))
            case "next":
                if change := book.apply_change(frame):
                    out.append(change)
            case "known":
                self.skipped["repeated"] += 1
                return
            case "lost":
                book.clear()
                raise LostChangeError(symbol.instrument.symbol, "sequence_gap")
        if book.off_tick:
            self.skipped["off_tick"] += book.off_tick
        if (
            not symbol.has_quotes(now_us)
            and (quote := book.levels.changed_quote(frame.time * MILLISECOND_US)) is not None
        ):
            out.append(quote)

    def _quote(
        self, frame: messages.BookFrame, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]
    ) -> None:
        symbol.is_regular = True
        best = self._best.get(symbol.instrument.symbol)
        if best is None or best.instrument is not symbol.instrument:
            best = self._best[symbol.instrument.symbol] = NumberedBook(symbol.instrument)
        match best.continuity(frame):
            case "snapshot":
                best.apply_snapshot(frame)
            case "next":  # Bybit sent changes of depth 1 until March 2025
                best.apply_change(frame)
            case "known" | "lost":
                return  # the next whole one comes within 3 s
        if best.off_tick:  # a side would seem empty
            best.clear()
            raise OffTickError("a best price", symbol.instrument)
        if (quote := best.levels.changed_quote(frame.time * MILLISECOND_US)) is not None:
            out.append(quote)
        if symbol.quoted(*best.levels.best(), now_us):
            symbol.book.clear()
            raise LostChangeError(symbol.instrument.symbol, "silent")

    def _trade(self, message: messages.Trade, symbol: SubscribedSymbol, out: list[VenueOutput]) -> None:
        of = symbol.instrument
        if not self._trade_ids.setdefault(of.symbol, RecentTradeIds()).add(message.trade_id):
            self.skipped["repeated"] += 1
            return
        try:
            out.append(mapping.trade(message, of, symbol.book.levels.reader))
        except ValueError:
            out.append(MissingTrade(of.symbol, message.time * MILLISECOND_US))
            raise

    def _candles(self, frame: messages.KlineFrame, of: Instrument, out: list[VenueOutput]) -> None:
        for kline in frame.rows:
            candle = mapping.candle(kline, frame, of)
            if candle is None:
                self.skipped["other_kind"] += 1
            else:
                out.append(candle)

    def _answered(self, notice: messages.Notice) -> Control:
        """Take in the answer to a request. The topics of a refused one are requested one by one."""
        op, topics = self._requests.pop(notice.request, ("subscribe", ()))
        if notice.success:
            return Control()
        retries = [self._request(op, [topic]) for topic in topics] if len(topics) > 1 else []
        return Control("refused", retries)

    def _request(self, op: Operation, topics: Sequence[str]) -> str:
        request_id = str(next(self._request_ids))
        if len(self._requests) >= MAX_REQUESTS:
            del self._requests[next(iter(self._requests))]
        self._requests[request_id] = op, topics
        return msgspec.json.encode({"op": op, "args": topics, "req_id": request_id}).decode()


venue = VenueMaker(Bybit)

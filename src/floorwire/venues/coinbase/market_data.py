"""What differs at Coinbase: live Advanced Trade; in recordings the Exchange feed too, and Coinbase Pro's.

Source: docs.cdp.coinbase.com, advanced-trade/websocket and exchange/websocket-feed. docs/venues.md says which
messages are understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MissingTrade
from floorwire.core.ports import VenueOutput
from floorwire.venues.coinbase import limits, mapping, messages, messages_advanced
from floorwire.venues.coinbase.candle_history import CoinbaseCandles
from floorwire.venues.coinbase.product_book import ProductBook
from floorwire.venues.coinbase.trade_history import CoinbaseTrades
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.exchange import (
    Control,
    FetchedSnapshots,
    LinkKind,
    LostMessages,
    Operation,
    Reading,
    SeveralSymbols,
    SymbolMessages,
    Unreadable,
)
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.trade_ids import TradeIds
from floorwire.venues.common.venue_book import LostChangeError
from floorwire.venues.common.venue_clock import VenueClock
from floorwire.venues.common.venue_maker import VenueMaker

HOSTS = frozenset(
    (
        "ws-feed.exchange.coinbase.com",
        "api.exchange.coinbase.com",
        "ws-feed.pro.coinbase.com",
        "api.pro.coinbase.com",
        "advanced-trade-ws.coinbase.com",
        "api.coinbase.com",
    )
)
FEED_URL = "wss://advanced-trade-ws.coinbase.com"
LIST_URL = "https://api.coinbase.com/api/v3/brokerage/market/products"
CHANNELS: dict[StreamKind, str] = {
    "book": "level2",
    "trades": "market_trades",
    "quote": "ticker",
    "candles": "candles",
}
"""Coinbase: one channel in each request, with many products."""


def requested_symbols(text: str) -> list[str]:
    """Return the products in a recorded subscription; none for an address. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=messages.Request)
    if request.type != "subscribe":
        return []
    own = [channel.product_ids for channel in request.channels if isinstance(channel, messages.Channel)]
    return list(dict.fromkeys(sum(own, request.product_ids)))


class SymbolState:
    """What is kept of a product besides its book, over all its links."""

    __slots__ = ("resynced_to_trade", "ticker_sequence", "ticker_us", "trade_ids")

    def __init__(self) -> None:
        self.trade_ids = TradeIds()
        self.ticker_sequence = 0
        """The highest sequence number of a ticker."""
        self.ticker_us = 0
        """The latest venue time of a ticker."""
        self.resynced_to_trade = 0
        """Trades up to this id that are missing have caused a resync already."""


class Coinbase:
    """What differs at Coinbase: its addresses, requests, limits, and the meaning of its messages."""

    name = mapping.VENUE
    link_kinds: tuple[LinkKind, ...] = (LinkKind("feed", FEED_URL, limits.PRODUCTS_PER_LINK, EVERYTHING),)
    ping = ""
    ping_us = 0
    silent_us = limits.FEED_SILENT_US
    link_age_us: int | None = None
    requests = (limits.REQUESTS, limits.REQUEST_INTERVAL_US)
    allowances = limits.ALLOWANCES
    list_weight = 1
    pauses_us = limits.PAUSES_US
    candle_history: CandleHistory | None = CoinbaseCandles()
    trade_history: TradeHistory | None = CoinbaseTrades()
    snapshots: FetchedSnapshots | None = None

    def __init__(self, prefix: str) -> None:
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()
        self.symbol_silent_us = limits.SYMBOL_SILENT_US
        self._prefix = prefix
        self._numbers: dict[str, int] = {}
        """Link -> the number of its last message."""
        self._states: dict[str, SymbolState] = {}
        self._aliases: dict[str, dict[str, None]] = {}
        """Product -> those that have the same book. Messages name only the first."""
        self._subscribed: set[str] = set()

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the whole list."""
        return LIST_URL

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the products of either list. Raises ValueError, RecursionError."""
        return [bytes(row) for row in messages.products(body)]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the name and the instrument of a row. Raises ValueError, RecursionError."""
        product = msgspec.json.decode(row, type=messages.Product)
        instrument = mapping.instrument(product, self._prefix)
        native = product.id or product.product_id
        if product.alias:
            self._aliases.setdefault(product.alias, {})[native] = None
        return native, instrument

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return the name and an instrument for a product that no list has."""
        instrument = mapping.unlisted_instrument(text.upper(), self._prefix)
        return None if instrument is None else (text.upper(), instrument)

    def book(self, instrument: Instrument) -> ProductBook:
        """Return an empty book."""
        return ProductBook(instrument)

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return the request for heartbeats, without which Coinbase closes quiet channels."""
        return (_request("subscribe", "heartbeats", []),)

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return a request for each channel."""
        if op == "subscribe":
            self._subscribed.update(streams)
        for kind, channel in CHANNELS.items():
            products = [native for native, kinds in streams.items() if kind in kinds]
            if products:
                yield _request(op, channel, products)

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book."""
        return _request("unsubscribe", "level2", [native]), _request("subscribe", "level2", [native])

    def link_opened(self, link: str) -> None:
        """Forget the numbers of the connection before."""
        self._numbers.pop(link, None)

    # --- frames ---------------------------------------------------------------------------------

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is. Raises ValueError, RecursionError."""
        head = messages.head(data)
        if head.sequence_num is not None and (found := self._out_of_sequence(head.sequence_num, link)):
            return found
        if head.type == "error":
            return Control("refused")
        received = (
            messages_advanced.read(head.channel, data) if head.channel else messages.read(head.type, data)
        )
        if received is None:
            return None
        by_product: dict[str, list[messages.Message]] = {}
        for message in received:
            by_product.setdefault(message.product_id, []).append(message)
        return SeveralSymbols(
            [
                SymbolMessages(native, of_product)
                for product, of_product in by_product.items()
                for native in self._named(product)
            ]
        )

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return what is known of a frame. Where that is nothing, it may have been part of any book."""
        try:
            head = messages.head(data)
        except (ValueError, RecursionError):
            return Unreadable(is_of_book=True)
        return Unreadable(head.product_id, head.is_of_a_book, head.is_of_trades)

    def _out_of_sequence(self, number: int, link: str) -> LostMessages | Control | None:
        """Compare the number of a message with the last one.

        Advanced Trade numbers the messages of a connection one by one, over all channels. The Exchange feed
        does not.
        """
        last = self._numbers.get(link, number - 1)
        if number <= last:
            return Control("out_of_order")
        self._numbers[link] = number
        return None if number == last + 1 else LostMessages("sequence_gap")

    def _named(self, product: str) -> Sequence[str]:
        """Return the products that a message is about. Coinbase: BTC-USDC comes as BTC-USD."""
        aliases = self._aliases.get(product)
        if not aliases:
            return (product,)
        return [native for native in (product, *aliases) if native in self._subscribed] or (product,)

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError."""
        match message:
            case messages.Snapshot() | messages.Change():
                self._book(message, symbol, now_us, out)
            case messages.Match():
                self._match(message, symbol, now_us, out)
            case messages.Ticker():
                self._ticker(message, symbol, now_us, out)
            case messages.Heartbeat():
                self._heartbeat(message, symbol)
            case messages.Candle():
                out.append(mapping.candle(message, symbol.instrument))

    def _book(
        self,
        message: messages.Snapshot | messages.Change,
        symbol: SubscribedSymbol,
        now_us: int,
        out: list[VenueOutput],
    ) -> None:
        book = symbol.book
        assert isinstance(book, ProductBook)
        if "book" not in symbol.wanted:
            return  # it came after it was unsubscribed
        if isinstance(message, messages.Snapshot):
            snapshot = book.apply_snapshot(message, now_us)
            if snapshot is None:
                self.skipped["old_snapshot"] += 1  # the book is newer; another one is requested later
                return
            out.append(snapshot)
            ts_us = snapshot.ts_us
        elif not symbol.is_synced:
            return
        else:
            change = book.apply_change(message)
            ts_us = change.ts_us
            book.changed(self.clock.bounded(ts_us, now_us))
            out.append(change)
        self.skipped["off_tick"] += book.off_tick
        if (quote := book.levels.changed_quote(ts_us)) is not None:
            out.append(quote)

    def _match(
        self, message: messages.Match, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]
    ) -> None:
        of, book, state = symbol.instrument, symbol.book, self._state(symbol)
        assert isinstance(book, ProductBook)
        try:
            ts_us = self.clock.bounded(mapping.event_us(message.time, now_us), now_us)
        except ValueError:
            out.append(MissingTrade(of.symbol, self.clock.venue_time(now_us)))
            raise
        # The id counts also if the trade itself is left out below: it came, so it is not lost.
        match state.trade_ids.check(message.trade_id, ts_us):
            case "repeated":  # Coinbase repeats the last trades after a subscription
                self.skipped["repeated"] += 1
                return
            case "restarted":
                book.awaited_trade = state.resynced_to_trade = 0
            case "new":
                if message.trade_id == book.awaited_trade:
                    book.awaited_trade = 0
        try:
            out.append(mapping.match(message, of, book.levels.reader))
        except ValueError:
            out.append(MissingTrade(of.symbol, ts_us))
            raise

    def _ticker(
        self, message: messages.Ticker, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]
    ) -> None:
        of, state = symbol.instrument, self._state(symbol)
        ts_us = self.clock.bounded(mapping.event_us(message.time, now_us), now_us)
        is_later = message.time is not None and ts_us > state.ticker_us  # the venue restarted its sequence
        if message.sequence < state.ticker_sequence and not is_later:
            self.skipped["out_of_order"] += 1
            return
        state.ticker_sequence, state.ticker_us = message.sequence, max(state.ticker_us, ts_us)
        if day := mapping.day(message, of, now_us):
            out.append(day)
        if not symbol.is_synced and (quote := mapping.quote(message, of, symbol.book.levels.reader, now_us)):
            out.append(quote)  # a synced book gives quotes sooner and for each change

    def _heartbeat(self, message: messages.Heartbeat, symbol: SubscribedSymbol) -> None:
        """Find lost trades: a trade id in one heartbeat whose match has not come by the next one is lost.

        Other messages may be lost with it, so the book is resynced. Only the Exchange feed has these.
        """
        book, state = symbol.book, self._state(symbol)
        assert isinstance(book, ProductBook)
        symbol.is_regular = True
        self.symbol_silent_us = limits.HEARTBEAT_SILENT_US
        lost, last, came = book.awaited_trade, message.last_trade_id, state.trade_ids.last
        book.awaited_trade = last if came is not None and last > came else 0
        if lost > state.resynced_to_trade:
            state.resynced_to_trade = lost
            if symbol.is_synced:
                book.clear()
                raise LostChangeError(symbol.instrument.symbol, "sequence_gap")

    def _state(self, symbol: SubscribedSymbol) -> SymbolState:
        return self._states.setdefault(symbol.instrument.symbol, SymbolState())


def _request(op: Operation, channel: str, products: Sequence[str]) -> str:
    request: dict[str, object] = {"type": op, "channel": channel}
    if products:
        request["product_ids"] = products
    return msgspec.json.encode(request).decode()


venue = VenueMaker(Coinbase)

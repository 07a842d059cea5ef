"""Messages of Bybit (API v5, spot): instruments-info, and the frames of the public spot stream.

Source: the API guide of Bybit, "WebSocket Stream / Public" and "Market". Times are milliseconds. Fields may
come in any order: on spot ``type`` stands behind ``ts``.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since the epoch."""
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Pairs: TypeAlias = list[tuple[str, str]]
"""(price, size) as decimals; size "0" removes the level."""


class Book(
    msgspec.Struct, rename={"symbol": "s", "bids": "b", "asks": "a", "update": "u", "sequence": "seq"}
):
    """The whole book or a change of it, by the frame's ``type``."""

    symbol: str
    update: Id
    """Rises by one with each message; 1 after Bybit's service restarted."""
    bids: Pairs = []
    asks: Pairs = []
    sequence: Id = 0
    """Orders the books of different depths of one symbol. It does not rise by one."""


class Trade(
    msgspec.Struct,
    rename={"time": "T", "symbol": "s", "side": "S", "size": "v", "price": "p", "trade_id": "i"},
):
    """One trade. ``side`` is the taker's, ``Buy`` or ``Sell``."""

    time: Time
    symbol: str
    side: str
    size: str
    price: str
    trade_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """A UUID or a number."""


class Ticker(msgspec.Struct, rename="camel"):
    """The last 24 hours. On spot it has no best prices."""

    symbol: str
    high_price24h: str = msgspec.field(name="highPrice24h")
    low_price24h: str = msgspec.field(name="lowPrice24h")
    prev_price24h: str = msgspec.field(name="prevPrice24h")
    """The price 24 hours ago."""
    volume24h: str
    turnover24h: str


class Kline(msgspec.Struct):
    """The present values of one candle. The topic names the symbol and the interval."""

    start: Time
    open: str
    high: str
    low: str
    close: str
    volume: str
    confirm: bool
    """Whether the candle is closed."""
    timestamp: Time
    """When the last trade of the candle was."""


class LotSizeFilter(msgspec.Struct, rename="camel"):
    """The rules for sizes: ``basePrecision`` is the lot, ``minOrderAmt`` the least amount in quote coins.

    Bybit's guide: ``minOrderQty`` is deprecated and not checked, so it is not read.
    """

    base_precision: str
    min_order_amt: str = ""


class PriceFilter(msgspec.Struct, rename="camel"):
    """The rules for prices."""

    tick_size: str


class InstrumentRow(msgspec.Struct, rename="camel"):
    """One symbol of the list."""

    symbol: str
    base_coin: str
    quote_coin: str
    status: str
    lot_size_filter: LotSizeFilter
    price_filter: PriceFilter


class Request(msgspec.Struct):
    """A request of a client to subscribe or unsubscribe."""

    op: str
    args: list[str] = []


class Notice(msgspec.Struct, frozen=True):
    """A frame that is no data: the answer to a request. The topics that it is about are not named in it."""

    op: str
    success: bool
    reason: str
    request: str


class BookFrame(msgspec.Struct, frozen=True):
    """A book or a change of it. ``depth`` is that of the topic, ``time`` the engine's where it is sent."""

    depth: str
    is_snapshot: bool
    time: int
    book: Book


class TradeFrame(msgspec.Struct, frozen=True):
    """Trades of one symbol."""

    symbol: str
    rows: list[Trade]


class TickerFrame(msgspec.Struct, frozen=True):
    """The last 24 hours of one symbol."""

    time: int
    ticker: Ticker

    @property
    def symbol(self) -> str:
        """The symbol of the ticker."""
        return self.ticker.symbol


class KlineFrame(msgspec.Struct, frozen=True):
    """Candles of one symbol and interval."""

    symbol: str
    interval: str
    time: int
    rows: list[Kline]


Message: TypeAlias = Notice | BookFrame | TradeFrame | TickerFrame | KlineFrame

NO_DATA = msgspec.Raw(b"")


class Envelope(msgspec.Struct):
    """The fields that show the kind of a frame, and its data unread."""

    topic: str = ""
    ts: Time = 0
    type: str = ""
    data: msgspec.Raw = NO_DATA
    cts: Time = 0
    op: str = ""
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""


_envelopes = msgspec.json.Decoder(Envelope)
_books = msgspec.json.Decoder(Book)
_trades = msgspec.json.Decoder(list[Trade])
_tickers = msgspec.json.Decoder(Ticker)
_klines = msgspec.json.Decoder(list[Kline])


def read(data: str | bytes) -> Message | None:
    """Return the message in a frame; None if it is of another kind.

    Raises ValueError if it is no valid message, RecursionError if it is nested too deep.
    """
    frame = _envelopes.decode(data)
    if not frame.topic:
        return Notice(frame.op, frame.success, frame.ret_msg, frame.req_id) if frame.op else None
    channel, _, rest = frame.topic.partition(".")
    option, _, symbol = rest.partition(".")
    if channel == "orderbook":
        return BookFrame(option, frame.type == "snapshot", frame.cts or frame.ts, _books.decode(frame.data))
    if channel == "publicTrade":
        return TradeFrame(rest, _trades.decode(frame.data))
    if channel == "tickers":
        return TickerFrame(frame.ts, _tickers.decode(frame.data))
    if channel == "kline":
        return KlineFrame(symbol, option, frame.ts, _klines.decode(frame.data))
    return None


def topic_of(data: str | bytes) -> str:
    """Return the topic of a frame, though its data cannot be read; empty if that cannot be read either."""
    try:
        return _envelopes.decode(data).topic
    except (ValueError, RecursionError):
        return ""

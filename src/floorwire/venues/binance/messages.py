"""What Binance Spot sends: exchangeInfo, depth, and the frames of its market streams.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md. Times are in
milliseconds.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Millis: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Pairs: TypeAlias = list[tuple[str, str]]
"""(price, size) as decimals."""


class DepthUpdate(
    msgspec.Struct,
    rename={"event_ms": "E", "symbol": "s", "first": "U", "last": "u", "bids": "b", "asks": "a"},
):
    """A difference of the book: update ids first to last, absolute sizes, "0" for gone."""

    event_ms: Millis
    symbol: str
    first: Id
    last: Id
    bids: Pairs
    asks: Pairs


class Trade(
    msgspec.Struct,
    rename={"symbol": "s", "trade_id": "t", "price": "p", "size": "q", "trade_ms": "T", "buyer_makes": "m"},
):
    """One trade between one buyer and one seller."""

    symbol: str
    trade_id: Id
    price: str
    size: str
    trade_ms: Millis
    buyer_makes: bool


class AggTrade(
    msgspec.Struct,
    rename={"symbol": "s", "trade_id": "l", "price": "p", "size": "q", "trade_ms": "T", "buyer_makes": "m"},
):
    """Trades of one taker at one price; ``trade_id`` is the last one's."""

    symbol: str
    trade_id: Id
    price: str
    size: str
    trade_ms: Millis
    buyer_makes: bool


class BookTicker(
    msgspec.Struct,
    rename={
        "update": "u",
        "symbol": "s",
        "bid": "b",
        "bid_size": "B",
        "ask": "a",
        "ask_size": "A",
        "event_ms": "E",
    },
):
    """Best bid and ask as of an update id of the book; Spot does not say when."""

    update: Id
    symbol: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    event_ms: Millis | None = None


class DayTicker(
    msgspec.Struct,
    rename={
        "event_ms": "E",
        "symbol": "s",
        "open": "o",
        "high": "h",
        "low": "l",
        "volume": "v",
        "turnover": "q",
    },
):
    """The last 24 hours, rolling."""

    event_ms: Millis
    symbol: str
    open: str
    high: str
    low: str
    volume: str
    turnover: str


class Bar(
    msgspec.Struct,
    rename={
        "start_ms": "t",
        "interval": "i",
        "open": "o",
        "high": "h",
        "low": "l",
        "close": "c",
        "volume": "v",
        "trades": "n",
        "closed": "x",
    },
):
    """One candle as it now is."""

    start_ms: Millis
    interval: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: Id
    closed: bool


class Kline(msgspec.Struct, rename={"event_ms": "E", "symbol": "s", "bar": "k"}):
    """A candle, every one or two seconds while it lasts."""

    event_ms: Millis
    symbol: str
    bar: Bar


class Depth(msgspec.Struct, rename="camel"):
    """The book as GET /api/v3/depth answers it, best first."""

    last_update_id: Id
    bids: Pairs
    asks: Pairs


class Filter(msgspec.Struct, rename="camel"):
    """One of a symbol's trading rules; only those about steps and minimum are read."""

    filter_type: str = ""
    tick_size: str = ""
    step_size: str = ""
    min_notional: str = ""


class Symbol(msgspec.Struct, rename="camel"):
    """One symbol as exchangeInfo lists it."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    quote_precision: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    filters: list[Filter] = []


class ExchangeInfo(msgspec.Struct):
    """The list of symbols, each still raw: one that is broken must not cost the others."""

    symbols: list[msgspec.Raw]


class Request(msgspec.Struct):
    """What a client sends to change its streams."""

    method: str
    params: list[str] = []


Message: TypeAlias = DepthUpdate | Trade | AggTrade | BookTicker | DayTicker | Kline

SHAPES: dict[str, type[Message]] = {
    "depthUpdate": DepthUpdate,
    "trade": Trade,
    "aggTrade": AggTrade,
    "bookTicker": BookTicker,
    "24hrTicker": DayTicker,
    "kline": Kline,
}

STREAMS = {
    "depth": "depthUpdate",
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "ticker": "24hrTicker",
}
"""Kinds by what follows the symbol in a stream's name; only bookTicker does not say its kind itself."""


class Frame(msgspec.Struct):
    """A frame as far as its kind: combined (stream and data), or bare."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    kind: str = msgspec.field(default="", name="e")
    update: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="u")


_frame = msgspec.json.Decoder(Frame)
_message = {kind: msgspec.json.Decoder(shape) for kind, shape in SHAPES.items()}


def read(data: str | bytes) -> Message | None:
    """Return the message in a frame, None where it is of another kind.

    Raises ValueError where it is no message at all or not of its kind's shape, RecursionError where it is
    nested too deep.
    """
    frame = _frame.decode(data)
    if frame.stream:
        return _decode(_kind(frame.stream), frame.data)
    return _decode(frame.kind or ("bookTicker" if bytes(frame.update) else ""), data)


def _kind(stream: str) -> str:
    name = stream.partition("@")[2].partition("@")[0]
    return "kline" if name.startswith("kline_") else STREAMS.get(name, "")


def _decode(kind: str, data: str | bytes | msgspec.Raw) -> Message | None:
    decoder = _message.get(kind)
    return None if decoder is None else decoder.decode(data)

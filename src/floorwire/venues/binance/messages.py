"""Messages of Binance Spot: exchangeInfo, depth, and the frames of its market streams.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md. Times are in
milliseconds, or in microseconds if the client requested them (``timeUnit=MICROSECOND``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Generic, TypeAlias, TypeVar, final

import msgspec

from floorwire.venues.binance.scanned_messages import scan
from floorwire.venues.common.scanned_message import ScannedMessage

Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999_999)]
"""Milliseconds or microseconds since the epoch; ``common.decimals.epoch_us`` converts both."""
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Pairs: TypeAlias = list[tuple[str, str]]
"""(price, size) as decimals."""


@final
class DepthUpdate(
    msgspec.Struct,
    rename={"event_time": "E", "symbol": "s", "first": "U", "last": "u", "bids": "b", "asks": "a"},
):
    """A difference of the book: update ids first to last, and absolute sizes; "0" removes the level."""

    event_time: Time
    symbol: str
    first: Id
    last: Id
    bids: Pairs
    asks: Pairs


@final
class Trade(
    msgspec.Struct,
    rename={"symbol": "s", "trade_id": "t", "price": "p", "size": "q", "trade_time": "T", "buyer_makes": "m"},
):
    """One trade between one buyer and one seller."""

    symbol: str
    trade_id: Id
    price: str
    size: str
    trade_time: Time
    buyer_makes: bool


@final
class AggTrade(
    msgspec.Struct,
    rename={"symbol": "s", "trade_id": "l", "price": "p", "size": "q", "trade_time": "T", "buyer_makes": "m"},
):
    """The trades of one taker order at one price; ``trade_id`` is that of the last one."""

    symbol: str
    trade_id: Id
    price: str
    size: str
    trade_time: Time
    buyer_makes: bool


@final
class BookTicker(
    msgspec.Struct,
    rename={
        "update": "u",
        "symbol": "s",
        "bid": "b",
        "bid_size": "B",
        "ask": "a",
        "ask_size": "A",
        "event_time": "E",
    },
):
    """Best bid and ask at an update id of the book. Spot sends no time with them."""

    update: Id
    symbol: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    event_time: Time | None = None


@final
class DayTicker(
    msgspec.Struct,
    rename={
        "event_time": "E",
        "symbol": "s",
        "open": "o",
        "high": "h",
        "low": "l",
        "volume": "v",
        "turnover": "q",
    },
):
    """Statistics of the rolling last 24 hours."""

    event_time: Time
    symbol: str
    open: str
    high: str
    low: str
    volume: str
    turnover: str


class Kline(
    msgspec.Struct,
    rename={
        "start_time": "t",
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
    """The present values of one candle."""

    start_time: Time
    interval: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: Id
    closed: bool


@final
class KlineEvent(msgspec.Struct, rename={"event_time": "E", "symbol": "s", "kline": "k"}):
    """A candle, sent every one or two seconds until it is closed."""

    event_time: Time
    symbol: str
    kline: Kline


class Depth(msgspec.Struct, rename="camel"):
    """The answer to GET /api/v3/depth: the book, best levels first."""

    last_update_id: Id
    bids: Pairs
    asks: Pairs


class Filter(msgspec.Struct, rename="camel"):
    """One trading rule of a symbol. Only the steps and the minima are used."""

    filter_type: str = ""
    tick_size: str = ""
    step_size: str = ""
    min_qty: str = "0"
    min_notional: str = ""


class Symbol(msgspec.Struct, rename="camel"):
    """One symbol in exchangeInfo."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    quote_precision: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    filters: list[Filter] = []


class ExchangeInfo(msgspec.Struct):
    """The list of symbols. They are decoded one by one, so that a broken one does not affect the others."""

    symbols: list[msgspec.Raw]


class Request(msgspec.Struct):
    """A request of a client to subscribe or unsubscribe."""

    method: str
    params: list[str] = []


@final
class ServerShutdown(msgspec.Struct):
    """Binance will end this connection soon. It promises no time between."""


@final
class Refusal(msgspec.Struct):
    """The answer to a request that Binance could not use."""

    code: int
    msg: str = ""


Message: TypeAlias = DepthUpdate | Trade | AggTrade | BookTicker | DayTicker | KlineEvent
DataT = TypeVar("DataT")

MESSAGES: dict[str, type[Message | ServerShutdown]] = {
    "depthUpdate": DepthUpdate,
    "trade": Trade,
    "aggTrade": AggTrade,
    "bookTicker": BookTicker,
    "24hrTicker": DayTicker,
    "kline": KlineEvent,
    "serverShutdown": ServerShutdown,
}
SHUTDOWN_STREAM = "!serverShutdown"

STREAMS = {
    "depth": "depthUpdate",
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "ticker": "24hrTicker",
}
"""Stream name after the symbol -> kind of message. The frame of a bare bookTicker has no kind."""


class Frame(msgspec.Struct):
    """The fields of a frame that show its kind: of a combined stream (stream and data), or bare."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    kind: str = msgspec.field(default="", name="e")
    update: msgspec.Raw = msgspec.field(default=msgspec.Raw(b""), name="u")
    code: int | None = None


class Combined(msgspec.Struct, Generic[DataT]):
    """A frame of a combined stream whose kind is known."""

    data: DataT


_frame_decoder = msgspec.json.Decoder(Frame)
_decoders = {kind: msgspec.json.Decoder(message) for kind, message in MESSAGES.items()}
_combined: dict[
    bytes,
    Callable[[bytes], Combined[DepthUpdate] | Combined[Trade] | Combined[AggTrade] | Combined[BookTicker]],
] = {
    b"depth": msgspec.json.Decoder(Combined[DepthUpdate]).decode,
    b"depth@100ms": msgspec.json.Decoder(Combined[DepthUpdate]).decode,
    b"trade": msgspec.json.Decoder(Combined[Trade]).decode,
    b"aggTrade": msgspec.json.Decoder(Combined[AggTrade]).decode,
    b"bookTicker": msgspec.json.Decoder(Combined[BookTicker]).decode,
}
"""By the stream's name after the symbol: those that most frames are of."""
COMBINED = b'{"stream":"'
NAME_FROM = len(COMBINED)
IS_COMPILED = not __file__.endswith(".py")


def read(data: str | bytes) -> Message | ScannedMessage | ServerShutdown | Refusal | None:
    """Return the message in a frame; None if it is of another kind.

    Raises ValueError if it is no valid message, RecursionError if it is nested too deep.
    """
    if IS_COMPILED and type(data) is bytes:  # from the sources, a JSON decoder is faster
        scanned = scan(data)
        if scanned is not None:
            return scanned
    return decode_frame(data)


def decode_frame(data: str | bytes) -> Message | ServerShutdown | Refusal | None:
    """Return the same as ``read``, always by decoding."""
    if type(data) is bytes and data.startswith(COMBINED):
        name = data[data.find(b"@", NAME_FROM) + 1 : data.find(b'"', NAME_FROM)]
        decode = _combined.get(name)
        if decode is not None:
            return decode(data).data
    frame = _frame_decoder.decode(data)
    if frame.stream:
        return _decode(_kind(frame.stream), frame.data)
    if frame.code is not None:
        return Refusal(frame.code)
    return _decode(frame.kind or ("bookTicker" if bytes(frame.update) else ""), data)


def _kind(stream: str) -> str:
    if stream == SHUTDOWN_STREAM:
        return "serverShutdown"
    name = stream.partition("@")[2].partition("@")[0]
    return "kline" if name.startswith("kline_") else STREAMS.get(name, "")


def _decode(kind: str, data: str | bytes | msgspec.Raw) -> Message | ServerShutdown | None:
    decoder = _decoders.get(kind)
    return None if decoder is None else decoder.decode(data)

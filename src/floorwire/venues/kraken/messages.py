"""Messages of Kraken: the pairs of REST, and the frames of the public WebSocket v2.

Source: the API guide of Kraken, "Spot WebSocket v2" and "AssetPairs". Numbers are JSON numbers. They are kept
as the text that Kraken wrote, because the checksum of a book is of that text.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeAlias

import msgspec

from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.plain_decimals import plain_decimal
from floorwire.venues.common.price_levels import PriceAndSize
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.kraken.scanned_book_v2 import scan
from floorwire.venues.kraken.scanned_messages import scan_v2

IS_COMPILED = not __file__.endswith(".py")
MAX_NUMBER = 60
"""A number with more characters is none that Kraken sends."""
MAX_EXPONENT = 40

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
NO_DATA = msgspec.Raw(b"")
ZERO = msgspec.Raw(b"0")


class Level(msgspec.Struct, gc=False):
    """A price and its new size; size 0 removes the level."""

    price: msgspec.Raw
    qty: msgspec.Raw


class Book(msgspec.Struct):
    """The whole book of a symbol or a change of it, by the frame's ``type``."""

    symbol: str
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: int | None = None
    """The CRC32 after this message; None where Kraken sends none."""
    timestamp: str | None = None


class Trade(msgspec.Struct):
    """One trade. ``side`` is the taker's."""

    symbol: str
    side: str
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: Id
    timestamp: str


class Ticker(msgspec.Struct):
    """The best prices and the last 24 hours. A best price of 0: the side is empty."""

    symbol: str
    bid: msgspec.Raw
    bid_qty: msgspec.Raw
    ask: msgspec.Raw
    ask_qty: msgspec.Raw
    last: msgspec.Raw
    volume: msgspec.Raw
    low: msgspec.Raw
    high: msgspec.Raw
    change: msgspec.Raw
    """The last price less the one 24 hours ago."""
    timestamp: str | None = None


class Ohlc(msgspec.Struct):
    """The present values of one candle. ``interval`` is in minutes. No field says that it is closed."""

    symbol: str
    open: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw
    trades: Id
    interval_begin: str
    interval: Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class Pair(msgspec.Struct):
    """A pair of the channel ``instrument``."""

    symbol: str
    base: str
    quote: str
    status: str
    price_increment: msgspec.Raw
    qty_increment: msgspec.Raw
    qty_min: msgspec.Raw = ZERO
    cost_min: msgspec.Raw = ZERO


class Pairs(msgspec.Struct):
    """The data of the channel ``instrument``. The pairs are decoded one by one."""

    pairs: list[msgspec.Raw] = []


class AssetPair(msgspec.Struct):
    """A pair of GET /0/public/AssetPairs. ``wsname`` still has Kraken's old names: XBT, XDG.

    Lists of 2021 have neither ``status`` nor ``tick_size``: the tick was that of ``pair_decimals`` then.
    """

    wsname: str
    status: str = "online"
    tick_size: str = ""
    pair_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    lot_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    ordermin: str = "0"
    costmin: str = "0"


class Params(msgspec.Struct):
    """What a client subscribes to. A channel without symbols has none."""

    channel: str = ""
    symbol: list[str] = []


class Request(msgspec.Struct):
    """A request of a client."""

    method: str = ""
    params: Params = msgspec.field(default_factory=Params)


class Result(msgspec.Struct):
    """What was subscribed to."""

    channel: str = ""
    symbol: str = ""
    depth: int | None = None


class Notice(msgspec.Struct, frozen=True):
    """A frame without data: an answer to a request, a heartbeat, or the state of the system."""

    error: str = ""
    """Why a request was refused; empty if it was not."""
    result: Result | None = None


class BookFrame(msgspec.Struct, frozen=True):
    """A book or a change of it, with prices and sizes as Kraken wrote them."""

    is_snapshot: bool
    symbol: str
    bids: Sequence[PriceAndSize]
    asks: Sequence[PriceAndSize]
    checksum: int | None = None
    """The CRC32 after this message; None where Kraken sends none."""
    ts_us: int | None = None


Message: TypeAlias = BookFrame | Trade | Ticker | Ohlc


class Envelope(msgspec.Struct):
    """The fields that show the kind of a frame, and its data unread."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = NO_DATA
    method: str = ""
    success: bool = True
    error: str = ""
    result: msgspec.Raw = NO_DATA


class BookEnvelope(msgspec.Struct):
    """A frame of the channel ``book``."""

    type: str
    data: list[Book]


class Named(msgspec.Struct):
    """The symbol of a row of data."""

    symbol: str = ""


BOOK = b'{"channel":"book",'
"""So begin most frames."""
_book_envelopes = msgspec.json.Decoder(BookEnvelope)
_envelopes = msgspec.json.Decoder(Envelope)
_books = msgspec.json.Decoder(list[Book])
_trades = msgspec.json.Decoder(list[Trade])
_tickers = msgspec.json.Decoder(list[Ticker])
_candles = msgspec.json.Decoder(list[Ohlc])
_pairs = msgspec.json.Decoder(Pairs)
_results = msgspec.json.Decoder(Result)
_named = msgspec.json.Decoder(list[Named])


def read(data: str | bytes) -> ScannedMessage | SymbolMessages | Pairs | Notice | None:
    """Return the message in a frame; None if it is of another kind.

    Raises ValueError if it is no valid message, RecursionError if it is nested too deep.
    """
    if IS_COMPILED and type(data) is bytes:  # from the sources, a JSON decoder is faster
        scanned = scan(data)
        if scanned is not None:
            return scanned
        trades = scan_v2(data)
        if trades is not None:
            return trades
    return decode_frame(data)


def decode_frame(data: str | bytes) -> SymbolMessages | Pairs | Notice | None:
    """Return the same as ``read``, always by decoding."""
    if type(data) is bytes and data.startswith(BOOK):
        book_frame = _book_envelopes.decode(data)
        is_snapshot = book_frame.type == "snapshot"
        return _of_one([_book(is_snapshot, book) for book in book_frame.data])
    frame = _envelopes.decode(data)
    if frame.channel == "instrument":
        return _pairs.decode(frame.data)
    if frame.channel in ("heartbeat", "status"):
        return Notice()
    if frame.channel:
        return _symbol_frame(frame)
    return _notice(frame) if frame.method else None


def symbol_of_book(data: str | bytes) -> str | None:
    """Return the symbol of a frame of a book that cannot be read; None if it is of none."""
    try:
        frame = _envelopes.decode(data)
        rows = _named.decode(frame.data) if frame.channel == "book" else []
    except (ValueError, RecursionError):
        return None
    return rows[0].symbol if rows else None


def number(raw: msgspec.Raw) -> str:
    """Return a JSON number as plain decimal text, with all its zeros. Raises ValueError."""
    text = bytes(raw).decode("ascii")
    if plain_decimal(text) >= 0:
        return text
    if len(text) > MAX_NUMBER:
        raise ValueError(text)
    if "e" not in text and "E" not in text:
        return text
    try:
        decimal = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not decimal.is_finite() or abs(decimal.adjusted()) > MAX_EXPONENT:
        raise ValueError(text)
    return format(decimal, "f")


def _symbol_frame(frame: Envelope) -> SymbolMessages | None:
    match frame.channel:
        case "book":
            is_snapshot = frame.type == "snapshot"
            return _of_one([_book(is_snapshot, book) for book in _books.decode(frame.data)])
        case "trade":
            return _of_one(_trades.decode(frame.data))
        case "ticker":
            return _of_one(_tickers.decode(frame.data))
        case "ohlc":
            return _of_one(_candles.decode(frame.data))
    return None


def _notice(frame: Envelope) -> Notice:
    if not frame.success:
        return Notice(error=frame.error or "unknown")
    result = bytes(frame.result)
    return Notice(result=_results.decode(result) if result.startswith(b"{") else None)


def _of_one(messages: Sequence[Message]) -> SymbolMessages:
    """Return the messages of a frame. Kraken sends frames of one symbol. Raises ValueError for others."""
    if len(messages) != 1:
        symbols = {message.symbol for message in messages}
        if len(symbols) != 1:
            raise ValueError(f"{len(symbols)} symbols in a frame")
    return SymbolMessages(messages[0].symbol, messages)


def _book(is_snapshot: bool, book: Book) -> BookFrame:
    ts_us = None if book.timestamp is None else rfc3339_us(book.timestamp)
    return BookFrame(
        is_snapshot, book.symbol, _pairs_of(book.bids), _pairs_of(book.asks), book.checksum, ts_us
    )


def _pairs_of(levels: Sequence[Level]) -> list[PriceAndSize]:
    return [(number(level.price), number(level.qty)) for level in levels]

"""Frames of Kraken's WebSocket v1, in recordings, as messages of v2.

Source: the API guide of Kraken, "WebSocket API v1". Prices and sizes are texts; they are kept as written,
because the checksum of a book is of them. Pairs have the old names XBT and XDG. A frame with data is
[channel id, data, channel name, pair]; a book that changed on both sides has two objects of data.
Trades have no ids: ``trade_id`` is 0 here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec

from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.price_levels import WrittenLevel
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.kraken import messages
from floorwire.venues.kraken.messages import BookFrame, Message, Notice, Result
from floorwire.venues.kraken.pair_names import current_pair
from floorwire.venues.kraken.scanned_book import scan
from floorwire.venues.kraken.scanned_messages import scan_v1

SIDES = {"b": "buy", "s": "sell"}
"""The taker's side."""
IS_COMPILED = not __file__.endswith(".py")
OPENING = ord("[")
END = 60
"""The channel and the pair are in so many characters at the end of a frame."""
MAX_CHECKSUM = 2**32


class Subscribed(msgspec.Struct):
    """What was subscribed to."""

    name: str = ""
    depth: int | None = None


class Event(msgspec.Struct):
    """A frame that is an object: an answer to a request, a heartbeat, or the state of the system."""

    event: str
    pair: str = ""
    status: str = ""
    error_message: str = msgspec.field(name="errorMessage", default="")
    subscription: Subscribed = msgspec.field(default_factory=Subscribed)


class Request(msgspec.Struct):
    """A request of a client."""

    event: str
    pair: list[str] = []


class TimedLevel(WrittenLevel, array_like=True, gc=False):
    """``[price, size, time]``; a level that came again also has ``r``."""

    time: str


Levels: TypeAlias = list[TimedLevel]


class BookData(msgspec.Struct):
    """The whole book (``as``, ``bs``), or changed levels (``a``, ``b``)."""

    all_asks: Levels | None = msgspec.field(name="as", default=None)
    all_bids: Levels | None = msgspec.field(name="bs", default=None)
    asks: Levels = msgspec.field(name="a", default_factory=list)
    bids: Levels = msgspec.field(name="b", default_factory=list)
    checksum: str | None = msgspec.field(name="c", default=None)


class TickerData(msgspec.Struct):
    """Best prices as price, whole lots and lots; the others as today and the last 24 hours."""

    ask: tuple[str, msgspec.Raw, str] = msgspec.field(name="a")
    bid: tuple[str, msgspec.Raw, str] = msgspec.field(name="b")
    last: tuple[str, str] = msgspec.field(name="c")
    volume: tuple[str, str] = msgspec.field(name="v")
    low: tuple[str, str] = msgspec.field(name="l")
    high: tuple[str, str] = msgspec.field(name="h")
    opened: tuple[str, str] = msgspec.field(name="o")


# Whole frames of books, which most are: a change of one side or a snapshot, and a change of both sides.
_one_object = msgspec.json.Decoder(tuple[int, BookData, str, str]).decode
_two_objects = msgspec.json.Decoder(tuple[int, BookData, BookData, str, str]).decode
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_texts = msgspec.json.Decoder(str)
_events = msgspec.json.Decoder(Event)
_books = msgspec.json.Decoder(BookData)
_trades = msgspec.json.Decoder(list[list[str]])
_tickers = msgspec.json.Decoder(TickerData)


def requested_pairs(text: str) -> list[str]:
    """Return the symbols in a recorded subscription of v1. Raises ValueError."""
    request = msgspec.json.decode(text, type=Request)
    return [current_pair(pair) for pair in request.pair] if request.event == "subscribe" else []


def read_event(data: str | bytes) -> Notice | None:
    """Return what a frame that is an object says; None if it is none of v1. Raises RecursionError."""
    try:
        return _notice(_events.decode(data))
    except ValueError:
        return None


def is_array(data: str | bytes) -> bool:
    """Return whether a frame is an array: of v1, with data."""
    if isinstance(data, bytes):
        encoded = data
        return len(encoded) > 0 and encoded[0] == OPENING
    return data.startswith("[")


def read(data: str | bytes) -> ScannedMessage | SymbolMessages | None:
    """Return the message in a frame that is an array; None if it is of another kind.

    Raises ValueError if it is no valid message, RecursionError if it is nested too deep.
    """
    if IS_COMPILED and type(data) is bytes:  # from the sources, a JSON decoder is faster
        scanned = scan(data)
        if scanned is not None:
            return scanned
        single = scan_v1(data)
        if single is not None:
            return single
    return decode_frame(data)


def decode_frame(data: str | bytes) -> SymbolMessages | None:
    """Return the same as ``read``, always by decoding."""
    end = data[-END:]
    is_book = b'"book-' in end if isinstance(end, bytes) else '"book-' in end
    if is_book and (book := _read_book(data)) is not None:
        return book
    parts = _parts.decode(data)
    if len(parts) < 4:
        raise ValueError(f"{len(parts)} parts")
    pair = current_pair(_texts.decode(parts[-1]))
    rows = _messages(_texts.decode(parts[-2]).partition("-")[0], pair, parts[1:-2])
    return None if rows is None else SymbolMessages(pair, rows)


def _read_book(data: str | bytes) -> SymbolMessages | None:
    """Return the message in a frame of a book; None if it is of another kind, or no valid message."""
    try:
        _, first, channel, name = _one_object(data)
        parts: tuple[BookData, ...] = (first,)
    except msgspec.ValidationError:
        try:
            _, first, second, channel, name = _two_objects(data)
        except msgspec.ValidationError:
            return None
        parts = (first, second)
    if not channel.startswith("book-"):
        return None
    pair = current_pair(name)
    return SymbolMessages(pair, (_book(pair, parts),))


def symbol_of_book(data: str | bytes) -> str | None:
    """Return the symbol of a frame of a book that cannot be read; None if it is of none."""
    try:
        parts = _parts.decode(data)
        is_book = len(parts) >= 4 and _texts.decode(parts[-2]).startswith("book")
        return current_pair(_texts.decode(parts[-1])) if is_book else None
    except (ValueError, RecursionError):
        return None


def _notice(event: Event) -> Notice:
    if event.status == "error":
        return Notice(error=event.error_message or "unknown")
    if event.event != "subscriptionStatus":
        return Notice()
    subscribed = event.subscription
    return Notice(result=Result(subscribed.name, current_pair(event.pair), subscribed.depth))


def _messages(channel: str, pair: str, data: Sequence[msgspec.Raw]) -> Sequence[Message] | None:
    match channel:
        case "book":
            return [_book(pair, tuple([_books.decode(part) for part in data]))]
        case "trade":
            return [_trade(pair, row) for row in _trades.decode(data[0])]
        case "ticker":
            return [_ticker(pair, _tickers.decode(data[0]))]
    return None


def _book(pair: str, parts: tuple[BookData, ...]) -> BookFrame:
    first = parts[0]
    if first.all_asks is not None and first.all_bids is not None:
        return BookFrame(True, pair, first.all_bids, first.all_asks)
    bids, asks, checksum = first.bids, first.asks, first.checksum
    if len(parts) > 1:
        bids, asks = list(bids), list(asks)
        for part in parts[1:]:
            bids += part.bids
            asks += part.asks
            checksum = part.checksum if checksum is None else checksum
    return BookFrame(False, pair, bids, asks, _checksum(checksum), _latest_us(bids, asks) or None)


def _date(seconds: str) -> str:
    """Return a time in seconds since 1970 as RFC 3339, as v2 sends times. Raises ValueError."""
    whole, _, fraction = seconds.partition(".")
    if len(whole) != 10 or not (whole + fraction).isdecimal():
        raise ValueError(seconds)
    at = datetime.fromtimestamp(int(whole), UTC).replace(tzinfo=None)
    return f"{at.isoformat()}.{fraction[:6].ljust(6, '0')}Z"


def _has(row: Sequence[str], length: int) -> bool:
    if len(row) < length:
        raise ValueError(f"{len(row)} fields")
    return True


def _latest_us(bids: Levels, asks: Levels) -> int:
    """Return the time of the latest level that changed, 0 if there is none. Raises ValueError."""
    latest_us = 0
    for side in (bids, asks):
        for row in side:
            at_us = _time_us(row.time)
            latest_us = max(at_us, latest_us)
    return latest_us


def _time_us(seconds: str) -> int:
    """Return a time in seconds since 1970 in microseconds. Raises ValueError."""
    whole, _, fraction = seconds.partition(".")
    if len(whole) != 10 or not (whole + fraction).isdecimal():
        raise ValueError(seconds)
    return int(whole) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _checksum(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not int(text) < MAX_CHECKSUM:
        raise ValueError(text)
    return int(text)


def _trade(pair: str, row: Sequence[str]) -> messages.Trade:
    _has(row, 4)
    side = SIDES.get(row[3], "")
    return messages.Trade(pair, side, _number(row[0]), _number(row[1]), 0, _date(row[2]))


def _ticker(pair: str, data: TickerData) -> messages.Ticker:
    try:
        change = format(Decimal(data.last[0]) - Decimal(data.opened[1]), "f")
    except InvalidOperation:
        raise ValueError(data.last[0]) from None
    return messages.Ticker(
        symbol=pair,
        bid=_number(data.bid[0]),
        bid_qty=_number(data.bid[2]),
        ask=_number(data.ask[0]),
        ask_qty=_number(data.ask[2]),
        last=_number(data.last[0]),
        volume=_number(data.volume[1]),
        low=_number(data.low[1]),
        high=_number(data.high[1]),
        change=_number(change),
    )


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())

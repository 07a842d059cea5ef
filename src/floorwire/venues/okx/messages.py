"""Messages of OKX (API v5, spot): instruments, and the frames of its public and business channels.

Source: the API guide of OKX, "Public Channel" and "Order Book Trading / Market Data". Times are milliseconds
in text. Numbers are text too, but for the numbers of book messages and their checksum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias

import msgspec

from floorwire.venues.common.price_levels import WrittenLevel
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.okx.scanned_messages import scan

Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since the epoch. The decoders accept them in text."""
SequenceId: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=2**62)]
TradeId: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Book(msgspec.Struct, rename="camel"):
    """The whole book, or a change of it, or (bbo-tbt) its best levels."""

    ts: Time
    bids: list[WrittenLevel] = []
    """``[price, size, "0", number of orders]``. Size "0" removes a level."""
    asks: list[WrittenLevel] = []
    seq_id: SequenceId | None = None
    prev_seq_id: SequenceId | None = None
    """The ``seq_id`` of the message before, -1 in a snapshot. Recordings of 2022 have neither."""
    checksum: int = 0
    """CRC32 of the best 25 levels, signed; 0 where OKX computes none, as it does since June 2026."""


class Trade(msgspec.Struct, rename="camel"):
    """A trade. In the channel ``trades`` it is all that one taker order traded at one price."""

    inst_id: str
    trade_id: TradeId
    """The id of the last of these trades."""
    px: str
    sz: str
    side: str
    """The taker's side."""
    ts: Time


class Ticker(msgspec.Struct, rename={"volume": "vol24h", "turnover": "volCcy24h"}):
    """The last 24 hours, by the channel ``tickers``. On spot ``volCcy24h`` is in the quote currency."""

    ts: Time
    open24h: str
    high24h: str
    low24h: str
    volume: str
    turnover: str


class CandleRow(msgspec.Struct, array_like=True):
    """One candle: ``[start, open, high, low, close, base volume, quote volume, ..., confirm]``."""

    start: Time
    open: str
    high: str
    low: str
    close: str
    volume: str
    volume_currency: str
    volume_quote: str
    confirm: str
    """``1`` once the candle is closed."""


class InstrumentRow(msgspec.Struct, rename="camel"):
    """One instrument, in the list or in the channel ``instruments``."""

    inst_type: str
    inst_id: str
    base_ccy: str
    quote_ccy: str
    tick_sz: str
    lot_sz: str
    state: str
    min_sz: str = ""


class Stream(msgspec.Struct, rename="camel", frozen=True, gc=False, omit_defaults=True):
    """A channel of an instrument, as requests and frames name it."""

    channel: str = ""
    inst_id: str = ""
    inst_type: str = ""


class Request(msgspec.Struct):
    """A request of a client to subscribe or unsubscribe."""

    op: str
    args: list[Stream] = []


class Notice(msgspec.Struct, frozen=True):
    """A frame that is no data: an acknowledgement, a refusal, or an announcement.

    ``event`` is ``subscribe``, ``unsubscribe``, ``error``, ``notice`` (64008: this service ends in about a
    minute), or ``pong``.
    """

    event: str
    code: str
    msg: str
    request: str
    stream: Stream


FRAME_NAMES = {"stream": "arg", "rows": "data"}
"""What the parts of a frame are called in it."""


class BookFrame(msgspec.Struct, frozen=True, rename=FRAME_NAMES):
    """Messages of a book channel; ``action`` is ``snapshot``, ``update``, or empty (bbo-tbt)."""

    stream: Stream
    rows: list[Book]
    action: str = ""


class TradeFrame(msgspec.Struct, frozen=True, rename=FRAME_NAMES):
    """Trades of an instrument."""

    stream: Stream
    rows: list[Trade]


class TickerFrame(msgspec.Struct, frozen=True, rename=FRAME_NAMES):
    """Tickers of an instrument."""

    stream: Stream
    rows: list[Ticker]


class CandleFrame(msgspec.Struct, frozen=True, rename=FRAME_NAMES):
    """Candles of an instrument. The channel names the interval."""

    stream: Stream
    rows: list[CandleRow]


class InstrumentFrame(msgspec.Struct, frozen=True):
    """New or changed instruments; all of them after a subscription."""

    rows: list[msgspec.Raw]


Message: TypeAlias = Notice | BookFrame | TradeFrame | TickerFrame | CandleFrame | InstrumentFrame

PONG = Notice("pong", "", "", "", Stream())
BOOK_CHANNELS = frozenset(("books", "bbo-tbt"))
TRADE_CHANNELS = frozenset(("trades", "trades-all"))
NO_DATA = msgspec.Raw(b"")


class Envelope(msgspec.Struct):
    """The fields that show the kind of a frame, and its data unread."""

    arg: Stream = Stream()
    data: msgspec.Raw = NO_DATA
    action: str = ""
    event: str = ""
    code: str = ""
    msg: str = ""
    id: str = ""


_envelopes = msgspec.json.Decoder(Envelope)
# Not strict: times and trade ids are numbers in text.
_books = msgspec.json.Decoder(list[Book], strict=False)
_trades = msgspec.json.Decoder(list[Trade], strict=False)
_tickers = msgspec.json.Decoder(list[Ticker], strict=False)
_candles = msgspec.json.Decoder(list[CandleRow], strict=False)
_frames: dict[bytes, Callable[[bytes], BookFrame | TradeFrame | TickerFrame]] = {
    b"books": msgspec.json.Decoder(BookFrame, strict=False).decode,
    b"bbo-tbt": msgspec.json.Decoder(BookFrame, strict=False).decode,
    b"trades": msgspec.json.Decoder(TradeFrame, strict=False).decode,
    b"tickers": msgspec.json.Decoder(TickerFrame, strict=False).decode,
}
"""By the channel: whole frames of those that most are of."""
IS_COMPILED = not __file__.endswith(".py")
HEAD = b'{"arg":{"channel":"'
NAME_FROM = len(HEAD)
_rows = msgspec.json.Decoder(list[msgspec.Raw])


def read(data: str | bytes) -> Message | ScannedMessage | None:
    """Return the message in a frame; None if it is of another kind.

    Raises ValueError if it is no valid message, RecursionError if it is nested too deep.
    """
    if IS_COMPILED and type(data) is bytes:  # from the sources, a JSON decoder is faster
        scanned = scan(data)
        if scanned is not None:
            return scanned
    return decode_frame(data)


def decode_frame(data: str | bytes) -> Message | None:
    """Return the same as ``read``, always by decoding."""
    if type(data) is bytes and data.startswith(HEAD):
        decode = _frames.get(data[NAME_FROM : data.find(b'"', NAME_FROM)])
        if decode is not None:
            try:
                return decode(data)
            except msgspec.ValidationError:
                pass  # an answer to a request, or what is said of it below
    if data in (b"pong", "pong"):
        return PONG
    frame = _envelopes.decode(data)
    if frame.event:
        return Notice(frame.event, frame.code, frame.msg, frame.id, frame.arg)
    return _read_rows(frame)


def _read_rows(frame: Envelope) -> Message | None:
    channel = frame.arg.channel
    if channel in BOOK_CHANNELS:
        return BookFrame(frame.arg, _books.decode(frame.data), frame.action)
    if channel in TRADE_CHANNELS:
        return TradeFrame(frame.arg, _trades.decode(frame.data))
    if channel == "tickers":
        return TickerFrame(frame.arg, _tickers.decode(frame.data))
    if channel.startswith("candle"):
        return CandleFrame(frame.arg, _candles.decode(frame.data))
    if channel == "instruments":
        return InstrumentFrame(_rows.decode(frame.data))
    return None


def request(op: str, streams: Sequence[Stream]) -> str:
    """Return a request to subscribe or unsubscribe."""
    return msgspec.json.encode({"op": op, "args": streams}).decode()


def stream_of(data: str | bytes) -> Stream | None:
    """Return which stream a frame is of, though its data cannot be read; None if it is of none."""
    try:
        return _envelopes.decode(data).arg
    except (ValueError, RecursionError):
        return None

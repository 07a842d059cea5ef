"""The most frequent frames of OKX, read byte by byte where this module is compiled.

OKX writes all frames of a channel alike. Another frame is left to ``messages``, and so is one with what is
refused, or read in another way: a number with an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.frame_scanner import FrameScanner, scanner_of
from floorwire.venues.common.scanned_message import ScannedMessage

CHANNEL = b'{"arg":{"channel":"'
BOOKS = b'books","instId":"'
QUOTES = b'bbo-tbt","instId":"'
TRADES = b'trades","instId":"'
TICKERS = b'tickers","instId":"'
QUOTE = ord('"')
MAX_MS = 253_402_300_799_999


class ScannedBook(ScannedMessage):
    """``Book`` of the channel ``books``. Its levels are read where they stand in the frame."""

    __slots__ = ("asks_at", "bids_at", "checksum", "frame", "is_snapshot", "prev_seq_id", "seq_id", "ts")
    frame: FrameScanner
    is_snapshot: bool
    ts: int
    bids_at: int
    asks_at: int
    seq_id: int | None
    prev_seq_id: int | None
    checksum: int


class ScannedQuote(ScannedMessage):
    """``Book`` of the channel ``bbo-tbt`` with a level on each side, as plain decimals."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "ts")
    ts: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


class ScannedTrade(ScannedMessage):
    """``Trade``, alone in its frame, with plain decimals."""

    __slots__ = ("is_sale", "price", "size", "trade_id", "ts")
    trade_id: int
    price: int
    size: int
    is_sale: bool
    """Whether the taker sold."""
    ts: int


class ScannedTicker(ScannedMessage):
    """``Ticker``, alone in its frame: plain decimals, and volumes as texts, which may have more digits."""

    __slots__ = ("high", "low", "opened", "ts", "turnover", "volume")
    ts: int
    opened: int
    high: int
    low: int
    volume: str
    turnover: str


def scan(data: bytes) -> ScannedMessage | None:
    """Return the message in a frame; None if it has to be decoded."""
    frame = scanner_of(data)
    frame.expect(CHANNEL)
    message: ScannedMessage
    if frame.has(BOOKS):
        message = _book(frame)
    elif frame.has(QUOTES):
        message = _quote(frame)
    elif frame.has(TRADES):
        message = _trade(frame)
    else:
        frame.expect(TICKERS)
        message = _ticker(frame)
    return message if frame.is_whole() else None


def _book(frame: FrameScanner) -> ScannedBook:
    book = ScannedBook.__new__(ScannedBook)
    book.frame = frame
    book.symbol = frame.text()
    frame.expect(b'"},"action":"')
    book.is_snapshot = frame.has(b"snapshot")
    if not book.is_snapshot:
        frame.expect(b"update")
    frame.expect(b'","data":[{"asks":')
    book.asks_at = _levels(frame)
    frame.expect(b',"bids":')
    book.bids_at = _levels(frame)
    frame.expect(b',"ts":"')
    book.ts = _time_ms(frame)
    frame.expect(b'","checksum":')
    book.checksum = -frame.number() if frame.has(b"-") else frame.number()
    book.seq_id = book.prev_seq_id = None
    if frame.has(b',"prevSeqId":'):
        book.prev_seq_id = _sequence_id(frame)
        frame.expect(b',"seqId":')
        book.seq_id = _sequence_id(frame)
    elif frame.has(b',"seqId":'):
        book.seq_id = _sequence_id(frame)
        frame.expect(b',"prevSeqId":')
        book.prev_seq_id = _sequence_id(frame)
    frame.expect(b"}]}")
    return book


def _quote(frame: FrameScanner) -> ScannedQuote:
    quote = ScannedQuote.__new__(ScannedQuote)
    quote.symbol = frame.text()
    frame.expect(b'"},"data":[{"asks":[')
    frame.expect(b'["')
    quote.ask = frame.decimal()
    frame.expect(b'","')
    quote.ask_size = frame.decimal()
    _rest(frame)
    frame.expect(b'],"bids":[')
    frame.expect(b'["')
    quote.bid = frame.decimal()
    frame.expect(b'","')
    quote.bid_size = frame.decimal()
    _rest(frame)
    frame.expect(b'],"ts":"')
    quote.ts = _time_ms(frame)
    frame.expect(b'"')
    if frame.has(b',"seqId":'):
        _sequence_id(frame)
    frame.expect(b"}]}")
    return quote


def _trade(frame: FrameScanner) -> ScannedTrade:
    trade = ScannedTrade.__new__(ScannedTrade)
    trade.symbol = frame.text()
    frame.expect(b'"},"data":[{"instId":"')
    frame.text()
    frame.expect(b'","tradeId":"')
    trade.trade_id = frame.number()
    frame.expect(b'","px":"')
    trade.price = frame.decimal()
    frame.expect(b'","sz":"')
    trade.size = frame.decimal()
    frame.expect(b'","side":"')
    trade.is_sale = frame.has(b"sell")
    if not trade.is_sale:
        frame.expect(b"buy")
    frame.expect(b'","ts":"')
    trade.ts = _time_ms(frame)
    frame.expect(b'"')
    if frame.has(b',"count":"'):
        frame.number()
        frame.expect(b'"')
    frame.expect(b"}]}")
    return trade


def _ticker(frame: FrameScanner) -> ScannedTicker:
    ticker = ScannedTicker.__new__(ScannedTicker)
    ticker.symbol = frame.text()
    frame.expect(b'"},"data":[{"instType":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"instId":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"last":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"lastSz":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"askPx":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"askSz":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"bidPx":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"bidSz":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"open24h":"')
    ticker.opened = frame.decimal()
    frame.expect(b'","high24h":"')
    ticker.high = frame.decimal()
    frame.expect(b'","low24h":"')
    ticker.low = frame.decimal()
    frame.expect(b'","')
    is_of_2022 = frame.has(b"sod")  # today the volumes come first
    if is_of_2022:
        _days(frame)
        frame.expect(b',"')
    frame.expect(b'volCcy24h":"')
    ticker.turnover = frame.decimal_text()
    frame.expect(b'","vol24h":"')
    ticker.volume = frame.decimal_text()
    frame.expect(b'","')
    if not is_of_2022:
        frame.expect(b"sod")
        _days(frame)
        frame.expect(b',"')
    frame.expect(b'ts":"')
    ticker.ts = _time_ms(frame)
    frame.expect(b'"}]}')
    return ticker


def _days(frame: FrameScanner) -> None:
    """Go past the first prices of the day, in UTC and in Hong Kong, after ``sod``."""
    frame.expect(b'Utc0":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"sodUtc8":"')
    frame.expect_past(QUOTE)


def _rest(frame: FrameScanner) -> None:
    """Go past what is not read of a level: ``"0"`` and the number of orders."""
    frame.expect(b'","')
    frame.expect_decimal()
    frame.expect(b'","')
    frame.expect_decimal()
    frame.expect(b'"]')


def _time_ms(frame: FrameScanner) -> int:
    found = frame.number()
    if found > MAX_MS:
        frame.fail()
    return found


def _sequence_id(frame: FrameScanner) -> int:
    return -1 if frame.has(b"-1") else frame.number()


def _levels(frame: FrameScanner) -> int:
    """Go past ``[[price, size, "0", number of orders], ...]``; return where it begins."""
    begin = frame.at
    frame.expect(b"[")
    is_next = not frame.has(b"]")
    if not is_next:
        return begin
    while is_next:
        frame.expect_row(4)
        is_next = frame.has(b",")
    frame.expect(b"]")
    return begin

"""The most frequent frames of Binance, read byte by byte where this module is compiled.

Binance writes all frames of a stream alike. Another frame is left to ``messages``, and so is one with what is
refused, or read in another way: a number with a sign or an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.frame_scanner import FrameScanner, scanner_of
from floorwire.venues.common.scanned_message import ScannedMessage

COMBINED = b'{"stream":"'
AT = ord("@")
BOOK_TICKER = b'bookTicker","data":{"u":'
TRADE = b'trade","data":{"e":"trade","E":'
DEPTH = b'depth@100ms","data":{"e":"depthUpdate","E":'


class ScannedQuote(ScannedMessage):
    """``BookTicker``, with plain decimals."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "update")
    update: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


class ScannedTrade(ScannedMessage):
    """``Trade``, with plain decimals."""

    __slots__ = ("buyer_makes", "price", "size", "trade_id", "trade_time")
    trade_id: int
    price: int
    size: int
    trade_time: int
    buyer_makes: bool


class ScannedDepth(ScannedMessage):
    """``DepthUpdate``. Its levels are read where they stand in the frame."""

    __slots__ = ("asks_at", "bids_at", "event_time", "first", "frame", "last")
    event_time: int
    first: int
    last: int
    frame: FrameScanner
    bids_at: int
    asks_at: int


def scan(data: bytes) -> ScannedMessage | None:
    """Return the message in a frame; None if it has to be decoded."""
    frame = scanner_of(data)
    frame.expect(COMBINED)
    frame.expect_past(AT)
    message: ScannedMessage
    if frame.has(BOOK_TICKER):
        message = _quote(frame)
    elif frame.has(TRADE):
        message = _trade(frame)
    else:
        frame.expect(DEPTH)
        message = _depth(frame)
    return message if frame.is_whole() else None


def _quote(frame: FrameScanner) -> ScannedQuote:
    quote = ScannedQuote.__new__(ScannedQuote)
    quote.update = frame.number()
    frame.expect(b',"s":"')
    quote.symbol = frame.text()
    frame.expect(b'","b":"')
    quote.bid = frame.decimal()
    frame.expect(b'","B":"')
    quote.bid_size = frame.decimal()
    frame.expect(b'","a":"')
    quote.ask = frame.decimal()
    frame.expect(b'","A":"')
    quote.ask_size = frame.decimal()
    frame.expect(b'"}}')
    return quote


def _trade(frame: FrameScanner) -> ScannedTrade:
    trade = ScannedTrade.__new__(ScannedTrade)
    frame.number()
    frame.expect(b',"s":"')
    trade.symbol = frame.text()
    frame.expect(b'","t":')
    trade.trade_id = frame.number()
    frame.expect(b',"p":"')
    trade.price = frame.decimal()
    frame.expect(b'","q":"')
    trade.size = frame.decimal()
    frame.expect(b'","T":')
    trade.trade_time = frame.number()
    frame.expect(b',"m":')
    trade.buyer_makes = frame.has(b"true")
    if not trade.buyer_makes:
        frame.expect(b"false")
    frame.expect(b',"M":true}}')
    return trade


def _depth(frame: FrameScanner) -> ScannedDepth:
    depth = ScannedDepth.__new__(ScannedDepth)
    depth.frame = frame
    depth.event_time = frame.number()
    frame.expect(b',"s":"')
    depth.symbol = frame.text()
    frame.expect(b'","U":')
    depth.first = frame.number()
    frame.expect(b',"u":')
    depth.last = frame.number()
    frame.expect(b',"b":')
    depth.bids_at = frame.expect_pairs()
    frame.expect(b',"a":')
    depth.asks_at = frame.expect_pairs()
    frame.expect(b"}}")
    return depth

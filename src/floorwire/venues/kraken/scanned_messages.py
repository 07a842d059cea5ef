"""Trades and tickers of Kraken, read byte by byte where this module is compiled.

Kraken writes all frames of a channel alike. Another frame is left to ``messages`` and ``messages_v1``, and so
is one with what is refused, or read in another way: a number with an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.frame_scanner import FrameScanner, scanner_of
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.kraken.pair_names import current_pair
from floorwire.venues.kraken.scanned_book import time_of_v1

QUOTE = ord('"')
NO_TIME = -1


class ScannedTrade(ScannedMessage):
    """``messages.Trade``, with plain decimals."""

    __slots__ = ("is_sale", "price", "size", "trade_id", "ts_us")
    trade_id: int
    """0: it has none, in v1."""
    price: int
    size: int
    is_sale: bool
    """Whether the taker sold."""
    ts_us: int


class ScannedTicker(ScannedMessage):
    """``messages.Ticker``, with plain decimals. ``opened``: the price 24 hours ago."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "high", "low", "opened", "ts_us", "volume")
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    opened: int
    high: int
    low: int
    volume: str
    ts_us: int
    """``NO_TIME`` if it has none, in v1."""


def scan_v1(data: bytes) -> ScannedMessage | SymbolMessages | None:
    """Return what is in a frame of the WebSocket v1; None if it has to be decoded."""
    frame = scanner_of(data)
    frame.expect(b"[")
    frame.number()
    if frame.has(b',{"a":["'):
        return _ticker_v1(frame)
    frame.expect(b",[")
    trades = [_trade_v1(frame)]
    while frame.has(b","):
        trades.append(_trade_v1(frame))
    frame.expect(b'],"trade"')
    symbol = _symbol_v1(frame)
    if not frame.is_whole():
        return None
    for trade in trades:
        trade.symbol = symbol
    return trades[0] if len(trades) == 1 else SymbolMessages(symbol, trades)


def _trade_v1(frame: FrameScanner) -> ScannedTrade:
    """Read ``[price, size, time, side, kind of the order, ""]``."""
    trade = ScannedTrade.__new__(ScannedTrade)
    trade.trade_id = 0
    frame.expect(b'["')
    trade.price = frame.decimal()
    frame.expect(b'","')
    trade.size = frame.decimal()
    frame.expect(b'","')
    trade.ts_us = time_of_v1(frame)
    frame.expect(b'","')
    trade.is_sale = frame.has(b"s")
    if not trade.is_sale:
        frame.expect(b"b")
    frame.expect(b'","')
    frame.expect_past(QUOTE)
    frame.expect(b',"')
    frame.expect_past(QUOTE)
    frame.expect(b"]")
    return trade


def _ticker_v1(frame: FrameScanner) -> ScannedTicker | None:
    """Read the ticker of a frame, from the price of the best ask on."""
    ticker = ScannedTicker.__new__(ScannedTicker)
    ticker.ts_us = NO_TIME
    ticker.ask = frame.decimal()
    ticker.ask_size = _size_v1(frame)
    frame.expect(b',"b":["')
    ticker.bid = frame.decimal()
    ticker.bid_size = _size_v1(frame)
    frame.expect(b',"c":["')
    last = frame.decimal()
    frame.expect(b'","')
    frame.expect_past(QUOTE)
    frame.expect(b'],"v":["')
    frame.expect_past(QUOTE)
    frame.expect(b',"')
    ticker.volume = frame.decimal_text()
    frame.expect(b'"],"p":["')
    frame.expect_past(QUOTE)
    frame.expect(b',"')
    frame.expect_past(QUOTE)
    frame.expect(b'],"t":[')
    frame.number()
    frame.expect(b",")
    frame.number()
    frame.expect(b'],"l":')
    ticker.low = _of_day(frame)
    frame.expect(b',"h":')
    ticker.high = _of_day(frame)
    frame.expect(b',"o":')
    ticker.opened = _of_day(frame)
    frame.expect(b'},"ticker"')
    symbol = _symbol_v1(frame)
    # The decoded ticker has only how far ``last`` is from ``opened``, which has to be exact.
    if not frame.is_whole() or last & 31 != ticker.opened & 31:
        return None
    ticker.symbol = symbol
    return ticker


def _size_v1(frame: FrameScanner) -> int:
    """Return the size of a best price, after whole lots."""
    frame.expect(b'",')
    frame.number()
    frame.expect(b',"')
    size = frame.decimal()
    frame.expect(b'"]')
    return size


def _of_day(frame: FrameScanner) -> int:
    """Return the second of two decimals: of today, and of the last 24 hours."""
    frame.expect(b'["')
    frame.expect_past(QUOTE)
    frame.expect(b',"')
    found = frame.decimal()
    frame.expect(b'"]')
    return found


def _symbol_v1(frame: FrameScanner) -> str:
    frame.expect(b',"')
    name = frame.text()
    frame.expect(b'"]')
    return current_pair(name)


# --- WebSocket v2 ---------------------------------------------------------------------------------------


def scan_v2(data: bytes) -> ScannedMessage | SymbolMessages | None:
    """Return the trades in a frame of the WebSocket v2; None if it has to be decoded."""
    frame = scanner_of(data)
    frame.expect(b'{"channel":"trade","type":"')
    if not frame.has(b"update"):
        frame.expect(b"snapshot")
    frame.expect(b'","data":[')
    trade = _trade_v2(frame)
    trades, symbol = [trade], trade.symbol
    while frame.has(b","):
        trade = _trade_v2(frame)
        trades.append(trade)
        if trade.symbol != symbol:
            frame.fail()
    frame.expect(b"]}")
    if not frame.is_whole():
        return None
    return trades[0] if len(trades) == 1 else SymbolMessages(symbol, trades)


def _trade_v2(frame: FrameScanner) -> ScannedTrade:
    trade = ScannedTrade.__new__(ScannedTrade)
    frame.expect(b'{"symbol":"')
    trade.symbol = frame.text()
    frame.expect(b'","side":"')
    trade.is_sale = frame.has(b"sell")
    if not trade.is_sale:
        frame.expect(b"buy")
    frame.expect(b'","price":')
    trade.price = frame.json_decimal()
    frame.expect(b',"qty":')
    trade.size = frame.json_decimal()
    frame.expect(b',"ord_type":"')
    frame.expect_past(QUOTE)
    frame.expect(b',"trade_id":')
    trade.trade_id = frame.number()
    frame.expect(b',"timestamp":"')
    trade.ts_us = frame.time_us()
    frame.expect(b'"}')
    return trade

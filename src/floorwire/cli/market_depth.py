"""The book and the tape of one symbol, for ``floorwire watch`` in a terminal."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

from floorwire.cli.output import Table
from floorwire.client import Book, StreamGap, TradeHistory, TradeRow, Trades

DEPTH: Final = 10
"""Levels of each side, and trades of the tape."""
NOTHING: Final = ("", "")
BID, ASK = "green", "red"


class MarketDepth:
    """The latest book, and the latest trades. ``table`` shows them beside each other."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._book: Book | None = None
        self._tape: deque[tuple[str, str, str, str]] = deque(maxlen=DEPTH)
        """Time, side, price and size, the latest first."""

    def take_book(self, item: Book | StreamGap) -> None:
        """Keep the book. A gap of books shows nothing: the next one is whole."""
        if isinstance(item, Book):
            self._book = item

    def take_trade(self, item: Trades | TradeHistory | StreamGap) -> None:
        """Add trades to the tape, or say that some are missing."""
        match item:
            case Trades():
                self._add(item)
            case TradeHistory():
                for row in item.trades:
                    self._add(row)
            case StreamGap():
                self._tape.appendleft(("", "", "trades are missing", ""))

    def table(self) -> Table:
        """Return the table: bids, asks, and the tape."""
        feed = "" if self._book is None or self._book.feed is None else f", {self._book.feed}"
        table = Table(title=f"{self._symbol}: book and tape{feed}")
        table.add_column("size", no_wrap=True, justify="right")
        table.add_column("bid", no_wrap=True, justify="right", style=BID)
        table.add_column("ask", no_wrap=True, style=ASK)
        table.add_column("size", no_wrap=True)
        for name in ("time", "taker"):
            table.add_column(name, no_wrap=True)
        for name in ("price", "size"):
            table.add_column(name, no_wrap=True, justify="right")
        bids = () if self._book is None else self._book.bids
        asks = () if self._book is None else self._book.asks
        rows = zip_longest(bids, asks, self._tape)
        for bid, ask, trade in rows:
            (bid_price, bid_size), (ask_price, ask_size) = bid or NOTHING, ask or NOTHING
            table.add_row(bid_size, bid_price, ask_price, ask_size, *(trade or ("", "", "", "")))
        return table

    def _add(self, trade: Trades | TradeRow) -> None:
        at = datetime.fromtimestamp(trade.ts / 1e6, UTC)
        self._tape.appendleft((f"{at:%H:%M:%S}", trade.side, trade.price, trade.size))

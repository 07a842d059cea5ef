"""What one unit of each instrument is worth now, by the last message that the bot got of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from floorwire.client.book_keeper import Book
from floorwire.protocol.channel_events import Candles, Ticker, Trades

Priced: TypeAlias = Ticker | Trades | Book | Candles


class PriceMarks:
    """The last message of each symbol. Prices are read out of it only when they are needed."""

    def __init__(self) -> None:
        self.last: dict[str, Priced] = {}
        """By symbol. Whoever delivers messages writes them here: it is on the path of each event."""
        self._known: dict[str, Decimal] = {}
        """The last known price, where the message of now has none."""

    def filled(self, symbol: str, price: Decimal) -> None:
        """Take the price of a fill where nothing else is known."""
        self._known.setdefault(symbol, price)

    def mark(self, symbol: str) -> Decimal | None:
        """Return the price: between bid and ask, or the last trade; None if nothing is known."""
        message = self.last.get(symbol)
        price = None if message is None else _price(message)
        if price is None:
            return self._known.get(symbol)
        self._known[symbol] = price
        return price


def _price(message: Priced) -> Decimal | None:
    if type(message) is Trades:
        return Decimal(message.price)
    if type(message) is Candles:
        return Decimal(message.close)
    if type(message) is Ticker:
        return _between(message.bid, message.ask) or (None if message.last is None else Decimal(message.last))
    assert isinstance(message, Book)
    bid, ask = message.best_bid, message.best_ask
    return _between(bid and bid[0], ask and ask[0])


def _between(bid: str | None, ask: str | None) -> Decimal | None:
    if bid is None or ask is None:
        return None
    return (Decimal(bid) + Decimal(ask)) / 2

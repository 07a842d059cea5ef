"""What a recording has shown up to a moment: the last state of each symbol, to go on from after a seek."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Listing,
    MarketEvent,
    Quote,
)
from floorwire.core.order_book import Book


class ReplayedState:
    """The last state of each symbol. Trades are not kept: those before a seek are not shown."""

    __slots__ = ("_books", "_candles", "_days", "_instruments", "_quotes")

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._books: dict[str, Book] = {}
        self._quotes: dict[str, Quote] = {}
        self._days: dict[str, DayStats] = {}
        self._candles: dict[tuple[str, int], Candle] = {}
        """By symbol and interval."""

    def apply(self, event: MarketEvent) -> None:
        """Take in an event."""
        match event:
            case BookChange(symbol) if symbol in self._books:
                self._books[symbol].apply(event.bids, event.asks)
            case BookSnapshot(symbol):
                book = self._books[symbol] = Book()
                book.replace(event.bids, event.asks)
            case Quote(symbol):
                self._quotes[symbol] = event
            case DayStats(symbol):
                self._days[symbol] = event
            case Candle(symbol, interval_us):
                self._candles[symbol, interval_us] = event
            case Listing(instruments):
                self._list(instruments)
            case _:
                pass

    def _list(self, instruments: tuple[Instrument, ...]) -> None:
        for instrument in instruments:
            known = self._instruments.get(instrument.symbol)
            self._instruments[instrument.symbol] = instrument
            if (
                known is not None and known.steps != instrument.steps
            ):  # what is in the old steps counts no more
                self._forget(instrument.symbol)

    def _forget(self, symbol: str) -> None:
        for kept in (self._books, self._quotes, self._days):
            kept.pop(symbol, None)
        for key in [key for key in self._candles if key[0] == symbol]:
            del self._candles[key]

    def events(self, ts_us: int) -> Iterator[MarketEvent]:
        """Yield the state as events of this time: lists, books and prices."""
        if self._instruments:
            yield Listing(tuple(self._instruments.values()), ts_us)
        for symbol, book in self._books.items():
            bids, asks = book.bids.top(len(book.bids)), book.asks.top(len(book.asks))
            yield BookSnapshot(symbol, tuple(bids), tuple(asks), ts_us)
        for quote in self._quotes.values():
            yield replace(quote, ts_us=ts_us)
        for day in self._days.values():
            yield replace(day, ts_us=ts_us)
        for candle in self._candles.values():
            if not candle.closed:
                yield replace(candle, ts_us=ts_us)


class ReplayedStatuses:
    """How current the venue and its symbols are, by its last word."""

    __slots__ = ("_symbols", "_venue")

    def __init__(self) -> None:
        self._symbols: dict[str, FeedStatus] = {}
        self._venue: FeedStatus | None = None

    def apply(self, status: FeedStatus) -> None:
        """Take in a status. After the loss of the venue, each symbol is told again."""
        if status.symbol is not None:
            self._symbols[status.symbol] = status
            return
        self._venue = status
        if status.feed != "live":
            self._symbols.clear()

    def events(self, ts_us: int, reason: str) -> Iterator[FeedStatus]:
        """Yield how current each symbol is, and then the venue, as statuses of this time.

        ``reason`` is that of whatever is live again.
        """
        for status in self._symbols.values():
            yield _told_again(status, ts_us, reason)
        if self._venue is not None:
            yield _told_again(self._venue, ts_us, reason)


def _told_again(status: FeedStatus, ts_us: int, reason: str) -> FeedStatus:
    return replace(status, ts_us=ts_us, reason=reason if status.feed == "live" else status.reason)

"""A kept book: a venue's snapshots and changes as events, with the best prices that follow from them."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level, MarketEvent, Quote
from floorwire.core.order_book import Book

NOTHING: Level = (0, 0)


class CrossedBookError(ValueError):
    """The best bid is at or above the best ask: something was lost on the way."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the book of {symbol} is crossed")
        self.symbol = symbol


class VenueBook:
    """The book of one instrument; synced from a snapshot on until it is forgotten."""

    __slots__ = ("_best", "_book", "instrument", "is_synced")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.is_synced = False
        self._book = Book()
        self._best: tuple[Level, Level] | None = None

    def forget(self) -> None:
        """Nothing is known any more."""
        self.is_synced = False
        self._book = Book()
        self._best = None

    def snapshot(self, bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookSnapshot:
        """Replace the book. Raises CrossedBookError."""
        self._book.replace(bids, asks)
        self._check()
        self.is_synced = True
        book = self._book
        whole = tuple(book.bids.top(len(book.bids))), tuple(book.asks.top(len(book.asks)))
        return BookSnapshot(self.instrument.symbol, *whole, ts_us)

    def change(self, bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookChange:
        """Set levels to their absolute sizes. Raises CrossedBookError."""
        self._book.apply(bids, asks)
        self._check()
        return BookChange(self.instrument.symbol, bids, asks, ts_us)

    def best(self, ts_us: int) -> Iterator[MarketEvent]:
        """Yield best bid and ask where they changed."""
        best = self._book.bids.best() or NOTHING, self._book.asks.best() or NOTHING
        if best != self._best:
            self._best = best
            yield Quote(self.instrument.symbol, *best[0], *best[1], ts_us)

    def _check(self) -> None:
        # While nothing trades (an auction), prices may cross.
        if self.instrument.state == "open" and self._book.crossed():
            raise CrossedBookError(self.instrument.symbol)

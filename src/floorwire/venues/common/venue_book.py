"""The book of an instrument at a venue that sends whole books and then changes, without update ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level, MarketEvent, Quote
from floorwire.core.order_book import Book
from floorwire.venues.common.level_reader import LevelReader

EMPTY: Level = (0, 0)
"""The best level of a side without levels."""


class CrossedBookError(ValueError):
    """The best bid is at or above the best ask, so a message was lost."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the book of {symbol} is crossed")
        self.symbol = symbol


class VenueBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared."""

    __slots__ = ("_best", "_book", "instrument", "is_synced", "reader")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.reader = LevelReader(instrument)
        """Reads what messages say of prices and sizes of the instrument."""
        self.is_synced = False
        self._book = Book()
        self._best: tuple[Level, Level] | None = None

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again (resync)."""
        self.is_synced = False
        self._book = Book()
        self._best = None

    def apply_snapshot(self, bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookSnapshot:
        """Replace the book; return it as an event. Raises CrossedBookError."""
        self._book.replace(bids, asks)
        return self.checked(ts_us)

    def convert(self, before: Instrument, ts_us: int) -> BookSnapshot:
        """Convert the book from the steps of ``before`` to those of the instrument; return it as an event."""
        self._book = self._book.converted(before, self.instrument)
        self._best = None
        return self._snapshot(ts_us)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace the levels, for a book whose changes are numbered. ``checked`` tells of it."""
        self._book.replace(bids, asks)

    def put(self, bids: Collection[Level], asks: Collection[Level]) -> None:
        """Set levels to their absolute sizes, without telling of it."""
        self._book.put(bids, asks)

    def checked(self, ts_us: int) -> BookSnapshot:
        """Return the whole book as an event, from which on it is synced. Raises CrossedBookError."""
        self.check()
        self.is_synced = True
        return self._snapshot(ts_us)

    def apply_change(self, bids: tuple[Level, ...], asks: tuple[Level, ...], ts_us: int) -> BookChange:
        """Set levels to their absolute sizes; return the event. Raises CrossedBookError."""
        self._book.put(bids, asks)
        self.check()
        return BookChange(self.instrument.symbol, bids, asks, ts_us)

    def best(self) -> tuple[Level, Level]:
        """Return the best bid and the best ask."""
        return self._book.bids.best() or EMPTY, self._book.asks.best() or EMPTY

    def quoted(self, bid: Level, ask: Level) -> None:
        """Record best prices that the exchange sent, and that were told."""
        self._best = bid, ask

    def changed_quote(self, ts_us: int) -> Sequence[MarketEvent]:
        """Return the best bid and ask if they changed since the last call."""
        best = self.best()
        if best == self._best:
            return ()
        self._best = best
        (bid_ticks, bid_lots), (ask_ticks, ask_lots) = best
        return (Quote(self.instrument.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, ts_us),)

    def _snapshot(self, ts_us: int) -> BookSnapshot:
        book = self._book
        whole = tuple(book.bids.top(len(book.bids))), tuple(book.asks.top(len(book.asks)))
        return BookSnapshot(self.instrument.symbol, *whole, ts_us)

    def check(self) -> None:
        """Raise CrossedBookError if the best bid is at or above the best ask."""
        # In an auction nothing trades, and prices may cross.
        if self._book.crossed() and self.instrument.state == "open":
            raise CrossedBookError(self.instrument.symbol)

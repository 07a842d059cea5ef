# cython: nonecheck=False
"""The book of an instrument at a venue that sends whole books and then changes, without update ids."""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Level, Quote
from floorwire.venues.common.frame_scanner import FrameScanner
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.price_levels import PriceAndSize, PriceLevels, Rows, TextOf, price_and_size


class CrossedBookError(ValueError):
    """The best bid is at or above the best ask, so a message was lost."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the book of {symbol} is crossed")
        self.symbol = symbol


class LostChangeError(ValueError):
    """A change of a book was lost, or the book differs from the exchange's."""

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(f"the book of {symbol} lost a change: {reason}")
        self.symbol = symbol
        self.reason = reason
        """A reason of a FeedStatus: ``sequence_gap``, ``bad_message`` or ``silent``."""


class VenueBook:
    """The book of one instrument. It is synced from a snapshot on until it is cleared."""

    __slots__ = ("_told", "_told_ask", "_told_bid", "asks", "bids", "instrument", "is_synced", "reader")

    def __init__(self, instrument: Instrument, text_of: TextOf | None = None, top_count: int = 0) -> None:
        """``text_of`` and ``top_count``: of the exchange's checksum, if it has one (``PriceLevels``)."""
        self.instrument = instrument
        self.reader = LevelReader(instrument)
        """Reads what messages say of prices and sizes of the instrument."""
        self.is_synced = False
        self.bids = PriceLevels(1, text_of, top_count)
        self.asks = PriceLevels(-1, text_of, top_count)
        self._told: Quote | None = None
        """The best prices that were told last."""
        self._told_bid: Level | None = None
        self._told_ask: Level | None = None
        """The levels of the book that they are; None if they may be others."""

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again (resync)."""
        self.is_synced = False
        self.bids.clear()
        self.asks.clear()
        self._told = self._told_bid = self._told_ask = None

    def apply_snapshot(
        self,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        ts_us: int,
        bid_rows: Rows = None,
        ask_rows: Rows = None,
    ) -> BookSnapshot:
        """Replace the book; return it as an event. Raises CrossedBookError."""
        if not self.bids.replace(bids, bid_rows):
            bids = self.bids.levels()
        if not self.asks.replace(asks, ask_rows):
            asks = self.asks.levels()
        self._check()
        self.is_synced = True
        return BookSnapshot(self.instrument.symbol, bids, asks, ts_us)

    def convert(self, before: Instrument, ts_us: int) -> BookSnapshot:
        """Convert the book from the steps of ``before`` to those of the instrument; return it as an event."""
        self.bids.convert(before, self.instrument)
        self.asks.convert(before, self.instrument)
        self._told = self._told_bid = self._told_ask = None
        return self.snapshot(ts_us)

    def snapshot(self, ts_us: int) -> BookSnapshot:
        """Return the whole book as an event."""
        return BookSnapshot(self.instrument.symbol, self.bids.levels(), self.asks.levels(), ts_us)

    def apply_change(
        self,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        ts_us: int,
        bid_rows: Rows = None,
        ask_rows: Rows = None,
    ) -> BookChange:
        """Set levels to their absolute sizes; return the event. Raises CrossedBookError."""
        if bids:
            self.bids.put(bids, bid_rows)
        if asks:
            self.asks.put(asks, ask_rows)
        self._check()
        return BookChange(self.instrument.symbol, bids, asks, ts_us)

    def scanned_rows(self, frame: FrameScanner, at: int) -> Sequence[PriceAndSize]:
        """Return what is written of levels in a frame, each price once, in the order of ``reader.scan``."""
        rows: list[PriceAndSize] = []
        frame.at = at
        while frame.next_level():
            rows.append(frame.row())
        return self.last_of_each_price(rows)

    def last_of_each_price(self, rows: Sequence[PriceAndSize]) -> Sequence[PriceAndSize]:
        """Return levels as ``reader`` reads them, each price once, but as they were written."""
        last: dict[int, PriceAndSize] = {}
        for row in rows:
            price, size = price_and_size(row)
            last[self.reader.level(self.instrument, price, size)[0]] = row
        return list(last.values())

    def best(self) -> tuple[Level, Level]:
        """Return the best bid and the best ask."""
        return self.bids.best(), self.asks.best()

    def quoted(self, quote: Quote) -> None:
        """Record best prices that the exchange sent, and that were told."""
        self._told = quote
        self._told_bid = self._told_ask = None

    def changed_quote(self, ts_us: int) -> Quote | None:
        """Return the best bid and ask if they changed since the last call; None if not."""
        bid, ask = self.bids.best(), self.asks.best()
        if bid is self._told_bid and ask is self._told_ask:
            return None
        self._told_bid, self._told_ask = bid, ask
        bid_ticks, bid_lots = bid
        ask_ticks, ask_lots = ask
        told = self._told
        if (
            told is not None
            and told.bid_ticks == bid_ticks
            and told.ask_ticks == ask_ticks
            and told.bid_lots == bid_lots
            and told.ask_lots == ask_lots
        ):
            return None
        quote = self._told = Quote(self.instrument.symbol, bid_ticks, bid_lots, ask_ticks, ask_lots, ts_us)
        return quote

    def _check(self) -> None:
        """Raise CrossedBookError if the best bid is at or above the best ask."""
        bid, ask = self.bids.best()[0], self.asks.best()[0]
        # In an auction nothing trades, and prices may cross.
        if ask and bid >= ask and self.instrument.state == "open":
            raise CrossedBookError(self.instrument.symbol)

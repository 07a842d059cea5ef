"""Outside: one symbol's market outside, as a venue shows it, and our orders' places in its queues."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.instrument import Side
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, Trade
from floorwire.core.order_book import Book, Changed
from floorwire.core.ports import Prices
from floorwire.engine.queue_positions import QueuedOrder, QueuePositions
from floorwire.engine.visible_book import VisibleSide


class ReferenceMarket:
    """Both sides of it. Times are the venue's own."""

    __slots__ = ("_as_of_us", "_book", "feed", "last_ticks", "lines")

    def __init__(self, feed: Feed) -> None:
        self.feed: Feed = feed
        self.last_ticks = 0
        """The last trade's price; 0 before the first."""
        self._book = book = Book()
        self._as_of_us = 0
        self.lines: dict[Side, QueuePositions] = {
            "buy": QueuePositions(VisibleSide(book.bids)),
            "sell": QueuePositions(VisibleSide(book.asks)),
        }

    @property
    def is_live(self) -> bool:
        """Whether what is shown is current."""
        return self.feed == "live"

    def prices(self) -> Prices:
        """Return what the venue shows."""
        bid_ticks, ask_ticks = (lines.shown.best_ticks() for lines in self.lines.values())
        return Prices(bid_ticks, ask_ticks, self.last_ticks, self.feed)

    def against(self, side: Side) -> VisibleSide:
        """Return what an order of this side would take from."""
        return self.lines["sell" if side == "buy" else "buy"].shown

    def join(self, order: QueuedOrder) -> None:
        """Put the order at the end of the line at its price, as of the book that it finds."""
        order.since_us = self._as_of_us
        self.lines[order.side].join(order)

    def show(self, event: BookSnapshot | BookChange) -> None:
        """Take in what the book is now."""
        self._as_of_us = event.ts_us
        if isinstance(event, BookSnapshot):
            bids, asks = self._replaced(event)
        else:
            bids, asks = self._book.apply(event.bids, event.asks)
            self._book.uncross(bids, asks)
        for lines, changed in ((self.lines["buy"], bids), (self.lines["sell"], asks)):
            lines.change(changed, event.ts_us)

    def trade(self, trade: Trade) -> Iterator[tuple[QueuedOrder, int]]:
        """Take in a trade; yield whom it fills on the maker's side, and by how many of its lots."""
        lines = self.lines["buy" if trade.side == "sell" else "sell"]
        key = lines.shown.sign * trade.price_ticks
        yield from lines.trade(key, trade.size_lots, trade.ts_us, self._as_of_us)

    def _replaced(self, event: BookSnapshot) -> tuple[Changed, Changed]:
        book = self._book
        bids, asks = dict(book.bids.sizes), dict(book.asks.sizes)
        book.replace(event.bids, event.asks)
        book.uncross({}, {})
        return self.lines["buy"].shown.replace(bids), self.lines["sell"].shown.replace(asks)

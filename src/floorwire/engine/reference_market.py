"""The reference market: one symbol as a venue shows it, and the queue positions of our paper orders."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.instrument import Side
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, Trade
from floorwire.core.order_book import Book, Changed
from floorwire.core.ports import Prices
from floorwire.engine.queue_positions import QueuedOrder, QueuePositions
from floorwire.engine.visible_book import VisibleSide


class ReferenceMarket:
    """Both sides of the book. Times are the venue's own."""

    __slots__ = ("_as_of_us", "_book", "feed", "last_ticks", "queues")

    def __init__(self, feed: Feed) -> None:
        self.feed: Feed = feed
        self.last_ticks = 0
        """The last trade's price; 0 before the first."""
        self._book = book = Book()
        self._as_of_us = 0
        """The venue's time of the last change of the book."""
        self.queues: dict[Side, QueuePositions] = {
            "buy": QueuePositions(VisibleSide(book.bids)),
            "sell": QueuePositions(VisibleSide(book.asks)),
        }
        """Our resting orders by side."""

    @property
    def is_live(self) -> bool:
        """Whether the venue's data is current."""
        return self.feed == "live"

    def prices(self) -> Prices:
        """Return the prices that the venue shows."""
        bid_ticks, ask_ticks = (queues.visible.best_ticks() for queues in self.queues.values())
        return Prices(bid_ticks, ask_ticks, self.last_ticks, self.feed)

    def opposite(self, side: Side) -> VisibleSide:
        """Return the side of the book that an order of ``side`` fills against."""
        return self.queues["sell" if side == "buy" else "buy"].visible

    def add(self, order: QueuedOrder) -> None:
        """Add the order at the end of the queue at its price, as of the book now."""
        order.since_us = self._as_of_us
        self.queues[order.side].add(order)

    def apply_book(self, event: BookSnapshot | BookChange) -> None:
        """Apply a snapshot or a change of the venue's book."""
        self._as_of_us = event.ts_us
        if isinstance(event, BookSnapshot):
            bids, asks = self._apply_snapshot(event)
        else:
            bids, asks = self._book.apply(event.bids, event.asks)
            self._book.uncross(bids, asks)
        buys, sells = self.queues["buy"], self.queues["sell"]
        buys.apply_changes(bids, event.ts_us, counts_growth=bool(sells) or not self.is_live)
        sells.apply_changes(asks, event.ts_us, counts_growth=bool(buys) or not self.is_live)

    def apply_trade(self, trade: Trade) -> Iterator[tuple[QueuedOrder, int]]:
        """Apply a trade of the venue; yield our orders that it fills as makers, with the lots of each."""
        queues = self.queues["buy" if trade.side == "sell" else "sell"]
        key = queues.visible.sign * trade.price_ticks
        yield from queues.apply_trade(key, trade.size_lots, trade.ts_us, self._as_of_us)

    def _apply_snapshot(self, event: BookSnapshot) -> tuple[Changed, Changed]:
        book = self._book
        bids, asks = dict(book.bids.sizes), dict(book.asks.sizes)
        book.replace(event.bids, event.asks)
        book.uncross({}, {})
        return self.queues["buy"].visible.changed_levels(bids), self.queues["sell"].visible.changed_levels(
            asks
        )

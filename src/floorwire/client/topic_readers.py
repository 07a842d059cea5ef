"""The readers of one topic: each item of the subscription goes to the queue of each of them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from floorwire.client.book_keeper import BookKeeper
from floorwire.client.errors import ClientError
from floorwire.client.stream import ItemQueue
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import PRIVATE, StreamItem, Subscription, Topic
from floorwire.protocol.channel_events import BookEvent, Candles, Heartbeat, Ticker
from floorwire.protocol.private_events import BalancesEvent, FillsSnapshot, OrdersSnapshot, PositionsEvent
from floorwire.protocol.requests import OnSlow

STATES = (Ticker, Candles, Heartbeat)
"""Events that are the whole state: who comes later begins with the last one."""


class TopicReaders:
    """Hands items on. Of a book it keeps the book, and hands on that it has changed."""

    def __init__(self, topic: Topic, *, history: int = 0, on_slow: OnSlow | UnsetType = UNSET) -> None:
        self.subscription = Subscription(topic, self.accept, history=history, on_slow=on_slow)
        channel = topic.channel
        self._queues: list[ItemQueue] = []
        self._waiting: list[ItemQueue] = []
        """Readers of a private channel that have no snapshot yet, or need another one after a gap."""
        self._is_private = channel in PRIVATE
        self._keeper = BookKeeper() if channel == "book" else None
        self._has_book = False

    @property
    def count(self) -> int:
        """How many readers there are."""
        return len(self._queues) + len(self._waiting)

    def add(self, queue: ItemQueue) -> bool:
        """Add a reader. Return whether the state has to come once more for it."""
        is_first, last = not self.count, self.subscription.last
        (self._waiting if self._is_private else self._queues).append(queue)
        if self._keeper is not None and self._has_book:
            queue.put_book(self._keeper)
        elif isinstance(last, STATES):
            queue.put(last)
        self._choose_way()
        return self._is_private and not is_first

    def remove(self, queue: ItemQueue) -> None:
        """Remove a reader. Does nothing where it is none."""
        for queues in (self._queues, self._waiting):
            if queue in queues:
                queues.remove(queue)
        self._choose_way()

    def _choose_way(self) -> None:
        """Let items go straight to the queue where there is one reader, and nothing to keep for it."""
        is_straight = len(self._queues) == 1 and self._keeper is None and not self._is_private
        self.subscription.accept = self._queues[0].put if is_straight else self.accept

    def end(self, error: ClientError) -> None:
        """End the streams of all readers."""
        for queue in (*self._queues, *self._waiting):
            queue.end(error)

    def accept(self, item: StreamItem) -> None:
        """Hand an item on. Raises WrongBookError for a message that does not fit the book."""
        if self._keeper is not None and type(item) is BookEvent:
            self._has_book = False
            self._keeper.apply(item)
            self._has_book = True
            for queue in self._queues:
                queue.put_book(self._keeper)
            return
        if self._is_private:
            self._accept_private(item)
            return
        for queue in self._queues:
            queue.put(item)

    def _accept_private(self, item: StreamItem) -> None:
        if not is_snapshot(item):
            for queue in self._queues:
                queue.put(item)
            if type(item) is StreamGap:
                self._waiting += self._queues
                self._queues = []
            return
        for queue in self._waiting:
            queue.put(item)
        if type(item) is not OrdersSnapshot or item.more is UNSET:
            self._queues += self._waiting
            self._waiting = []


def is_snapshot(item: StreamItem) -> bool:
    """Return whether it is a snapshot of a private channel, or a part of one."""
    if isinstance(item, OrdersSnapshot | FillsSnapshot):
        return True
    return isinstance(item, BalancesEvent | PositionsEvent) and item.type is not UNSET

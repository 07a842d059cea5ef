"""The readers of one topic: each item of the subscription goes to the queue of each of them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from floorwire.client.book_keeper import BookKeeper
from floorwire.client.errors import ClientError
from floorwire.client.stream import ItemQueue
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import PRIVATE, StreamItem, Subscription, Topic
from floorwire.protocol.channel_events import BookEvent, Candles, Heartbeat, Ticker
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
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
        """Readers that get nothing yet: of a private channel those without a snapshot, or after a gap, and of
        trades and candles those that came later and wait for rows of the past."""
        self._is_answered = False
        """Whether the server has answered for those that wait for the past: it comes next, or never."""
        self.subscription.on_live = self._answered
        self._is_private = channel in PRIVATE
        self._keeper = BookKeeper() if channel == "book" else None
        self._has_book = False

    @property
    def count(self) -> int:
        """How many readers there are."""
        return len(self._queues) + len(self._waiting)

    def add(self, queue: ItemQueue, history: int = 0) -> bool:
        """Add a reader that begins with so many rows of the past.

        Return whether the server has to be asked once more for it.
        """
        is_first = not self.count
        self.subscription.history = max(self.subscription.history, history)
        waits_for_past = history > 0 and not is_first
        (self._waiting if self._is_private or waits_for_past else self._queues).append(queue)
        if waits_for_past:
            self._is_answered = False
        elif self._keeper is not None and self._has_book:
            queue.put_book(self._keeper)
        else:
            self._put_state(queue)
        self._choose_way()
        return (self._is_private and not is_first) or waits_for_past

    def _put_state(self, queue: ItemQueue) -> None:
        last = self.subscription.last
        if isinstance(last, STATES):
            queue.put(last)

    def _answered(self) -> None:
        self._is_answered = True

    def remove(self, queue: ItemQueue) -> None:
        """Remove a reader. Does nothing where it is none."""
        for queues in (self._queues, self._waiting):
            if queue in queues:
                queues.remove(queue)
        self._choose_way()

    def _choose_way(self) -> None:
        """Let items go straight to the queue where there is one reader, and nothing to keep for it."""
        is_straight = (
            len(self._queues) == 1 and not self._waiting and self._keeper is None and not self._is_private
        )
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
        if self._waiting and self._is_answered:
            self._accept_after_answer(item)
            return
        for queue in self._queues:
            queue.put(item)

    def _accept_after_answer(self, item: StreamItem) -> None:
        """Let those in that wait for rows of the past: with these, or without where something else comes."""
        waiting, self._waiting = self._waiting, []
        is_past = isinstance(item, TradeHistory | CandleHistory)
        for queue in waiting:
            queue.put(item)
            if is_past:
                self._put_state(queue)
        for queue in () if is_past else self._queues:
            queue.put(item)
        self._queues += waiting
        self._choose_way()

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

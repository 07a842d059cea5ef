"""The readers of all symbols of a venue: each item of each symbol goes to the queue of each of them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from floorwire.client.errors import ClientError
from floorwire.client.stream import ItemQueue
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import Subscription, Topic
from floorwire.client.topic_readers import TopicReaders
from floorwire.client.venue_subscription import VenueSubscription, VenueTopic
from floorwire.protocol.requests import OnSlow


class VenueReaders:
    """Has the readers of each symbol. All of them are the same queues."""

    def __init__(self, topic: VenueTopic, *, on_slow: OnSlow | UnsetType = UNSET) -> None:
        self.subscription = VenueSubscription(topic, self._make, self._tell, on_slow=on_slow)
        self._on_slow = on_slow
        self._queues: list[ItemQueue] = []
        self._symbols: list[TopicReaders] = []

    @property
    def count(self) -> int:
        """How many readers there are."""
        return len(self._queues)

    def add(self, queue: ItemQueue) -> None:
        """Add a reader. It begins with the state of each symbol that is known: none has to come once more."""
        self._queues.append(queue)
        for readers in self._symbols:
            readers.add(queue)

    def remove(self, queue: ItemQueue) -> None:
        """Remove a reader. Does nothing where it is none."""
        if queue in self._queues:
            self._queues.remove(queue)
        for readers in self._symbols:
            readers.remove(queue)

    def end(self, error: ClientError) -> None:
        """End the streams of all readers."""
        for queue in self._queues:
            queue.end(error)

    def _make(self, topic: Topic) -> Subscription:
        readers = TopicReaders(topic, on_slow=self._on_slow)
        for queue in self._queues:
            readers.add(queue)
        self._symbols.append(readers)
        return readers.subscription

    def _tell(self, gap: StreamGap) -> None:
        for queue in self._queues:
            queue.put(gap)

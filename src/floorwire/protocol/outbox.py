"""The outbox: what waits for one client, bounded, and what gives way when it is full.

While the peer keeps up, chunks pass through and nothing is counted. Once its kernel buffer is full
(``blocked``), chunks queue up to ``limit`` bytes; beyond that each lane's contract holds:

- ``conflate``: events are not queued; when everything queued has gone, the stream's state at that moment
  is sent in their place, saying how many it stands for.
- ``skip``: the same, but a notice names the gap.
- ``disconnect``: the connection is closed (4008).

Invariants: a lane's events leave in the order of their seq; what is left out is announced before the next;
memory is at most ``limit``, one turn's chunks and one reply over it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Generic, TypeVar

from floorwire.protocol.requests import OnSlow

TopicT = TypeVar("TopicT")


class OfferResult(Enum):
    """What became of an offered chunk."""

    QUEUED = auto()
    LEFT_OUT = auto()
    OVERFLOW = auto()
    """The connection has to be closed: slow consumer."""


class OutboxSubscription(Generic[TopicT]):
    """One subscription's way into one outbox."""

    __slots__ = ("left_out_first", "left_out_last", "on_slow", "topic")

    def __init__(self, topic: TopicT, on_slow: OnSlow) -> None:
        self.topic = topic
        self.on_slow = on_slow
        self.left_out_first = 0
        self.left_out_last = 0

    @property
    def lags(self) -> bool:
        """Whether events were left out that have not been announced yet."""
        return self.left_out_last > 0

    def leave_out(self, first: int, last: int) -> None:
        """Leave out the events of these seqs."""
        if not self.left_out_last:
            self.left_out_first = first
        self.left_out_last = last

    def catch_up(self) -> tuple[int, int]:
        """Return the first and last seq left out, and begin anew."""
        left_out = self.left_out_first, self.left_out_last
        self.left_out_first = self.left_out_last = 0
        return left_out


class Outbox(Generic[TopicT]):
    """What waits for one client."""

    __slots__ = ("_lagging", "_limit", "blocked", "queue", "size")

    def __init__(self, limit: int) -> None:
        self.queue: list[bytes] = []  # a deque costs 600 bytes a connection, and is used when it lags only
        self.blocked = False
        self.size = 0
        """Bytes queued; counted only while blocked."""
        self._limit = limit
        self._lagging: dict[OutboxSubscription[TopicT], None] = {}

    def block(self) -> None:
        """The peer's buffer is full: count from here on."""
        self.blocked = True
        self.size = sum(map(len, self.queue))

    def offer(
        self, subscription: OutboxSubscription[TopicT], chunk: bytes, first: int, last: int
    ) -> OfferResult:
        """Take a blocked lane's events first..last, or leave them out by its contract."""
        if not subscription.lags:
            if self.size + len(chunk) <= self._limit:
                self.put(chunk)
                return OfferResult.QUEUED
            if subscription.on_slow == "disconnect":
                return OfferResult.OVERFLOW
            self._lagging[subscription] = None
        subscription.leave_out(first, last)
        return OfferResult.LEFT_OUT

    def has_room(self, size: int) -> bool:
        """Return whether so many bytes more may wait."""
        return not self.blocked or self.size + size <= self._limit

    def put(self, chunk: bytes) -> None:
        """Queue without asking."""
        self.queue.append(chunk)
        self.size += len(chunk)

    def take(self, at_most: int) -> bytes:
        """Return what goes next: whole chunks of up to ``at_most`` bytes together, at least one."""
        queue = self.queue
        if not queue:
            return b""
        size, count = len(queue[0]), 1
        while count < len(queue) and size + len(queue[count]) <= at_most:
            size += len(queue[count])
            count += 1
        taken = queue[:count]
        del queue[:count]
        self.size -= size
        return taken[0] if count == 1 else b"".join(taken)

    def next_lagging(self) -> OutboxSubscription[TopicT] | None:
        """Return the lane that has lagged longest, once, or None; ask when the queue has gone."""
        subscription = next(iter(self._lagging), None)
        if subscription is not None:
            del self._lagging[subscription]
        return subscription

    @property
    def lagging(self) -> int:
        """How many lanes wait to announce what they left out."""
        return len(self._lagging)

    def forget(self, subscription: OutboxSubscription[TopicT]) -> None:
        """Drop a lane that was left: nothing of it needs announcing any more."""
        self._lagging.pop(subscription, None)

    @property
    def is_over(self) -> bool:
        """Whether even replies no longer fit: twice the limit."""
        return self.blocked and self.size > 2 * self._limit

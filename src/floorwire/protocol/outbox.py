"""The outbox: a bounded queue of bytes for one client, and the backpressure when the client is slow.

While the client reads, chunks pass through and are not counted. When its kernel buffer is full
(``blocked``), chunks are queued, up to ``limit`` bytes. Nobody waits for a slow client. Beyond the limit,
each subscription's contract (``on_slow``) decides:

- ``conflate``: leave events out. When the queue is empty again, send the stream's state at that moment. It
  says how many events it stands for.
- ``skip``: leave events out. When the queue is empty again, send a notice that names the gap.
- ``disconnect``: close the connection (4008).

A client that resumes is sent what it missed slice by slice, as it reads. Meanwhile that stays in the resume
ring, which all clients share.

Invariants: the events of a subscription leave in the order of their seq. A gap is announced before the next
event. Memory is at most ``limit``, plus the chunks of one turn and one reply.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Generic, TypeVar

from floorwire.protocol.requests import OnSlow

TopicT = TypeVar("TopicT")


class OfferResult(Enum):
    """What the outbox did with an offered chunk."""

    QUEUED = auto()
    LEFT_OUT = auto()
    OVERFLOW = auto()
    """The contract is ``disconnect``: close the connection (4008)."""


class OutboxSubscription(Generic[TopicT]):
    """One client's subscription to a topic: its contract, and the events that were left out.

    Seqs begin at 1; 0 means that nothing was left out. While the client resumes, or waits for the history of
    the stream (``is_replaying``), the events that were left out are those that it will be sent from the
    resume ring.
    """

    __slots__ = ("is_replaying", "left_out_first", "left_out_last", "on_slow", "topic")

    def __init__(self, topic: TopicT, on_slow: OnSlow) -> None:
        self.topic = topic
        self.on_slow = on_slow
        self.is_replaying = False
        self.left_out_first = 0
        self.left_out_last = 0

    @property
    def lags(self) -> bool:
        """Whether events were left out and the client does not know it yet, or all are left out for now."""
        return self.left_out_last > 0 or self.is_replaying

    def leave_out(self, first: int, last: int) -> None:
        """Note that the events ``first`` to ``last`` were left out."""
        if not self.left_out_last:
            self.left_out_first = first
        self.left_out_last = last

    def start_replay(self, first: int, last: int) -> None:
        """Note that the events ``first`` to ``last``, and those that follow them, will be replayed."""
        self.is_replaying = True
        self.left_out_first, self.left_out_last = first, last

    def replayed(self, last: int) -> None:
        """The events up to ``last`` were replayed."""
        if last < self.left_out_last:
            self.left_out_first = last + 1
        else:
            self.catch_up()

    def catch_up(self) -> tuple[int, int]:
        """Return the first and last seq that were left out, and forget them."""
        left_out = self.left_out_first, self.left_out_last
        self.is_replaying = False
        self.left_out_first = self.left_out_last = 0
        return left_out


class Outbox(Generic[TopicT]):
    """The queue of one client. ``limit``: the most bytes of events that wait while it is blocked."""

    __slots__ = ("_lagging", "_limit", "blocked", "queue", "size")

    def __init__(self, limit: int) -> None:
        self.queue: list[bytes] = []  # An empty deque would cost 600 bytes a connection.
        self.blocked = False
        """Whether the client's kernel buffer is full."""
        self.size = 0
        """Bytes in ``queue``. Right only while blocked."""
        self._limit = limit
        self._lagging: dict[OutboxSubscription[TopicT], None] = {}

    def block(self) -> None:
        """The client's kernel buffer is full: count bytes from here on."""
        self.blocked = True
        self.size = sum(map(len, self.queue))

    def offer(
        self, subscription: OutboxSubscription[TopicT], chunk: bytes, first: int, last: int
    ) -> OfferResult:
        """Backpressure: queue the events ``first`` to ``last``, or do what the contract says.

        Call it only while blocked, or while the subscription lags. Once events were left out, later ones are
        too, so that order is kept. Those that will be replayed count as queued.
        """
        if not subscription.lags:
            if self.size + len(chunk) <= self._limit:
                self.put(chunk)
                return OfferResult.QUEUED
            if subscription.on_slow == "disconnect":
                return OfferResult.OVERFLOW
            self._lagging[subscription] = None
        subscription.leave_out(first, last)
        return OfferResult.QUEUED if subscription.is_replaying else OfferResult.LEFT_OUT

    def add_lagging(self, subscription: OutboxSubscription[TopicT]) -> None:
        """Let the subscription catch up after those that lag already. Call it only while blocked."""
        self._lagging[subscription] = None

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` more bytes fit."""
        return not self.blocked or self.size + size <= self._limit

    def put(self, chunk: bytes) -> None:
        """Queue the chunk, whatever the limit."""
        self.queue.append(chunk)
        self.size += len(chunk)

    def put_at(self, place: int, chunk: bytes) -> None:
        """Queue the chunk before the one at ``place``, whatever the limit."""
        self.queue.insert(place, chunk)
        self.size += len(chunk)

    def pop(self, at_most: int) -> bytes:
        """Remove and return the next chunks, joined: up to ``at_most`` bytes, but at least one chunk."""
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
        """Remove and return the subscription that has lagged longest, or None. The queue is empty."""
        subscription = next(iter(self._lagging), None)
        if subscription is not None:
            del self._lagging[subscription]
        return subscription

    @property
    def lagging(self) -> int:
        """How many subscriptions have a gap to announce."""
        return len(self._lagging)

    def forget(self, subscription: OutboxSubscription[TopicT]) -> None:
        """The client unsubscribed: announce no gap of this subscription."""
        self._lagging.pop(subscription, None)

    @property
    def is_over(self) -> bool:
        """Whether the queue is over twice the limit, so that replies do not fit either."""
        return self.blocked and self.size > 2 * self._limit

"""The hub: who listens to what, and how an event reaches them.

One turn of the event loop: events arrive -> trackers and streams make messages -> each message is encoded
and framed once per encoding -> at the turn's end each topic's frames are one chunk, each connection's
chunks one write. Nothing waits for a timer; what arrives while a turn writes makes the next turn's batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from floorwire.channels import Channel
from floorwire.clock import Clock
from floorwire.core import market_events
from floorwire.core.codes import CloseCode
from floorwire.core.dates import Moment
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent
from floorwire.core.notices import Notice, VenueFeedChanged
from floorwire.hub.direct_send import SendBatch, send_same, send_turn
from floorwire.hub.market_state import Happening, MarketState
from floorwire.hub.peer import Subscriber
from floorwire.hub.resume_ring import ResumeRing
from floorwire.hub.topic import SubscriptionStart, Topic
from floorwire.ops.stats import Stats
from floorwire.protocol.outbox import OfferResult, OutboxSubscription
from floorwire.protocol.requests import OnSlow, Resume
from floorwire.protocol.topic import TopicName

TURN_BYTES = 262_144
"""A turn's messages are sent at once when they are this much: bounds what one write can overshoot."""


class Hub:
    """Topics and their subscribers."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        epoch: str,
        resume_bytes: int,
        resume_us: int,
        clock: Clock,
        at_turn_end: Callable[[Callable[[], None]], object],
        stats: Stats,
    ) -> None:
        self.market = MarketState(channels)
        self.stats = stats
        self.subscribers: dict[Subscriber, None] = {}
        self._by_fd: dict[int, Subscriber] = {}
        self._topics: dict[TopicName, Topic] = {}
        self._by_event: dict[tuple[str | None, type[Happening]], list[Topic]] = {}
        self._epoch = epoch
        self._opened = 0
        self._resume_bytes = resume_bytes
        self._resume_us = resume_us
        self._clock = clock
        self._at_turn_end = at_turn_end
        self._dirty: dict[Topic, None] = {}
        self._pending_bytes = 0
        self._flush_is_due = False

    # --- events in ------------------------------------------------------------------------------

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Take in a venue's events, in order; their messages go out at the end of this turn."""
        at = self._clock.moment()
        for event in events:  # by type: isinstance takes four times as long where it is not
            if type(event) is Listing:
                for symbol in self.market.take_in(event):
                    self._reopen(symbol)
                self._apply(None, event, recv_us, at)
            elif type(event) is market_events.Clock:
                for symbol in self.market.of_venue(venue):
                    self._apply(symbol, event, recv_us, at)
            elif type(event) is FeedStatus:
                for turned in self.market.note(venue, event):
                    self._apply(turned.symbol, turned, recv_us, at)
                self._apply(None, VenueFeedChanged(venue, event), recv_us, at)
            else:
                self._apply(event.symbol, event, recv_us, at)

    def notify(self, notice: Notice) -> None:
        """Publish what the gateway itself has to say."""
        at = self._clock.moment()
        self._apply(None, notice, at.stamp_us, at)

    def _apply(self, symbol: str | None, event: Happening, recv_us: int, at: Moment) -> None:
        listeners = self.market.of(symbol)
        if listeners is None:
            return  # never listed: the venue's mistake, and nobody can have subscribed
        listeners.apply(event)
        for topic in self._by_event.get((symbol, type(event)), ()):
            size = topic.apply(event, recv_us, at)
            if size:
                self._gather(topic, size)

    def _gather(self, topic: Topic, size: int) -> None:
        self._dirty[topic] = None
        self._pending_bytes += size
        if self._pending_bytes > TURN_BYTES:
            self.flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            self._at_turn_end(self._end_turn)

    def _end_turn(self) -> None:
        self._flush_is_due = False
        self.flush()

    # --- messages out ---------------------------------------------------------------------------

    def flush(self) -> None:
        """Deliver what is pending and write it, one write a connection."""
        topics, self._dirty = self._dirty, {}
        self._pending_bytes = 0
        self._deliver(topics, is_all=True)
        if topics:
            since_us = min(topic.pending_since_us for topic in topics)
            self.stats.publish_to_write.observe(self.now_us() - since_us)

    def _deliver(self, topics: Collection[Topic], *, is_all: bool) -> None:
        """Hand each topic's chunk to its subscribers, and write.

        A topic that is all there is to the turn has nothing to be joined with: its chunk is written at once.
        """
        turn: SendBatch | None = None if is_all and len(topics) == 1 else []
        ready: list[Subscriber] = []
        for topic in topics:
            if topic.pending:
                self._hand_out(topic, turn, ready)
        if turn:
            self._push(send_turn(turn))
        for subscriber in ready:
            subscriber.flush()

    def _hand_out(self, topic: Topic, turn: SendBatch | None, ready: list[Subscriber]) -> None:
        messages, first, last = topic.pending, topic.pending_first, topic.seq
        overflown: list[Subscriber] = []
        for codec, subscriptions in topic.subscriptions.items():
            chunk, direct = topic.take_pending(codec), topic.direct[codec]
            left_out = _queue(topic.behind[codec], chunk, first, last, ready)
            if not direct:
                pass
            elif turn is None:
                self._push(send_same(direct, chunk))
            else:
                turn.append((direct, chunk))
            for subscription, subscriber in left_out.items():
                self.stats.left_out_by_reason[subscription.on_slow] += messages
                if subscription.on_slow == "disconnect":
                    overflown.append(subscriber)
            delivered = len(subscriptions) - len(left_out)
            self.stats.delivered(delivered * messages, delivered * len(chunk))
        for subscriber in overflown:
            subscriber.close(CloseCode.SLOW_CONSUMER, f"outbox full on {topic.name.channel}")

    def _push(self, rests: Iterable[tuple[int, bytes]]) -> None:
        for fd, rest in rests:
            self._by_fd[fd].push(rest)

    # --- subscribers ----------------------------------------------------------------------------

    def now_us(self) -> int:
        """Return monotonic time."""
        return self._clock.monotonic_us()

    def moment(self) -> Moment:
        """Return the time, and the dates."""
        return self._clock.moment()

    def enter(self, subscriber: Subscriber) -> None:
        """A connection is open."""
        self.subscribers[subscriber] = None
        self._by_fd[subscriber.fd] = subscriber
        self.stats.connections += 1

    def exit(self, subscriber: Subscriber, code: int) -> None:
        """A connection is gone."""
        del self.subscribers[subscriber]
        self._by_fd.pop(subscriber.fd, None)
        self.stats.connections -= 1
        self.stats.closed(code)

    def join(
        self, subscriber: Subscriber, name: TopicName, on_slow: OnSlow, resume: Resume | None
    ) -> tuple[Topic, OutboxSubscription[Topic], SubscriptionStart]:
        """Subscribe; return the topic, the lane, and what the subscriber is to be sent first."""
        topic = self._topics.get(name) or self._open(name)
        self.settle(topic)
        opening = topic.decide_resume(resume, subscriber.codec, self.moment())
        subscription = OutboxSubscription(topic, on_slow)
        topic.join(subscriber, subscription)
        self.stats.subscriptions += 1
        return topic, subscription, opening

    def leave(self, subscriber: Subscriber, name: TopicName) -> None:
        """Unsubscribe."""
        topic = self._topics[name]
        subscription = topic.leave(subscriber, self.now_us())
        if subscription is not None:
            subscriber.outbox.forget(subscription)
            self.stats.subscriptions -= 1

    def settle(self, topic: Topic) -> None:
        """Deliver what is pending of one topic, so that its state and its subscribers agree."""
        if topic.pending:
            self._deliver((topic,), is_all=False)

    def topic(self, name: TopicName) -> Topic:
        """Return an open topic."""
        return self._topics[name]

    def _open(self, name: TopicName) -> Topic:
        listeners = self.market.of(name.symbol)
        assert listeners is not None, f"the catalogue named {name}, which was never listed"
        self._opened += 1
        topic = Topic(
            name,
            f"{self._epoch}-{self._opened}",
            listeners.stream(name.channel, name.option),
            ResumeRing(self._resume_bytes, self._resume_us),
            self.moment(),
        )
        self._topics[name] = topic
        for kind in self.market.channels[name.channel].event_types:
            self._by_event.setdefault((name.symbol, kind), []).append(topic)
        return topic

    def _reopen(self, symbol: str) -> None:
        """Begin a symbol's topics anew, with a new epoch; their subscribers get the new state."""
        self.flush()
        for name in [name for name in self._topics if name.symbol == symbol]:
            old = self._topics[name]
            self._shut(old)
            topic = self._open(name)
            for subscriptions in old.subscriptions.values():
                for subscriber, subscription in subscriptions.items():
                    subscription.catch_up()
                    subscriber.outbox.forget(subscription)
                    subscription.topic = topic
                    topic.join(subscriber, subscription)
                    for frame in topic.decide_resume(None, subscriber.codec, self.moment()).frames:
                        subscriber.outbox.put(frame)
                    subscriber.flush()

    def sweep(self) -> None:
        """Drop what is too old to resume from, and topics that nobody came back to; once a second."""
        now_us = self.now_us()
        resume_bytes = 0
        for topic in list(self._topics.values()):
            topic.trim(now_us)
            resume_bytes += topic.resume_bytes
            if not topic.subscribers and now_us - topic.idle_since_us > self._resume_us:
                self._shut(topic)
        self.stats.topics, self.stats.resume_bytes = len(self._topics), resume_bytes

    def _shut(self, topic: Topic) -> None:
        del self._topics[topic.name]
        self._dirty.pop(topic, None)
        for kind in self.market.channels[topic.name.channel].event_types:
            self._by_event[topic.name.symbol, kind].remove(topic)


def _queue(
    subscriptions: Mapping[Subscriber, OutboxSubscription[Topic]],
    chunk: bytes,
    first: int,
    last: int,
    ready: list[Subscriber],
) -> dict[OutboxSubscription[Topic], Subscriber]:
    """Queue the chunk for each subscriber; note who is ready to be written to; return who is left out."""
    left_out: dict[OutboxSubscription[Topic], Subscriber] = {}
    for subscriber, subscription in subscriptions.items():
        outbox = subscriber.outbox
        if outbox.blocked:
            if outbox.offer(subscription, chunk, first, last) is not OfferResult.QUEUED:
                left_out[subscription] = subscriber
        else:
            queue = outbox.queue
            if not queue:  # who queued before is ready already, or reads and writes at the end of it
                ready.append(subscriber)
            queue.append(chunk)
    return left_out

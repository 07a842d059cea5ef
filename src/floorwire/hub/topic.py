"""A topic: one stream of events, with its ``seq``, resume ring and subscribers."""

from __future__ import annotations

import msgspec

from floorwire.channels import Stream
from floorwire.core.dates import Moment
from floorwire.core.market_events import MarketEvent
from floorwire.core.notices import Notice
from floorwire.hub.direct_send import Queues
from floorwire.hub.peer import Subscriber
from floorwire.hub.resume_ring import ResumeRing, RingSlice
from floorwire.protocol.channel_events import AnyEvent
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.outbox import OutboxSubscription
from floorwire.protocol.replies import Gap
from floorwire.protocol.requests import Resume
from floorwire.protocol.topic_names import TopicName


class SubscriptionStart(msgspec.Struct, frozen=True):
    """How a subscription begins: the gap of events that are lost, and the frames to send first.

    ``last``: the seq of the last of these. If it is less than the topic's, the client missed more than fits
    into one slice: the rest is replayed.
    """

    gap: Gap | None
    frames: list[bytes]
    last: int
    made: int = 0
    """How many frames had to be made in MessagePack."""


class Topic:
    """Encodes and frames each message once per encoding, and joins the frames of a turn to one chunk.

    It stays open while it has subscribers, and then as long as a client may resume.
    """

    __slots__ = (
        "_ring",
        "_stream",
        "direct",
        "epoch",
        "idle_since_us",
        "name",
        "pending_frames",
        "pending_since_us",
        "queued",
        "seq",
        "shown_symbol",
        "subscriptions",
    )

    def __init__(
        self,
        name: TopicName,
        epoch: str,
        stream: Stream,
        ring: ResumeRing,
        at: Moment,
        shown_symbol: str | None = None,
    ) -> None:
        self.name = name
        self.shown_symbol = shown_symbol or name.symbol
        """The symbol as clients know it; ``name`` has its identity."""
        self.epoch = epoch
        self.seq = 0
        self.subscriptions: dict[Codec, dict[Subscriber, OutboxSubscription[Topic]]] = {JSON: {}, MSGPACK: {}}
        self.direct: dict[Codec, Queues] = {JSON: {}, MSGPACK: {}}
        """The queues of subscribers that keep up and whose sockets may be written to directly."""
        self.queued: dict[Codec, dict[Subscriber, OutboxSubscription[Topic]]] = {JSON: {}, MSGPACK: {}}
        """The other subscribers. Their chunks go through the outbox: slow ones, those that resume, and those
        without a socket of ours."""
        self.idle_since_us = at.now_us
        self.pending_since_us = 0
        self._stream = stream
        self._ring = ring
        self.pending_frames: dict[Codec, list[bytes]] = {JSON: [], MSGPACK: []}
        state = stream.state(EventStamp(epoch, 1, at.stamp_us, at.stamp_us))
        if state is not None:
            self.seq = 1
            ring.append(1, at.now_us, JSON.frame(state))

    def apply(self, event: MarketEvent | Notice, recv_us: int, at: Moment) -> int:
        """Make the event's messages, and keep them until ``pop_pending``. Return their size in bytes."""
        messages = self._stream.apply(event, EventStamp(self.epoch, self.seq + 1, recv_us, at.stamp_us))
        if not messages:
            return 0
        pending, now_us = self.pending_frames[JSON], at.now_us
        if not pending:
            self.pending_since_us = now_us
        size = 0
        for message in messages:
            self.seq += 1
            data = JSON.frame(message)
            size += len(data)
            self._ring.append(self.seq, now_us, data)
            pending.append(data)
            if self.subscriptions[MSGPACK]:
                self.pending_frames[MSGPACK].append(MSGPACK.frame(message))
        return size

    @property
    def pending(self) -> int:
        """The number of messages that wait for the end of the turn."""
        return len(self.pending_frames[JSON])

    def pop_pending(self, codec: Codec) -> bytes:
        """Remove this turn's frames of one encoding, and return them as one chunk."""
        frames = self.pending_frames[codec]
        chunk = frames[0] if len(frames) == 1 else b"".join(frames)
        frames.clear()
        return chunk

    def decide_resume(self, resume: Resume | None, codec: Codec, at: Moment) -> SubscriptionStart:
        """Decide whether a client can resume; return how its subscription begins.

        If all missed events are in the resume ring, it begins with the first of them. If not, it begins with
        the state and the gap of lost events. Without ``resume`` it begins with the state. Nothing may be
        pending.
        """
        if resume is None:
            return SubscriptionStart(None, self._state_frames(codec, at.stamp_us), self.seq)
        missed = None if resume.epoch != self.epoch else self.missed(resume.seq, codec)
        if missed is not None:
            return SubscriptionStart(None, *missed)
        state = self._state_frames(codec, at.stamp_us)
        return SubscriptionStart(self._gap(resume, has_state=bool(state)), state, self.seq)

    def missed(self, seq: int, codec: Codec) -> RingSlice | None:
        """Return the next events after ``seq``, up to a slice. None if one of them is not kept any more."""
        if seq >= self.seq:
            return RingSlice([], seq, 0) if seq == self.seq else None
        return self._ring.after(seq, codec)

    def _gap(self, resume: Resume, has_state: bool) -> Gap | None:
        # The state that follows has the current seq. Only the events before it are lost.
        last = self.seq - has_state
        if resume.epoch != self.epoch:
            return Gap(1, last, "epoch")
        if resume.seq > self.seq:
            return Gap(self.seq + 1, resume.seq, "ahead")
        return Gap(resume.seq + 1, last, "expired") if resume.seq < last else None

    def _state_frames(self, codec: Codec, sent_us: int) -> list[bytes]:
        state = self.state(sent_us, 0)
        return [] if state is None else [codec.frame(state)]

    def state(self, sent_us: int, conflated: int) -> AnyEvent | None:
        """Return the current state as a message of the current seq."""
        return self._stream.state(EventStamp(self.epoch, self.seq, sent_us, sent_us), conflated)

    def add_subscriber(self, subscriber: Subscriber, subscription: OutboxSubscription[Topic]) -> None:
        """Deliver to this subscriber from the next message on."""
        self.subscriptions[subscriber.codec][subscriber] = subscription
        self.update_direct(subscriber)

    def update_direct(self, subscriber: Subscriber) -> None:
        """Move the subscriber to ``direct`` if it keeps up, and to ``queued`` if not.

        It does not keep up under backpressure, and while events that it missed are replayed.
        """
        codec, fd = subscriber.codec, subscriber.fd
        subscription = self.subscriptions[codec][subscriber]
        if fd >= 0 and not subscriber.outbox.blocked and not subscription.lags:
            self.direct[codec][fd] = subscriber.outbox.queue
            self.queued[codec].pop(subscriber, None)
        else:
            self.direct[codec].pop(fd, None)
            self.queued[codec][subscriber] = subscription

    def remove_subscriber(self, subscriber: Subscriber, now_us: int) -> OutboxSubscription[Topic] | None:
        """Deliver nothing more to this subscriber. Return its subscription, or None."""
        self.idle_since_us = now_us
        self.direct[subscriber.codec].pop(subscriber.fd, None)
        self.queued[subscriber.codec].pop(subscriber, None)
        return self.subscriptions[subscriber.codec].pop(subscriber, None)

    @property
    def subscribers(self) -> int:
        """The number of subscribers."""
        return len(self.subscriptions[JSON]) + len(self.subscriptions[MSGPACK])

    def trim(self, now_us: int) -> None:
        """Drop frames that are too old to resume from."""
        self._ring.trim(now_us)

    def shrink(self, most: int) -> None:
        """Drop the oldest frames, so that the resume ring has no more bytes than ``most``."""
        self._ring.shrink(most)

    @property
    def resume_bytes(self) -> int:
        """The size of the resume ring in bytes, in both encodings."""
        return self._ring.size + self._ring.msgpack_size

"""The writing half of a client's connection: its wire, its outbox, and the lanes that fill the outbox.

This is where backpressure is. While the peer reads, chunks go to the wire at once. When the peer's buffer is
full, chunks wait in the outbox, bounded; when the peer reads again, what lanes left out is made up for.
"""

from __future__ import annotations

from floorwire.core.codes import CloseCode
from floorwire.hub.hub import Hub
from floorwire.hub.peer import Wire
from floorwire.hub.subscription_replies import skipped
from floorwire.hub.topic import Topic
from floorwire.protocol.channel_events import SlowNotice
from floorwire.protocol.codec import Codec, Outgoing
from floorwire.protocol.outbox import OfferResult, Outbox, OutboxSubscription
from floorwire.protocol.topic import TopicName

SLICE_BYTES = 65_536
"""What is written at once to a peer that has been slow."""
BEGINNINGS = 32
"""So many subscriptions' first messages are written at once: a peer that is slow shows before the next."""
SYSTEM = TopicName("system", None, None)


class ClientTransport:
    """Writes to one client. The hub writes straight to ``fd`` as long as nothing is queued."""

    __slots__ = (
        "_hub",
        "_subscriptions",
        "_told_slow",
        "_wire",
        "codec",
        "fd",
        "is_alive",
        "outbox",
        "slot",
    )

    def __init__(self, hub: Hub, codec: Codec, outbox_bytes: int) -> None:
        self.codec = codec
        self.outbox: Outbox[Topic] = Outbox(outbox_bytes)
        self.fd = -1
        """The socket, -1 while there is none that may be written to."""
        self.is_alive = True
        """Whether the peer was heard since the last ping."""
        self.slot = 0
        """Where ``Liveness`` keeps it."""
        self._hub = hub
        self._subscriptions: dict[TopicName, OutboxSubscription[Topic]] = {}
        self._wire: Wire | None = None
        """None before ``opened`` and after ``closed``."""
        self._told_slow = False
        """Whether the peer was told that it is slow, since it last kept up."""

    def closed(self, code: int) -> None:
        """The connection is gone: leave everything."""
        raise NotImplementedError

    # --- writing --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what is queued, all in one, unless the peer's buffer is full."""
        queue = self.outbox.queue
        if queue and not self.outbox.blocked:
            chunk = queue[0] if len(queue) == 1 else b"".join(queue)
            queue.clear()
            self.push(chunk)

    def push(self, data: bytes) -> None:
        """Write; where the peer's buffer is full now, queue from here on."""
        if self._wire is not None and not self._wire.write(data):
            self.outbox.block()
            self._place()

    def _place(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.topic.place(self)

    def ping(self) -> bool:
        """Ask the peer for a sign of life; False where the server below does that by itself."""
        self.is_alive = False
        return self._wire is not None and self._wire.ping()

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection; what was queued goes first where the peer reads."""
        if self._wire is not None:
            self.flush()
            self._wire.close(code, reason)
            self.closed(code)

    def writable(self) -> None:
        """Write on: first what is queued, then what lanes left out, each as it is by now."""
        wire, outbox = self._wire, self.outbox
        while wire is not None:
            chunk = outbox.take(SLICE_BYTES)
            if not chunk:
                subscription = outbox.next_lagging()
                if subscription is None:
                    outbox.blocked = self._told_slow = False
                    self._place()
                    return
                self._catch_up(subscription)
            elif not wire.write(chunk):
                return
            wire = self._wire

    def _catch_up(self, subscription: OutboxSubscription[Topic]) -> None:
        topic = subscription.topic
        self._hub.settle(topic)  # what is pending belongs to what was left out
        first, last = subscription.catch_up()
        sent_us = self._hub.moment().stamp_us
        if not self._told_slow and SYSTEM in self._subscriptions:
            self._told_slow = True
            self.outbox.put(self.codec.frame(SlowNotice(streams=self.outbox.lagging + 1, sent=sent_us)))
        state = topic.state(sent_us, last - first) if subscription.on_slow == "conflate" else None
        if state is not None:
            self.outbox.put(self.codec.frame(state))
        else:
            self.outbox.put(self.codec.frame(skipped(topic, first, last, sent_us)))

    # --- what waits -----------------------------------------------------------------------------

    def tell(self, frames: bytes) -> None:
        """Queue private events, or end the connection where they do not fit (4008)."""
        if self._wire is None:
            return
        if self.has_room(len(frames)):
            self.outbox.put(frames)
        else:
            self.close_slow()

    def has_room(self, size: int) -> bool:
        """Return whether so many bytes more may wait."""
        return self.outbox.has_room(size)

    def close_slow(self) -> None:
        """End the connection: private events are never left out."""
        self.close(CloseCode.SLOW_CONSUMER, "private events are not read")

    def _say(self, message: Outgoing) -> None:
        self._put([self.codec.frame(message)])

    def _put(self, frames: list[bytes]) -> None:
        for frame in frames:
            self.outbox.put(frame)
        if self.outbox.is_over:
            self.close(CloseCode.SLOW_CONSUMER, "replies are not read")

    def _begin(self, subscription: OutboxSubscription[Topic], frames: list[bytes]) -> None:
        # What a subscription begins with are events like any other: for a slow peer, the contract holds.
        if not frames:
            return
        outbox, chunk, last = self.outbox, b"".join(frames), subscription.topic.seq
        if not outbox.blocked:
            outbox.queue.append(chunk)
            if len(chunk) > SLICE_BYTES or len(outbox.queue) > BEGINNINGS:
                self.flush()
        elif outbox.offer(subscription, chunk, last - len(frames) + 1, last) is OfferResult.OVERFLOW:
            self.close(CloseCode.SLOW_CONSUMER, f"outbox full on {subscription.topic.name.channel}")

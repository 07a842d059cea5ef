"""The writing half of a client's connection: its wire, its outbox and its subscriptions.

Backpressure is handled here. While the peer reads, chunks go to the wire at once. When the peer's buffer is
full, chunks wait in the outbox. The outbox bounds a slow client: beyond its limit, the contract of each
subscription decides what gives way. When the peer reads again, each subscription catches up.
"""

from __future__ import annotations

from floorwire.auth.client_address import network_of
from floorwire.core.codes import CloseCode
from floorwire.hub.hub import Hub
from floorwire.hub.peer import Wire
from floorwire.hub.subscription_replies import skipped
from floorwire.hub.topic import Topic
from floorwire.protocol.channel_events import SlowNotice
from floorwire.protocol.codec import Codec
from floorwire.protocol.cost_budget import KIB_US, STATE_US, TRANSCODE_US, ClientBudget
from floorwire.protocol.envelopes import Outgoing
from floorwire.protocol.outbox import OfferResult, Outbox, OutboxSubscription
from floorwire.protocol.replies import EncodedSymbolList
from floorwire.protocol.topic_names import TopicName

SLICE_BYTES = 65_536
"""The most bytes in one write to a peer that has been slow."""
WRITE_US = 10
"""Price of one write to a peer that reads again, besides its bytes."""
LARGE_BYTES = 16_384
"""A larger first chunk is written at once."""
MAX_FIRST_CHUNKS = 32
"""The most first chunks of subscriptions in one write. A slow peer is noticed before the next write."""
COSTLY_US = 100
"""After a request of this price, the next ones wait for later turns. One read may hold 64 requests."""
SYSTEM = TopicName("system", None, None)


class ClientTransport:
    """Writes to one client. The hub writes directly to the socket ``fd`` while nothing is queued."""

    __slots__ = (
        "_budget",
        "_hub",
        "_is_catching_up",
        "_reply_at",
        "_slow_notice_sent",
        "_wire",
        "codec",
        "fd",
        "is_alive",
        "outbox",
        "slot",
        "subscriptions",
    )

    def __init__(self, hub: Hub, codec: Codec, outbox_bytes: int) -> None:
        self.codec = codec
        self.outbox: Outbox[Topic] = Outbox(outbox_bytes)
        self.fd = -1
        """The socket that may be written to directly, or -1."""
        self.is_alive = True
        """Whether anything came from the peer since the last ping."""
        self.slot = 0
        """The timing wheel's slot that holds this connection. ``Liveness`` sets it."""
        self._hub = hub
        self.subscriptions: dict[TopicName, OutboxSubscription[Topic]] = {}
        """What ``MarketSubscriptions`` subscribed the client to."""
        self._budget: ClientBudget | None = None
        """What work for the client is charged to. None before ``opened``."""
        self._wire: Wire | None = None
        """None before ``opened`` and after ``closed``."""
        self._reply_at = -1
        """While events are held back for a reply: the reply's place in the queue. Else -1."""
        self._is_catching_up = False
        """Whether lagging subscriptions catch up in the next turns."""
        self._slow_notice_sent = False
        """Whether a SlowNotice was sent since the peer last kept up."""

    def closed(self, code: int) -> None:
        """The connection is gone: release all that it holds."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether the client is there: after ``opened``, before ``closed``."""
        return self._wire is not None

    @property
    def network(self) -> str:
        """Whose turns the client's long work takes: its address, as ``network_of`` names it."""
        assert self._wire is not None, "the client is gone"
        return network_of(self._wire.address)

    # --- writing --------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write all that is queued in one write, unless the peer's buffer is full."""
        queue = self.outbox.queue
        if queue and not self.outbox.blocked:
            chunk = queue[0] if len(queue) == 1 else b"".join(queue)
            queue.clear()
            if self._wire is not None and not self._wire.write(chunk):  # as ``push``
                self.outbox.block()
                self._update_direct()

    def push(self, data: bytes) -> None:
        """Write the data. Backpressure: if the peer's buffer is full then, later chunks are queued."""
        if self._wire is not None and not self._wire.write(data):
            self.outbox.block()
            self._update_direct()

    def _update_direct(self) -> None:
        for subscription in self.subscriptions.values():
            subscription.topic.update_direct(self)

    def ping(self) -> bool:
        """Send a ping. Return False if the ASGI server sends pings by itself."""
        self.is_alive = False
        return self._wire is not None and self._wire.ping()

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the connection. Queued data goes first if the peer reads."""
        if self._wire is not None:
            self.flush()
            self._wire.close(code, reason)
            self.closed(code)

    def writable(self) -> None:
        """The peer reads again. Write what is queued; then each lagging subscription catches up.

        That may be long: a thousand books to encode. So it is cut into turns, and what all peers that read
        again in one turn are written at once is bounded.
        """
        if self._reply_at >= 0 or self._is_catching_up or self._wire is None:
            return
        address = self._wire.address
        if not self._hub.turns.admits(self._price_of_write()) or self._write_some():
            self._is_catching_up = True
            self._hub.turns.add(self._go_on_writing, network_of(address))

    def _price_of_write(self) -> int:
        outbox = self.outbox
        return WRITE_US + KIB_US * min(outbox.size, SLICE_BYTES) // 1024 + (STATE_US if outbox.lagging else 0)

    def _go_on_writing(self) -> bool:
        self._is_catching_up = self._reply_at < 0 and self._write_some()
        return self._is_catching_up

    def _write_some(self) -> bool:
        """Write and catch up, as much as fits into one turn. Return whether the peer would take more."""
        wire, outbox, written = self._wire, self.outbox, 0
        while wire is not None and not wire.is_blocked:
            chunk = outbox.pop(SLICE_BYTES)
            if chunk:
                written += len(chunk)
                if not wire.write(chunk):
                    return False
            else:
                subscription = outbox.next_lagging()
                if subscription is None:
                    outbox.blocked = self._slow_notice_sent = False
                    self._update_direct()
                    return False
                self.catch_up(subscription)
            if written + outbox.size > SLICE_BYTES:
                return True
            wire = self._wire
        return False

    def hold_back(self) -> None:
        """Queue all events from now on, until ``release`` puts a reply before them."""
        self.flush()
        self._reply_at = len(self.outbox.queue)
        if not self.outbox.blocked:
            self.outbox.block()
            self._update_direct()

    def release(self, reply: Outgoing) -> None:
        """Queue the reply before the events that were held back, and send them."""
        self.outbox.put_at(self._reply_at, self.codec.frame(reply))
        self._reply_at = -1
        if self._wire is not None and not self._wire.is_blocked:
            self.writable()

    def catch_up(self, subscription: OutboxSubscription[Topic]) -> None:
        """Queue what a lagging subscription needs next: a slice of what it missed, or its state."""
        topic = subscription.topic
        self._hub.deliver_pending(topic)  # Pending events belong to the range that was left out.
        if not (subscription.is_replaying and self._replay(subscription)):
            self._catch_up_at_once(subscription)
        if self._wire is not None and not self.outbox.blocked:
            topic.update_direct(self)

    def _catch_up_at_once(self, subscription: OutboxSubscription[Topic]) -> None:
        topic = subscription.topic
        first, last = subscription.catch_up()
        sent_us = self._hub.moment().stamp_us
        if not self._slow_notice_sent and SYSTEM in self.subscriptions:
            self._slow_notice_sent = True
            self.outbox.put(self.codec.frame(SlowNotice(streams=self.outbox.lagging + 1, sent=sent_us)))
        state = topic.state(sent_us, last - first) if subscription.on_slow == "conflate" else None
        if state is not None:
            self.outbox.put(self.codec.frame(state))
        else:
            self.outbox.put(self.codec.frame(skipped(topic, first, last, sent_us)))

    def _replay(self, subscription: OutboxSubscription[Topic]) -> bool:
        """Queue the next slice of what the client missed. Return False if some of it is not kept any more."""
        topic, outbox = subscription.topic, self.outbox
        missed = topic.missed(subscription.left_out_first - 1, self.codec)
        if missed is None:
            left_out = subscription.left_out_last - subscription.left_out_first + 1
            self._hub.stats.left_out_by_reason[subscription.on_slow] += left_out
            if subscription.on_slow == "disconnect":
                subscription.catch_up()
                self.close(CloseCode.SLOW_CONSUMER, f"outbox full on {topic.name.channel}")
                return True
            return False
        outbox.put(b"".join(missed.frames))
        subscription.replayed(missed.last)
        if outbox.blocked and subscription.is_replaying:
            outbox.add_lagging(subscription)
        self.charge_slice(missed.frames, missed.made)
        return True

    # --- what it costs --------------------------------------------------------------------------

    def charge(self, cost_us: int) -> None:
        """Charge work to the client's budget. After costly work, its next messages wait for later turns."""
        if self._budget is not None:
            self._budget.charge(cost_us, self._hub.now_us())
        if cost_us >= COSTLY_US and self._wire is not None:
            self._wire.defer()

    def charge_slice(self, frames: list[bytes], made: int) -> None:
        """Charge for first events. ``made``: so many had to be made in MessagePack."""
        self.charge(KIB_US * sum(map(len, frames)) // 1024 + TRANSCODE_US * made)

    # --- what waits -----------------------------------------------------------------------------

    def queue_events(self, frames: bytes) -> None:
        """Queue private events. If they do not fit into the outbox, close the connection (4008)."""
        if self._wire is None:
            return
        if self.has_room(len(frames)):
            self.outbox.put(frames)
        else:
            self.close_slow()

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` more bytes fit into the outbox."""
        return self.outbox.has_room(size)

    def close_slow(self) -> None:
        """Close a slow client (4008): private events are never left out."""
        self.close(CloseCode.SLOW_CONSUMER, "private events are not read")

    def send(self, message: Outgoing | EncodedSymbolList) -> None:
        """Queue a reply or a notice. Close the client (4008) if that is more than the outbox takes."""
        outbox = self.outbox
        outbox.put(self.codec.frame(message))
        if outbox.blocked and outbox.is_over:
            self.close(CloseCode.SLOW_CONSUMER, "replies are not read")

    def send_first_frames(self, subscription: OutboxSubscription[Topic], frames: list[bytes]) -> None:
        """Queue a subscription's first events. For a slow client, the contract (``on_slow``) decides."""
        if not frames:
            return
        outbox, last = self.outbox, subscription.topic.seq
        if outbox.blocked and subscription.is_replaying:  # nothing is copied before the peer reads
            subscription.start_replay(subscription.left_out_first - len(frames), last)
            outbox.add_lagging(subscription)
            return
        chunk = b"".join(frames)
        if not outbox.blocked:
            outbox.queue.append(chunk)
            if len(chunk) > LARGE_BYTES or len(outbox.queue) > MAX_FIRST_CHUNKS:
                self.flush()
        elif outbox.offer(subscription, chunk, last - len(frames) + 1, last) is OfferResult.OVERFLOW:
            self.close(CloseCode.SLOW_CONSUMER, f"outbox full on {subscription.topic.name.channel}")

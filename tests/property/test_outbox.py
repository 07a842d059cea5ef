"""The outbox as a state machine: publishers on one side, a peer that reads when it likes on the other."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from floorwire.protocol.outbox import OfferResult, Outbox, OutboxSubscription
from floorwire.protocol.requests import OnSlow

LIMIT = 100
LARGEST = 60
REPLY = b"reply;"

names = st.sampled_from(["conflating", "skipping", "disconnecting"])
CONTRACTS: dict[str, OnSlow] = {
    "conflating": "conflate",
    "skipping": "skip",
    "disconnecting": "disconnect",
}


class Sent(NamedTuple):
    """The events first..last of a subscription in one chunk, or an announcement that they will not come."""

    subscription: str
    first: int
    last: int


def chunk(sent: Sent, size: int) -> bytes:
    """Return the events as bytes that can be read back."""
    return f"{sent.subscription},{sent.first},{sent.last},".encode().ljust(size, b".") + b";"


def read(data: bytes) -> list[Sent]:
    """Return the events in what the peer read."""
    parts = [part.split(b",") for part in data.split(b";") if part and part != REPLY[:-1]]
    return [Sent(subscription.decode(), int(first), int(last)) for subscription, first, last, _ in parts]


class SlowPeer(RuleBasedStateMachine):
    """Publishes, reads, and checks that the peer is told of every seq in order."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox: Outbox[str] = Outbox(LIMIT)
        self.subscriptions = {name: OutboxSubscription(name, on_slow) for name, on_slow in CONTRACTS.items()}
        self.seqs = dict.fromkeys(CONTRACTS, 0)
        self.told = dict.fromkeys(CONTRACTS, 0)
        self.replies = 0
        self.closed = False

    # --- the gateway ---

    @precondition(lambda self: not self.closed)
    @rule(name=names, events=st.integers(1, 5), size=st.integers(20, LARGEST))
    def publish(self, name: str, events: int, size: int) -> None:
        """As the hub does: a topic's chunk of one turn."""
        sent = Sent(name, self.seqs[name] + 1, self.seqs[name] + events)
        self.seqs[name] = sent.last
        data, subscription = chunk(sent, size), self.subscriptions[name]
        if not self.outbox.blocked:
            self.outbox.queue.append(data)
            return
        had_room = self.outbox.size + len(data) <= LIMIT
        verdict = self.outbox.offer(subscription, data, sent.first, sent.last)
        assert (verdict is OfferResult.QUEUED) <= had_room
        self.closed = verdict is OfferResult.OVERFLOW
        assert self.closed <= (subscription.on_slow == "disconnect" and not had_room)

    @precondition(lambda self: not self.closed and self.replies < 3)
    @rule()
    def reply(self) -> None:
        """A reply goes past every contract."""
        self.outbox.put(REPLY)
        self.replies += 1

    @precondition(lambda self: not self.outbox.blocked)
    @rule(takes_all=st.booleans())
    def flush(self, takes_all: bool) -> None:
        """The turn ends: all in one write, and the kernel may not take all of it."""
        data = b"".join(self.outbox.queue)
        self.outbox.queue.clear()
        self.peer_reads(data)
        if data and not takes_all:
            self.outbox.block()

    # --- the peer ---

    @precondition(lambda self: self.outbox.blocked)
    @rule(at_most=st.integers(1, 2 * LIMIT), writes=st.integers(1, 5))
    def drain(self, at_most: int, writes: int) -> None:
        """The kernel takes some writes more: the queue first, then who lags."""
        for _ in range(writes):
            data = self.outbox.pop(at_most)
            if data:
                self.peer_reads(data)
                continue
            subscription = self.outbox.next_lagging()
            if subscription is None:
                self.outbox.blocked = False
                return
            self.catch_up(subscription)

    def catch_up(self, subscription: OutboxSubscription[str]) -> None:
        """As the connection does: what was left out is announced in one message."""
        first, last = subscription.catch_up()
        assert last == self.seqs[subscription.topic], "whatever came later was left out too"
        self.outbox.put(chunk(Sent(subscription.topic, first, last), 20))

    def peer_reads(self, data: bytes) -> None:
        """Each subscription goes on where it was: nothing twice, nothing missing, nothing old after new."""
        self.replies -= data.count(REPLY)
        for sent in read(data):
            assert sent.first == self.told[sent.subscription] + 1
            self.told[sent.subscription] = sent.last

    @invariant()
    def memory_is_bounded(self) -> None:
        """At most the limit, what one turn queued before it was known to block, and replies."""
        if self.outbox.blocked:
            assert self.outbox.size == sum(map(len, self.outbox.queue))
            assert self.outbox.size <= LIMIT + 3 * len(REPLY) + 21

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """Every seq was told, is queued, or its subscription has the gap to announce."""
        queued = {sent.subscription: sent.last for sent in read(b"".join(self.outbox.queue))}
        for name, subscription in self.subscriptions.items():
            if subscription.lags:
                assert subscription.left_out_last == self.seqs[name]
                assert subscription.left_out_first == queued.get(name, self.told[name]) + 1
            elif not self.closed:
                assert queued.get(name, self.told[name]) == self.seqs[name]

    def teardown(self) -> None:
        """Whatever happened, a peer that reads on ends knowing of every seq."""
        while self.outbox.blocked and not self.closed:
            self.drain(LIMIT, 5)
        self.flush(True)
        assert self.closed or self.told == self.seqs


TestSlowPeer = SlowPeer.TestCase
TestSlowPeer.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)

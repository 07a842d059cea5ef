"""Resume after any cut equals the uncut stream: a hub and its connections, on wires that block at random.

Clients read late, vanish with bytes on the way and come back with resume, in either encoding and with every
contract; another reads all as it comes. In the end each knows of every seq: it came, and says what it said to
everybody else, or it was announced not to come.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.core.notices import SecondPassed
from floorwire.protocol.channel_events import BookEvent
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.topic_names import TopicName
from tests.channels.book_client import BookClient
from tests.hub.hub_harness import SECOND_US, FakeWire, HubHarness, PipeWire
from tests.stream_checker import Message, StreamChecker, StreamName, content

NAMES = (
    StreamName("ticker", "BTC-USDT", None),
    StreamName("trades", "BTC-USDT", None),
    StreamName("book", "BTC-USDT", 5),
    StreamName("candles", "BTC-USDT", "1s"),
    StreamName("heartbeat", None, None),
)
CONTRACTS: dict[str, list[OnSlow | None]] = {
    "trades": [None, "skip", "disconnect"],
    "book": [None, "conflate", "disconnect"],
}
WIRES = (FakeWire, PipeWire, PipeWire)
ANY: list[OnSlow | None] = [None, "conflate", "skip", "disconnect"]


class Client:
    """A client that comes back whenever it was cut, and takes up every stream where it was."""

    def __init__(self, harness: HubHarness, codec: Codec, outbox_bytes: int, wire: type[FakeWire]) -> None:
        self.checker = StreamChecker()
        self._world = harness
        self._codec = codec
        self._outbox_bytes = outbox_bytes
        self._wire = wire
        self._held: dict[StreamName, OnSlow | None] = {}
        self.wire = self._connect()

    def _connect(self) -> FakeWire:
        self.checker.connected()
        return self._world.connect(self._codec, outbox_bytes=self._outbox_bytes, wire=self._wire)

    def subscribe(self, name: StreamName, on_slow: OnSlow | None) -> None:
        """Follow the stream: anew, or where it was left."""
        resume = None if name in self._held else self.checker.resume_point(name)
        self._held[name] = on_slow
        self._ask("subscribe", name, resume, on_slow)

    def _ask(
        self, action: str, name: StreamName, resume: dict[str, str | int] | None, on_slow: str | None
    ) -> None:
        fields = {
            "channel": name.channel,
            "symbol": name.symbol,
            "depth": name.option if isinstance(name.option, int) else None,
            "interval": name.option if isinstance(name.option, str) else None,
            "on_slow": on_slow,
            "resume": resume,
        }
        asked = {field: value for field, value in fields.items() if value is not None}
        self.wire.ask(action, id=StreamChecker.RESUME if resume else StreamChecker.ANEW, **asked)

    def unsubscribe(self, name: StreamName) -> None:
        """Stop following for now; all that was on the way is read first."""
        del self._held[name]
        self._ask("unsubscribe", name, None, None)
        self.read_all()

    def read(self) -> None:
        """Read what has come."""
        for message in self.wire.messages():
            self.checker.read(message)

    def read_all(self) -> None:
        """Read until nothing waits."""
        self.wire.drain()
        while self._world.hub.turns:
            self._world.end_turn()
            self.wire.drain()
        self.read()

    def cut(self) -> None:
        """Vanish; what waits is lost."""
        self.read()
        self.wire.cut()

    def come_back(self) -> None:
        """Where the connection is gone, open another and resume everything."""
        if self.wire.code is None:
            return
        assert self.wire.code in (CloseCode.ABNORMAL, CloseCode.SLOW_CONSUMER)
        self.read()
        self.wire = self._connect()
        held, self._held = self._held, {}
        for name, on_slow in held.items():
            self.subscribe(name, on_slow)
            self.read_all()

    def holds(self, name: StreamName) -> bool:
        """Return whether it follows the stream now."""
        return name in self._held

    def is_at_the_end(self) -> None:
        """Require that what it follows is where the gateway is."""
        for name in self._held:
            stream = self.checker.streams[name]
            topic = self._world.hub.topic(TopicName(*name))
            if topic.seq == 0:
                continue  # begun anew, perhaps with another epoch, and nothing to tell since
            # Trades have no state: after the reply, nothing need come before the next one.
            last = stream.reply_seq if name.channel == "trades" and stream.reply_seq else stream.last
            assert (stream.epoch, last) == (topic.epoch, topic.seq), name

    def told(self) -> dict[StreamPosition, Message]:
        """Return what each event said. Of a book, what it made of the book: an update or a snapshot."""
        told = {}
        for stream in [*self.checker.streams.values(), *self.checker.ended]:
            book = BookClient()
            for seq, event in sorted(stream.received.items()):
                said = content(event)
                if stream.name.channel == "book":
                    book.read(msgspec.convert(event, BookEvent))
                    said = {"bids": dict(book.bids), "asks": dict(book.asks), "ts": event["ts"]}
                told[StreamPosition(stream.name, stream.epoch, seq)] = said
        return told


class StreamPosition(NamedTuple):
    """One event: its stream and where in it."""

    name: StreamName
    epoch: str
    seq: int


class Step(NamedTuple):
    """One thing that happens."""

    what: str
    client: int
    amount: int
    name: StreamName


OFTEN = ("tick", "tick", "stall", "drain")
NOW_AND_THEN = ("turn", "read", "cut", "join", "leave", "wait", "beat")
steps = st.builds(
    Step,
    st.sampled_from([*OFTEN * 3, "restart", "relist", *NOW_AND_THEN, *OFTEN]),
    st.integers(0, 2),
    st.integers(0, 12),
    st.sampled_from(NAMES),
)
codecs = st.sampled_from([JSON, MSGPACK])
WAITS_US = (0, 1_000, SECOND_US, 3 * SECOND_US, 20 * SECOND_US)


@settings(max_examples=30)
@given(
    st.lists(steps, min_size=30, max_size=150),
    st.tuples(codecs, codecs, codecs),
    st.sampled_from([300, 2_000, 1_000_000]),
    st.sampled_from([2_000, 1_000_000]),
    st.sets(st.sampled_from(NAMES)),
)
def test_after_any_cut_every_seq_came_or_was_announced(
    authenticator: Authenticator,
    script: list[Step],
    codecs: tuple[Codec, Codec, Codec],
    outbox_bytes: int,
    resume_bytes: int,
    followed_throughout: set[StreamName],
) -> None:
    harness = HubHarness(authenticator, resume_bytes=resume_bytes, resume_us=5 * SECOND_US)
    witness = Client(harness, JSON, 1_000_000, FakeWire)
    for name in followed_throughout:
        witness.subscribe(name, None)
    clients = [Client(harness, codec, outbox_bytes, wire) for codec, wire in zip(codecs, WIRES, strict=True)]
    for number, client in enumerate(clients):
        for name in NAMES:
            play(Step("join", 0, number, name), harness, client, [])
    for step in script:
        play(step, harness, clients[step.client], [witness, *clients])
        witness.read()
    settle(harness, [witness, *clients])
    truth: dict[StreamPosition, Message] = {}
    for client in [witness, *clients]:
        client.checker.check()
        for place, said in client.told().items():
            assert truth.setdefault(place, said) == said
    for client in [witness, *clients]:
        client.is_at_the_end()
        client.cut()


def play(step: Step, harness: HubHarness, client: Client, everybody: list[Client]) -> None:
    """Let the step happen, to a client that comes back by then where it was cut."""
    client.come_back()
    match step.what:
        case "tick":
            harness.tick(times=1 + step.amount)
            harness.end_turn()
        case "turn":
            harness.tick()  # of a turn that goes on
        case "drain":
            client.wire.drain(room=50 * step.amount)
        case "stall":
            client.wire.room = 0  # a pipe has as much room as it has
        case "read":
            client.read_all()
        case "cut":
            client.cut()
        case "join":
            contracts = CONTRACTS.get(step.name.channel, ANY)
            client.subscribe(step.name, contracts[step.amount % len(contracts)])
        case "leave" if client.holds(step.name):
            client.unsubscribe(step.name)
        case "wait":
            harness.now_us += WAITS_US[step.amount % len(WAITS_US)]
            harness.hub.sweep()
        case "restart":
            for each in everybody:
                each.cut()
            harness.restart()
            everybody[0].come_back()
        case "relist":
            harness.change_steps()
        case "beat":
            harness.hub.notify(SecondPassed(harness.now_us))


def settle(harness: HubHarness, clients: list[Client]) -> None:
    """Let every client come back, if need be, and read everything."""
    harness.end_turn()
    for client in clients:
        client.read_all()
        client.come_back()
        client.read_all()

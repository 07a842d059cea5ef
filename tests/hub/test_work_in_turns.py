"""Long requests are cut into turns: what others see meanwhile, the order of events, and who pays."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.hub import client_transport, list_replies, market_subscriptions, resume_ring
from floorwire.hub.topic_join import RESUME_US
from floorwire.hub.turn_queue import AT_ONCE_US, TURN_US
from floorwire.protocol import cost_budget
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from tests.scripted import SYMBOLS

from .hub_harness import SECOND_US, FakeWire, HubHarness, Message


class PatientWire(FakeWire):
    """A wire that lets the test do the steps of long work."""

    is_deferring = False

    def defer(self) -> None:
        """Note that nothing is read."""
        self.is_deferring = True

    def step(self) -> bool:
        """Do one step. Return whether more is left."""
        self.is_deferring = self.connection.work()
        self.connection.end_of_read()
        return self.is_deferring


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """A harness in which nothing has happened yet."""
    return HubHarness(authenticator)


def trades_begin(harness: HubHarness) -> Message:
    """Open the trades, and return where they begin."""
    wire = harness.connect()
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    (reply,) = wire.messages()
    return {"epoch": reply["epoch"], "seq": reply["seq"]}


class CostlyWire(PatientWire):
    """A wire on which writing takes time: a microsecond for each 100 bytes."""

    harness: HubHarness

    def write(self, data: bytes) -> bool:
        """Let the time pass."""
        self.harness.now_us += -(-len(data) // 100)
        return super().write(data)


SLICE = 1_000


@pytest.fixture
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume_ring, "SLICE_BYTES", SLICE)


def missed_much(harness: HubHarness, times: int = 99) -> Message:
    """Let much happen. Return where a client that missed it all was."""
    begin = trades_begin(harness)
    harness.tick(times=times)
    harness.end_turn()
    return begin


def seqs(messages: list[Message]) -> list[object]:
    """Return the seqs of the events among the messages."""
    return [message["seq"] for message in messages if "status" not in message]


# --- resumes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.usefixtures("_small_slices")
def test_a_resume_is_sent_in_slices_and_misses_nothing(harness: HubHarness, codec: Codec) -> None:
    begin = missed_much(harness)
    wire = harness.connect(codec, wire=PatientWire)
    assert isinstance(wire, PatientWire)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
    (reply, *events), steps = wire.messages(), 0
    assert (reply["status"], reply["seq"], reply.get("gap")) == ("subscribed", 99, None)
    while wire.is_deferring:
        harness.tick()
        harness.end_turn()
        wire.step()
        assert 0 < wire.unread_bytes() <= SLICE
        events += wire.messages()
        steps += 1
    assert steps > 5
    assert seqs(events) == list(range(1, 99 + steps + 1))
    harness.tick()
    harness.end_turn()
    assert seqs(wire.messages()) == [99 + steps + 1], "it keeps up like any other"


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.usefixtures("_small_slices")
def test_of_a_resume_that_is_not_read_nothing_is_copied(harness: HubHarness, codec: Codec) -> None:
    begin = missed_much(harness)
    wire = harness.connect(codec, wire=PatientWire)
    assert isinstance(wire, PatientWire)
    wire.room = 0
    for _ in range(3):
        wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
        while wire.is_deferring:
            wire.step()
    assert wire.waiting_bytes() + sum(map(len, wire.connection.outbox.queue)) < 2 * SLICE
    harness.tick(times=3)
    harness.end_turn()
    wire.drain()
    while harness.hub.turns:
        harness.end_turn()
    messages = wire.messages()
    last = max(place for place, message in enumerate(messages) if "status" in message)
    assert seqs(messages[last:]) == list(range(1, 103)), "the last one replaced those before it"


@pytest.mark.parametrize(("on_slow", "kind"), [("skip", "gap"), ("conflate", None), ("disconnect", None)])
@pytest.mark.usefixtures("_small_slices")
def test_what_is_dropped_before_it_was_read_is_announced(
    authenticator: Authenticator, on_slow: str, kind: str | None
) -> None:
    harness = HubHarness(authenticator, resume_bytes=20_000)
    channel = "trades" if on_slow == "skip" else "ticker"
    opener = harness.connect()
    opener.ask("subscribe", channel=channel, symbol="BTC-USDT")
    (reply, *_) = opener.messages()
    harness.tick(times=30)
    harness.end_turn()
    wire = harness.connect(wire=PatientWire)
    assert isinstance(wire, PatientWire)
    wire.room = SLICE
    resume = {"epoch": reply["epoch"], "seq": reply["seq"]}
    wire.ask("subscribe", channel=channel, symbol="BTC-USDT", on_slow=on_slow, resume=resume)
    while wire.is_deferring:
        wire.step()
    harness.tick(times=500)
    harness.end_turn()
    wire.drain()
    while harness.hub.turns:
        harness.end_turn()
    if on_slow == "disconnect":
        assert wire.code == CloseCode.SLOW_CONSUMER
        return
    *replayed, last = wire.messages()
    assert last.get("event") == kind
    before = seqs(replayed)[-1]
    assert isinstance(before, int)
    if on_slow == "skip":
        assert last["gap"] == {"from": before + 1, "to": last["seq"], "reason": "slow"}
    else:
        assert last["conflated"] == int(str(last["seq"])) - before - 1
    harness.tick()
    harness.end_turn()
    assert seqs(wire.messages())[0] == int(str(last["seq"])) + 1


@pytest.mark.usefixtures("_small_slices")
def test_in_one_turn_all_resumes_together_are_written_a_bounded_amount(harness: HubHarness) -> None:
    begin = missed_much(harness, times=999)
    wires = []
    for number in range(50):
        wire = harness.connect(wire=CostlyWire)
        assert isinstance(wire, CostlyWire)
        wire.harness = harness
        wire.address = f"192.0.2.{number}"
        wires.append(wire)
    for wire in wires:
        wire.connection.received(
            msgspec.json.encode(
                {"action": "subscribe", "channel": "trades", "symbol": "BTC-USDT", "resume": begin}
            ),
            False,
        )
        wire.connection.end_of_read()
        assert wire.is_deferring
        harness.hub.turns.add(wire.step, wire.address)
    most = turns = 0
    while harness.hub.turns:
        before = sum(wire.unread_bytes() for wire in wires)
        harness.end_turn()
        most = max(most, sum(wire.unread_bytes() for wire in wires) - before)
        turns += 1
    assert most <= TURN_US * 100 + 2 * SLICE
    assert turns > 50
    assert all(seqs(wire.messages()) == list(range(1, 1_000)) for wire in wires)


@pytest.mark.usefixtures("_small_slices")
def test_in_one_turn_all_who_read_again_are_written_a_bounded_amount(harness: HubHarness) -> None:
    """Their sockets may all become writable in the same turn."""
    begin = missed_much(harness)
    wires = []
    for _ in range(50):
        wire = harness.connect(wire=CostlyWire, outbox_bytes=20_000)
        assert isinstance(wire, CostlyWire)
        wire.harness = harness
        wire.room = 0
        wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
        while wire.is_deferring:
            wire.step()
        wires.append(wire)
    harness.tick(times=100)
    harness.end_turn()
    for wire in wires:
        wire.drain()
    at_once = sum(wire.unread_bytes() > 2 * SLICE for wire in wires)
    assert at_once <= AT_ONCE_US // cost_budget.STATE_US
    while harness.hub.turns:
        harness.end_turn()
    for wire in wires:
        assert seqs(wire.messages()) == list(range(1, 200))


def test_who_leaves_in_the_middle_leaves_nothing(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume_ring, "MADE_AT_ONCE", 4)
    monkeypatch.setattr(market_subscriptions, "TOPICS_AT_ONCE", 1)
    begin = trades_begin(harness)
    harness.tick(times=9)
    harness.end_turn()
    held = harness.stats.subscriptions
    for fields in ({"symbol": "BTC-USDT", "resume": begin}, {"symbols": list(SYMBOLS)}):
        wire = harness.connect(MSGPACK, wire=PatientWire)
        assert isinstance(wire, PatientWire)
        wire.ask("subscribe", channel="trades", **fields)
        assert wire.is_deferring
        wire.cut()
        assert not wire.connection.work()
        harness.tick()
        harness.end_turn()
    assert harness.stats.subscriptions == held


def test_after_a_costly_request_the_next_ones_wait(harness: HubHarness) -> None:
    begin = trades_begin(harness)
    wire = harness.connect(wire=PatientWire)
    assert isinstance(wire, PatientWire)
    for missed, is_costly in ((1, False), (100, True)):
        harness.tick(times=missed)
        harness.end_turn()
        wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
        assert wire.is_deferring is is_costly
        assert [message["status"] for message in wire.messages() if "status" in message] == ["subscribed"]
    assert not wire.step()


# --- many topics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["trades", "ticker", "book"])
def test_many_topics_are_joined_in_steps_and_the_reply_comes_first(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    monkeypatch.setattr(market_subscriptions, "TOPICS_AT_ONCE", 1)
    wire = harness.connect(wire=PatientWire)
    assert isinstance(wire, PatientWire)
    wire.ask("subscribe", channel=channel, symbols=list(SYMBOLS))
    while wire.is_deferring:
        for symbol in SYMBOLS:
            harness.tick(symbol)
        harness.end_turn()
        assert wire.messages() == []
        wire.step()
    reply, *events = wire.messages()
    harness.tick()
    harness.end_turn()
    events += wire.messages()
    assert reply["status"] == "subscribed"
    rows = reply["subscriptions"]
    assert isinstance(rows, list)
    for row in rows:
        assert isinstance(row, dict)
        began = row["seq"]
        assert isinstance(began, int)
        seqs = [event["seq"] for event in events if event["symbol"] == row["symbol"]]
        first = began + (channel == "trades")
        assert seqs == list(range(first, first + len(seqs)))
        assert len(seqs) >= (row["symbol"] == "BTC-USDT")


def test_a_client_that_keeps_up_again_is_caught_up_in_turns(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_transport, "SLICE_BYTES", 100)
    wire = harness.connect(outbox_bytes=1)
    for symbol in SYMBOLS:
        wire.ask("subscribe", channel="ticker", symbol=symbol)
    wire.messages()
    wire.room = 0
    for _ in range(3):
        for symbol in SYMBOLS:
            harness.tick(symbol)
        harness.end_turn()
    wire.drain()
    caught_up = [len(wire.messages())]
    while harness.hub.turns:
        harness.end_turn()
        caught_up.append(len(wire.messages()))
    assert max(caught_up) < sum(caught_up), "not all in one turn"
    assert not wire.connection.outbox.blocked
    harness.tick()
    harness.end_turn()
    assert {event["symbol"] for event in wire.messages()} == {"BTC-USDT"}


# --- what it costs ----------------------------------------------------------------------------------


def test_resumes_are_charged_what_they_replay(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_budget, "CONNECTION_BURST", 2_000)
    begin = trades_begin(harness)
    harness.tick(times=100)
    harness.end_turn()
    for codec in (JSON, MSGPACK):
        wire = harness.connect(codec)
        replies = []
        for _ in range(50):
            wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
            replies.append(wire.messages()[0])
        codes = [reply.get("code") for reply in replies]
        carried_out = codes.index("rate_limited")
        assert 1 < carried_out < 20
        assert set(codes[carried_out:]) == {"rate_limited"}
        wait_ms = replies[-1]["retry_after_ms"]
        assert isinstance(wait_ms, int)
        assert 0 < wait_ms <= cost_budget.MAX_WAIT_US // 1000
        wire.ask("ping")
        assert wire.messages()[0]["status"] == "pong", "what costs nothing is answered"
        harness.now_us += wait_ms * 1000
        wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
        assert wire.messages()[0]["status"] == "subscribed"


def test_snapshots_and_lists_are_charged(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_budget, "CONNECTION_BURST", 1_000)
    for action, fields in (
        ("subscribe", {"channel": "book", "symbols": list(SYMBOLS)}),
        ("subscriptions", {}),
        ("symbols", {}),
        ("unsubscribe", {"channel": "book", "symbols": list(SYMBOLS)}),
    ):
        wire, count = harness.connect(), 0
        while wire.code is None:
            wire.ask(action, **fields)
            count += 1
            if wire.messages()[0].get("code") == "rate_limited":
                break
        assert 5 < count < 100, action


def test_connections_of_one_address_share_their_budget_and_others_do_not(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_budget, "SHARED_BURST", 1_000)
    first, second, elsewhere = (harness.connect() for _ in range(3))
    elsewhere.cut()
    elsewhere.address = "192.0.2.99"
    elsewhere.code = None
    elsewhere.connection.opened(elsewhere)
    for _ in range(40):
        first.ask("symbols")
    assert first.messages()[-1]["code"] == "rate_limited"
    second.ask("symbols")
    assert second.messages()[-1]["code"] == "rate_limited"
    elsewhere.ask("symbols")
    assert elsewhere.messages()[-1]["status"] == "ok"
    harness.now_us += 100 * SECOND_US
    second.ask("symbols")
    assert second.messages()[-1]["status"] == "ok"


def test_who_keeps_on_over_the_budget_is_closed(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_budget, "CONNECTION_BURST", 1)
    monkeypatch.setattr("floorwire.protocol.session.REFUSED_BURST_S", 0.00001)
    wire = harness.connect()
    for _ in range(20):
        if wire.code is None:
            wire.ask("symbols")
    assert wire.code == CloseCode.RATE


# --- all clients together ---------------------------------------------------------------------------


def test_many_clients_together_have_no_more_done_at_once_than_one(harness: HubHarness) -> None:
    begin = trades_begin(harness)
    harness.tick(times=9)
    harness.end_turn()
    wires = [harness.connect(wire=PatientWire) for _ in range(30)]
    at_once = AT_ONCE_US // RESUME_US
    for turn in range(3):
        for wire in wires[10 * turn : 10 * turn + 10]:
            wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
        assert sum(bool(wire.messages()) for wire in wires) == at_once
        harness.end_turn()
    for wire in wires:
        assert isinstance(wire, PatientWire)
        if wire.is_deferring:
            assert not wire.step()
            assert len(wire.messages()) == 10, "the reply, and all that was missed"


def test_a_long_list_of_subscriptions_is_made_in_steps(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_replies, "ROWS_AT_ONCE", 1)
    wire = harness.connect(wire=PatientWire)
    assert isinstance(wire, PatientWire)
    for symbol in SYMBOLS:
        wire.ask("subscribe", channel="trades", symbol=symbol)
        harness.end_turn()
    wire.messages()
    wire.ask("subscriptions")
    for _ in range(len(SYMBOLS) - 1):
        assert wire.is_deferring
        harness.tick()
        harness.end_turn()
        assert [message["channel"] for message in wire.messages()] == ["trades"], "events go on"
        assert wire.step()
    assert not wire.step()
    (reply,) = wire.messages()
    rows = reply["subscriptions"]
    assert isinstance(rows, list)
    assert [row["symbol"] for row in rows if isinstance(row, dict)] == list(SYMBOLS)

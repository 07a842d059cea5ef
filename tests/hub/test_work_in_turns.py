"""Long requests are cut into turns: what others see meanwhile, the order of events, and who pays."""

from __future__ import annotations

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.hub import client_transport
from floorwire.hub import connection as connection_module
from floorwire.hub.turn_queue import AT_ONCE_US
from floorwire.protocol import cost_budget
from floorwire.protocol.codec import JSON, MSGPACK
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


# --- a resume in MessagePack ------------------------------------------------------------------------


def test_a_resume_is_made_in_steps_and_misses_nothing(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "TRANSCODED_AT_ONCE", 4)
    begin = trades_begin(harness)
    harness.tick(times=9)
    harness.end_turn()
    wire = harness.connect(MSGPACK, wire=PatientWire)
    assert isinstance(wire, PatientWire)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
    assert wire.is_deferring
    assert wire.messages() == [], "the reply comes when all is made"
    harness.tick()
    harness.end_turn()
    assert wire.step()
    harness.tick()
    harness.end_turn()
    assert not wire.step()
    reply, *missed = wire.messages()
    assert (reply["status"], reply["seq"], reply.get("gap")) == ("subscribed", 11, None)
    assert [event["seq"] for event in missed] == list(range(1, 12))
    harness.tick()
    harness.end_turn()
    assert [event["seq"] for event in wire.messages()] == [12]


def test_the_second_resume_finds_it_made(harness: HubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "TRANSCODED_AT_ONCE", 4)
    begin = trades_begin(harness)
    harness.tick(times=9)
    harness.end_turn()
    for deferring in (True, False):
        wire = harness.connect(MSGPACK, wire=PatientWire)
        assert isinstance(wire, PatientWire)
        wire.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=begin)
        assert wire.is_deferring is deferring
        while wire.is_deferring:
            wire.step()
        assert len(wire.messages()) == 10
        harness.end_turn()


def test_who_leaves_in_the_middle_leaves_nothing(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "TRANSCODED_AT_ONCE", 4)
    monkeypatch.setattr(connection_module, "TOPICS_AT_ONCE", 1)
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
    monkeypatch.setattr(connection_module, "TOPICS_AT_ONCE", 1)
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
    at_once = AT_ONCE_US // connection_module.RESUME_US
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
    monkeypatch.setattr(connection_module, "ROWS_AT_ONCE", 1)
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

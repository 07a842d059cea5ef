"""A connection: what it answers, and how it writes when the peer reads slowly."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.hub.client_transport import SLICE_BYTES
from floorwire.protocol.session import MALFORMED_BURST

from .hub_harness import FakeWire, HubHarness, JsonValue, plain


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """A harness in which nothing has happened yet."""
    return HubHarness(authenticator)


def answers(wire: FakeWire, action: str, **fields: object) -> list[dict[str, JsonValue]]:
    """Return what a request leads to, without times."""
    wire.ask(action, **fields)
    return plain(wire.messages())


# --- replies ----------------------------------------------------------------------------------------


def test_nothing_is_sent_unasked(harness: HubHarness) -> None:
    wire = harness.connect()
    harness.tick()
    harness.end_turn()
    assert wire.messages() == []


def test_the_articles_form_is_answered_with_two_fields(harness: HubHarness) -> None:
    wire = harness.connect(default_channel="ticker")
    reply, event = answers(wire, "subscribe", symbol="btcusdt")
    assert reply == {"status": "subscribed", "symbol": "btcusdt"}
    assert (event["channel"], event["symbol"], event["seq"]) == ("ticker", "BTC-USDT", 1)
    assert answers(wire, "unsubscribe", symbol="btcusdt") == [{"status": "unsubscribed", "symbol": "btcusdt"}]


def test_any_other_request_is_answered_in_full(harness: HubHarness) -> None:
    wire = harness.connect()
    reply, event = answers(wire, "subscribe", channel="book", symbol="btcusdt", depth=5, id=7)
    assert reply == {
        "status": "subscribed",
        "id": 7,
        "channel": "book",
        "symbol": "btcusdt",
        "instrument": "BTC-USDT",
        "depth": 5,
        "on_slow": "conflate",
        "epoch": event["epoch"],
        "seq": event["seq"],
        "feed": "live",
    }
    assert answers(wire, "unsubscribe", channel="book", symbol="btcusdt", depth=5, id=8) == [
        {
            "status": "unsubscribed",
            "id": 8,
            "channel": "book",
            "symbol": "btcusdt",
            "instrument": "BTC-USDT",
            "depth": 5,
        }
    ]


def test_several_symbols_are_answered_at_once_and_then_begin(harness: HubHarness) -> None:
    wire = harness.connect()
    reply, *events = answers(wire, "subscribe", channel="ticker", symbols=["BTC-USDT", "eth/usdt"], id="x")
    assert (reply["status"], reply["id"], reply["symbols"]) == ("subscribed", "x", ["BTC-USDT", "eth/usdt"])
    held = reply["subscriptions"]
    assert isinstance(held, list)
    assert [each["instrument"] for each in held if isinstance(each, dict)] == ["BTC-USDT", "ETH-USDT"]
    assert [event["symbol"] for event in events] == ["BTC-USDT", "ETH-USDT"]
    (reply,) = answers(wire, "unsubscribe", channel="ticker", symbols=["BTC-USDT", "ETH-USDT"])
    assert reply == {"status": "unsubscribed", "channel": "ticker", "symbols": ["BTC-USDT", "ETH-USDT"]}


def test_what_is_held_is_listed(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", channel="candles", symbol="BTC-USDT", interval="1h", on_slow="skip")
    wire.ask("subscribe", channel="heartbeat")
    wire.messages()
    (reply,) = answers(wire, "subscriptions", id=1)
    candles, heartbeat = msgspec.convert(reply["subscriptions"], list[dict[str, str | int]])
    assert (candles["interval"], candles["on_slow"], candles["instrument"]) == ("1h", "skip", "BTC-USDT")
    assert heartbeat.keys() == {"channel", "on_slow", "epoch", "seq", "feed"}


def test_the_symbols_are_listed(harness: HubHarness) -> None:
    (reply,) = answers(harness.connect(), "symbols", id=1)
    rows = reply["symbols"]
    assert isinstance(rows, list)
    assert rows[0] == {
        "symbol": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "1",
        "lot_size": "1",
        "min_notional": "10",
        "min_quantity": "0",
        "state": "open",
        "venue": "scripted",
    }
    assert len(rows) == 3


def test_a_refusal_is_an_error_and_counted(harness: HubHarness) -> None:
    wire = harness.connect()
    (reply,) = answers(wire, "subscribe", channel="news", id=3)
    assert (reply["status"], reply["id"], reply["code"], reply["retry"]) == (
        "error",
        3,
        "unknown_channel",
        False,
    )
    wire.connection.received(b"{", False)
    assert harness.stats.refused_requests == {"unknown_channel": 1, "bad_json": 1}
    assert harness.stats.received_messages == 2


def test_replies_come_in_the_order_of_the_requests(harness: HubHarness) -> None:
    wire = harness.connect()
    for number in range(5):
        wire.connection.received(b'{"action":"ping","id":%d}' % number, False)
    assert wire.messages() == [], "sent when all that came is read"
    wire.connection.end_of_read()
    assert [message["id"] for message in wire.messages()] == [0, 1, 2, 3, 4]


def test_a_hangup_closes_after_the_last_reply(harness: HubHarness) -> None:
    wire = harness.connect()
    for _ in range(MALFORMED_BURST + 5):
        wire.connection.received(b"?", False)
    assert wire.code == CloseCode.PROTOCOL_ABUSE
    assert len(wire.messages()) == MALFORMED_BURST
    assert not harness.hub.subscribers
    assert harness.stats.closes == {"4502": 1}


def test_a_closed_connection_does_nothing_more(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    wire.connection.close(CloseCode.KICKED, "out")
    wire.messages()
    wire.connection.received(b'{"action":"ping"}', False)
    wire.connection.close(CloseCode.KICKED, "out")
    wire.connection.closed(1006)
    harness.tick()
    harness.end_turn()
    assert wire.messages() == []
    assert wire.connection.ping() is False
    assert (harness.stats.closes, harness.stats.subscriptions) == ({"4503": 1}, 0)


# --- resume -----------------------------------------------------------------------------------------


def test_resume_goes_on_where_it_was(harness: HubHarness) -> None:
    wire = harness.connect()
    (reply,) = answers(wire, "subscribe", channel="trades", symbol="BTC-USDT")
    harness.tick(times=2)
    harness.end_turn()
    wire.cut()
    harness.tick(times=2)
    harness.end_turn()
    again = harness.connect()
    resume = {"epoch": reply["epoch"], "seq": 2}
    reply, *events = answers(again, "subscribe", channel="trades", symbol="BTC-USDT", resume=resume)
    assert "gap" not in reply
    assert [event["trade_id"] for event in events] == ["3", "4"]
    assert harness.stats.resumes == {"replayed": 1}


def test_a_resume_that_cannot_be_is_a_gap_in_the_reply(harness: HubHarness) -> None:
    harness.connect().ask("subscribe", channel="ticker", symbol="BTC-USDT")
    harness.tick()
    harness.end_turn()
    resume = {"epoch": "another", "seq": 2}
    reply, event = answers(harness.connect(), "subscribe", channel="ticker", symbol="BTC-USDT", resume=resume)
    assert reply["gap"] == {"from": 1, "to": 2, "reason": "epoch"}
    assert event["seq"] == 3
    assert harness.stats.resumes == {"gap": 1}


# --- slow readers -----------------------------------------------------------------------------------


def stalled(harness: HubHarness, *, outbox_bytes: int = 1, **subscription: object) -> FakeWire:
    """Return a wire whose peer stopped reading when the first tick after its subscription was written."""
    wire = harness.connect(outbox_bytes=outbox_bytes)
    wire.ask("subscribe", channel="system")
    wire.ask("subscribe", symbol="BTC-USDT", **subscription)
    wire.messages()
    wire.room = 0
    harness.tick()
    harness.end_turn()
    return wire


def test_conflated_events_are_one_that_counts_them(harness: HubHarness) -> None:
    wire = stalled(harness, channel="ticker")
    harness.tick(times=4)
    harness.end_turn()
    wire.drain()
    first, second, slow, latest = wire.messages()
    assert (first["seq"], second["seq"]) == (2, 3)
    assert (slow["channel"], slow["event"], slow["streams"]) == ("system", "slow", 1)
    assert (latest["seq"], latest["conflated"], latest["bid"], latest["last"]) == (11, 7, "5", "5")
    harness.tick()
    harness.end_turn()
    assert [message["seq"] for message in wire.messages()] == [12, 13]


def test_a_conflated_book_restarts_from_a_snapshot(harness: HubHarness) -> None:
    wire = stalled(harness, channel="book")
    harness.tick(times=3)
    harness.end_turn()
    wire.drain()
    *_, snapshot = wire.messages()
    assert (snapshot["type"], snapshot["seq"], snapshot["conflated"]) == ("snapshot", 5, 2)


def test_skipped_events_are_a_gap_in_their_place(harness: HubHarness) -> None:
    wire = stalled(harness, channel="candles", interval="1m", on_slow="skip")
    harness.tick(times=3)
    harness.end_turn()
    wire.drain()
    *_, gap = plain(wire.messages())
    assert gap == {
        "channel": "candles",
        "symbol": "BTC-USDT",
        "interval": "1m",
        "epoch": gap["epoch"],
        "seq": 4,
        "event": "gap",
        "gap": {"from": 2, "to": 4, "reason": "slow"},
    }


def test_what_happened_in_the_turn_of_catching_up_is_caught_up_too(harness: HubHarness) -> None:
    wire = stalled(harness, channel="trades")
    harness.tick()
    harness.end_turn()
    harness.tick()
    wire.drain()
    *_, gap = wire.messages()
    assert gap["gap"] == {"from": 2, "to": 3, "reason": "slow"}
    harness.end_turn()
    assert wire.messages() == []


def test_who_reads_on_a_little_gets_what_was_queued_first(harness: HubHarness) -> None:
    wire = stalled(harness, channel="trades", outbox_bytes=400)
    for _ in range(4):
        harness.tick()
        harness.end_turn()
    wire.drain(room=0)
    wire.drain(room=0)
    wire.drain()
    told = [
        message.get("gap", message["seq"]) for message in wire.messages() if message["channel"] == "trades"
    ]
    assert told == [1, 2, 3, {"from": 4, "to": 5, "reason": "slow"}]


def test_being_slow_is_told_once_until_it_has_caught_up(harness: HubHarness) -> None:
    wire = stalled(harness, channel="trades")
    wire.drain()
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    wire.messages()
    for _ in range(2):
        wire.room = 0
        for _ in range(3):
            harness.tick()
            harness.end_turn()
        for _ in range(3):
            wire.drain(room=0)
        wire.drain()
    assert [m["streams"] for m in wire.messages() if m.get("event") == "slow"] == [2, 2]


@pytest.mark.parametrize(
    ("channel", "on_slow", "begins_with"),
    [
        ("ticker", "conflate", {"seq": 1, "conflated": None, "gap": None}),
        ("book", "conflate", {"seq": 1, "conflated": None, "gap": None}),
        ("ticker", "skip", {"seq": 1, "conflated": None, "gap": {"from": 1, "to": 1, "reason": "slow"}}),
    ],
)
def test_what_a_subscription_begins_with_waits_by_its_contract(
    harness: HubHarness, channel: str, on_slow: str, begins_with: dict[str, JsonValue]
) -> None:
    wire = stalled(harness, channel="trades", outbox_bytes=300)
    wire.ask("subscribe", channel=channel, symbol="ETH-USDT", on_slow=on_slow)
    wire.drain()
    *_, first = wire.messages()
    assert {name: first.get(name) for name in begins_with} == begins_with


def test_what_a_subscription_begins_with_may_disconnect(harness: HubHarness) -> None:
    wire = stalled(harness, channel="trades", outbox_bytes=300)
    wire.ask("subscribe", channel="book", symbol="ETH-USDT", on_slow="disconnect")
    assert wire.code == CloseCode.SLOW_CONSUMER


def test_replies_that_are_not_read_close_the_connection(harness: HubHarness) -> None:
    wire = stalled(harness, channel="trades", outbox_bytes=100)
    while wire.code is None:
        wire.ask("ping")
    assert wire.code == CloseCode.SLOW_CONSUMER
    assert not wire.connection.outbox.queue


def test_beginnings_do_not_pile_up_before_a_peer_that_is_slow(harness: HubHarness) -> None:
    wire = harness.connect(outbox_bytes=20_000)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    (reply,) = wire.messages()
    harness.tick(times=SLICE_BYTES // 150)
    harness.end_turn()
    wire.messages()
    wire.room = 0
    request = {"action": "subscribe", "channel": "trades", "symbol": "BTC-USDT"}
    resume = {"epoch": reply["epoch"], "seq": 0}
    data = msgspec.json.encode({**request, "resume": resume})
    for _ in range(30):
        wire.connection.received(data, False)
    assert sum(map(len, wire.connection.outbox.queue)) <= 20_000


def test_a_ping_asks_for_a_sign_of_life(harness: HubHarness) -> None:
    wire = harness.connect()
    assert wire.connection.ping() is True
    assert (wire.pings, wire.connection.is_alive) == (1, False)
    wire.connection.peer_is_alive()
    assert wire.connection.is_alive

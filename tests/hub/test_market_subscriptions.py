"""Subscriptions to all symbols of a venue, the end of all subscriptions, and candles that are closed."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.core.market_events import Listing, Trade, VenueTime
from tests.scripted import SYMBOLS, listing

from .hub_harness import SECOND_US, VENUE, FakeWire, HubHarness, Message, plain

MINUTE_US = 60 * SECOND_US
ALL = {"channel": "ticker", "all": True, "venue": VENUE}


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """A harness in which nothing has happened yet."""
    return HubHarness(authenticator)


def answers(wire: FakeWire, action: str, **fields: object) -> list[Message]:
    wire.ask(action, **fields)
    return plain(wire.messages())


def list_symbol(harness: HubHarness, symbol: str, state: str = "open") -> None:
    instrument = msgspec.structs.replace(listing(symbol), state=state)
    harness.publish(Listing((instrument,), harness.now_us))
    for _ in range(4):
        harness.end_turn()


def symbols(messages: list[Message]) -> list[object]:
    return [message["symbol"] for message in messages]


# --- all of a venue ---------------------------------------------------------------------------------


def test_all_are_answered_with_each_subscription_and_then_their_states(harness: HubHarness) -> None:
    wire = harness.connect()
    reply, *states = answers(wire, "subscribe", id=1, **ALL)
    assert (reply["status"], reply["id"], reply["all"], reply["venue"]) == ("subscribed", 1, True, VENUE)
    assert "symbols" not in reply
    held = reply["subscriptions"]
    assert isinstance(held, list)
    assert [row["symbol"] for row in held if isinstance(row, dict)] == list(SYMBOLS)
    assert symbols(states) == list(SYMBOLS)


def test_what_is_listed_later_is_told_and_begins(harness: HubHarness) -> None:
    wire = harness.connect()
    answers(wire, "subscribe", **ALL)
    list_symbol(harness, "NEW-USDT")
    (notice,) = plain(wire.messages())
    subscription = notice.pop("subscription")
    assert notice == {"channel": "ticker", "event": "listed", "symbol": "NEW-USDT", "venue": VENUE}
    assert isinstance(subscription, dict)
    assert (subscription["instrument"], subscription["seq"]) == ("NEW-USDT", 0)
    harness.publish(Trade("NEW-USDT", "1", 5, 1, "buy", harness.now_us))
    harness.end_turn()
    (event,) = wire.messages()
    assert (event["symbol"], event["epoch"], event["seq"]) == ("NEW-USDT", subscription["epoch"], 1)


def test_a_closed_symbol_is_left_out_until_it_opens(harness: HubHarness) -> None:
    list_symbol(harness, "OLD-USDT", "closed")
    wire = harness.connect()
    _, *states = answers(wire, "subscribe", **ALL)
    assert symbols(states) == list(SYMBOLS)
    list_symbol(harness, "OLD-USDT")
    assert symbols(wire.messages()) == ["OLD-USDT"]
    list_symbol(harness, "OLD-USDT", "halted")
    list_symbol(harness, "OLD-USDT")
    assert wire.messages() == []


def test_what_is_held_already_goes_on(harness: HubHarness) -> None:
    wire = harness.connect()
    (reply, _) = answers(wire, "subscribe", channel="ticker", symbol="BTC-USDT")
    harness.tick()
    harness.end_turn()
    wire.messages()
    both, *states = answers(wire, "subscribe", **ALL)
    assert symbols(states) == ["ETH-USDT", "DOGE-USDT"]
    rows = both["subscriptions"]
    assert isinstance(rows, list)
    assert isinstance(rows[0], dict)
    assert (rows[0]["epoch"], rows[0]["seq"]) == (reply["epoch"], 3)
    harness.tick()
    harness.end_turn()
    assert [message["seq"] for message in wire.messages()] == [4, 5]


def test_a_listing_beyond_the_limit_is_told(harness: HubHarness) -> None:
    wire = harness.connect()
    answers(wire, "subscribe", **ALL)
    intervals = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "3d", "1w", "1M"]
    for interval in intervals:
        wire.ask("subscribe", channel="candles", symbols=list(SYMBOLS), interval=interval)
        wire.ask("subscribe", channel="candles", symbols=list(SYMBOLS), interval=interval, closed_only=True)
    for depth in (1, 5):
        wire.ask("subscribe", channel="book", symbols=list(SYMBOLS), depth=depth)
    wire.ask("subscribe", channel="heartbeat")
    wire.messages()
    list_symbol(harness, "NEW-USDT")
    (notice,) = plain(wire.messages())
    assert notice == {
        "channel": "ticker",
        "event": "listed",
        "symbol": "NEW-USDT",
        "venue": VENUE,
        "code": "too_many_subscriptions",
    }


def test_the_subscription_to_all_is_listed_and_ends_as_one(harness: HubHarness) -> None:
    wire = harness.connect()
    answers(wire, "subscribe", **ALL)
    (reply,) = answers(wire, "subscriptions")
    assert reply["all"] == [{"channel": "ticker", "venue": VENUE, "on_slow": "conflate"}]
    (ended,) = answers(wire, "unsubscribe", **ALL)
    assert ended == {"status": "unsubscribed", **ALL, "count": 3}
    list_symbol(harness, "NEW-USDT")
    harness.tick()
    harness.end_turn()
    assert wire.messages() == []
    (error,) = answers(wire, "unsubscribe", **ALL)
    assert error["code"] == "not_subscribed"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channel": "ticker", "all": True, "venue": "nowhere"}, "venue"),
        ({"channel": "ticker", "all": True, "venue": VENUE, "symbol": "BTC-USDT"}, "symbol"),
        ({"channel": "ticker", "all": True, "venue": VENUE, "resume": {"epoch": "e", "seq": 1}}, "resume"),
        ({"channel": "ticker", "venue": VENUE, "symbol": "BTC-USDT"}, "venue"),
        ({"channel": "trades", "all": True, "venue": VENUE, "on_slow": "conflate"}, "on_slow"),
        ({"channel": "ticker", "all": True, "venue": VENUE, "depth": 5}, "depth"),
        ({"channel": "heartbeat", "all": True, "venue": VENUE}, "all"),
        ({"channel": "orders", "all": True}, "all"),
        ({"channel": "trades", "symbol": "BTC-USDT", "closed_only": True}, "closed_only"),
    ],
)
def test_what_does_not_go_together_is_refused(
    harness: HubHarness, fields: dict[str, object], field: str
) -> None:
    wire = harness.connect()
    (error,) = answers(wire, "subscribe", **fields)
    assert error["code"] in ("bad_request", "unauthenticated")
    if error["code"] == "bad_request":
        assert error["details"] == {"field": field}
    assert answers(wire, "subscriptions") == [{"status": "ok", "subscriptions": []}]


def test_a_client_that_is_gone_follows_nothing(harness: HubHarness) -> None:
    wire = harness.connect()
    answers(wire, "subscribe", **ALL)
    wire.connection.close(CloseCode.GOING_AWAY, "")
    list_symbol(harness, "NEW-USDT")
    assert harness.stats.subscriptions == 0


# --- everything ends --------------------------------------------------------------------------------


def test_without_names_everything_ends(harness: HubHarness) -> None:
    wire = harness.connect(default_channel="ticker")
    answers(wire, "subscribe", symbol="BTC-USDT")
    answers(wire, "subscribe", channel="heartbeat")
    answers(wire, "subscribe", **ALL)
    assert answers(wire, "unsubscribe", id=4) == [{"status": "unsubscribed", "id": 4, "count": 4}]
    assert answers(wire, "subscriptions") == [{"status": "ok", "subscriptions": []}]
    harness.tick()
    list_symbol(harness, "NEW-USDT")
    assert wire.messages() == []
    assert answers(wire, "unsubscribe") == [{"status": "unsubscribed", "count": 0}]


# --- closed candles ---------------------------------------------------------------------------------


def minutes(harness: HubHarness, count: int) -> None:
    """Let so many minutes pass, with a trade in each."""
    for _ in range(count):
        harness.publish(Trade("BTC-USDT", "1", 5, 1, "buy", harness.now_us))
        harness.now_us += MINUTE_US
        harness.publish(VenueTime(harness.now_us))
    harness.end_turn()


def test_closed_candles_come_alone_and_once(harness: HubHarness) -> None:
    wire = harness.connect()
    asked = {"channel": "candles", "symbol": "BTC-USDT", "interval": "1m", "closed_only": True}
    (reply,) = answers(wire, "subscribe", **asked)
    assert (reply["interval"], reply["closed_only"], reply["seq"]) == ("1m", True, 0)
    start_us = harness.now_us
    minutes(harness, 3)
    events = wire.messages()
    assert [event["seq"] for event in events] == [1, 2, 3]
    assert [event["start"] for event in events] == [start_us + n * MINUTE_US for n in range(3)]
    assert all(event["closed"] is True and event["closed_only"] is True for event in events)
    assert answers(wire, "unsubscribe", **asked)[0]["closed_only"] is True


def test_closed_candles_are_a_stream_of_their_own_and_resume(harness: HubHarness) -> None:
    wire = harness.connect()
    asked = {"channel": "candles", "symbol": "BTC-USDT", "closed_only": True}
    minutes(harness, 1)
    reply, state = answers(wire, "subscribe", **asked)
    assert (state["closed"], state["seq"], reply["seq"]) == (True, 1, 1)
    answers(wire, "subscribe", channel="candles", symbol="BTC-USDT")
    wire.cut()
    minutes(harness, 2)
    wire = harness.connect()
    resumed, *missed = answers(wire, "subscribe", **asked, resume={"epoch": reply["epoch"], "seq": 1})
    assert "gap" not in resumed
    assert [event["seq"] for event in missed] == [2, 3]
    assert [event["closed_only"] for event in missed] == [True, True]

"""The hub: turns, deliveries, subscriptions and what it counts, without sockets."""

from __future__ import annotations

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.clock import HOLD_US
from floorwire.core.codes import CloseCode
from floorwire.core.market_events import FeedStatus, Quote, VenueTime
from floorwire.core.notices import SecondPassed
from floorwire.hub import hub as hub_module
from floorwire.protocol.codec import JSON, MSGPACK
from floorwire.protocol.topic_names import TopicName

from .hub_harness import SECOND_US, START_US, VENUE, FakeWire, HubHarness

TICKER = TopicName("ticker", "BTC-USDT", None)
TRADES = TopicName("trades", "BTC-USDT", None)


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """A harness in which nothing has happened yet."""
    return HubHarness(authenticator)


def subscribed(
    harness: HubHarness, channel: str = "ticker", symbol: str | None = "BTC-USDT", **more: object
) -> FakeWire:
    """Return the wire of a client that follows the channel and has read how it begins."""
    wire = harness.connect()
    wire.ask("subscribe", channel=channel, **({"symbol": symbol} if symbol else {}), **more)
    wire.messages()
    return wire


def seqs(wire: FakeWire) -> list[object]:
    """Return the seqs of what was read."""
    return [message["seq"] for message in wire.messages()]


def figures(wire: FakeWire) -> list[dict[str, object]]:
    """Return what was read, without what differs from symbol to symbol and from topic to topic."""
    apart = ("symbol", "epoch", "seq", "sent", "recv", "ts")
    return [
        {name: value for name, value in message.items() if name not in apart}
        for message in wire.messages()
        if "status" not in message
    ]


# --- a turn -----------------------------------------------------------------------------------------


def test_a_turns_messages_go_out_together_at_its_end(harness: HubHarness) -> None:
    wire = subscribed(harness, "trades")
    harness.tick(times=3)
    assert wire.messages() == []
    harness.end_turn()
    assert [message["trade_id"] for message in wire.messages()] == ["1", "2", "3"]


def test_streams_of_one_client_leave_in_one_write(harness: HubHarness) -> None:
    wire = subscribed(harness, "trades")
    wire.ask("subscribe", channel="ticker", symbol="ETH-USDT")
    wire.messages()
    wire.room = 0
    harness.tick("BTC-USDT")
    harness.tick("ETH-USDT")
    harness.end_turn()
    assert not wire.connection.outbox.queue, "all of it is in the one write that had to wait"
    wire.drain()
    assert {message["channel"] for message in wire.messages()} == {"trades", "ticker"}


def test_a_turn_that_grows_large_is_sent_before_its_end(
    harness: HubHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "TURN_BYTES", 400)
    wire = subscribed(harness, "trades")
    harness.tick(times=3)
    assert seqs(wire) == [1, 2, 3], "it takes three to be more than 400 bytes"
    harness.tick()
    assert seqs(wire) == []
    harness.end_turn()
    assert seqs(wire) == [4]


def test_a_pause_of_the_venue_sends_at_once_but_only_once_a_turn(harness: HubHarness) -> None:
    wire = subscribed(harness, "trades")
    harness.tick(times=2)
    harness.hub.flush_at_once()
    assert seqs(wire) == [1, 2]
    harness.tick()
    harness.hub.flush_at_once()
    assert seqs(wire) == []
    harness.end_turn()
    assert seqs(wire) == [3]
    harness.tick()
    harness.hub.flush_at_once()
    assert seqs(wire) == [4]


@pytest.mark.parametrize("channel", ["book", "candles", "ticker", "trades"])
def test_who_subscribes_in_a_turn_sees_the_state_of_all_before(harness: HubHarness, channel: str) -> None:
    subscribed(harness, "trades")  # what nobody reads follows after its messages
    early = subscribed(harness, channel, "ETH-USDT")
    harness.tick("BTC-USDT", times=3)
    harness.tick("ETH-USDT", times=3)
    late = harness.connect()
    late.ask("subscribe", channel=channel, symbol="BTC-USDT")
    again = harness.connect()
    again.ask("subscribe", channel=channel, symbol="ETH-USDT")
    harness.end_turn()
    early.messages()
    assert figures(late) == figures(again)


def test_what_no_stream_reads_follows_when_it_is_much(harness: HubHarness) -> None:
    state = harness.hub.market.states["BTC-USDT"]
    waiting = []
    for _ in range(3 * hub_module.MOST_TO_FOLLOW):
        harness.tick()
        waiting.append(len(state._later))
    assert 0 in waiting
    assert max(waiting) < hub_module.MOST_TO_FOLLOW, "bounded, though nothing is sent and no turn ends"


def test_both_encodings_say_the_same(harness: HubHarness) -> None:
    json, msgpack = harness.connect(JSON), harness.connect(MSGPACK)
    for wire in (json, msgpack):
        wire.ask("subscribe", channel="book", symbol="BTC-USDT", id=1)
    harness.tick(times=2)
    harness.end_turn()
    assert json.messages() == msgpack.messages()


def test_a_new_subscriber_gets_nothing_of_the_turn_twice(harness: HubHarness) -> None:
    first = subscribed(harness, "trades")
    harness.tick()
    second = subscribed(harness, "trades")
    assert seqs(first) == [1], "settled when the other came"
    harness.tick()
    harness.end_turn()
    assert (seqs(first), seqs(second)) == ([2], [2])


def test_who_leaves_in_a_turn_gets_nothing_more_of_it(harness: HubHarness) -> None:
    wire = subscribed(harness, "trades")
    harness.tick()
    wire.ask("unsubscribe", channel="trades", symbol="BTC-USDT")
    harness.end_turn()
    assert [message.get("status") for message in wire.messages()] == ["unsubscribed"]


# --- what happens reaches whom it concerns ----------------------------------------------------------


def test_only_those_who_asked_are_told(harness: HubHarness) -> None:
    btc, eth = subscribed(harness, "trades"), subscribed(harness, "trades", "ETH-USDT")
    harness.tick("ETH-USDT")
    harness.end_turn()
    assert (seqs(btc), seqs(eth)) == ([], [1])


def test_what_was_never_listed_is_passed_over(harness: HubHarness) -> None:
    wire = subscribed(harness, "ticker")
    harness.publish(
        Quote("XYZ-USDT", 1, 1, 2, 1, harness.now_us), Quote("BTC-USDT", 7, 1, 9, 1, harness.now_us)
    )
    harness.end_turn()
    assert [(event["symbol"], event["bid"]) for event in wire.messages()] == [("BTC-USDT", "7")]
    assert harness.hub.market.states.get("XYZ-USDT") is None
    assert set(harness.hub._topics) == {TICKER}


def test_venue_time_closes_candles_in_quiet_markets(harness: HubHarness) -> None:
    wire = subscribed(harness, "candles", interval="1s")
    harness.tick()
    harness.publish(VenueTime(START_US + SECOND_US))
    harness.end_turn()
    assert [message["closed"] for message in wire.messages()] == [False, True]


def test_a_feed_that_goes_stale_is_news_and_new_subscribers_hear_of_it(harness: HubHarness) -> None:
    wire = subscribed(harness, "system", None)
    harness.publish(FeedStatus(None, "stale", "silent", harness.now_us))
    harness.end_turn()
    (news,) = wire.messages()
    assert (news["event"], news["venue"], news["reason"]) == ("stale", VENUE, "silent")
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    assert wire.messages()[0]["feed"] == "stale"


@pytest.mark.parametrize("channel", ["ticker", "book", "candles", "trades"])
def test_data_channels_say_that_the_feed_is_not_current(harness: HubHarness, channel: str) -> None:
    harness.tick()
    wire, other = subscribed(harness, channel), subscribed(harness, channel, "ETH-USDT")
    harness.publish(FeedStatus("BTC-USDT", "stale", "sequence_gap", harness.now_us))
    harness.publish(FeedStatus("BTC-USDT", "stale", "silent", harness.now_us))
    harness.end_turn()
    (stale,) = wire.messages()
    assert stale["feed"] == "stale"
    late = harness.connect()
    late.ask("subscribe", channel=channel, symbol="BTC-USDT")
    assert {message.get("feed") for message in late.messages()} == {"stale"}
    harness.publish(FeedStatus("BTC-USDT", "live", "synced", harness.now_us))
    harness.end_turn()
    (live,) = wire.messages()
    assert live.get("feed") == ("live" if channel == "trades" else None)
    assert other.messages() == [], "of another symbol"


def test_a_symbol_that_is_listed_later_is_told_with_its_feed(harness: HubHarness) -> None:
    harness.change_steps()
    wire = harness.connect()
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    assert [message.get("feed") for message in wire.messages()] == ["live", None]


def test_beats_are_counted(harness: HubHarness) -> None:
    wire = subscribed(harness, "heartbeat", None)
    for _ in range(3):
        harness.hub.notify(SecondPassed(harness.now_us))
        harness.end_turn()
    assert seqs(wire) == [1, 2, 3]


# --- slow consumers ---------------------------------------------------------------------------------


def test_who_disconnects_rather_than_misses_is_closed(harness: HubHarness) -> None:
    wire = harness.connect(outbox_bytes=300)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT", on_slow="disconnect")
    other = subscribed(harness, "trades")
    wire.room = 0
    for _ in range(5):
        harness.tick()
        harness.end_turn()
    assert wire.code == CloseCode.SLOW_CONSUMER
    assert len(seqs(other)) == 5
    assert [subscriber is other.connection for subscriber in harness.hub.subscribers] == [True]
    assert harness.stats.closes == {"4008": 1}
    assert harness.stats.left_out_by_reason == {"disconnect": 1}


def test_one_who_overflows_while_another_joins_is_closed_and_the_other_is_not(harness: HubHarness) -> None:
    slow = harness.connect(outbox_bytes=1)
    slow.ask("subscribe", channel="trades", symbol="BTC-USDT", on_slow="disconnect")
    slow.room = 0
    harness.tick()
    harness.end_turn()
    harness.tick()
    other = subscribed(harness, "trades")
    assert slow.code == CloseCode.SLOW_CONSUMER
    harness.end_turn()
    assert other.code is None


def test_what_was_left_out_is_counted_by_contract(harness: HubHarness) -> None:
    wire = harness.connect(outbox_bytes=1)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    wire.room = 0
    for _ in range(3):
        harness.tick()
        harness.end_turn()
    # A tick makes one trade and, since the price moves twice, two tickers. The first turn blocks the wire.
    assert harness.stats.left_out_by_reason == {"skip": 2, "conflate": 4}


# --- topics -----------------------------------------------------------------------------------------


def test_a_topic_stays_as_long_as_somebody_may_come_back(harness: HubHarness) -> None:
    wire = subscribed(harness)
    wire.cut()
    harness.now_us += 60 * SECOND_US
    harness.hub.sweep()
    assert harness.hub.topic(TICKER).subscribers == 0
    harness.now_us += 1
    harness.hub.sweep()
    with pytest.raises(KeyError):
        harness.hub.topic(TICKER)
    assert harness.stats.topics == 0


@pytest.mark.parametrize("step_us", [3_600 * SECOND_US, -3_600 * SECOND_US])
def test_a_set_clock_takes_nothing_from_who_comes_back(harness: HubHarness, step_us: int) -> None:
    wire = subscribed(harness, "trades")
    epoch = harness.hub.topic(TRADES).epoch
    harness.tick(times=3)
    harness.end_turn()
    first, _, _ = wire.messages()
    wire.cut()
    harness.step_us = step_us
    for _ in range(HOLD_US // SECOND_US + 1):
        harness.tick()
        harness.now_us += SECOND_US
        harness.hub.sweep()
    assert abs(harness.hub.moment().wall_us - harness.now_us - step_us) < SECOND_US, "the dates followed"
    harness.end_turn()
    back = harness.connect()
    back.ask("subscribe", channel="trades", symbol="BTC-USDT", resume={"epoch": epoch, "seq": first["seq"]})
    reply, *missed = back.messages()
    assert "gap" not in reply
    sent = [int(str(message["sent"])) for message in missed]
    assert len(sent) == HOLD_US // SECOND_US + 3
    assert sent == sorted(sent)


def test_a_topic_that_was_shut_begins_anew_with_another_epoch(harness: HubHarness) -> None:
    subscribed(harness).cut()
    before = harness.hub.topic(TICKER).epoch
    harness.now_us += 61 * SECOND_US
    harness.hub.sweep()
    harness.tick()
    harness.end_turn()
    wire = subscribed(harness)
    assert harness.hub.topic(TICKER).epoch != before
    harness.tick()
    harness.end_turn()
    assert seqs(wire) == [2, 3]


def test_the_sweep_counts_what_is_kept(harness: HubHarness) -> None:
    subscribed(harness, "trades")
    harness.tick(times=2)
    harness.end_turn()
    harness.hub.sweep()
    kept = harness.stats.resume_bytes
    assert kept > 0
    assert harness.stats.topics == 1
    harness.now_us += 61 * SECOND_US
    harness.hub.sweep()
    assert (harness.stats.resume_bytes, harness.stats.topics) == (0, 1)


# --- counts -----------------------------------------------------------------------------------------


def test_deliveries_are_counted_one_a_client(harness: HubHarness) -> None:
    wires = [subscribed(harness, "trades") for _ in range(3)]
    harness.tick(times=2)
    harness.end_turn()
    assert harness.stats.deliveries == 6
    assert harness.stats.sent_bytes == sum(map(FakeWire.unread_bytes, wires))
    assert sum(harness.stats.publish_to_write.counts) >= 1


def test_connections_and_subscriptions_come_and_go(harness: HubHarness) -> None:
    wires = [subscribed(harness) for _ in range(2)]
    assert (harness.stats.connections, harness.stats.subscriptions) == (2, 2)
    wires[0].ask("subscribe", channel="ticker", symbol="BTC-USDT")
    assert harness.stats.subscriptions == 2, "the same once more is no other"
    wires[0].cut()
    wires[1].ask("unsubscribe", channel="ticker", symbol="BTC-USDT")
    assert (harness.stats.connections, harness.stats.subscriptions) == (1, 0)
    assert harness.stats.closes == {"1006": 1}


def test_all_rings_together_keep_a_bounded_amount(authenticator: Authenticator) -> None:
    harness = HubHarness(authenticator)
    harness.hub._resume_total_bytes = 20_000
    wire = harness.connect()
    for channel in ("trades", "ticker", "book"):
        wire.ask("subscribe", channel=channel, symbol="BTC-USDT")
    begin = next(reply for reply in wire.messages() if reply.get("channel") == "trades")
    harness.tick(times=200)
    harness.end_turn()
    late = harness.hub.topic(TopicName("trades", "BTC-USDT", None)).seq - 3
    harness.hub.sweep()
    assert 10_000 < harness.stats.resume_bytes <= 20_000
    again = harness.connect()
    for seq, gap in ((0, True), (late, False)):
        resume = {"epoch": begin["epoch"], "seq": seq}
        again.ask("subscribe", channel="trades", symbol="BTC-USDT", resume=resume)
        assert ("gap" in again.messages()[0]) is gap

"""The hub: turns, deliveries, subscriptions and what it counts, without sockets."""

from __future__ import annotations

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.clock import HOLD_US
from floorwire.core.codes import CloseCode
from floorwire.core.market_events import Clock, FeedStatus, Quote
from floorwire.core.notices import SecondPassed
from floorwire.hub import hub as hub_module
from floorwire.protocol.codec import JSON, MSGPACK
from floorwire.protocol.topic import TopicName

from .world import SECOND_US, START_US, VENUE, PlayedWire, World

TICKER = TopicName("ticker", "BTC-USDT", None)
TRADES = TopicName("trades", "BTC-USDT", None)


@pytest.fixture
def world(authenticator: Authenticator) -> World:
    """A world in which nothing has happened yet."""
    return World(authenticator)


def subscribed(
    world: World, channel: str = "ticker", symbol: str | None = "BTC-USDT", **more: object
) -> PlayedWire:
    """Return the wire of a client that follows the channel and has read how it begins."""
    wire = world.connect()
    wire.ask("subscribe", channel=channel, **({"symbol": symbol} if symbol else {}), **more)
    wire.messages()
    return wire


def seqs(wire: PlayedWire) -> list[object]:
    """Return the seqs of what was read."""
    return [message["seq"] for message in wire.messages()]


# --- a turn -----------------------------------------------------------------------------------------


def test_a_turns_messages_go_out_together_at_its_end(world: World) -> None:
    wire = subscribed(world, "trades")
    world.tick(times=3)
    assert wire.messages() == []
    world.end_turn()
    assert [message["trade_id"] for message in wire.messages()] == ["1", "2", "3"]


def test_streams_of_one_client_leave_in_one_write(world: World) -> None:
    wire = subscribed(world, "trades")
    wire.ask("subscribe", channel="ticker", symbol="ETH-USDT")
    wire.messages()
    wire.room = 0
    world.tick("BTC-USDT")
    world.tick("ETH-USDT")
    world.end_turn()
    assert not wire.connection.outbox.queue, "all of it is in the one write that had to wait"
    wire.drain()
    assert {message["channel"] for message in wire.messages()} == {"trades", "ticker"}


def test_a_turn_that_grows_large_is_sent_before_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "TURN_BYTES", 400)
    wire = subscribed(world, "trades")
    world.tick(times=3)
    assert seqs(wire) == [1, 2, 3], "it takes three to be more than 400 bytes"
    world.tick()
    assert seqs(wire) == []
    world.end_turn()
    assert seqs(wire) == [4]


def test_both_encodings_say_the_same(world: World) -> None:
    json, msgpack = world.connect(JSON), world.connect(MSGPACK)
    for wire in (json, msgpack):
        wire.ask("subscribe", channel="book", symbol="BTC-USDT", id=1)
    world.tick(times=2)
    world.end_turn()
    assert json.messages() == msgpack.messages()


def test_a_new_subscriber_gets_nothing_of_the_turn_twice(world: World) -> None:
    first = subscribed(world, "trades")
    world.tick()
    second = subscribed(world, "trades")
    assert seqs(first) == [1], "settled when the other came"
    world.tick()
    world.end_turn()
    assert (seqs(first), seqs(second)) == ([2], [2])


def test_who_leaves_in_a_turn_gets_nothing_more_of_it(world: World) -> None:
    wire = subscribed(world, "trades")
    world.tick()
    wire.ask("unsubscribe", channel="trades", symbol="BTC-USDT")
    world.end_turn()
    assert [message.get("status") for message in wire.messages()] == ["unsubscribed"]


# --- what happens reaches whom it concerns ----------------------------------------------------------


def test_only_those_who_asked_are_told(world: World) -> None:
    btc, eth = subscribed(world, "trades"), subscribed(world, "trades", "ETH-USDT")
    world.tick("ETH-USDT")
    world.end_turn()
    assert (seqs(btc), seqs(eth)) == ([], [1])


def test_what_was_never_listed_is_passed_over(world: World) -> None:
    wire = subscribed(world, "ticker")
    world.publish(Quote("XYZ-USDT", 1, 1, 2, 1, world.now_us), Quote("BTC-USDT", 7, 1, 9, 1, world.now_us))
    world.end_turn()
    assert [(told["symbol"], told["bid"]) for told in wire.messages()] == [("BTC-USDT", "7")]
    assert world.hub.market.of("XYZ-USDT") is None
    assert set(world.hub._topics) == {TICKER}


def test_venue_time_closes_candles_in_quiet_markets(world: World) -> None:
    wire = subscribed(world, "candles", interval="1s")
    world.tick()
    world.publish(Clock(START_US + SECOND_US))
    world.end_turn()
    assert [message["closed"] for message in wire.messages()] == [False, True]


def test_a_feed_that_goes_stale_is_news_and_new_subscribers_hear_of_it(world: World) -> None:
    wire = subscribed(world, "system", None)
    world.publish(FeedStatus(None, "stale", "silent", world.now_us))
    world.end_turn()
    (news,) = wire.messages()
    assert (news["event"], news["venue"], news["reason"]) == ("stale", VENUE, "silent")
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    assert wire.messages()[0]["feed"] == "stale"


@pytest.mark.parametrize("channel", ["ticker", "book", "candles", "trades"])
def test_data_channels_say_that_the_feed_is_not_current(world: World, channel: str) -> None:
    world.tick()
    wire, other = subscribed(world, channel), subscribed(world, channel, "ETH-USDT")
    world.publish(FeedStatus("BTC-USDT", "stale", "sequence_gap", world.now_us))
    world.publish(FeedStatus("BTC-USDT", "stale", "silent", world.now_us))
    world.end_turn()
    (stale,) = wire.messages()
    assert stale["feed"] == "stale"
    late = world.connect()
    late.ask("subscribe", channel=channel, symbol="BTC-USDT")
    assert {message.get("feed") for message in late.messages()} == {"stale"}
    world.publish(FeedStatus("BTC-USDT", "live", "synced", world.now_us))
    world.end_turn()
    (live,) = wire.messages()
    assert live.get("feed") == ("live" if channel == "trades" else None)
    assert other.messages() == [], "of another symbol"


def test_a_symbol_that_is_listed_later_is_told_with_its_feed(world: World) -> None:
    world.change_steps()
    wire = world.connect()
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    assert [message.get("feed") for message in wire.messages()] == ["live", None]


def test_beats_are_counted(world: World) -> None:
    wire = subscribed(world, "heartbeat", None)
    for _ in range(3):
        world.hub.notify(SecondPassed(world.now_us))
        world.end_turn()
    assert seqs(wire) == [1, 2, 3]


# --- slow consumers ---------------------------------------------------------------------------------


def test_who_disconnects_rather_than_misses_is_closed(world: World) -> None:
    wire = world.connect(outbox_bytes=300)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT", on_slow="disconnect")
    other = subscribed(world, "trades")
    wire.room = 0
    for _ in range(5):
        world.tick()
        world.end_turn()
    assert wire.code == CloseCode.SLOW_CONSUMER
    assert len(seqs(other)) == 5
    assert [subscriber is other.connection for subscriber in world.hub.subscribers] == [True]
    assert world.stats.closes == {"4008": 1}
    assert world.stats.left_out_by_reason == {"disconnect": 1}


def test_one_who_overflows_while_another_joins_is_closed_and_the_other_is_not(world: World) -> None:
    slow = world.connect(outbox_bytes=1)
    slow.ask("subscribe", channel="trades", symbol="BTC-USDT", on_slow="disconnect")
    slow.room = 0
    world.tick()
    world.end_turn()
    world.tick()
    other = subscribed(world, "trades")
    assert slow.code == CloseCode.SLOW_CONSUMER
    world.end_turn()
    assert other.code is None


def test_what_was_left_out_is_counted_by_contract(world: World) -> None:
    wire = world.connect(outbox_bytes=1)
    wire.ask("subscribe", channel="trades", symbol="BTC-USDT")
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    wire.room = 0
    for _ in range(3):
        world.tick()
        world.end_turn()
    # A tick makes one trade and, since the price moves twice, two tickers. The first turn blocks the wire.
    assert world.stats.left_out_by_reason == {"skip": 2, "conflate": 4}


# --- topics -----------------------------------------------------------------------------------------


def test_a_topic_stays_as_long_as_somebody_may_come_back(world: World) -> None:
    wire = subscribed(world)
    wire.cut()
    world.now_us += 60 * SECOND_US
    world.hub.sweep()
    assert world.hub.topic(TICKER).subscribers == 0
    world.now_us += 1
    world.hub.sweep()
    with pytest.raises(KeyError):
        world.hub.topic(TICKER)
    assert world.stats.topics == 0


@pytest.mark.parametrize("step_us", [3_600 * SECOND_US, -3_600 * SECOND_US])
def test_a_set_clock_takes_nothing_from_who_comes_back(world: World, step_us: int) -> None:
    wire = subscribed(world, "trades")
    epoch = world.hub.topic(TRADES).epoch
    world.tick(times=3)
    world.end_turn()
    first, _, _ = wire.messages()
    wire.cut()
    world.step_us = step_us
    for _ in range(HOLD_US // SECOND_US + 1):
        world.tick()
        world.now_us += SECOND_US
        world.hub.sweep()
    assert abs(world.hub.moment().wall_us - world.now_us - step_us) < SECOND_US, "the dates followed"
    world.end_turn()
    back = world.connect()
    back.ask("subscribe", channel="trades", symbol="BTC-USDT", resume={"epoch": epoch, "seq": first["seq"]})
    reply, *missed = back.messages()
    assert "gap" not in reply
    sent = [int(str(message["sent"])) for message in missed]
    assert len(sent) == HOLD_US // SECOND_US + 3
    assert sent == sorted(sent)


def test_a_topic_that_was_shut_begins_anew_with_another_epoch(world: World) -> None:
    subscribed(world).cut()
    before = world.hub.topic(TICKER).epoch
    world.now_us += 61 * SECOND_US
    world.hub.sweep()
    world.tick()
    world.end_turn()
    wire = subscribed(world)
    assert world.hub.topic(TICKER).epoch != before
    world.tick()
    world.end_turn()
    assert seqs(wire) == [2, 3]


def test_the_sweep_counts_what_is_kept(world: World) -> None:
    subscribed(world, "trades")
    world.tick(times=2)
    world.end_turn()
    world.hub.sweep()
    kept = world.stats.resume_bytes
    assert kept > 0
    assert world.stats.topics == 1
    world.now_us += 61 * SECOND_US
    world.hub.sweep()
    assert (world.stats.resume_bytes, world.stats.topics) == (0, 1)


# --- counts -----------------------------------------------------------------------------------------


def test_deliveries_are_counted_one_a_client(world: World) -> None:
    wires = [subscribed(world, "trades") for _ in range(3)]
    world.tick(times=2)
    world.end_turn()
    assert world.stats.deliveries == 6
    assert world.stats.sent_bytes == sum(map(PlayedWire.unread_bytes, wires))
    assert sum(world.stats.publish_to_write.counts) >= 1


def test_connections_and_subscriptions_come_and_go(world: World) -> None:
    wires = [subscribed(world) for _ in range(2)]
    assert (world.stats.connections, world.stats.subscriptions) == (2, 2)
    wires[0].ask("subscribe", channel="ticker", symbol="BTC-USDT")
    assert world.stats.subscriptions == 2, "the same once more is no other"
    wires[0].cut()
    wires[1].ask("unsubscribe", channel="ticker", symbol="BTC-USDT")
    assert (world.stats.connections, world.stats.subscriptions) == (1, 0)
    assert world.stats.closes == {"1006": 1}

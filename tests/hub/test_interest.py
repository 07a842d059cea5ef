"""What the hub tells of subscriptions to streams: of every channel, and of connections that are cut."""

from __future__ import annotations

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.capabilities import StreamKind
from floorwire.core.stream_interest import StreamInterest
from tests.hub.hub_harness import HubHarness


def wanted(harness: HubHarness) -> dict[str, set[StreamKind]]:
    """Return what is wanted. The scripted symbols have no venue's id."""
    found = harness.hub._interest.wanted("BTC-USDT", harness.now_us)
    return {symbol: set(kinds) for symbol, kinds in found.items()}


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    return HubHarness(authenticator)


@pytest.mark.parametrize(
    ("channel", "kinds"),
    [
        ("ticker", {"quote", "trades", "day"}),
        ("trades", {"trades"}),
        ("book", {"book"}),
        ("candles", {"candles", "trades"}),
    ],
)
def test_each_channel_wants_the_streams_that_it_is_made_of(
    harness: HubHarness, channel: str, kinds: set[StreamKind]
) -> None:
    client = harness.connect()
    client.ask("subscribe", channel=channel, symbol="BTC-USDT")
    assert wanted(harness) == {"BTC-USDT": kinds}
    client.ask("unsubscribe", channel=channel, symbol="BTC-USDT")
    assert wanted(harness) == {}


def test_channels_of_the_gateway_want_nothing(harness: HubHarness) -> None:
    client = harness.connect()
    client.ask("subscribe", channel="system")
    client.ask("subscribe", channel="heartbeat")
    assert wanted(harness) == {}


def test_the_last_of_several_subscribers_counts_however_it_leaves(harness: HubHarness) -> None:
    harness.hub._interest = StreamInterest(5)
    one, other = harness.connect(), harness.connect()
    for client in (one, other):
        client.ask("subscribe", channel="book", symbol="BTC-USDT", depth=10)
        client.ask("subscribe", channel="book", symbol="BTC-USDT", depth=50)
    one.ask("unsubscribe", channel="book", symbol="BTC-USDT", depth=50)
    one.cut()
    assert wanted(harness) == {"BTC-USDT": {"book"}}
    other.cut()
    assert wanted(harness) == {"BTC-USDT": {"book"}}, "for a while"
    harness.now_us += 5
    assert wanted(harness) == {}


def test_new_steps_do_not_change_who_is_subscribed(harness: HubHarness) -> None:
    client = harness.connect()
    client.ask("subscribe", channel="book", symbol="BTC-USDT")
    harness.change_steps()
    assert wanted(harness) == {"BTC-USDT": {"book"}}
    client.ask("unsubscribe", channel="book", symbol="BTC-USDT")
    assert wanted(harness) == {}

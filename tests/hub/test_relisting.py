"""A listing that changes an instrument's steps."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.market_events import BookSnapshot, Listing
from tests.hub.hub_harness import HubHarness
from tests.scripted import listing


@pytest.fixture
def harness(authenticator: Authenticator) -> HubHarness:
    """Return a harness."""
    return HubHarness(authenticator)


def test_other_ticks_begin_the_streams_anew_with_a_new_epoch(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", channel="book", symbol="BTC-USDT", depth=5)
    old = wire.messages()[-1]
    finer = msgspec.structs.replace(listing("BTC-USDT"), tick_size="0.1")
    harness.publish(Listing((finer,), harness.now_us))
    harness.publish(BookSnapshot("BTC-USDT", ((10_001, 7),), ((10_003, 8),), harness.now_us))
    harness.end_turn()
    new = wire.messages()[-1]
    assert new["epoch"] != old["epoch"]
    assert (new["type"], new["bids"], new["asks"]) == ("snapshot", [["1000.1", "7"]], [["1000.3", "8"]])


def test_the_same_steps_go_on(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", channel="book", symbol="BTC-USDT", depth=5)
    old = wire.messages()[-1]
    halted = msgspec.structs.replace(listing("BTC-USDT"), state="halted")
    harness.publish(Listing((halted,), harness.now_us))
    harness.tick()
    harness.end_turn()
    new = wire.messages()[-1]
    assert (new["epoch"], new["prev"]) == (old["epoch"], old["seq"])

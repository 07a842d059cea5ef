"""An instrument whose steps change between two runs: what was counted in the old ones is told in those."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from floorwire.venues import sim
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, Disk, GatewayHarness
from tests.trading.test_listing import opened

OTHER_STEPS = {"tick_size": "0.2", "lot_size": "0.0001"}
CHANNELS = ("orders", "fills")


def venue(**changed: str) -> sim.SimVenue:
    (profile,) = sim.venue(random.Random(3), ("BTC-USDT",))._profiles
    return sim.SimVenue([msgspec.structs.replace(profile, **changed)], random.Random(3))


async def told(harness: GatewayHarness, channel: str, epoch: str) -> list[Message]:
    """Return what happened on the channel from its begin."""
    reply = await harness.ask("subscribe", channel=channel, resume={"epoch": epoch, "seq": 0})
    last = await harness.until(lambda one: one.get("channel") == channel and one.get("seq") == reply["seq"])
    assert "gap" not in reply
    events = [one for one in harness.received if one.get("channel") == channel and "event" in one]
    assert last == events[-1]
    return [{name: value for name, value in event.items() if name != "sent"} for event in events]


async def test_texts_stay_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
    async with opened(venue(), disk, tmp_path) as harness:
        epoch = str((await harness.ask("subscribe", channel="orders"))["epoch"])
        for number in range(3):
            await harness.ask("order.place", client_order_id=f"m{number}", symbol="BTC-USDT", side="buy",
                             type="market", quantity="0.00123")  # fmt: skip
        rests = await harness.ask("order.place", client_order_id="rests", **FAR)
        filled = (await harness.ask("fills"))["fills"]
        done = (await harness.ask("order.status", client_order_id="m0"))["order"]
        events = {
            channel: await told(GatewayHarness(harness.gateway, disk), channel, epoch) for channel in CHANNELS
        }
    async with opened(venue(**OTHER_STEPS), disk, tmp_path) as harness:
        assert (await harness.ask("order.status", client_order_id="m0"))["order"] == done
        assert (await harness.ask("fills"))["fills"] == filled
        ended = (await harness.ask("order.status", order_id=rests["order_id"]))["order"]
        assert isinstance(ended, dict)
        assert (ended["state"], ended["code"]) == ("cancelled", "market_halted")
        assert (ended["price"], ended["quantity"]) == ("61000.0", "0.00100")
        new = await harness.ask("order.place", client_order_id="new", **{**FAR, "price": "61000.2"})
        placed = (await harness.ask("order.status", order_id=new["order_id"]))["order"]
        assert isinstance(placed, dict)
        assert (placed["price"], placed["quantity"]) == ("61000.2", "0.0010")
        for channel in CHANNELS:
            again = await told(GatewayHarness(harness.gateway, disk), channel, epoch)
            assert again[: len(events[channel])] == events[channel]
        *_, cancelled, accepted = await told(GatewayHarness(harness.gateway, disk), "orders", epoch)
        assert (cancelled["price"], accepted["price"]) == ("61000.0", "61000.2")

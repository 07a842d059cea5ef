"""A venue that lists a symbol long after it has opened: the orders that were left in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.core.market_events import Listing
from floorwire.core.order_commands import Command, Place
from floorwire.core.ports import Execution, Venue, VenueInput, VenueOutput
from floorwire.venues import sim
from tests.trading.flaky import Disk, GatewayHarness

ETH = "ETH-USDT"
FAR = {"symbol": ETH, "side": "buy", "price": "3000", "quantity": "0.01"}


class LateVenue(sim.SimVenue):
    """Lists ETH when it is told to, and notes what it is asked to do."""

    def __init__(self) -> None:
        super().__init__(sim.venue(random.Random(4), ("BTC-USDT", ETH))._profiles, random.Random(4))
        self.is_late = True
        self.places: list[Place] = []
        self._withheld: list[VenueOutput] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Say nothing of ETH yet."""
        outputs = super().start(now_us)
        told: list[VenueOutput] = []
        for output in outputs:
            if isinstance(output, Listing):
                first, second = output.instruments
                told.append(Listing((first,), now_us))
                self._withheld.append(Listing((second,), now_us))
            elif getattr(output, "symbol", None) != ETH:
                told.append(output)
        return told

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """List it first, when it is time."""
        outputs = super().receive(happened, now_us)
        if self.is_late:
            return [output for output in outputs if getattr(output, "symbol", None) != ETH]
        withheld, self._withheld = self._withheld, []
        return [*withheld, *outputs]

    def execute(self, command: Command, now_us: int) -> Execution:
        """Note what is placed."""
        if isinstance(command, Place):
            self.places.append(command)
        return super().execute(command, now_us)


@asynccontextmanager
async def opened(venue: Venue, disk: Disk, data: Path) -> AsyncIterator[GatewayHarness]:
    gateway = Gateway(Settings(data=str(data)), [venue])
    if not disk.records:
        gateway.data_dir.keys.open_account("alice", {"USDT": "1000000"}, 1)
    async with gateway.running():
        while not gateway.hub.market.symbols:
            await asyncio.sleep(0.001)
        yield GatewayHarness(gateway, disk)


async def test_orders_go_back_when_their_symbol_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, late = Disk(), LateVenue()
    monkeypatch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
    async with opened(sim.venue(random.Random(3), ("BTC-USDT", ETH)), disk, tmp_path) as harness:
        kept = await harness.ask("order.place", client_order_id="kept", **FAR)
        dropped = await harness.ask("order.place", client_order_id="dropped", **FAR)
    async with opened(late, disk, tmp_path) as harness:
        rows = (await harness.ask("orders"))["orders"]
        assert isinstance(rows, list)
        assert len(rows) == 2
        assert (await harness.ask("order.cancel", order_id=dropped["order_id"]))["status"] == "accepted"
        unlisted = await harness.ask("order.place", client_order_id="new", **FAR)
        assert unlisted["code"] in ("stale_market", "venue_unavailable", "unknown_symbol")
        assert not late.places
        late.is_late = False
        while not late.places:
            await asyncio.sleep(0.001)
        assert [str(place.order_id) for place in late.places] == [kept["order_id"]]
        assert (await harness.ask("order.cancel", order_id=kept["order_id"]))["status"] == "accepted"
        assert (await harness.ask("orders"))["orders"] == []

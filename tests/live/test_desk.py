"""A whole gateway whose orders go to an exchange: at the end both sides have the same balances."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from floorwire import config
from floorwire.app import Gateway
from floorwire.connectors import venue_registry
from floorwire.live_feed import LiveFeed
from floorwire.trading.remote_venue import RemotePhase
from tests.fake_exchange.orders import Side
from tests.hub.hub_harness import Message
from tests.live.faces import BINANCE, FACES, Face, FakeMarket, environment, served, write_settings
from tests.skipping_loop import running_clock
from tests.trading.flaky import Disk, GatewayHarness

pytestmark = pytest.mark.skipping


class LiveHarness(GatewayHarness):
    """The gateway, a client of it, and the exchange."""

    market: FakeMarket

    async def state(self, client_order_id: str) -> str:
        order = (await self.ask("order.status", client_order_id=client_order_id))["order"]
        assert isinstance(order, dict)
        return str(order["state"])

    async def until_state(self, client_order_id: str, *states: str) -> None:
        for _ in range(1_500):
            state = await self.state(client_order_id)
            if state in states:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{client_order_id} is {state}")

    async def place(self, client_order_id: str, **fields: object) -> Message:
        terms: Message = {"side": "buy", "quantity": "0.5"}
        if fields.get("type") != "market":
            terms["price"] = "50000"
        symbol = self.market.face.symbol
        return await self.ask(
            "order.place", client_order_id=client_order_id, symbol=symbol, **{**terms, **fields}
        )

    async def totals(self) -> dict[str, Decimal]:
        rows = (await self.ask("balances"))["balances"]
        assert isinstance(rows, list)
        return {str(row["asset"]): Decimal(str(row["total"])) for row in rows if isinstance(row, dict)}

    async def agrees(self) -> None:
        """Wait until both sides have the same balances."""
        ours: dict[str, Decimal] = {}
        for _ in range(1_000):
            ours, theirs = await self.totals(), self.market.totals()
            if {asset: total for asset, total in theirs.items() if total} == ours:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"ours {ours}, the exchange's {self.market.totals()}")


@asynccontextmanager
async def gateway_at(market: FakeMarket, folder: Path, *more: str) -> AsyncIterator[LiveHarness]:
    """Run a gateway whose venue is the exchange, where others stand on both sides."""
    market.make_prices()
    file, venue = write_settings(folder, [market], *more), market.face.kind
    with pytest.MonkeyPatch.context() as patch:
        for name, text in environment([market]).items():
            patch.setenv(name, text)
        settings = config.load(file, {}, [f"data={folder}", "journal=memory"], {})
        venues = venue_registry.build(settings, live_flag=True)
        gateway = Gateway(settings, venues, running_clock())
        async with gateway.running():
            harness = LiveHarness(gateway, Disk())
            harness.market = market
            remote, feed = gateway._live_orders.venues[venue], gateway.feeds[0]
            assert isinstance(feed, LiveFeed)
            symbol = f"{venue}:{market.face.symbol}"
            while remote.phase is not RemotePhase.OPEN or feed.prices(symbol).feed != "live":
                await asyncio.sleep(0.01)
            yield harness


SOME = [
    pytest.param(face, marks=[] if face is BINANCE else [pytest.mark.slow], id=face.kind) for face in FACES
]
"""Every face is tried in the slow suite."""


@pytest.mark.parametrize("face", SOME)
async def test_orders_live_and_end(face: Face, tmp_path: Path) -> None:
    async with served(face) as market, gateway_at(market, tmp_path) as client:
        assert (await client.place("a"))["state"] == "submitting"
        await client.until_state("a", "new")
        market.trade(Side.SELL, "0.2", 50_000)
        await client.until_state("a", "partially_filled")
        assert (await client.ask("order.amend", client_order_id="a", quantity="0.3"))["status"] == "accepted"
        await client.ask("order.cancel_all")
        await client.until_state("a", "cancelled")
        await client.place("b", quantity="0.1", price="51000")
        await client.until_state("b", "filled")
        await client.place("c", side="sell", quantity="0.1", type="market")
        await client.until_state("c", "filled")
        await client.agrees()
        assert len(market.orders()) == 3
        assert not client.gateway.desk.operators.quarantine()


async def test_a_dry_run_reads_and_places_nothing(tmp_path: Path) -> None:
    async with served(BINANCE) as market, gateway_at(market, tmp_path, "dry_run = true") as client:
        with capture_logs() as logs:
            assert (await client.place("a"))["status"] == "accepted"
            await client.until_state("a", "rejected")
        await client.agrees()
        assert market.orders() == []
        (sent,) = [line for line in logs if line["event"] == "dry run: not sent"]
        assert '"quantity":"0.50000"' in str(sent)
        key, secret, _ = market.fake.credentials()
        assert not any(key in str(line) or secret in str(line) for line in logs)

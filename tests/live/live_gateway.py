"""A whole gateway in this process whose orders go to a fake exchange, and a client of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from floorwire import config
from floorwire.app import Gateway
from floorwire.connectors import venue_registry
from floorwire.feeds.live_feed import LiveFeed
from floorwire.trading.remote_venue import RemotePhase
from tests.hub.hub_harness import Message
from tests.live.faces import FakeMarket, environment, write_settings
from tests.skipping_loop import running_clock
from tests.trading.flaky import Disk, GatewayHarness
from tests.trading.trader import FREE

NO_PINGS = ["ping.interval_s=100000", "ping.timeout_s=100000"]
"""Where hours pass in seconds, the client of a harness would have to answer all the time."""


class LiveGateway(GatewayHarness):
    """The gateway, a client of it, and the exchange."""

    def __init__(self, gateway: Gateway, market: FakeMarket) -> None:
        super().__init__(gateway, Disk())
        self.market = market
        self._remote, feed = gateway._live_orders.venues[market.face.kind], gateway.feeds[0]
        assert isinstance(feed, LiveFeed)
        self._feed = feed
        self._symbol = f"{market.face.kind}:{market.face.symbol}"

    def is_open(self) -> bool:
        """Return whether orders may go to the exchange now."""
        return self._remote.phase is RemotePhase.OPEN and self._feed.prices(self._symbol).feed == "live"

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
        for _ in range(1_000):
            ours, theirs = await self.totals(), self.market.totals()
            if ours == theirs:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"ours {ours}, the exchange's {theirs}")


@asynccontextmanager
async def gateway_at(market: FakeMarket, folder: Path, *more: str) -> AsyncIterator[LiveGateway]:
    """Run a gateway whose venue is the exchange, where others stand on both sides. ``more``: its settings."""
    market.make_prices()
    file = write_settings(folder, [market], *more)
    with pytest.MonkeyPatch.context() as patch:
        for name, text in environment([market]).items():
            patch.setenv(name, text)
        assignments = [text.removeprefix("--set=") for text in FREE] + NO_PINGS
        settings = config.load(file, {}, [f"data={folder}", "journal=memory", *assignments], {})
        gateway = Gateway(settings, venue_registry.build(settings, live_flag=True), running_clock())
        async with gateway.running():
            harness = LiveGateway(gateway, market)
            while not harness.is_open():
                await asyncio.sleep(0.01)
            yield harness

"""A gateway over a real journal, with one venue outside the process: what leaves, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from floorwire.core.remote_order_messages import PlaceOrder
from tests.hub.hub_harness import Message
from tests.trading import remote
from tests.trading.real_disk import WAITS_S, Moment, RealDisk
from tests.trading.remote import NEAR, RemoteHarness, ScriptedAdapter


class EarlyHarness(RemoteHarness):
    """A gateway over a real journal."""

    disk: RealDisk

    def begin(self, client_order_id: str = "a", **fields: object) -> None:
        """Send an order, and wait for nothing."""
        self.wire.ask(
            "order.place", id=client_order_id, client_order_id=client_order_id, **{**NEAR, **fields}
        )

    async def reply(self, request_id: str = "a") -> Message:
        """Return the reply to an order."""
        return await self.until(lambda message: message.get("id") == request_id and "status" in message)

    async def held(self, client_order_id: str = "a", **fields: object) -> None:
        """Send an order; return when its intent is on the disk, and nobody was told so."""
        self.disk.holds_intents = True
        self.begin(client_order_id, **fields)
        await self.disk.until_held()

    async def left(self, client_order_id: str = "a") -> PlaceOrder:
        """Send an order; return it when it left, while its records are not on the disk."""
        before, commits = self.count(PlaceOrder), self.disk.commits
        self.disk.may_commit.clear()
        self.begin(client_order_id)
        command = await self.sent(PlaceOrder, before + 1)
        await self.disk.until_committing(commits + 1)
        return command

    def release(self) -> None:
        """All disks do their work."""
        self.disk.holds_intents = False
        self.disk.release()
        self.disk.may_commit.set()

    async def until_known(self, client_order_id: str = "a") -> str:
        """Return the order's state when the venue has said what became of it."""
        async with asyncio.timeout(WAITS_S):
            while (state := await self.state(client_order_id)) in ("submitting", "unknown"):
                await asyncio.sleep(0.01)
        return state

    async def durable(self) -> None:
        """Wait until everything is on the disk."""
        await self.gateway.desk.when_answered()

    async def money(self) -> tuple[str, str]:
        """Return total and hold of USDT."""
        rows = {str(row["asset"]): row for row in await self.rows("balances")}
        return str(rows["USDT"]["total"]), str(rows["USDT"]["held"])


class Starts:
    """Starts gateways over one disk, one after another."""

    def __init__(self, disk: RealDisk, folder: Path) -> None:
        self.disk, self._folder = disk, folder
        self._running = AsyncExitStack()

    async def start(self, prepare: Callable[[ScriptedAdapter], None] = lambda _: None) -> EarlyHarness:
        """Start one. It takes orders, and everything is on the disk."""
        served = remote.served(self.disk, self._folder, prepare=prepare)
        harness = await self._running.enter_async_context(served)
        early = EarlyHarness(harness.gateway, self.disk)
        early.adapter = harness.adapter
        self._running.callback(early.release)
        await early.until_open()
        await early.ask("subscribe", channel="orders")
        await early.durable()
        return early

    async def end(self) -> None:
        """End the one that runs."""
        await self._running.aclose()

    async def kill(
        self, moment: Moment, prepare: Callable[[ScriptedAdapter], None] = lambda _: None
    ) -> EarlyHarness:
        """Start as after a kill at that moment."""
        await self.end()
        moment.put_back()
        self.disk.fails_commits = self.disk.fails_intents = self.disk.holds_intents = False
        return await self.start(prepare)

"""A whole gateway over a disk that fails when it is told to, and a client of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.core.authorization import Principal, Scope
from floorwire.protocol.codec import JSON
from floorwire.storage.journal import (
    Journal,
    JournalBrokenError,
    JournalEntry,
    JournalError,
    JournalRecord,
    JournalUnusableError,
    OnDurable,
    WhileWriting,
)
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.storage.pending_appends import PendingAppends
from floorwire.trading import recovery
from floorwire.venues import sim
from tests.hub.hub_harness import FakeWire, Message

ALICE = Principal("alice", "k1", frozenset((Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)))
WAITING = 100_000
FAR: Message = {"symbol": "BTC-USDT", "side": "buy", "price": "61000", "quantity": "0.001"}


class Disk:
    """What outlives a journal that failed."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []
        self.is_full = False
        self.keeps_what_it_fails = False
        """Whether records of a failing commit are there all the same."""
        self.is_gone = False
        """Whether the journal's files were removed."""
        self.damage: JournalError | None = None
        self.waiting = WAITING
        self.is_stalled = False
        """Whether commits take until this is False again."""
        self.opened = 0

    def open(self) -> Journal:
        """Open a journal on it."""
        self.opened += 1
        if self.damage is not None:
            raise self.damage
        if self.is_gone:
            raise JournalUnusableError("journal.db was removed")
        if self.is_full:
            raise JournalBrokenError("no space left on device")
        return FlakyJournal(self)


class FlakyJournal(MemoryJournal):
    """Commits as long as the disk has room."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.waiting, WAITING)
        self._disk = disk
        for record in disk.records:
            self._keep(JournalEntry(record.account, record.kind, record.ts_us, record.payload))
        self._waiting = PendingAppends(disk.waiting, len(disk.records))

    def _commit(self) -> None:
        """Wait while the disk stalls."""
        if self._disk.is_stalled:
            asyncio.get_running_loop().call_later(0.001, self._commit)
        else:
            super()._commit()

    def append(
        self,
        entries: Sequence[JournalEntry],
        on_durable: OnDurable,
        while_writing: WhileWriting | None = None,
    ) -> int:
        """Fail once the disk is full. While it stalls, it writes."""
        disk = self._disk
        if disk.is_full and entries and self.broken is None:
            self._waiting.broken = JournalBrokenError("no space left on device")
            if disk.keeps_what_it_fails:
                self._store(entries)
            asyncio.get_running_loop().call_soon(on_durable, self.broken)
            return self.last_n
        last_n = super().append(entries, on_durable)
        if disk.is_stalled and while_writing is not None:
            asyncio.get_running_loop().call_soon(while_writing)
        self._store(entries)
        return last_n

    def check(self) -> None:
        """Break where the files are gone."""
        if self._disk.is_gone and self.broken is None:
            self._waiting.fail(JournalBrokenError("journal.db was removed"))

    def _store(self, entries: Sequence[JournalEntry]) -> None:
        first = len(self._disk.records) + 1
        self._disk.records += [
            JournalRecord(n, entry.account, entry.kind, entry.ts_us, entry.payload)
            for n, entry in enumerate(entries, first)
        ]


class GatewayHarness:
    """A whole gateway over a flaky disk, with a client that can be asked for replies."""

    def __init__(self, gateway: Gateway, disk: Disk, principal: Principal = ALICE) -> None:
        self.gateway = gateway
        self.disk = disk
        self.wire = FakeWire(gateway.connection(JSON, None, principal))
        self.received: list[Message] = []
        self._unread: list[Message] = []

    async def ask(self, action: str, **fields: object) -> Message:
        """Return the reply."""
        self.wire.ask(action, **fields)
        return await self.until(lambda message: "status" in message)

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first new message that is wanted."""
        for _ in range(2_000):
            self._unread += self.wire.messages()
            while self._unread:
                message = self._unread.pop(0)
                self.received.append(message)
                if wanted(message):
                    return message
            await asyncio.sleep(0.001)
        raise AssertionError(f"received only {self.received[-5:]}")

    async def until_refusing(self) -> None:
        """Wait until the gateway knows that the journal failed."""
        for _ in range(5_000):
            if self.gateway.desk.figures().refusing["journal"]:
                return
            await asyncio.sleep(0.001)
        raise AssertionError("the journal did not fail")

    async def works_again(self) -> None:
        """Wait until orders are taken."""
        for _ in range(2_000):
            if (await self.ask("orders"))["status"] == "ok":
                return
            await asyncio.sleep(0.001)
        raise AssertionError("orders are refused for good")


@asynccontextmanager
async def served(disk: Disk, folder: Path, settings: Settings | None = None) -> AsyncIterator[GatewayHarness]:
    """Run a gateway until the body ends; it tries again at once, and alice has money."""
    settings = replace(settings or Settings(), data=str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "RETRY_S", 0.01)
        patch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
        gateway = Gateway(settings, [sim.venue(random.Random(3), ("BTC-USDT",))])
        gateway.data_dir.keys.open_account("alice", {"USDT": "1000000"}, 1)
        async with gateway.running():
            await _until_orders_are_taken(gateway, disk)
            yield GatewayHarness(gateway, disk)


async def _until_orders_are_taken(gateway: Gateway, disk: Disk) -> None:
    """Wait until the market is listed, durably, with current prices: an order fails by its money alone.

    A journal that cannot be opened is told as ``internal``.
    """
    poor = GatewayHarness(gateway, disk, replace(ALICE, account="poor"))
    while True:
        reply = await poor.ask("order.place", client_order_id="poor", **FAR)
        if reply.get("code") in {"insufficient_balance", "internal"}:
            return
        assert reply.get("code") in {"venue_unavailable", "stale_market"}, reply
        await asyncio.sleep(0.001)

"""Commits and snapshots of the desk."""

from __future__ import annotations

import asyncio
import gc
import random
from pathlib import Path

from floorwire.app import Gateway
from floorwire.config import Settings, StorageSettings
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.venues import sim
from tests.trading.flaky import FAR, Disk, GatewayHarness


async def test_a_snapshot_that_was_saved_is_not_kept(tmp_path: Path) -> None:
    """It holds closed orders that nobody else keeps any more: 7 MiB with four busy accounts."""
    settings = Settings(data=str(tmp_path), storage=StorageSettings(snapshot_records=5))
    gateway = Gateway(settings, [sim.venue(random.Random(3), ("BTC-USDT",))])
    gateway.data_dir.keys.open_account("alice", {"USDT": "1000000"}, 1)
    async with asyncio.timeout(10), gateway.running():
        harness = GatewayHarness(gateway, Disk())
        await harness.works_again()
        for n in range(6):
            await harness.ask("order.place", client_order_id=f"o{n}", **FAR)
        while not ((records := gateway.desk.figures().records) and records.snapshot_n):
            await asyncio.sleep(0.001)
        while any(type(one) is AccountSnapshot for one in gc.get_objects()):
            await asyncio.sleep(0.01)

"""A gateway with live orders is killed at random moments: nothing is placed twice, no fill is missed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.gateway import (
    Folder,
    LiveVenue,
    differences,
    exchanges,
    gateway,
    name,
    venues,
    write_settings,
)
from tests.servers import Server, metrics
from tests.trading.trader import Trader, key, trader

KINDS = ("binance", "bybit", "okx", "kraken", "coinbase")
AGREES_WITHIN_S = 120.0
KILLS = int(os.environ.get("LIVE_KILLS", "3"))
"""After a kill an exchange gets new orders only when it is certain what became of the last ones: 15 s."""
SEEDS = range(1, 1 + int(os.environ.get("LIVE_SEEDS", "1")))


@asynccontextmanager
async def served(folder: Folder) -> AsyncIterator[Server]:
    """Run the gateway, while the fake exchanges go on in this process."""
    running = gateway(folder)
    server = await asyncio.to_thread(running.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


class Trading:
    """Orders of one connection, placed and cancelled as fast as the gateway answers, until it ends."""

    def __init__(self, client: Trader, made: list[LiveVenue], rng: Random, prefix: str) -> None:
        self.replies = 0
        self._client, self._made, self._rng, self._prefix = client, made, rng, prefix

    async def run(self) -> None:
        """Trade."""
        client, rng = self._client, self._rng
        placed: list[str] = []
        with suppress(ConnectionClosed, OSError):
            for n in range(10_000):
                if placed and rng.random() < 0.3:
                    await client.ask("order.cancel", client_order_id=placed.pop(rng.randrange(len(placed))))
                else:
                    client_order_id = f"{self._prefix}-{n}"
                    reply = await client.ask(
                        "order.place",
                        client_order_id=client_order_id,
                        symbol=name(rng.choice(self._made), self._made),
                        side=rng.choice(["buy", "sell"]),
                        quantity=f"0.00{rng.randrange(1, 9)}",
                        price=str(60_000 + rng.randrange(-4, 5)),
                    )
                    if reply["status"] == "accepted":
                        placed.append(client_order_id)
                self.replies += 1

    async def replied(self, count: int) -> None:
        """Return after so many replies."""
        while self.replies < count:
            await asyncio.sleep(0.002)


async def flow(made: list[LiveVenue]) -> None:
    """Let others trade at all exchanges."""
    while True:
        for venue in made:
            venue.flow.step()
        await asyncio.sleep(0.1)


async def rampage(made: list[LiveVenue], folder: Folder, kills: int, rng: Random) -> None:
    """Kill the gateway so many times, some moments after it trades."""
    for kill in range(kills):
        async with served(folder) as server, trader(server, folder.issued) as client:
            await open_at_all(server, made)
            trading = Trading(client, made, rng, f"k{kill}")
            task = asyncio.create_task(trading.run())
            await trading.replied(rng.randrange(1, 30))
            await asyncio.sleep(rng.random() * 0.02)
            server.signal(signal.SIGKILL)
            await task


async def open_at_all(server: Server, made: list[LiveVenue]) -> None:
    """Wait until orders may go to all exchanges."""
    for _ in range(1_000):
        now = await asyncio.to_thread(metrics, server)
        closed = [v.kind for v in made if now.get(f'floorwire_live_orders_open{{venue="{v.kind}"}}') != 1]
        if not closed:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never open: {closed}\n{server.log[-4000:]}")


async def agreement(made: list[LiveVenue], folder: Folder) -> None:
    """Start again, cancel all, and wait until gateway and exchanges say the same."""
    async with served(folder) as server, trader(server, folder.issued) as client:
        end_s = time.monotonic() + AGREES_WITHIN_S
        while True:
            await client.ask("order.cancel_all")
            found = await differences(client, made)
            is_over = not any(
                order.state.is_open
                for venue in made
                for them in venue.our_orders().values()
                for order in them
            )
            if not found and is_over:
                return
            assert time.monotonic() < end_s, "\n".join(found[:20]) + server.log[-3000:]
            await asyncio.sleep(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_at_random_moments_of_live_trading(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}, {KILLS} kills")
    made = venues(*KINDS, seed=seed)
    async with exchanges(made):
        write_settings(made, tmp_path / "floorwire.toml")
        folder = Folder(tmp_path / "data", tmp_path / "floorwire.toml", key(tmp_path / "data", money={}))
        others = asyncio.create_task(flow(made))
        try:
            await rampage(made, folder, KILLS, Random(seed))
        finally:
            others.cancel()
        await agreement(made, folder)
        placed = sum(len(venue.our_orders()) for venue in made)
        traded = sum(
            order.filled_lots > 0 for venue in made for them in venue.our_orders().values() for order in them
        )
        print(f"{placed} orders placed, {traded} of them filled at least in part")
        assert placed > 3 * KILLS
        assert traded > KILLS // 2

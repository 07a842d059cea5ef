"""The prices of adapters at the fake exchange, as `floorwire doctor venue` judges them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.faces import COINBASE, FACES, KRAKEN, Face, FakeMarket, environment, trading, write_settings

pytestmark = pytest.mark.slow
HEALING_S = 20
"""How long the doctor looks while links break: a busy machine needs some of it."""


async def doctor(market: FakeMarket, folder: Path, seconds: int = 8) -> tuple[int | None, str]:
    """How it ends, and what it prints."""
    config = write_settings(folder, [market])
    command = [sys.executable, "-m", "floorwire", "doctor", "venue", market.face.kind]
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(config), "--seconds", str(seconds),
        env={**os.environ, "NO_PROXY": "127.0.0.1", **environment([market])},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_book_quotes_and_trades_come(face: Face, tmp_path: Path) -> None:
    async with trading(face) as market:
        status, text = await doctor(market, tmp_path)
    assert status == 0, text
    assert "all is well" in text


async def while_looking(looking: asyncio.Task[tuple[int | None, str]], is_so: Callable[[], bool]) -> None:
    """Wait until something is so, as long as the doctor looks."""
    while not is_so():
        assert not looking.done(), looking.result()[1]
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("face", "frame", "subscription", "connection"),
    [(KRAKEN, '"book","type":"update"', "book", "public"), (COINBASE, "l2_data", "level2", "market")],
)
async def test_a_book_heals(
    face: Face, frame: str, subscription: str, connection: str, tmp_path: Path
) -> None:
    """Kraken's checksum costs one book, and Coinbase's sequence a connection."""
    async with trading(face) as market:
        fake = market.fake
        connections, subscriptions = fake.counts.connections, fake.counts.subscriptions
        counts, counted = (subscriptions, subscription) if face is KRAKEN else (connections, connection)

        def lost_again() -> bool:
            # Kraken has no numbers of frames: a loss below the best ten levels is hidden.
            if face is KRAKEN:
                fake.faults.drop_frame(frame)
            return counts[counted] > before

        fake.faults.cut_frame('"snapshot"')
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(doctor(market, tmp_path, HEALING_S))
            await while_looking(looking, lambda: connections[connection] >= 2)
            await asyncio.sleep(1)
            await while_looking(looking, lambda: bool(subscriptions[subscription]))
            before = counts[counted]
            fake.faults.drop_frame(frame)
            await while_looking(looking, lost_again)
            fake.faults.frames.clear()
        status, text = looking.result()
    if face is KRAKEN:
        assert connections[connection] == 2
    assert status == 0, text

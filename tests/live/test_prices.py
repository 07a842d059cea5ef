"""The prices of adapters at the fake exchange, as `floorwire doctor venue` judges them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.live.faces import COINBASE, FACES, KRAKEN, Face, FakeMarket, environment, trading, write_settings

pytestmark = pytest.mark.slow


async def doctor(market: FakeMarket, folder: Path) -> tuple[int | None, str]:
    """How it ends, and what it prints."""
    config = write_settings(folder, [market])
    command = [sys.executable, "-m", "floorwire", "doctor", "venue", market.face.kind]
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(config), "--seconds", "8",
        env={**os.environ, "NO_PROXY": "127.0.0.1", **environment([market])},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode()


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_a_book_quotes_and_trades_come(face: Face, tmp_path: Path) -> None:
    async with trading(face) as market:
        status, text = await doctor(market, tmp_path)
    assert status == 0, text
    assert "all is well" in text


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
        fake.faults.cut_frame('"snapshot"')
        looking = asyncio.create_task(doctor(market, tmp_path))
        async with asyncio.timeout(10):
            while fake.counts.connections[connection] < 2:
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            while not fake.counts.subscriptions[subscription]:
                await asyncio.sleep(0.1)
        counts = fake.counts.subscriptions if face is KRAKEN else fake.counts.connections
        counted = subscription if face is KRAKEN else connection
        before = counts[counted]
        fake.faults.drop_frame(frame)
        async with asyncio.timeout(8):
            while counts[counted] == before:
                await asyncio.sleep(0.2)
                # Kraken has no numbers of frames: a loss below the best ten levels is hidden.
                if face is KRAKEN:
                    fake.faults.drop_frame(frame)
        status, text = await looking
    if face is KRAKEN:
        assert fake.counts.connections[connection] == 2
    assert status == 0, text

"""``kill -9`` while candles of the past are fetched: the next server fetches the rest, and none is twice."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from random import Random

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.live.faces import BINANCE, OKX, Face
from tests.live.live_server import serving
from tests.live.past_market import (
    PastClient,
    assert_each_once,
    assert_right,
    until_traded,
    until_whole,
    with_past,
)
from tests.servers import Server

pytestmark = pytest.mark.slow
KILLS = 5
MINUTES = 2_870
MINUTE_US = 60_000_000


async def some_candles(server: Server, symbol: str) -> int:
    """How many minutes the server has now."""
    async with httpx2.AsyncClient(base_url=server.http("/api/v1"), verify=False, timeout=None) as http:
        answer = await http.get("/candles", params={"symbol": symbol, "limit": 1_000})
    return len(answer.json().get("candles", ()))


@pytest.mark.parametrize("face", [BINANCE, OKX], ids=str)
async def test_a_kill_in_the_middle_leaves_no_double(face: Face, tmp_path: Path) -> None:
    chance = Random(1)
    had = []
    async with with_past(face) as market:
        from_us = market.core.history.of(market.market.symbol)[-1].time_us - 10 * MINUTE_US
        for _ in range(KILLS):
            async with serving([market], tmp_path) as server:
                for _ in range(400):
                    if await some_candles(server, face.symbol) > 2:
                        break
                    await asyncio.sleep(0.02)
                await asyncio.sleep(chance.random() * 1.5)
                had.append(await some_candles(server, face.symbol))
                server.process.send_signal(signal.SIGKILL)
        async with (
            serving([market], tmp_path) as server,
            httpx2.AsyncClient(base_url=server.http("/api/v1"), verify=False, timeout=None) as http,
            connect(server.ws()) as socket,
        ):
            client = PastClient(http, socket, face.symbol)
            assert_right(await until_whole(client, MINUTES), market)
            for interval in ("15m", "2h", "1d"):
                assert_right(await until_whole(client, 3, interval), market, interval)
            trades = await until_traded(client, from_us)
            assert_each_once(trades, market, from_us)
    assert any(had), "no server was killed while it had some"

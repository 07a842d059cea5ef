"""A gateway with a simulated market: a past at the first start, and a later start that goes on."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from floorwire.app import Gateway
from floorwire.config import HistorySettings, Settings
from floorwire.venues import sim

SYMBOL = "sim:BTC-USDT"


def gateway(folder: Path, *, past: bool = True) -> Gateway:
    settings = Settings(data=str(folder), seed=7, history=HistorySettings(simulated_past=past))
    return Gateway(settings, [sim.venue(random.Random(3), ("BTC-USDT",), "sim", "sim:")])


async def test_the_first_start_has_a_past(tmp_path: Path) -> None:
    server = gateway(tmp_path)
    async with server.running():
        while not await server.history.trades(SYMBOL, limit=1):
            await asyncio.sleep(0.05)
        for interval in ("1m", "3m", "30m", "1h", "12h", "3d", "1w", "1M"):
            candles = await server.history.candles(SYMBOL, interval, limit=500)
            assert len(candles) == 500
            ends_us = [one.end_us for one in candles[1:]]
            assert ends_us == [one.start_us for one in candles[:-1]]
            assert all(one.is_simulated and one.trades for one in candles[2:])
            assert not any(one.is_incomplete for one in candles)
        day = await server.history.candles(SYMBOL, "1m", limit=1_000, to_us=candles[0].end_us)
        assert len(day) == 1_000
        assert all(one.units.price.format(1) == "0.5" for one in day)


async def test_a_later_start_goes_on_from_the_last_prices(tmp_path: Path) -> None:
    first = gateway(tmp_path)
    async with first.running():
        (last,) = await first.history.candles(SYMBOL, "1d", limit=1)
    second = gateway(tmp_path)
    async with second.running():
        candles = await second.history.candles(SYMBOL, "1d", limit=500)
        assert len(candles) == 500
        assert candles[0].open_units == last.open_units
        prices = second.history.last_prices("sim")
    assert prices[SYMBOL] == last.price(last.close_units)


async def test_without_a_past_there_is_none(tmp_path: Path) -> None:
    server = gateway(tmp_path, past=False)
    async with server.running():
        assert len(await server.history.candles(SYMBOL, "1h")) <= 1

"""An unmodified ccxt at the fake Binance. It needs a Python that has ccxt, named by CCXT_PYTHON."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

SESSION = Path(__file__).with_name("ccxt_session.py")


async def keep_trading(flow: SeededFlow) -> None:
    while True:
        flow.step()
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_ccxt_keeps_a_book_and_trades() -> None:
    python = os.environ.get("CCXT_PYTHON")
    if not python:
        pytest.skip("CCXT_PYTHON names no Python that has ccxt")
    exchange = FakeBinance(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSDT", 6_000_000)
    flow.fill_book()
    async with running(exchange) as fake:
        trading = asyncio.create_task(keep_trading(flow))
        client = await asyncio.create_subprocess_exec(
            python, str(SESSION), fake.http, fake.ws, fake.first.api_key, fake.first.secret,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(client.communicate(), 60)
        finally:
            if client.returncode is None:
                client.kill()
            trading.cancel()
            with suppress(asyncio.CancelledError):
                await trading
    assert client.returncode == 0, err.decode()
    seen = msgspec.json.decode(out, type=dict[str, object])
    assert seen.pop("bids") != 0
    assert seen == {
        "uncrossed": True,
        "open": True,
        "queried": "open",
        "edited": 0.002,
        "cancelled": "canceled",
        "filled": "closed",
        "over_ws": "open",
        "order_events": True,
        "fill_events": True,
        "trade_events": True,
        "fills": [0.001],
        "base": 1.000999,
    }

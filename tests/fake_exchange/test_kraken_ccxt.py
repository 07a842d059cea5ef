"""An unmodified ccxt at the fake Kraken. It needs a Python that has ccxt, named by CCXT_PYTHON."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

SESSION = Path(__file__).with_name("ccxt_kraken_session.py")


async def keep_trading(flow: SeededFlow) -> None:
    while True:
        flow.step()
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_ccxt_keeps_a_book_and_trades() -> None:
    python = os.environ.get("CCXT_PYTHON")
    if not python:
        pytest.skip("CCXT_PYTHON names no Python that has ccxt")
    exchange = FakeKraken(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSD", 600_000)
    flow.fill_book()
    async with running(exchange) as fake:
        trading = asyncio.create_task(keep_trading(flow))
        client = await asyncio.create_subprocess_exec(
            python, str(SESSION), fake.http, fake.public_ws, fake.private_ws, fake.first.api_key,
            fake.first.secret, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
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
    assert msgspec.json.decode(out) == {
        "levels": [10, 10],
        "uncrossed": True,
        "open": True,
        "edited": ["open", 0.002, 50_100],
        "cancelled": "canceled",
        "filled": ["closed", "USD"],
        "over_ws": True,
        "ended": True,
        "live": [True, True, True],
        "fills": [0.001],
        "base": 1.001,
        "candles": True,
        "ticker": True,
    }

"""The prices and the orders of adapters at the fake exchange, as `floorwire doctor venue` judges them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.serving import Face, running

pytestmark = pytest.mark.slow
MID_E8 = 60_000 * UNIT


class Exchange(Face, Protocol):
    core: MatchingCore
    counts: Counts
    faults: Faults


FACES: dict[str, Callable[[], Exchange]] = {
    "binance": lambda: binance.FakeBinance(binance.default_markets()),
    "bybit": lambda: bybit.FakeBybit(bybit.default_markets()),
    "coinbase": lambda: coinbase.FakeCoinbase(coinbase.default_markets()),
    "kraken": lambda: kraken.FakeKraken(kraken.default_markets()),
    "okx": lambda: okx.FakeOkx(okx.default_markets()),
}


async def doctor(
    kind: str, fake: Exchange, symbol: str, folder: Path, orders: str = "", *arguments: str
) -> tuple[int | None, str]:
    """How it ends, and what it prints. `orders` are the settings of live orders."""
    config = folder / "floorwire.toml"
    config.write_text(
        f"""
venue = ["here"]
[live]
enabled = true
[venues.here]
kind = "{kind}"
ws_url = "ws://127.0.0.1:{fake.port}"
rest_url = "http://127.0.0.1:{fake.port}"
symbols = ["{symbol}"]
{orders}"""
    )
    command = [sys.executable, "-m", "floorwire", "doctor", "venue", "here"]
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(config), "--seconds", "8", *arguments,
        env={**os.environ, "NO_PROXY": "127.0.0.1"}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode()


@asynccontextmanager
async def trading(kind: str) -> AsyncIterator[tuple[Exchange, str]]:
    """Run a face at which others trade. Give the symbol too, as Floorwire calls it."""
    fake = FACES[kind]()
    market = next(market for market in fake.core.markets.values() if market.base == "BTC")
    flow = SeededFlow(fake.core, market.symbol, MID_E8 // market.tick_e8)
    flow.fill_book()

    async def trade() -> None:
        while True:
            await asyncio.sleep(0.02)
            flow.step()

    async with running(fake):
        task = asyncio.create_task(trade())
        yield fake, f"{market.base}-{market.quote}"
        task.cancel()


@pytest.mark.parametrize("kind", FACES)
async def test_a_book_quotes_and_trades_come(kind: str, tmp_path: Path) -> None:
    async with trading(kind) as (fake, symbol):
        status, text = await doctor(kind, fake, symbol, tmp_path)
    assert status == 0, text
    assert "all is well" in text


@pytest.mark.parametrize(
    ("kind", "frame", "subscription", "connection"),
    [("kraken", '"book","type":"update"', "book", "public"), ("coinbase", "l2_data", "level2", "market")],
)
async def test_a_book_heals(
    kind: str, frame: str, subscription: str, connection: str, tmp_path: Path
) -> None:
    """Kraken's checksum costs one book, and Coinbase's sequence a connection."""
    async with trading(kind) as (fake, symbol):
        fake.faults.cut_frame('"snapshot"')
        looking = asyncio.create_task(doctor(kind, fake, symbol, tmp_path))
        async with asyncio.timeout(10):
            while fake.counts.connections[connection] < 2:
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            while not fake.counts.subscriptions[subscription]:
                await asyncio.sleep(0.1)
        counts = fake.counts.subscriptions if kind == "kraken" else fake.counts.connections
        counted = subscription if kind == "kraken" else connection
        before = counts[counted]
        fake.faults.drop_frame(frame)
        async with asyncio.timeout(8):
            while counts[counted] == before:
                await asyncio.sleep(0.2)
                # Kraken has no numbers of frames: a loss below the best ten levels is hidden.
                if kind == "kraken":
                    fake.faults.drop_frame(frame)
        status, text = await looking
    if kind == "kraken":
        assert fake.counts.connections[connection] == 2
    assert status == 0, text


@pytest.mark.parametrize("kind", ["coinbase", "kraken"])
async def test_an_order_rests_and_is_cancelled(kind: str, tmp_path: Path) -> None:
    async with trading(kind) as (fake, symbol):
        if isinstance(fake, coinbase.FakeCoinbase):
            key, secret, path = fake.first.key_name, fake.first.secret, "user"
        else:
            assert isinstance(fake, kraken.FakeKraken)
            key, secret, path = fake.first.api_key, fake.first.secret, "auth"
        fake.core.deposit("first", "USD", 1_000 * UNIT)
        secret_file = tmp_path / "secret"
        secret_file.write_text(secret)
        secret_file.chmod(0o600)
        settings = f"""
orders = "live"
account = "ann"
key = "{key}"
secret_file = "{secret_file}"
order_ws_url = "ws://127.0.0.1:{fake.port}/{path}"
"""
        arguments = ("--orders", "--quantity", "0.001")
        status, text = await doctor(kind, fake, symbol, tmp_path, settings, *arguments)
    assert status == 0, text
    (order,) = (one for one in fake.core.orders.values() if one.account == "first")
    assert order.state.value == "CANCELED"
    assert not fake.counts.refusals

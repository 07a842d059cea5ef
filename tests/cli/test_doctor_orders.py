"""``floorwire doctor venue ID --orders`` tries one order at an exchange, and says what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorwire.cli.order_check import UnknownQuantityError, far_order, new_client_id
from floorwire.core.instrument import Instrument
from floorwire.engine.venue_order_ids import parsed
from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.bybit import FakeBybit
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running
from tests.live.exchanges import BINANCE, BYBIT, Kind

BTC = Instrument("here:BTC-USDT", "here:BTC", "here:USDT", "here", "0.01", "0.00001", "5")


def settings(folder: Path, kind: str, fake: FakeBinance | FakeBybit, more: str = "") -> str:
    secret = folder / "secret"
    secret.write_text(fake.first.secret)
    secret.chmod(0o600)
    file = folder / "floorwire.toml"
    file.write_text(
        f"""
[live]
enabled = true

[venues.here]
kind = "{kind}"
orders = "live"
account = "ann"
key = "{fake.first.api_key}"
secret_file = "{secret}"
ws_url = "ws://127.0.0.1:{fake.port}"
rest_url = "http://127.0.0.1:{fake.port}"
symbols = ["BTC-USDT"]
{more}
"""
    )
    return str(file)


async def doctor(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "floorwire", "doctor", "venue", "here", "--seconds", "2", *arguments),
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "150"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    return process.returncode, output


@asynccontextmanager
async def trading(kind: Kind, usdt: int = 100_000) -> AsyncIterator[FakeBinance | FakeBybit]:
    """Run an exchange at which others trade."""
    fake = kind.make_fake(0)
    assert isinstance(fake, FakeBinance | FakeBybit)
    flow = SeededFlow(fake.core, "BTCUSDT", 60_000_00)
    flow.fill_book()
    fake.core.deposit("first", "USDT", usdt * UNIT)

    async def trade() -> None:
        while True:
            await asyncio.sleep(0.05)
            flow.step()

    async with running(fake):
        task = asyncio.create_task(trade())
        yield fake
        task.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BINANCE, BYBIT], ids=str)
async def test_an_order_is_placed_found_and_cancelled(kind: Kind, tmp_path: Path) -> None:
    async with trading(kind) as fake:
        file = settings(tmp_path, str(kind), fake)
        code, output = await doctor("--orders", "--config", file)
    (order,) = (one for one in fake.core.orders.values() if one.account == "first")
    assert not order.state.is_open
    assert code == 0, output
    for said in ("private stream: up", "account: 100000", "accepted as", "query: open", "cancel: cancelled"):
        assert said in output


@pytest.mark.slow
async def test_what_fails_is_said(tmp_path: Path) -> None:
    async with trading(BINANCE, usdt=1) as fake:
        file = settings(tmp_path, "binance", fake)
        code, output = await doctor("--orders", "--config", file)
        assert code == 1
        assert "wrong: place: buy" in output
        assert "insufficient_balance" in output
        code, output = await doctor("--config", file)
        assert code == 0, output
        dry = settings(tmp_path, "binance", fake, "dry_run = true")
        code, output = await doctor("--orders", "--config", dry)
        assert code == 1
        assert "dry_run" in output
    assert not [one for one in fake.core.orders.values() if one.account == "first"]


def test_the_order_is_small_and_far() -> None:
    order = far_order(BTC, 60_000_00, None, "id")
    assert (order.price, order.quantity, order.symbol) == ("54000.00", "0.00012", "BTC-USDT")
    assert order.post_only
    assert far_order(BTC, 60_000_00, "0.5", "id").quantity == "0.50000"


def test_an_order_without_a_least_needs_a_quantity() -> None:
    unknown = Instrument("BTC-USDT", "BTC", "USDT", "here", "0.01", "0.00001")
    with pytest.raises(UnknownQuantityError, match="give --quantity"):
        far_order(unknown, 60_000_00, None, "id")


def test_ids_are_none_of_a_gateway() -> None:
    for form, length in (("text", 22), ("hex", 32), ("uuid", 36)):
        made = new_client_id(form)  # type: ignore[arg-type]
        assert len(made) == length
        assert parsed(made) is None

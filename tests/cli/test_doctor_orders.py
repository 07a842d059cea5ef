"""``floorwire doctor venue ID --orders`` tries one order at an exchange, and says what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from floorwire.cli.trial_order import UnknownQuantityError, far_order, new_client_id
from floorwire.core.instrument import Instrument
from floorwire.engine.venue_order_ids import parsed
from tests.live.faces import BINANCE, BYBIT, FACES, Face, FakeMarket, environment, trading, write_settings

BTC = Instrument("here:BTC-USDT", "here:BTC", "here:USDT", "here", "0.01", "0.00001", "5")


async def doctor(folder: Path, market: FakeMarket, *arguments: str, more: str = "") -> tuple[int | None, str]:
    """How it ends, and what it prints. ``more``: settings of the venue."""
    config = ("--config", str(write_settings(folder, [market], more)), "--seconds", "2")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "floorwire", "doctor", "venue", market.face.kind, *config, *arguments),
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "150", **environment([market])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    return process.returncode, output


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_an_order_is_placed_found_and_cancelled(face: Face, tmp_path: Path) -> None:
    # Only these two tell what an order has to be worth at least.
    quantity = () if face in (BINANCE, BYBIT) else ("--quantity", "0.001")
    async with trading(face, quote=100_000, base=0) as market:
        code, output = await doctor(tmp_path, market, "--orders", *quantity)
    assert code == 0, output
    (order,) = market.orders()
    assert not order.state.is_open
    for said in ("private stream: up", "account: 100000", "accepted as", "query: open", "cancel: cancelled"):
        assert said in output


@pytest.mark.slow
async def test_what_fails_is_said(tmp_path: Path) -> None:
    async with trading(BINANCE, quote=1, base=0) as market:
        code, output = await doctor(tmp_path, market, "--orders")
        assert code == 1
        assert "wrong: place: buy" in output
        assert "insufficient_balance" in output
        code, output = await doctor(tmp_path, market)
        assert code == 0, output
        code, output = await doctor(tmp_path, market, "--orders", more="dry_run = true")
        assert code == 1
        assert "dry_run" in output
    assert not market.orders()


def test_the_order_is_small_and_far() -> None:
    order = far_order(BTC, 60_000_00, None, "id")
    assert (order.price, order.quantity, order.symbol) == ("54000.00", "0.00012", "BTC-USDT")
    assert order.post_only
    assert far_order(BTC, 60_000_00, "0.5", "id").quantity == "0.50000"


def test_an_order_without_a_least_needs_a_quantity() -> None:
    least = Instrument("BTC-USDT", "BTC", "USDT", "here", "0.01", "0.00001", min_quantity="0.001")
    assert far_order(least, 60_000_00, None, "id").quantity == "0.00100"
    unknown = Instrument("BTC-USDT", "BTC", "USDT", "here", "0.01", "0.00001")
    with pytest.raises(UnknownQuantityError, match="give --quantity"):
        far_order(unknown, 60_000_00, None, "id")


def test_ids_are_none_of_a_gateway() -> None:
    for form, length in (("text", 22), ("hex", 32), ("uuid", 36)):
        made = new_client_id(form)  # type: ignore[arg-type]
        assert len(made) == length
        assert parsed(made) is None

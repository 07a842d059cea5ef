"""``floorwire doctor venue ID --orders`` tries one order at an exchange, and says what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from floorwire.cli.order_check import UnknownQuantityError, far_order, new_client_id
from floorwire.core.instrument import Instrument
from floorwire.engine.venue_order_ids import parsed
from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.bybit import FakeBybit
from tests.fake_exchange.coinbase import FakeCoinbase
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.serving import running

Fake: TypeAlias = FakeBinance | FakeBybit | FakeCoinbase | FakeKraken | FakeOkx
BTC = Instrument("here:BTC-USDT", "here:BTC", "here:USDT", "here", "0.01", "0.00001", "5")


class Place(NamedTuple):
    """One kind of exchange, and what its settings have."""

    kind: str
    make: Callable[[], Fake]
    symbol: str = "BTC-USDT"
    cents: int = 100
    """Ticks of one unit of the quote."""
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.kind


PLACES = [
    Place("binance", lambda: FakeBinance(binance.default_markets())),
    Place("bybit", lambda: FakeBybit(bybit.default_markets())),
    Place("okx", lambda: FakeOkx(okx.default_markets()), cents=10, arguments=("--quantity", "0.001")),
    Place("kraken", lambda: FakeKraken(kraken.default_markets()), "BTC-USD", 10, ("--quantity", "0.001")),
    Place(
        "coinbase", lambda: FakeCoinbase(coinbase.default_markets()), "BTC-USD", 100, ("--quantity", "0.001")
    ),
]


def settings(folder: Path, place: Place, fake: Fake, more: str = "") -> str:
    secret = folder / "secret"
    secret.write_text(fake.first.secret)
    secret.chmod(0o600)
    key = fake.first.key_name if isinstance(fake, FakeCoinbase) else fake.first.api_key
    if isinstance(fake, FakeOkx):
        more += 'passphrase_env = "PASSPHRASE"'
    if isinstance(fake, FakeKraken):
        more += f'order_ws_url = "ws://127.0.0.1:{fake.port}/auth"'
    if isinstance(fake, FakeCoinbase):
        more += f'order_ws_url = "ws://127.0.0.1:{fake.port}/user"'
    file = folder / "floorwire.toml"
    file.write_text(
        f"""
[live]
enabled = true

[venues.here]
kind = "{place.kind}"
orders = "live"
account = "ann"
key = "{key}"
secret_file = "{secret}"
ws_url = "ws://127.0.0.1:{fake.port}"
rest_url = "http://127.0.0.1:{fake.port}"
symbols = ["{place.symbol}"]
{more}
"""
    )
    return str(file)


async def doctor(*arguments: str, passphrase: str = "") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "floorwire", "doctor", "venue", "here", "--seconds", "2", *arguments),
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "150", "PASSPHRASE": passphrase},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    return process.returncode, output


@asynccontextmanager
async def trading(place: Place, quote: int = 100_000) -> AsyncIterator[Fake]:
    """Run an exchange at which others trade."""
    fake = place.make()
    market = next(iter(fake.core.markets.values()))
    flow = SeededFlow(fake.core, market.symbol, 60_000 * place.cents)
    flow.fill_book()
    fake.core.deposit("first", market.quote, quote * UNIT)

    async def trade() -> None:
        while True:
            await asyncio.sleep(0.05)
            flow.step()

    async with running(fake):
        task = asyncio.create_task(trade())
        yield fake
        task.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_an_order_is_placed_found_and_cancelled(place: Place, tmp_path: Path) -> None:
    async with trading(place) as fake:
        file = settings(tmp_path, place, fake)
        passphrase = fake.first.passphrase if isinstance(fake, FakeOkx) else ""
        code, output = await doctor("--orders", *place.arguments, "--config", file, passphrase=passphrase)
    assert code == 0, output
    (order,) = (one for one in fake.core.orders.values() if one.account == "first")
    assert not order.state.is_open
    for said in ("private stream: up", "account: 100000", "accepted as", "query: open", "cancel: cancelled"):
        assert said in output


@pytest.mark.slow
async def test_what_fails_is_said(tmp_path: Path) -> None:
    place = PLACES[0]
    async with trading(place, quote=1) as fake:
        file = settings(tmp_path, place, fake)
        code, output = await doctor("--orders", "--config", file)
        assert code == 1
        assert "wrong: place: buy" in output
        assert "insufficient_balance" in output
        code, output = await doctor("--config", file)
        assert code == 0, output
        dry = settings(tmp_path, place, fake, "dry_run = true")
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

"""Fake exchanges of each kind at which others trade, and the settings of a server for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

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
    """Write the settings of a server; return their file."""
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
venue = ["here"]

[live]
enabled = true

[risk]
price_collar = 0.2

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


def passphrase(fake: Fake) -> str:
    """Return what ``PASSPHRASE`` in the environment of a server has to be."""
    return fake.first.passphrase if isinstance(fake, FakeOkx) else ""


@asynccontextmanager
async def trading(place: Place, quote: int = 100_000) -> AsyncIterator[Fake]:
    """Run an exchange at which others trade."""
    fake = place.make()
    market = next(iter(fake.core.markets.values()))
    flow = SeededFlow(fake.core, market.symbol, 60_000 * place.cents)
    flow.fill_book()
    for account, amount in (("first", quote), ("second", 100_000)):
        fake.core.deposit(account, market.quote, amount * UNIT)
    fake.core.deposit("second", market.base, 100 * UNIT)

    async def trade() -> None:
        while True:
            await asyncio.sleep(0.05)
            flow.step()

    async with running(fake):
        task = asyncio.create_task(trade())
        yield fake
        task.cancel()

"""A market at the fake Binance and a stop order in it, for the tests of stop orders."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.binance.client import BinanceClient
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side, TimeInForce
from tests.fake_exchange.serving import running

SYMBOL = "BTCUSDT"
LAST = 6_000_000  # ticks of 0.01
STOP = {"symbol": SYMBOL, "side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC"} | {
    "quantity": "0.001", "price": "59800.00", "stopPrice": "59900.00", "newClientOrderId": "stop",
}  # fmt: skip


@pytest.fixture
async def client() -> AsyncIterator[BinanceClient]:
    """A market whose last price is 60000.00, and whose book is empty."""
    exchange = FakeBinance(default_markets())
    for account in ("first", "second"):
        exchange.core.deposit(account, "USDT", 100_000 * UNIT)
        exchange.core.deposit(account, "BTC", UNIT)
    trade(exchange, LAST)
    async with running(exchange) as fake, BinanceClient(fake) as client:
        yield client


def trade(fake: FakeBinance, price_ticks: int, lots: int = 100) -> None:
    """Let the second account trade with itself, so that this is the last price."""
    fake.core.place("second", SYMBOL, Side.SELL, lots, price_ticks, "")
    fake.core.place("second", SYMBOL, Side.BUY, lots, price_ticks, "", time_in_force=TimeInForce.IOC)


def without(params: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in names}

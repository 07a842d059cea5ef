"""An unmodified ccxt at the fake Binance."""

import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.ccxt_process import SEEN, SESSION, ccxt_session, run_ccxt
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

REFUSED = "OrderImmediatelyFillable: binance Stop price would trigger immediately."
STOPS_SESSION = SESSION.with_name("ccxt_binance_stops_session.py")


@pytest.mark.slow
async def test_ccxt_keeps_a_book_and_trades() -> None:
    exchange = FakeBinance(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSDT", 6_000_000)
    flow.fill_book()
    async with running(exchange) as fake:
        key = fake.first
        seen = await ccxt_session(flow, "binance", fake.http, fake.ws, key.api_key, key.secret)
    assert seen == SEEN


@pytest.mark.slow
async def test_ccxt_places_stop_orders() -> None:
    exchange = FakeBinance(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    exchange.make_past("BTCUSDT", 6_000_000)
    flow = SeededFlow(exchange.core, "BTCUSDT", 6_000_000)
    flow.fill_book()
    async with running(exchange) as fake:
        key = fake.first
        seen = await run_ccxt(STOPS_SESSION, flow, fake.http, fake.ws, key.api_key, key.secret)
    assert seen == {
        "waiting": ["open", "limit", 50_000.0, 49_900.0],
        "raw": ["STOP_LOSS_LIMIT", False, -1],
        "open": True,
        "edited": True,
        "cancelled": ["canceled", 49_900.0],
        "takes_profit": ["TAKE_PROFIT_LIMIT", 55_100.0],
        "market": "STOP_LOSS",
        "refused": REFUSED,
        "reported": [True, 50_000.0],
    }

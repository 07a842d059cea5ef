"""An unmodified ccxt at the fake Binance."""

import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.ccxt_process import SEEN, ccxt_session
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running


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

"""An unmodified ccxt at the fake OKX."""

import pytest

from tests.fake_exchange.ccxt_process import SEEN, ccxt_session
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.okx import FakeOkx, default_markets
from tests.fake_exchange.serving import running


@pytest.mark.slow
async def test_ccxt_keeps_a_book_and_trades() -> None:
    exchange = FakeOkx(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSDT", 600_000)
    flow.fill_book()
    async with running(exchange) as fake:
        key = fake.first
        seen = await ccxt_session(flow, "okx", fake.http, fake.ws, key.api_key, key.secret, key.passphrase)
    assert seen == SEEN
    assert not fake.counts.refusals

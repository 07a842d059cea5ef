"""An unmodified ccxt at the fake Kraken."""

from pathlib import Path

import pytest

from tests.fake_exchange.ccxt_process import run_ccxt
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

SESSION = Path(__file__).parent.with_name("ccxt_kraken_session.py")


@pytest.mark.slow
async def test_ccxt_keeps_a_book_and_trades() -> None:
    exchange = FakeKraken(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSD", 600_000)
    flow.fill_book()
    async with running(exchange) as fake:
        key = fake.first
        addresses = fake.http, fake.public_ws, fake.private_ws
        seen = await run_ccxt(SESSION, flow, *addresses, key.api_key, key.secret)
    assert seen == {
        "levels": [10, 10],
        "uncrossed": True,
        "open": True,
        "edited": ["open", 0.002, 50_100],
        "cancelled": "canceled",
        "filled": ["closed", "USD"],
        "over_ws": True,
        "ended": True,
        "stop": ["open", 50_000, 49_900, 50_000],
        "live": [True, True, True],
        "fills": [0.001],
        "base": 1.001,
        "candles": True,
        "ticker": True,
    }
    assert not fake.counts.refusals

"""An unmodified ccxt at the fake Coinbase."""

from pathlib import Path

import pytest

from tests.fake_exchange.ccxt_process import run_ccxt
from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import running

SESSION = Path(__file__).parent.with_name("ccxt_coinbase_session.py")


@pytest.mark.slow
@pytest.mark.parametrize("account", [0, 1], ids=["ES256", "EdDSA"])
async def test_ccxt_keeps_a_book_and_trades(account: int) -> None:
    exchange = FakeCoinbase(default_markets())
    key = exchange.accounts[account]
    exchange.core.deposit(key.name, "USD", 100_000 * UNIT)
    exchange.core.deposit(key.name, "BTC", UNIT)
    flow = SeededFlow(exchange.core, "BTCUSD", 6_000_000)
    flow.fill_book()
    async with running(exchange) as fake:
        seen = await run_ccxt(SESSION, flow, fake.http, fake.market_ws, key.key_name, key.secret)
    assert seen == {
        "uncrossed": True,
        "open": True,
        "edited": ["open", 0.002, 50_100],
        "cancelled": "canceled",
        "stop": ["open", 50_000, 49_900],
        "filled": ["closed", 0.001, "USD"],
        "by_value": "closed",
        "live": [True, True],
        "fills": True,
        "base": True,
        "ticker": True,
    }
    assert not fake.counts.refusals

"""Orders for a venue that has listed nothing yet: they may be sent again, and a wrong name may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import floorwire
from tests.trading.trader import key, trader

NOWHERE = ("ws_url=ws://127.0.0.1:9", "rest_url=http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("symbol", "code", "is_worth_a_retry"),
    [
        ("BTC-USDT", "venue_unavailable", True),
        ("binance:BTC-USDT", "venue_unavailable", True),
        ("kraken:BTC-USD", "unknown_symbol", False),
        ("sim:NO-SUCH", "unknown_symbol", False),
    ],
)
async def test_the_code_says_whether_to_try_again(
    symbol: str, code: str, is_worth_a_retry: bool, tmp_path: Path
) -> None:
    issued = key(tmp_path, money={})
    settings = [f"--set=venues.binance.{setting}" for setting in (*NOWHERE, "orders=paper")]
    with floorwire("--venue", "binance", "--venue", "sim", "--data", str(tmp_path), *settings) as server:
        async with trader(server, issued) as client:
            said = await client.place("a", symbol=symbol, side="buy", quantity="1", price="1")
    assert (said["code"], said.get("retry", False)) == (code, is_worth_a_retry)

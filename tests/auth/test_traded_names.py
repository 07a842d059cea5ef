from __future__ import annotations

import pytest

from floorwire.auth.grant import GrantError
from floorwire.auth.traded_names import TradedNames

ALONE = TradedNames(frozenset({"BTC-USDT", "ETH-EUR"}))
TWO = TradedNames(frozenset({"okx:BTC-USDT", "kraken:BTC-USDT", "kraken:ETH-EUR"}))


@pytest.mark.parametrize(
    ("known", "symbols", "deposits", "field"),
    [
        (ALONE, ["BTC-USDT"], ["BTC", "USDT", "ETH", "EUR"], None),
        (ALONE, None, [], None),
        (ALONE, ["FOO-BAR"], [], "symbols"),
        (ALONE, ["BTC-USDT", "BTC-EUR"], [], "symbols"),
        (ALONE, ["okx:BTC-USDT"], [], "symbols"),
        (ALONE, None, ["NOPE"], "deposit"),
        (TWO, ["BTC-USDT", "okx:BTC-USDT", "ETH-EUR"], ["EUR"], None),
        (TWO, ["okx:ETH-EUR"], [], "symbols"),
    ],
)
def test_what_no_market_here_trades_is_refused(
    known: TradedNames, symbols: list[str] | None, deposits: list[str], field: str | None
) -> None:
    if field is None:
        known.check(symbols, deposits)
        return
    with pytest.raises(GrantError) as raised:
        known.check(symbols, deposits)
    assert raised.value.field == field


def test_it_says_what_was_meant() -> None:
    with pytest.raises(GrantError, match="did you mean BTC-USDT"):
        ALONE.check(["BTC-USDC"], [])
    with pytest.raises(GrantError, match="there are BTC, ETH, EUR, USDT"):
        ALONE.check(None, ["NOPE"])

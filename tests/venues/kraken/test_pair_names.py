from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.kraken.pair_names import current_coin, current_pair


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("XBT/USD", "BTC/USD"),
        ("KSM/XBT", "KSM/BTC"),
        ("XDG/XBT", "DOGE/BTC"),
        ("XMR/USD", "XMR/USD"),
        ("AXBT/USD", "AXBT/USD"),
        ("KSM/XBTS", "KSM/XBTS"),
    ],
)
def test_old_names_of_coins_are_replaced(name: str, current: str) -> None:
    assert current_pair(name) == current


coins = st.text("XBTDG", min_size=1, max_size=5) | st.sampled_from(["XBT", "XDG", "USD"])


@given(coins, coins)
def test_a_pair_has_the_names_of_its_coins(base: str, quote: str) -> None:
    assert current_pair(f"{base}/{quote}") == f"{current_coin(base)}/{current_coin(quote)}"

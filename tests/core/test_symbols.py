"""What a client may write for an instrument, and what names none or two."""

from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.symbols import MAX_SYMBOL, SymbolTable


def instrument(symbol: str, tick_size: str = "0.5") -> Instrument:
    base, _, quote = symbol.rpartition(":")[2].partition("-")
    return Instrument(symbol, base, quote, "test", tick_size, "0.01", "1")


BTC, ETH = instrument("BTC-USDT"), instrument("kraken:ETH-USDT")


@pytest.mark.parametrize("text", ["BTC-USDT", "btc-usdt", "BTCUSDT", "btcusdt", "BTC/USDT", "btc_usdt"])
def test_case_and_separators_do_not_matter(text: str) -> None:
    assert SymbolTable([BTC, ETH]).resolve(text) is BTC


@pytest.mark.parametrize("text", ["kraken:ETH-USDT", "KRAKEN:ETHUSDT", "eth/usdt", "ETH-USDT"])
def test_the_venue_may_be_left_out_where_one_venue_has_it(text: str) -> None:
    assert SymbolTable([BTC, ETH]).resolve(text) is ETH


def test_a_name_that_two_venues_have_names_neither() -> None:
    other = instrument("sim:ETH-USDT")
    table = SymbolTable([ETH, other])
    assert table.resolve("ETH-USDT") is None
    assert table.resolve("ethusdt") is None
    assert table.resolve("sim:ethusdt") is other
    assert table.resolve("kraken:ETH-USDT") is ETH


@pytest.mark.parametrize("text", ["", "BTC", "XRP-USDT", "BTC-USDT-BTC-USDT", "sim:BTC-USDT"])
def test_what_names_nothing(text: str) -> None:
    assert SymbolTable([BTC, ETH]).resolve(text) is None


def test_a_text_of_the_greatest_length_is_looked_up_and_a_longer_one_is_not() -> None:
    longest = instrument("A" * (MAX_SYMBOL - 5) + "-USDT")
    table = SymbolTable([longest])
    assert len(longest.symbol) == MAX_SYMBOL
    assert table.resolve(longest.symbol.lower()) is longest
    assert table.resolve("BTC" + "-" * (MAX_SYMBOL - 6) + "USDT") is None
    padded = longest.symbol.replace("-", "--").lower()
    assert len(padded) > MAX_SYMBOL
    assert table.resolve(padded) is None
    known = instrument("B" * MAX_SYMBOL + "-USDT")
    assert SymbolTable([known]).resolve(known.symbol) is known, "its own name is found, however long"


def test_a_listing_replaces_that_of_the_same_name() -> None:
    table = SymbolTable([BTC, ETH])
    finer = instrument("BTC-USDT", "0.05")
    table.update([finer])
    assert table.resolve("btcusdt") is finer
    assert list(table) == [finer, ETH]
    assert len(table) == 2

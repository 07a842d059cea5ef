from __future__ import annotations

import msgspec
import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.ports import Fetch
from floorwire.venues.common.instrument_catalogue import HURRY_US, REFRESH_US, RETRY_US, InstrumentCatalogue
from floorwire.venues.common.symbol_filter import SymbolFilter

BTC = Instrument("x:BTC-USD", "BTC", "USD", "x", "0.01", "0.001")
ETH = Instrument("x:ETH-USD", "ETH", "USD", "x", "0.01", "0.001")
LISTED = {"BTCUSD": BTC, "ETHUSD": ETH}


def guess(symbol: str) -> tuple[str, Instrument] | None:
    if not symbol.endswith("USD"):
        return None
    base = symbol.removesuffix("USD").removesuffix("-")
    return f"{base}USD", Instrument(f"{base}-USD", base, "USD", "x", "1", "1")


@pytest.mark.parametrize("asked", ["BTC-USD", "btcusd", "btc/usd"])
def test_symbols_are_asked_for_in_any_writing(asked: str) -> None:
    catalogue = InstrumentCatalogue("u", [asked], None)
    catalogue.take(LISTED, 0)
    assert catalogue.wanted() == {"BTCUSD": BTC}
    assert catalogue.find("BTCUSD") == BTC
    assert catalogue.find("ETHUSD") is None
    assert catalogue.find("XRPUSD") is None


def test_wanted_keeps_the_order_asked_for_and_leaves_out_what_is_not_listed() -> None:
    catalogue = InstrumentCatalogue("u", ["ETH-USD", "XRP-USD", "BTC-USD"], None)
    catalogue.take(LISTED, 0)
    assert list(catalogue.wanted()) == ["ETHUSD", "BTCUSD"]


def test_without_a_roster_what_appears_is_followed() -> None:
    catalogue = InstrumentCatalogue("u", [], None)
    catalogue.take(LISTED, 0)
    assert catalogue.wanted() == {}
    assert catalogue.find("ETHUSD") == ETH
    assert not SymbolFilter([]).follows("A" * 65)


def test_one_request_at_a_time_and_a_failed_one_again_soon() -> None:
    catalogue = InstrumentCatalogue("u", [], None)
    assert list(catalogue.ask(0)) == [Fetch("u")]
    assert list(catalogue.ask(RETRY_US)) == [], "not answered yet"
    catalogue.take({}, RETRY_US)
    was_ready = catalogue.is_ready
    assert list(catalogue.ask(2 * RETRY_US - 1)) == []
    assert list(catalogue.ask(2 * RETRY_US)) == [Fetch("u")]
    catalogue.take(LISTED, 0)
    assert (was_ready, catalogue.is_ready) == (False, True)
    assert list(catalogue.ask(REFRESH_US - 1)) == []
    assert list(catalogue.ask(REFRESH_US)) == [Fetch("u")]


def test_a_hurry_asks_sooner_but_not_at_once_again() -> None:
    catalogue = InstrumentCatalogue("u", [], None)
    list(catalogue.ask(5))
    catalogue.take(LISTED, 6)
    catalogue.hurry()
    assert list(catalogue.ask(5 + HURRY_US - 1)) == []
    assert list(catalogue.ask(5 + HURRY_US)) == [Fetch("u")]


def test_what_no_list_tells_is_guessed_where_that_is_allowed() -> None:
    catalogue = InstrumentCatalogue("u", ["XRP-USD", "???"], guess)
    catalogue.take({}, 0)
    assert catalogue.is_ready
    assert list(catalogue.wanted()) == ["XRPUSD"]
    found = catalogue.find("XRPUSD")
    assert found is not None
    assert found.symbol == "XRP-USD"
    assert catalogue.find("???") is None
    assert catalogue.find("DOGEUSD") is None, "not asked for"


def test_a_new_list_renews_closes_or_leaves_alone() -> None:
    catalogue = InstrumentCatalogue("u", [], None)
    catalogue.take(LISTED, 0)
    halted = msgspec.structs.replace(BTC, state="halted")
    assert catalogue.renewed("BTCUSD", BTC, {"BTCUSD": halted}) == halted
    assert catalogue.renewed("BTCUSD", BTC, {}) == BTC, "no list came"
    assert catalogue.renewed("BTCUSD", BTC, {"ETHUSD": ETH}).state == "closed"
    assert catalogue.renewed("GUESSED", BTC, {"ETHUSD": ETH}) == BTC, "never was on the list"

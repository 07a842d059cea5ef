"""Identities and the names that clients use for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.symbols import SymbolTable
from floorwire.core.venue_names import NO_VENUES, VENUE_ID, VenueNames, bare, venue_of

IDS = st.from_regex(VENUE_ID, fullmatch=True)
NAMES = st.from_regex(r"[A-Z0-9]{1,8}(-[A-Z0-9]{1,8})?", fullmatch=True)


def listed(venue: str, symbol: str = "BTC-USDT") -> Instrument:
    base, _, quote = symbol.partition("-")
    return Instrument(f"{venue}:{symbol}", base, quote, venue, "0.5", "0.01")


@given(default=IDS, venue=IDS, name=NAMES)
def test_an_identity_is_found_again_by_its_name_and_by_itself(default: str, venue: str, name: str) -> None:
    names = VenueNames(default)
    identity = f"{venue}:{name}"
    assert names.identity(names.shown(identity)) == names.identity(identity) == identity
    assert names.shown(identity) == (name if venue == default else identity)
    assert (venue_of(identity), bare(identity)) == (venue, name)


@given(name=NAMES)
def test_without_venues_each_name_is_its_identity(name: str) -> None:
    assert NO_VENUES.identity(name) == NO_VENUES.shown(name) == NO_VENUES.asset("sim", name) == name
    assert (venue_of(name), bare(name)) == ("", name)


def test_an_instrument_has_the_assets_of_its_venue() -> None:
    names = VenueNames("sim")
    found = names.identified(listed("kraken"))
    assert (found.symbol, found.base, found.quote) == ("kraken:BTC-USDT", "kraken:BTC", "kraken:USDT")
    assert names.identified(found) is found
    assert NO_VENUES.identified(listed("kraken")) == listed("kraken")


@pytest.mark.parametrize("venue", ["", "-a", "_a", "A", "a:b", "a.b", "a" * 33, "a b"])
def test_what_is_no_id_of_a_venue(venue: str) -> None:
    assert VENUE_ID.fullmatch(venue) is None


def test_bare_symbols_are_those_of_the_default_venue() -> None:
    table = SymbolTable(
        [listed("kraken"), listed("sim"), listed("kraken", "XMR-EUR")], VenueNames("sim", ["kraken"])
    )
    for text in ("BTC-USDT", "btcusdt", "BTC/USDT", "sim:BTC-USDT", "SIM:btcusdt"):
        assert table.resolve(text) == listed("sim"), text
    for text in ("kraken:BTC-USDT", "KRAKEN:btc/usdt"):
        assert table.resolve(text) == listed("kraken"), text
    assert len(table) == len(list(table)) == 3


def test_a_bare_symbol_of_one_other_venue_is_found_unless_orders_there_are_live() -> None:
    xmr = listed("kraken", "XMR-EUR")
    assert SymbolTable([listed("sim"), xmr], VenueNames("sim")).resolve("xmreur") == xmr
    live = SymbolTable([listed("sim"), xmr], VenueNames("sim", ["kraken"]))
    assert live.resolve("xmreur") is live.resolve("XMR-EUR") is None
    assert live.resolve("kraken:xmreur") == xmr
    by_default = SymbolTable([xmr], VenueNames("kraken", ["kraken"]))
    assert by_default.resolve("XMR-EUR") == xmr


def test_the_order_in_which_venues_list_changes_nothing() -> None:
    both = [listed("sim"), listed("kraken")]
    for order in (both, both[::-1]):
        assert SymbolTable(order, VenueNames("sim")).resolve("btcusdt") == listed("sim")

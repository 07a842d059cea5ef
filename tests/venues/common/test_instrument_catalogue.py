from __future__ import annotations

from functools import partial
from itertools import count

import msgspec
import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.ports import Fetch
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.instrument_catalogue import (
    REFRESH_SOON_US,
    REFRESH_US,
    RETRY_S,
    TIMEOUT_US,
    InstrumentCatalogue,
    SymbolFilter,
)

BTC = Instrument("x:BTC-USD", "BTC", "USD", "x", "0.01", "0.001")
ETH = Instrument("x:ETH-USD", "ETH", "USD", "x", "0.01", "0.001")
LISTED = {"BTCUSD": BTC, "ETHUSD": ETH}
RETRY_US = RETRY_S[0] * 1_000_000
LIST = partial(Fetch, url="u", timeout_us=TIMEOUT_US)


def requested(catalogue: InstrumentCatalogue, now_us: int) -> Fetch | None:
    return catalogue.request("u", now_us) if catalogue.is_due(now_us) else None


def unlisted_instrument(symbol: str) -> tuple[str, Instrument] | None:
    if not symbol.endswith("USD"):
        return None
    base = symbol.removesuffix("USD").removesuffix("-")
    return f"{base}USD", Instrument(f"{base}-USD", base, "USD", "x", "1", "1")


@pytest.mark.parametrize("requested", ["BTC-USD", "btcusd", "btc/usd"])
def test_symbols_may_be_requested_in_any_writing(requested: str) -> None:
    catalogue = InstrumentCatalogue([requested], None, count(1), no_jitter)
    catalogue.update(LISTED, 0)
    assert catalogue.requested() == {"BTCUSD": BTC}
    assert catalogue.find("BTCUSD") == BTC
    assert catalogue.find("ETHUSD") is None
    assert catalogue.find("XRPUSD") is None


def test_requested_keeps_the_order_and_leaves_out_unlisted_symbols() -> None:
    catalogue = InstrumentCatalogue(["ETH-USD", "XRP-USD", "BTC-USD"], None, count(1), no_jitter)
    catalogue.update(LISTED, 0)
    assert list(catalogue.requested()) == ["ETHUSD", "BTCUSD"]


def test_without_requested_symbols_every_listed_one_is_followed() -> None:
    catalogue = InstrumentCatalogue([], None, count(1), no_jitter)
    catalogue.update(LISTED, 0)
    assert catalogue.requested() == {}
    assert catalogue.find("ETHUSD") == ETH
    assert not SymbolFilter([]).follows("A" * 65)


def test_one_request_at_a_time_and_a_failed_one_again_soon() -> None:
    catalogue = InstrumentCatalogue([], None, count(1), no_jitter)
    assert requested(catalogue, 0) == LIST(1)
    assert requested(catalogue, RETRY_US) is None, "not answered yet"
    catalogue.update({}, RETRY_US)
    was_ready = catalogue.is_ready
    assert requested(catalogue, 2 * RETRY_US - 1) is None
    assert requested(catalogue, 2 * RETRY_US) == LIST(2)
    catalogue.update(LISTED, 0)
    assert (was_ready, catalogue.is_ready) == (False, True)
    assert requested(catalogue, REFRESH_US - 1) is None
    assert requested(catalogue, REFRESH_US) == LIST(3)


def test_refresh_soon_requests_sooner_but_keeps_a_minute_between_requests() -> None:
    catalogue = InstrumentCatalogue([], None, count(1), no_jitter)
    requested(catalogue, 5)
    catalogue.update(LISTED, 6)
    catalogue.refresh_soon()
    assert requested(catalogue, 5 + REFRESH_SOON_US - 1) is None
    assert requested(catalogue, 5 + REFRESH_SOON_US) == LIST(2)


def test_an_unlisted_symbol_gets_an_instrument_where_that_is_allowed() -> None:
    catalogue = InstrumentCatalogue(["XRP-USD", "???"], unlisted_instrument, count(1), no_jitter)
    catalogue.update({}, 0)
    assert catalogue.is_ready
    assert list(catalogue.requested()) == ["XRPUSD"]
    found = catalogue.find("XRPUSD")
    assert found is not None
    assert found.symbol == "XRP-USD"
    assert catalogue.find("???") is None
    assert catalogue.find("DOGEUSD") is None, "not requested for"


def test_a_new_list_updates_closes_or_keeps_an_instrument() -> None:
    catalogue = InstrumentCatalogue([], None, count(1), no_jitter)
    catalogue.update(LISTED, 0)
    halted = msgspec.structs.replace(BTC, state="halted")
    assert catalogue.updated("BTCUSD", BTC, {"BTCUSD": halted}) == halted
    assert catalogue.updated("BTCUSD", BTC, {}) == BTC, "no list came"
    assert catalogue.updated("BTCUSD", BTC, {"ETHUSD": ETH}).state == "closed"
    assert catalogue.updated("UNLISTED", BTC, {"ETHUSD": ETH}) == BTC, "never was on the list"

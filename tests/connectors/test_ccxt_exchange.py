"""Making an exchange of ccxt, with a stand-in for the package."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from floorwire.config import LiveSettings, Settings, SettingsError, VenueSettings
from floorwire.connectors import ccxt_exchange, venue_registry
from floorwire.connectors.ccxt_connector import CcxtConnector
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_specs import specs
from floorwire.core.capabilities import Capabilities
from floorwire.venues.paper import PaperVenue


class Here:
    def __init__(self) -> None:
        self.has: dict[str, object] = {
            "watchOrderBook": True, "watchTrades": True, "watchTicker": "emulated"
        }  # fmt: skip
        self.requiredCredentials: dict[str, object] = {"apiKey": True, "secret": True, "password": False}
        self.urls = {"api": {"rest": "https://{hostname}/v1", "ws": {"spot": "wss://a/b"}, "other": "x"}}
        self.options: dict[str, object] = {"fetchMarkets": {"types": ["spot", "linear"], "other": 1}}


class NoBooks(Here):
    def __init__(self) -> None:
        super().__init__()
        self.has = {"watchOrderBook": False}


@pytest.fixture
def _ccxt(monkeypatch: pytest.MonkeyPatch) -> None:
    pro = ModuleType("ccxt.pro")
    vars(pro).update(exchanges=["here", "nobooks"], here=Here, nobooks=NoBooks)
    monkeypatch.setitem(sys.modules, "ccxt", ModuleType("ccxt"))
    monkeypatch.setitem(sys.modules, "ccxt.pro", pro)


@pytest.mark.usefixtures("_ccxt")
def test_addresses_and_proxies_are_those_of_the_settings() -> None:
    route = NetworkRoute("ws://w:1/p", "http://r:2", None, {"https": "p:3"})
    exchange = ccxt_exchange.make("ccxt:here", route)
    assert exchange.urls["api"] == {"rest": "http://r:2/v1", "ws": {"spot": "ws://w:1/p/b"}, "other": "x"}
    assert (exchange.https_proxy, exchange.wss_proxy) == ("http://p:3", "http://p:3")
    assert exchange.options["fetchMarkets"] == {"types": ["spot"], "other": 1}
    assert ccxt_exchange.capabilities("ccxt:here", exchange) == Capabilities(
        "ccxt:here",
        ("trades", "book"),
        book_depth=100,
        order_types=("limit", "market"),
        times_in_force=("gtc", "ioc", "fok"),
    )


@pytest.mark.usefixtures("_ccxt")
@pytest.mark.parametrize(
    ("given", "said"),
    [("ccxt:there", "ccxt streams no exchange 'there'; there are here"), ("ccxt:nobooks", "no books of it"),
     ("ccxt:", "names no exchange of ccxt"), ("ccxt:A b", "names no exchange of ccxt")],
)  # fmt: skip
def test_what_ccxt_cannot_stream_is_refused(given: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        venue_registry.build(Settings(venue=(given,)))


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ccxt.pro", None)
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(SettingsError, match=r"ccxt:kraken needs ccxt: pip install 'floorwire\[ccxt\]'"):
        venue_registry.build(Settings(venue=("ccxt:kraken",)))


@pytest.mark.usefixtures("_ccxt")
def test_a_venue_is_found_by_its_exchange_or_its_id() -> None:
    own = VenueSettings(symbols=("A-B",))
    by_name = Settings(venue=("ccxt:here",), venues={"ccxt-here": own})
    by_id = Settings(venue=("mine",), venues={"mine": VenueSettings(kind="ccxt:here")})
    for settings, name in ((by_name, "ccxt-here"), (by_id, "mine")):
        [spec] = specs(settings)
        assert (spec.id, spec.kind) == (name, "ccxt:here")
        [venue] = venue_registry.build(settings)
        assert isinstance(venue, PaperVenue)
        assert (venue.name, venue.capabilities.kind) == (name, "ccxt:here")
        assert venue.streams_on_demand
        assert isinstance(venue_registry.connector(name, settings), CcxtConnector)
    assert specs(by_name)[0].settings.symbols == ("A-B",)


@pytest.mark.usefixtures("_ccxt")
@pytest.mark.parametrize(
    ("own", "said"),
    [(VenueSettings(kind="binance"), "is of another kind"), (VenueSettings(file="f"), "for kind = replay"),
     (VenueSettings(source_address="127.0.0.2"), "ccxt has no such option"),
     (VenueSettings(orders="live"), "ccxt-here.orders: ccxt:here: ccxt has no createOrder, ca")],
)  # fmt: skip
def test_settings_that_such_a_venue_does_not_have_are_refused(own: VenueSettings, said: str) -> None:
    settings = Settings(venue=("ccxt:here",), venues={"ccxt-here": own}, live=LiveSettings(enabled=True))
    with pytest.raises(SettingsError, match=said):
        venue_registry.build(settings, live_flag=True)

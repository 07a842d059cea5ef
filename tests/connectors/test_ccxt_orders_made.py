"""What sends orders through ccxt, with a stand-in for the package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace

from floorwire.clock import Clock
from floorwire.config import LiveSettings, Settings, SettingsError, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.connectors.ccxt_order_connector import CcxtOrderConnector
from floorwire.connectors.order_connector import OrderConnector
from floorwire.live_orders import order_connector
from floorwire.venues.ccxt.order_terms import ENDED, REQUIRED
from floorwire.venues.live import LiveVenue

SECRETS = {"SECRET": "hushhush", "PHRASE": "phrase1"}


class Kucoin:
    """An exchange that has all that is needed."""

    def __init__(self) -> None:
        self.has: dict[str, object] = dict.fromkeys(("watchOrderBook", *REQUIRED, *ENDED), True)
        self.urls = {"api": {"rest": "https://a", "ws": "wss://b"}}
        self.options: dict[str, object] = {"maxRetriesOnFailure": 3}
        self.requiredCredentials: dict[str, object] = {"apiKey": True, "secret": True, "password": True}
        self.features = {"spot": {"createOrder": {"timeInForce": {"IOC": True, "FOK": False, "PO": True}}}}
        self.rateLimit = 50.0
        self.tokenBucket: object = {"refillRate": 1}
        self.apiKey = self.secret = self.password = ""
        self.is_limited = False

    def init_rest_rate_limiter(self) -> None:
        self.is_limited = self.tokenBucket is None


class Unknown(Kucoin):
    """One of which nobody knows how it takes ids."""


class Wallet(Kucoin):
    """One whose key has other parts."""

    def __init__(self) -> None:
        super().__init__()
        self.requiredCredentials = {"privateKey": True}


@pytest.fixture(autouse=True)
def _ccxt(monkeypatch: pytest.MonkeyPatch) -> None:
    pro = ModuleType("ccxt.pro")
    names = {"kucoin": Kucoin, "unknown": Unknown, "gate": Wallet}
    vars(pro).update(names, exchanges=list(names))
    monkeypatch.setitem(sys.modules, "ccxt", ModuleType("ccxt"))
    monkeypatch.setitem(sys.modules, "ccxt.pro", pro)


def given(kind: str = "ccxt:kucoin", symbols: tuple[str, ...] = ("A-B",), **own: str) -> Settings:
    credentials = {"key": "KEY", "secret_env": "SECRET", "passphrase_env": "PHRASE", **own}
    named = {name: text or None for name, text in credentials.items()}
    venue = VenueSettings(kind=kind, orders="live", account="ann", symbols=symbols)
    venue = replace(venue, **named)
    return Settings(venue=("x",), venues={"x": venue}, live=LiveSettings(enabled=True))


def made(settings: Settings) -> OrderConnector:
    [venue] = venue_registry.build(settings, live_flag=True)
    assert isinstance(venue, LiveVenue)
    return order_connector(settings, venue, Clock(), SECRETS)


def test_a_venue_of_ccxt_is_built_live() -> None:
    settings = given()
    [venue] = venue_registry.build(settings, live_flag=True)
    assert isinstance(venue, LiveVenue)
    assert (venue.name, venue.capabilities.kind) == ("x", "ccxt:kucoin")
    assert venue.capabilities.places_orders
    connector = made(settings)
    assert isinstance(connector.connector, CcxtOrderConnector)
    assert (connector.policy.can_amend, connector.policy.misses) == (False, 5)


def test_the_key_is_given_to_ccxt_which_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Kucoin] = []
    init = Kucoin.__init__

    def noted(self: Kucoin) -> None:
        init(self)
        found.append(self)

    monkeypatch.setattr(Kucoin, "__init__", noted)
    made(given())
    exchange = found[-1]
    assert (exchange.apiKey, exchange.secret, exchange.password) == ("KEY", "hushhush", "phrase1")
    assert exchange.options["maxRetriesOnFailure"] == 0
    assert exchange.options["defaultType"] == "spot"
    assert exchange.has["fetchCurrencies"] is False
    assert (exchange.rateLimit, exchange.is_limited) == (100.0, True), "prices have the other half"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (given("ccxt:unknown"), "venues.x.orders: ccxt:unknown: it is not known how it takes ids of orders"),
        (given("ccxt:gate"), "ccxt:gate: it needs privateKey, which settings cannot give"),
        (given(symbols=tuple(f"A{n}-B" for n in range(11))), "at most 10 symbols can be traded, not 11"),
        (given(passphrase_env=""), "venues.x.passphrase_env: is missing; ccxt:kucoin needs a passphrase"),
        (given(key=""), "venues.x.key"),
    ],
)
def test_what_cannot_be_certain_is_refused_plainly(settings: Settings, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=said):
        made(settings)

"""Which venue instances the settings name, and which of them are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from floorwire.config import LiveSettings, Settings, SettingsError, VenueSettings
from floorwire.connectors import order_adapters, venue_registry
from floorwire.connectors.venue_specs import specs
from floorwire.core.market_events import Listing
from floorwire.core.ports import Venue
from floorwire.venues.live import LiveVenue

OWN = Path(__file__).parents[1] / "recorded"
BINANCE, COINBASE = f"replay:{OWN / 'binance'}", f"replay:{OWN / 'coinbase'}"
LIVE = VenueSettings(kind="binance", orders="live")


def ids(*given: str, **venues: VenueSettings) -> list[str]:
    return [spec.id for spec in specs(Settings(venue=given, venues=venues))]


def listed(venue: Venue) -> set[tuple[str, str]]:
    """Return each symbol that the venue lists at its start, with its venue."""
    return {
        (instrument.symbol, instrument.venue)
        for output in venue.start(0)
        if isinstance(output, Listing)
        for instrument in output.instruments
    }


def test_ids_of_what_has_no_settings() -> None:
    assert ids("sim") == ["sim"]
    assert ids("sim", BINANCE, COINBASE) == ["sim", "binance", "coinbase"]
    assert ids("binance", "coinbase") == ["binance", "coinbase"]
    assert ids(BINANCE, "sim") == ["binance", "sim"]


def test_a_second_recording_of_an_exchange_is_another_venue() -> None:
    assert ids(BINANCE, BINANCE, BINANCE) == ["binance", "binance-2", "binance-3"]
    assert ids(BINANCE, f"{BINANCE},id=binance") == ["binance-2", "binance"]
    assert ids(f"{BINANCE},adapter=binance,id=old", f"{BINANCE},id=new,adapter=binance") == ["old", "new"]
    assert ids(BINANCE, "binance") == ["binance-2", "binance"]


def test_configured_venues_go_by_their_id() -> None:
    file = str(OWN / "coinbase")
    venues = {
        "paper": VenueSettings(kind="binance"),
        "second": VenueSettings(kind="sim", symbols=("BTC-USDT",)),
        "old": VenueSettings(kind="replay", file=file),
        "sim": VenueSettings(symbols=("ETH-USDT",)),
    }
    found = specs(Settings(venue=("second", "old", "paper", "sim"), venues=venues))
    assert [(spec.id, spec.kind) for spec in found] == [
        ("second", "sim"), ("old", "replay"), ("paper", "binance"), ("sim", "sim")
    ]  # fmt: skip
    assert found[1].recorded is not None
    assert found[1].recorded.adapter == "coinbase"


@pytest.mark.parametrize(
    ("given", "venues", "said"),
    [
        (("sim", "sim"), {}, r"venue: sim: there is a venue sim already"),
        (("nope",), {}, r"venue: 'nope' is none of sim, binance, .*there is no \[venues.nope\]"),
        (("replay:",), {}, r"venue: 'replay:' is none of"),
        (("sim:x",), {}, r"venue: 'sim:x' is none of"),
        ((f"{BINANCE},id=A b",), {}, r"venue: id=A b: has 1 to 32"),
        (("a",), {"a": VenueSettings(kind="nope")}, r"venues.a.kind: there is no kind 'nope'"),
        (("a",), {"a": VenueSettings(kind="replay")}, r"venues.a.file: is missing"),
        (("a",), {"a": VenueSettings(kind="sim", file="f")}, r"venues.a: file and adapter are for"),
    ],
)
def test_what_names_no_venue_is_refused(
    given: tuple[str, ...], venues: dict[str, VenueSettings], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        specs(Settings(venue=given, venues=venues))


def test_venues_list_identities_under_their_own_ids() -> None:
    settings = Settings(
        venue=("sim", "small", BINANCE, f"{BINANCE},id=again"),
        venues={"small": VenueSettings(kind="sim", symbols=("BTC-USDT",))},
    )
    sim, small, first, second = venue_registry.build(settings)
    assert ("sim:BTC-USDT", "sim") in listed(sim)
    assert listed(small) == {("small:BTC-USDT", "small")}
    assert {symbol.replace("binance:", "again:") for symbol, _ in listed(first)} == {
        symbol for symbol, _ in listed(second)
    }
    assert {venue for _, venue in listed(second)} == {"again"}
    names = venue_registry.traded_names(settings)
    assert names is not None
    assert {"sim:BTC-USDT", "small:BTC-USDT"} <= names.symbols
    assert {symbol for symbol, _ in listed(second)} <= names.symbols


def test_two_simulated_markets_of_one_seed_differ_and_the_first_stays_as_it_was() -> None:
    def start(**venues: VenueSettings) -> list[object]:
        built = venue_registry.build(Settings(seed=7, venue=("sim", *venues), venues=venues))
        return [venue.start(0)[1:3] for venue in built]

    [alone] = start()
    first, other = start(other=VenueSettings(kind="sim"))
    assert first == alone
    assert str(other).replace("other:", "sim:") != str(first)


@pytest.mark.parametrize(
    ("venues", "said"),
    [
        ({"s": VenueSettings(kind="sim", ws_url="ws://x")}, r"venues.s: the simulated market has no address"),
        ({"s": VenueSettings(kind="sim", symbols=("NO-PE",))}, r"venues.s.symbols: NO-PE is not simulated"),
        (
            {"s": VenueSettings(kind="replay", file=str(OWN / "binance"), symbols=("A-B",))},
            r"venues.s.symbols: a recording has its own",
        ),
    ],
)
def test_settings_that_the_kind_does_not_have_are_refused(
    venues: dict[str, VenueSettings], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        venue_registry.build(Settings(venue=("s",), venues=venues))


# --- live orders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enabled", "flag", "said"),
    [
        (False, False, r"live orders need the setting live.enabled = true and the flag --live too"),
        (True, False, r"live orders need the flag --live too"),
        (False, True, r"live orders need the setting live.enabled = true too"),
    ],
)
def test_live_orders_are_switched_on_twice(enabled: bool, flag: bool, said: str) -> None:
    settings = Settings(venue=("b",), venues={"b": LIVE}, live=LiveSettings(enabled=enabled))
    with pytest.raises(SettingsError, match=rf"venues.b.orders: {said}"):
        venue_registry.build(settings, live_flag=flag)


def test_a_kind_without_order_adapter_is_refused_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_adapters, "ORDER_KINDS", {})
    settings = Settings(venue=("b",), venues={"b": LIVE}, live=LiveSettings(enabled=True))
    with pytest.raises(SettingsError, match=r"venues.b.orders: this version cannot send orders to binance"):
        venue_registry.build(settings, live_flag=True)


@pytest.mark.parametrize("kind", sorted(order_adapters.ORDER_KINDS))
def test_a_kind_with_order_adapter_is_built_live(kind: str) -> None:
    venues = {"b": VenueSettings(kind=kind, orders="live")}
    settings = Settings(venue=("b",), venues=venues, live=LiveSettings(enabled=True))
    (venue,) = venue_registry.build(settings, live_flag=True)
    assert isinstance(venue, LiveVenue)
    assert (venue.name, venue.capabilities.kind, venue.capabilities.places_orders) == ("b", kind, True)


def test_a_tier_is_of_accounts_at_kraken() -> None:
    venues = {"b": VenueSettings(kind="okx", orders="live", tier="pro")}
    settings = Settings(venue=("b",), venues=venues, live=LiveSettings(enabled=True))
    with pytest.raises(SettingsError, match=r"venues.b.tier: only accounts of kraken have one"):
        venue_registry.build(settings, live_flag=True)


@pytest.mark.parametrize(
    ("kind", "after_s", "refusal"),
    [
        ("okx", 120, None),
        ("kraken", 60, None),
        ("okx", 121, "okx takes 10 to 120 seconds"),
        ("kraken", 59, "kraken takes 60 to 3600 seconds"),
        ("binance", 60, "binance has no such switch"),
        ("coinbase", 60, "coinbase has no such switch"),
        ("bybit", 300, None),
        ("bybit", 301, "bybit takes 10 to 300 seconds"),
        ("ccxt:kucoin", 60, "ccxt:kucoin has no such switch"),
    ],
)
def test_the_exchanges_own_switch(kind: str, after_s: int, refusal: str | None) -> None:
    venues = {"b": VenueSettings(kind=kind, orders="live", cancel_all_after_s=after_s)}
    settings = Settings(venue=("b",), venues=venues, live=LiveSettings(enabled=True))
    if refusal is None:
        venue_registry.build(settings, live_flag=True)
        return
    with pytest.raises(SettingsError, match=f"venues.b.cancel_all_after_s: {refusal}"):
        venue_registry.build(settings, live_flag=True)


@pytest.mark.parametrize("kind", ["sim", "replay"])
def test_what_has_no_real_market_cannot_be_live(kind: str) -> None:
    file = str(OWN / "binance") if kind == "replay" else None
    venues = {"b": VenueSettings(kind=kind, file=file, orders="live")}
    settings = Settings(venue=("b",), venues=venues, live=LiveSettings(enabled=True))
    with pytest.raises(SettingsError, match=rf"venues.b.orders: a {kind} venue has no real market"):
        venue_registry.build(settings, live_flag=True)


def test_a_live_venue_that_does_not_run_is_no_obstacle() -> None:
    assert venue_registry.build(Settings(venues={"b": LIVE}))


# --- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "evil.example", "file:///etc/passwd", "ftp://a", "https://", "wss://", "unix:///tmp/x", "wss://a:99999",
     "wss://a:0", "wss://a\r\nX: y", "wss://a\x1b[31m", "wss://[::1", "wss://b\u0430nk", "wss://u:pw@a",
     "wss://a?x=1", "wss://a#b", "wss://a b"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["ws_url", "rest_url", "order_ws_url", "order_rest_url"])
def test_what_is_no_address_is_refused_at_the_start(name: str, url: str) -> None:
    given = url if "ws" in name else url.replace("wss:", "https:")
    own = VenueSettings(**{"kind": "binance", name: given})  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=rf"^venues\.v\.{name}: ") as refused:
        ids("v", v=own)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("name", ["ws_url", "rest_url", "order_ws_url", "order_rest_url"])
def test_live_orders_leave_this_machine_with_tls_only(name: str) -> None:
    scheme = "ws" if "ws" in name else "http"

    def venue(place: str, orders: Literal["paper", "live"]) -> VenueSettings:
        return VenueSettings(**{"kind": "okx", "orders": orders, name: place})  # type: ignore[arg-type]

    with pytest.raises(SettingsError, match=rf"^venues\.v\.{name}: needs {scheme}s://"):
        ids("v", v=venue(f"{scheme}://exchange.example", "live"))
    for place in (
        f"{scheme}s://exchange.example:8443/path",
        f"{scheme}://127.0.0.1:9",
        f"{scheme}://[::1]:9",
    ):
        assert ids("v", v=venue(place, "live")) == ["v"]
    assert ids("v", v=venue(f"{scheme}://exchange.example", "paper")) == ["v"]


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/below", "{file}"])
def test_a_folder_for_recordings_that_cannot_be_one_is_refused(tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.touch()
    settings = Settings(venues={"binance": VenueSettings(record=place.format(file=file))})
    with pytest.raises(SettingsError, match=r"^venues\.binance\.record: "):
        venue_registry.recorder("binance", settings, lambda: 0)

"""Makes the venues that the settings name."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from floorwire.auth.traded_names import TradedNames
from floorwire.config import Settings, SettingsError
from floorwire.connectors import recording, recording_preview
from floorwire.connectors.venue_specs import CCXT, REPLAY, SIM, VenueSpec, own_settings, specs
from floorwire.core.connector_port import Connector
from floorwire.core.os_errors import sentence
from floorwire.core.ports import Venue
from floorwire.core.replay_controls import LEAST_SPEED, MOST_SPEED, SpeedError
from floorwire.venues import sim
from floorwire.venues.common.rate_limits import Allowance, RateLimits, SharedRateLimits
from floorwire.venues.live import LiveVenue
from floorwire.venues.paper import PaperVenue

if TYPE_CHECKING:
    from floorwire.connectors.connector_tap import ConnectorTap
    from floorwire.connectors.traffic_recorder import TrafficRecorder

DEFAULT_SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "BTC-USD", "ETH-USD")
"""Without ``venues.ID.symbols``: those of these that the exchange has."""
KRAKEN = "kraken"

log = structlog.get_logger("floorwire.venues")


def build(settings: Settings, *, live_flag: bool = False) -> list[Venue]:
    """Return the venues that the settings name, the default one first. Raises SettingsError.

    ``live_flag``: whether ``serve --live`` was given.
    """
    found = specs(settings)
    for spec in found:
        if spec.is_live:
            _check_live(spec, settings, live_flag=live_flag)
    shared = SharedRateLimits()
    return [_build(spec, settings, shared) for spec in found]


def connector(venue: str, settings: Settings, tap: ConnectorTap | None = None) -> Connector:
    """Return what opens links and sends requests for a venue. It does nothing until the venue asks.

    ``tap`` is told all that is sent and that comes. Raises SettingsError where that cannot be told.
    """
    from floorwire.connectors.network_route import NetworkRoute
    from floorwire.connectors.venue_connector import VenueConnector

    own = own_settings(venue, settings)
    route = NetworkRoute(own.ws_url, own.rest_url, own.source_address)
    if own.kind.startswith(CCXT):
        from floorwire.connectors import ccxt_exchange
        from floorwire.connectors.ccxt_connector import CcxtConnector

        if tap is not None:
            raise SettingsError(
                f"venues.{venue}: a {own.kind} venue cannot be recorded: ccxt has its messages"
            )
        make = partial(ccxt_exchange.make, own.kind, route, is_shared=own.orders == "live")
        return CcxtConnector(venue, make)
    return VenueConnector(venue, route, tap)


def recorder(venue: str, settings: Settings, stamp_us: Callable[[], int]) -> TrafficRecorder | None:
    """Return what records the venue, if ``venues.ID.record`` says so. ``stamp_us``: the date.

    Raises SettingsError where the venue connects to nothing.
    """
    own = own_settings(venue, settings)
    if own.record is None:
        return None
    from floorwire.connectors.recording_writer import FILE_AGE_US, FILE_BYTES, RecordingWriter, session_name
    from floorwire.connectors.traffic_recorder import TrafficRecorder

    kind = own.kind or venue
    if kind in (SIM, REPLAY):
        raise SettingsError(f"venues.{venue}.record: a {kind} venue connects to nothing")
    folder = Path(own.record).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"venues.{venue}.record: {sentence(error)}") from None
    writer = RecordingWriter(folder, venue, kind, session_name(venue), FILE_BYTES, FILE_AGE_US)

    def on_fault(error: OSError) -> None:
        log.error("recording ended", venue=venue, folder=own.record, reason=sentence(error))

    return TrafficRecorder(writer, stamp_us, on_fault)


def traded_names(settings: Settings) -> TradedNames | None:
    """Return what the settings' venues trade; None where one of them does not say at its start.

    Raises SettingsError.
    """
    known = frozenset[str]()
    for spec in specs(settings):
        symbols = _symbols(spec)
        if not symbols:
            return None
        known |= {spec.prefix + symbol for symbol in symbols}
    return TradedNames(known)


def _symbols(spec: VenueSpec) -> frozenset[str]:
    if spec.kind == SIM:
        return frozenset(spec.settings.symbols) or sim.symbols_traded()
    return frozenset() if spec.recorded is None else recording_preview.preview(spec.recorded).symbols


def _check_live(spec: VenueSpec, settings: Settings, *, live_flag: bool) -> None:
    """Refuse a venue with live orders unless they are switched on twice. Raises SettingsError."""
    where = f"venues.{spec.id}.orders"
    if spec.kind in (SIM, REPLAY):
        raise SettingsError(f"{where}: a {spec.kind} venue has no real market; its orders are paper")
    if not settings.live.enabled or not live_flag:
        lacking = [
            text
            for text, is_on in (("the setting live.enabled = true", settings.live.enabled),
                                ("the flag --live", live_flag))
            if not is_on
        ]  # fmt: skip
        raise SettingsError(f"{where}: live orders need {' and '.join(lacking)} too")
    if spec.settings.tier is not None and spec.kind != KRAKEN:
        raise SettingsError(f"venues.{spec.id}.tier: only accounts of kraken have one")
    if spec.kind.startswith(CCXT):
        _check_switch(spec, range(0))
        return  # what else its exchange lacks is said when it is made
    from floorwire.connectors import order_adapters

    if spec.kind not in order_adapters.ORDER_KINDS:
        raise SettingsError(
            f"{where}: this version cannot send orders to {spec.kind} yet; with orders = paper, "
            "orders are filled here against its prices"
        )
    _check_switch(spec, order_adapters.ORDER_KINDS[spec.kind].cancel_all_after_s)


def _check_switch(spec: VenueSpec, allowed: range) -> None:
    after_s = spec.settings.cancel_all_after_s
    if after_s is None or after_s in allowed:
        return
    where = f"venues.{spec.id}.cancel_all_after_s"
    if not allowed:
        raise SettingsError(
            f"{where}: {spec.kind} has no such switch; use guards (cancel_on_disconnect, deadman)"
        )
    raise SettingsError(f"{where}: {spec.kind} takes {allowed.start} to {allowed.stop - 1} seconds")


def _build(spec: VenueSpec, settings: Settings, shared: SharedRateLimits) -> Venue:
    if spec.kind == SIM:
        return _sim(spec, settings)
    if spec.recorded is not None:
        return _replay(spec, spec.recorded, settings)
    if spec.kind.startswith(CCXT):
        return _ccxt(spec, settings)
    return _live(spec, settings, shared)


def _live(spec: VenueSpec, settings: Settings, shared: SharedRateLimits) -> Venue:
    """Return a venue with live prices. Its orders go there, or are filled here, against them."""
    import_module("floorwire.connectors.http_requests")  # now: later it would hold the event loop
    exchange = recording.exchanges()[spec.kind]
    stale_us = round(settings.feed.stale_s * 1_000_000)
    symbols = spec.settings.symbols or DEFAULT_SYMBOLS
    own = spec.settings
    of = partial(_limits, shared, spec, exchange.venue.allowances)
    adapter = exchange.venue(
        symbols,
        spec.prefix,
        stale_us=stale_us,
        limits=of(own.rest_url),
        jitter=random.Random().random,  # noqa: S311 - waits, not secrets
    )
    log.info("live prices", venue=spec.id, kind=spec.kind, symbols=" ".join(symbols), orders=own.orders)
    if spec.is_live:
        from floorwire.connectors import order_adapters

        kind = order_adapters.ORDER_KINDS[spec.kind]
        limits = of(own.order_rest_url or own.rest_url)
        return LiveVenue(adapter, spec.id, exchange.capabilities, kind.native_name, kind.make, limits)
    return PaperVenue(adapter, settings.paper.latency_us, spec.id, exchange.capabilities)


def _limits(
    shared: SharedRateLimits, spec: VenueSpec, allowances: Mapping[str, Allowance], rest_url: str | None
) -> RateLimits:
    """Return the limits of one exchange at one of our addresses: those of prices and orders are the same.

    An exchange counts by the address that requests come from, and by its own.
    """
    return shared.of(spec.kind, f"{rest_url or ''} {spec.settings.source_address or ''}", allowances)


def _ccxt(spec: VenueSpec, settings: Settings) -> Venue:
    """Return a venue whose prices come from ccxt. Its orders go there, or are filled here, against them."""
    from floorwire.connectors import ccxt_exchange
    from floorwire.connectors.network_route import NetworkRoute
    from floorwire.venues.ccxt.adapter import CcxtVenue

    own = spec.settings
    if own.source_address is not None:
        raise SettingsError(f"venues.{spec.id}.source_address: ccxt has no such option")
    exchange = ccxt_exchange.make(spec.kind, NetworkRoute(own.ws_url, own.rest_url))  # says what it can
    symbols = own.symbols or DEFAULT_SYMBOLS
    adapter = CcxtVenue(
        spec.kind,
        symbols,
        ccxt_exchange.watches(exchange),
        spec.prefix,
        random.Random().random,  # noqa: S311 - waits, not secrets
    )
    log.info("live prices", venue=spec.id, kind=spec.kind, symbols=" ".join(symbols), orders=own.orders)
    capabilities = ccxt_exchange.capabilities(spec.kind, exchange)
    if spec.is_live:
        from floorwire.connectors import ccxt_orders
        from floorwire.venues.ccxt.orders import order_adapter

        make = partial(order_adapter, ccxt_orders.terms(spec.id, spec.kind, exchange, symbols))
        return LiveVenue(adapter, spec.id, capabilities, lambda one: f"{one.base}/{one.quote}", make)
    return PaperVenue(adapter, settings.paper.latency_us, spec.id, capabilities)


def _sim(spec: VenueSpec, settings: Settings) -> Venue:
    if spec.settings.ws_url is not None or spec.settings.rest_url is not None:
        raise SettingsError(f"venues.{spec.id}: the simulated market has no address")
    # Each instance has its own randomness, whatever else runs. Seeds give ``sim`` the same market as ever.
    seed = settings.seed if settings.seed is None or spec.id == SIM else f"{settings.seed} {spec.id}"
    try:
        return sim.venue(
            random.Random(seed),  # noqa: S311 - a market, not a secret
            spec.settings.symbols or None,
            spec.id,
            spec.prefix,
        )
    except sim.UnlistedError as error:
        raise SettingsError(f"venues.{spec.id}.symbols: {error}") from None


def _replay(spec: VenueSpec, recorded: recording.Playable, settings: Settings) -> Venue:
    file = spec.settings.file or ""
    if spec.settings.symbols:
        raise SettingsError(f"venues.{spec.id}.symbols: a recording has its own")
    _check(file, recorded)
    for skipped in recorded.skipped:
        lines = " ".join(skipped.lines)
        log.warning(
            "recording is not whole", file=file, reason=skipped.reason, count=skipped.count, lines=lines
        )
    speed = settings.replay.speed
    if speed and not LEAST_SPEED <= speed <= MOST_SPEED:
        raise SettingsError(f"replay.{SpeedError(speed)}")
    log.info("recording", file=file, venue=spec.id, adapter=recorded.adapter, frames=recorded.frames)
    replay = recording.replay(
        recorded,
        prefix=spec.prefix,
        speed=speed or None,
        loop=settings.replay.loop,
        stale_us=round(settings.feed.stale_s * 1_000_000),
    )
    return PaperVenue(replay, settings.paper.latency_us, spec.id, recorded.capabilities)


def _check(file: str, recorded: recording.Playable) -> None:
    """Refuse a recording of which nothing can be shown; warn where its first messages show nothing.

    Raises SettingsError.
    """
    if not recorded.frames:
        raise SettingsError(f"venue: {file}: has no message of an exchange")
    preview = recording_preview.preview(recorded)
    if preview.is_shown:
        return
    skipped = ", ".join(f"{reason} {count}" for reason, count in preview.skipped.items()) or "nothing"
    if preview.frames == recorded.frames and sum(preview.skipped.values()) >= recorded.frames:
        raise SettingsError(
            f"venue: {file}: as of {recorded.adapter}, none of its {recorded.frames} messages can be shown "
            f"(left out: {skipped})"
        )
    log.warning("nothing comes of the beginning", file=file, messages=preview.frames, skipped=skipped)

"""Live orders: makes and connects what sends orders to venues outside this process."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from floorwire.clock import Clock
from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.order_connector import OrderConnector
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.connectors.venue_specs import CCXT, own_settings
from floorwire.core.connector_port import Connector
from floorwire.core.credentials import VenueCredentials
from floorwire.core.order_ports import OrderSettings
from floorwire.core.ports import Prices
from floorwire.ops.stats import Stats
from floorwire.storage import venue_credentials
from floorwire.trading.remote_venue import RemoteVenue
from floorwire.venues.live import LiveVenue

log = structlog.get_logger("floorwire.venues")


class LiveOrders:
    """The connectors of all venues with live orders, and the desk's side of each."""

    def __init__(
        self,
        settings: Settings,
        venues: Sequence[LiveVenue],
        clock: Clock,
        stats: Stats,
        environment: Mapping[str, str],
    ) -> None:
        """Raises SettingsError where an account or its credentials cannot be used."""
        self.connectors: list[OrderConnector] = []
        self.venues: dict[str, RemoteVenue] = {}
        """By id. The desk's side."""
        for venue in venues:
            connector = order_connector(settings, venue, clock, environment)
            stats.traffic[f"{venue.name} orders"] = connector.connector.traffic
            remote = RemoteVenue(venue.name, _account(settings, venue.name), connector.policy, clock)
            connector.listen(remote)
            self.connectors.append(connector)
            self.venues[venue.name] = remote

    def connect(self, prices: Mapping[str, Callable[[str], Prices]]) -> None:
        """Connect both sides. ``prices``: by venue, what returns the prices of a symbol."""
        for connector in self.connectors:
            self.venues[connector.venue].connect(connector, prices[connector.venue])

    def can_amend(self, venue: str) -> bool:
        """Return whether the venue amends live orders; False where it has none."""
        remote = self.venues.get(venue)
        return remote is not None and remote.policy.can_amend


def _account(settings: Settings, venue: str) -> str:
    account = own_settings(venue, settings).account
    if not account:
        text = "is missing; live orders belong to one account of ours, and to its keys"
        raise SettingsError(f"venues.{venue}.account: {text}")
    return account


def order_connector(
    settings: Settings,
    venue: LiveVenue,
    clock: Clock,
    environment: Mapping[str, str],
    *,
    sets_switch: bool = True,
) -> OrderConnector:
    """Return what sends orders to a venue. Raises SettingsError where its credentials cannot be used.

    ``sets_switch``: whether the exchange's own dead man's switch is set, where the settings want it.
    """
    own = own_settings(venue.name, settings)
    credentials = venue_credentials.load(venue.name, own, environment)
    if credentials is None:
        raise SettingsError(f"venues.{venue.name}.key: is missing; live orders are signed with a key")
    ws_url, rest_url = own.order_ws_url or own.ws_url or "", own.order_rest_url or own.rest_url or ""
    addresses = ws_url.rstrip("/"), rest_url.rstrip("/")
    order_settings = OrderSettings(
        venue.name,
        *addresses,
        credentials,
        venue.limits,
        own.tier or "starter",
        own.cancel_all_after_s if sets_switch and not own.dry_run else None,
    )
    make = partial(
        venue.make_order_adapter,
        order_settings,
        venue,
        random.Random(),  # noqa: S311 - of waits and ids, no secret
    )
    links = _links(venue.name, own, credentials)
    log.info("live orders", venue=venue.name, account=own.account, dry_run=own.dry_run)
    dry_run_credentials = credentials if own.dry_run else None
    try:
        return OrderConnector(venue.name, make, links, clock, dry_run_credentials, venue.limits)
    except ValueError as error:  # of the adapter: the credentials cannot be those of such an exchange
        raise SettingsError(f"venues.{venue.name}: {error}") from None


def _links(venue: str, own: VenueSettings, credentials: VenueCredentials) -> Connector:
    """Return what runs the links and requests of orders. Raises SettingsError."""
    if not own.kind.startswith(CCXT):
        return VenueConnector(f"{venue} orders", NetworkRoute(source_address=own.source_address))
    from floorwire.connectors import ccxt_orders
    from floorwire.connectors.ccxt_order_connector import CcxtOrderConnector

    route = NetworkRoute(own.order_ws_url or own.ws_url, own.order_rest_url or own.rest_url)
    make = partial(ccxt_orders.signed_in, venue, own.kind, route, credentials)
    make()  # it says what is missing
    return CcxtOrderConnector(f"{venue} orders", make, ccxt_orders.secrets(credentials))

"""Live feed: runs a venue whose orders go to it, and gives its prices to the checks of orders."""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.core.connector_port import Connector
from floorwire.core.instrument import Instrument
from floorwire.core.ports import Prices
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.feeds.venue_listener import VenueListener
from floorwire.ops.stats import Stats
from floorwire.venues.live import LiveVenue


class LiveFeed(VenueFeed):
    """The prices of a live venue. Its orders take another way: ``connectors.order_connector``."""

    def __init__(
        self,
        venue: LiveVenue,
        bus: LocalBus,
        stats: Stats,
        clock: Clock,
        stale_us: int,
        desk: VenueListener,
        connector: Connector,
    ) -> None:
        super().__init__(venue, bus, stats, clock, stale_us, connector)
        self._live = venue
        self._desk = desk

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices. They are stale if the venue is silent or has failed."""
        return self._if_current(self._live.prices(symbol))

    def _on_listed(self, instruments: Sequence[Instrument]) -> None:
        self._desk.listed(instruments)

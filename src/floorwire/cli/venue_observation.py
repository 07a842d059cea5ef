"""A venue without a server, looked at for a while: ``floorwire doctor``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from floorwire.bus.local import LocalBus
from floorwire.cli.background import in_background
from floorwire.cli.trial_order import CheckStep, TrialOrder, far_order, new_client_id
from floorwire.clock import Clock
from floorwire.config import Settings
from floorwire.connectors import venue_registry
from floorwire.connectors.order_connector import OrderConnector
from floorwire.core.market_events import MarketEvent
from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.live_orders import order_connector
from floorwire.ops.stats import Stats
from floorwire.ops.venue_check import VenueCheck
from floorwire.venues.live import LiveVenue


class Observation(msgspec.Struct, frozen=True):
    """What was seen of a venue."""

    venue: str
    traffic: VenueTraffic
    check: VenueCheck
    steps: list[CheckStep]
    """Of a trial order."""
    skipped: dict[str, int]
    """Messages and levels that were left out, by the reason."""

    def failures(self) -> list[str]:
        """Return a sentence for each thing that is wrong."""
        of_orders = (f"{step.name}: {step.text}" for step in self.steps if not step.is_well)
        return [*self.check.failures(self.traffic), *of_orders]


def without_orders(settings: Settings, venue: str) -> Settings:
    """Return the settings with paper orders at the venue: nothing is sent there but what prices need."""
    own = settings.venues.get(venue)
    if own is None:
        return settings
    return replace(settings, venues={**settings.venues, venue: replace(own, orders="paper")})


async def observe(
    settings: Settings,
    seconds: float,
    *,
    orders: bool = False,
    quantity: str | None = None,
    is_enough: Callable[[VenueCheck], bool] = lambda _: False,
) -> Observation:
    """Run the one venue of the settings for so long, or until it is enough. Then try an order, if asked to.

    Raises SettingsError.
    """
    [venue] = venue_registry.build(settings, live_flag=orders)
    stats, check, bus, clock = Stats(), VenueCheck(), LocalBus(), Clock()
    enough = asyncio.Event()

    def consume(venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        check.consume(venue, events, recv_us)
        if is_enough(check):
            enough.set()

    bus.subscribe(consume)
    connector = venue_registry.connector(venue.name, settings)
    feed = VenueFeed(venue, bus, stats, clock, round(settings.feed.stale_s * 1_000_000), connector)
    sender = (
        order_connector(settings, venue, clock, os.environ, sets_switch=False)
        if isinstance(venue, LiveVenue)
        else None
    )
    async with in_background(feed.run()):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await enough.wait()
        traffic = connector.traffic.copy()  # before the end of the links is counted
        steps = [] if sender is None else await _try_order(sender, check, quantity)
    skipped = {reason: count for (_, reason), count in sorted(stats.venue_skipped.items())}
    return Observation(venue.name, traffic, check, steps, skipped)


def has_books(check: VenueCheck) -> bool:
    """Return whether a book came of each symbol."""
    return bool(check.symbols) and all(seen.snapshots for seen in check.symbols.values())


async def _try_order(sender: OrderConnector, check: VenueCheck, quantity: str | None) -> list[CheckStep]:
    """Return what came of an order of the first symbol that has a book."""
    orders = TrialOrder(sender)
    async with in_background(sender.run()):
        steps = [step async for step in orders.account()]
        if all(step.is_well for step in steps):
            command = _order(check, quantity, new_client_id(sender.policy.client_ids))
            if isinstance(command, PlaceOrder):
                steps += [step async for step in orders.order(command)]
            else:
                steps.append(command)
    return steps


def _order(check: VenueCheck, quantity: str | None, client_id: str) -> PlaceOrder | CheckStep:
    for symbol, seen in check.symbols.items():
        best, instrument = seen.book.bids.best(), check.instruments.get(symbol)
        if best is None or instrument is None:
            continue
        try:
            return far_order(instrument, best[0], quantity, client_id)
        except ValueError as error:
            return CheckStep("place", False, str(error), 0)
    return CheckStep("place", False, "no symbol has a book", 0)

"""``floorwire doctor``: find out whether this machine gets what a server would need."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from floorwire import config
from floorwire.bus.local import LocalBus
from floorwire.cli.background import in_background
from floorwire.cli.output import Table, echo, print_table
from floorwire.cli.trial_order import CheckStep, TrialOrder, far_order, new_client_id
from floorwire.clock import Clock
from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.connectors.order_connector import OrderConnector
from floorwire.connectors.venue_specs import REPLAY, SIM, specs
from floorwire.core.remote_order_messages import PlaceOrder
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.live_orders import order_connector
from floorwire.ops import logs
from floorwire.ops.stats import Stats
from floorwire.ops.venue_check import VenueCheck
from floorwire.venue_feed import VenueFeed
from floorwire.venues.live import LiveVenue

app = typer.Typer(name="doctor", help="Check what a server would need.", no_args_is_help=True)

FAILED = 1
UNUSABLE = 2


@app.callback()
def _doctor() -> None:
    """Keep ``venue`` a command of its own: a group with one command would be that command."""


@app.command()
def venue(
    name: Annotated[str, typer.Argument(help="An exchange, such as binance, or the ID of a \\[venues.ID].")],
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long to look.")] = 60.0,
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol. May be given again.")] = None,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")] = None,
    orders: Annotated[
        bool, typer.Option("--orders", help="Then place an order far from the market, and cancel it.")
    ] = False,
    quantity: Annotated[
        str | None, typer.Option(help="Of that order; else the least that is allowed.")
    ] = None,
) -> None:
    """Connect to an exchange, follow its prices for a while, and print what came.

    Ends with 1 where something is wrong. It needs no server. Without --orders it needs no account, and sends
    no order.
    """
    try:
        settings = config.load(config_file, os.environ, (), {"venue": [name]})
        settings = _with_symbols(settings, name, tuple(symbol or ()))
        [spec] = specs(settings)
        if spec.kind in (SIM, REPLAY):
            raise SettingsError(f"{name} is no exchange: a {spec.kind} venue connects to nothing")
        if orders and not spec.is_live:
            raise SettingsError(
                f"venues.{spec.id}.orders: is not live; --orders sends an order to the exchange"
            )
        if not orders:
            settings = _without_orders(settings, spec.id)
        logs.configure(settings.log_level)
        stats, check, steps = asyncio.run(_observe(settings, seconds, quantity, orders=orders))
    except SettingsError as error:
        echo(f"floorwire: {error}", err=True)
        raise typer.Exit(UNUSABLE) from None
    traffic = stats.traffic[spec.id]
    print_table(_symbols_table(check, f"{spec.id}, {seconds:.0f} s"))
    print_table(_links_table(traffic))
    for (_, reason), count in sorted(stats.venue_skipped.items()):
        echo(f"left out: {reason} {count}")
    if check.fastest_us is not None:
        echo(f"clock: the fastest message was {check.fastest_us / 1000:.0f} ms old by our clock")
    failures = list(check.failures(traffic))
    for step in steps:
        echo(f"{step.name}: {step.text} ({step.milliseconds} ms)")
        if not step.is_well:
            failures.append(f"{step.name}: {step.text}")
    for failure in failures:
        echo(f"wrong: {failure}")
    if failures:
        raise typer.Exit(FAILED)
    echo("all is well")


def _with_symbols(settings: Settings, name: str, symbols: tuple[str, ...]) -> Settings:
    if not symbols:
        return settings
    own = settings.venues.get(name, VenueSettings(kind=name))
    venues = {**settings.venues, name: replace(own, symbols=symbols)}
    return replace(settings, venues=venues)


def _without_orders(settings: Settings, venue: str) -> Settings:
    own = settings.venues.get(venue)
    if own is None:
        return settings
    return replace(settings, venues={**settings.venues, venue: replace(own, orders="paper")})


async def _observe(
    settings: Settings, seconds: float, quantity: str | None, *, orders: bool
) -> tuple[Stats, VenueCheck, list[CheckStep]]:
    """Run the venue for so long, then try an order. Raises SettingsError."""
    [venue] = venue_registry.build(settings, live_flag=orders)
    stats, check, bus, clock = Stats(), VenueCheck(), LocalBus(), Clock()
    bus.subscribe(check.consume)
    connector = venue_registry.connector(venue.name, settings)
    feed = VenueFeed(venue, bus, stats, clock, round(settings.feed.stale_s * 1_000_000), connector)
    sender = (
        order_connector(settings, venue, clock, os.environ, sets_switch=False)
        if isinstance(venue, LiveVenue)
        else None
    )
    async with in_background(feed.run()):
        await asyncio.sleep(seconds)
        stats.traffic[venue.name] = connector.traffic.copy()  # before the end of the links is counted
        steps = [] if sender is None else await _try_order(sender, check, quantity)
    return stats, check, steps


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


def _symbols_table(check: VenueCheck, title: str) -> Table:
    headers = (
        "symbol",
        "feed",
        "snapshots",
        "changes",
        "levels",
        "trades",
        "quotes",
        "like the book",
        "resyncs",
    )
    table = Table(*headers, title=title)
    for symbol, seen in check.symbols.items():
        alike = f"{100 * seen.agreed // seen.compared}%" if seen.compared else "-"
        levels = f"{len(seen.book.bids)}/{len(seen.book.asks)}"
        counts = map(
            str, (seen.snapshots, seen.changes, levels, seen.trades, seen.quotes, alike, seen.resyncs)
        )
        table.add_row(symbol, f"{seen.feed} {seen.reason}", *counts)
    return table


def _links_table(traffic: VenueTraffic) -> Table:
    table = Table("link", "state", "times up", "messages", "MB", "times not read", "last down because")
    for name, link in traffic.links.items():
        size = f"{link.bytes / 1e6:.1f}"
        row = (str(link.opened), str(link.frames), size, str(link.paused), link.last_reason or "-")
        table.add_row(name, link.state, *row)
    return table

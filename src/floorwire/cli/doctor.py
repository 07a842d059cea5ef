"""``floorwire doctor``: find out whether this machine has, and gets, what a server needs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
import typer
from msgspec.structs import replace

from floorwire import config
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table
from floorwire.cli.progress import progress
from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.ops import logs

if TYPE_CHECKING:
    from floorwire.cli.check_result import CheckResult
    from floorwire.cli.venue_observation import Observation
    from floorwire.connectors.venue_specs import VenueSpec
    from floorwire.core.venue_traffic import VenueTraffic
    from floorwire.ops.venue_check import VenueCheck

app = typer.Typer(name="doctor", help="Check what a server needs on this machine.")

ConfigFile: TypeAlias = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]


class SymbolReport(msgspec.Struct, frozen=True):
    """What was seen of a symbol."""

    symbol: str
    feed: str
    reason: str
    snapshots: int
    changes: int
    bids: int
    asks: int
    trades: int
    quotes: int
    resyncs: int


class VenueReport(msgspec.Struct, frozen=True):
    """What was seen of a venue."""

    venue: str
    symbols: list[SymbolReport]
    links: dict[str, str]
    """Their states, by name."""
    skipped: dict[str, int]
    fastest_us: int | None
    steps: list[str]
    failures: list[str]


@app.callback(invoke_without_command=True)
def doctor(
    context: typer.Context,
    config_file: ConfigFile = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting. May be given again.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="How long to wait for the first books of a venue.")
    ] = 15.0,
    json: Json = False,
) -> None:
    """Check what a server needs on this machine.

    Open files, the clock, the disk, the port, TLS, keys, and whether the venues can be reached. Each line
    says what to do. Ends with 1 where something is wrong; a note is not wrong.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        settings = config.load(config_file, os.environ, assignments or ())
        logs.configure("error")
        results = list(_printed(_checks(settings, seconds), json=json))
    except SettingsError as error:
        fail(str(error), ExitCode.UNUSABLE)
    if json:
        echo(msgspec.json.encode(results))
    wrong = sum(result.state == "wrong" for result in results)
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


def _printed(results: Iterator[CheckResult], *, json: bool) -> Iterator[CheckResult]:
    """Print each result as soon as it is there, unless it is wanted as JSON."""
    while True:
        with progress("checking"):
            result = next(results, None)
        if result is None:
            return
        if not json:
            echo(
                f"{result.state:5}  {result.name}: {result.text}"
                + (f"\n       {result.todo}" if result.todo else "")
            )
            sys.stdout.flush()
        yield result


def _checks(settings: Settings, seconds: float) -> Iterator[CheckResult]:
    """Yield the results. Raises SettingsError where a venue cannot be made."""
    from floorwire.cli import machine_checks, server_checks
    from floorwire.connectors.venue_specs import specs

    found = specs(settings)
    yield machine_checks.open_files(settings)
    yield machine_checks.clock()
    yield machine_checks.disk(settings)
    yield server_checks.port(settings)
    yield server_checks.tls(settings)
    yield server_checks.keys(settings)
    for spec in found:
        yield _venue_result(spec, settings, seconds)


def _venue_result(spec: VenueSpec, settings: Settings, seconds: float) -> CheckResult:
    from floorwire.cli.check_result import well, wrong
    from floorwire.cli.venue_observation import has_books, observe, without_orders
    from floorwire.connectors.venue_specs import REPLAY, SIM

    name = f"venue {spec.id}"
    if spec.kind in (SIM, REPLAY):
        return well(name, f"{spec.kind}, it connects to nothing")
    alone = without_orders(replace(settings, venue=(spec.given,)), spec.id)
    seen = asyncio.run(observe(alone, seconds, is_enough=has_books))
    failures = seen.failures()
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        todo = f"is there a way to it (firewall, proxy)? floorwire doctor venue {spec.given} shows each link"
        return wrong(name, failures[0] + more, todo)
    return well(name, f"books of {len(seen.check.symbols)} symbols came")


@app.command()
def venue(
    name: Annotated[str, typer.Argument(help="An exchange, such as binance, or the ID of a \\[venues.ID].")],
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long to look.")] = 60.0,
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol. May be given again.")] = None,
    config_file: ConfigFile = None,
    orders: Annotated[
        bool, typer.Option("--orders", help="Then place an order far from the market, and cancel it.")
    ] = False,
    quantity: Annotated[
        str | None, typer.Option(help="Of that order; else the least that is allowed.")
    ] = None,
    json: Json = False,
) -> None:
    """Connect to an exchange, follow its prices for a while, and print what came.

    Ends with 1 where something is wrong. It needs no server. Without --orders it needs no account, and sends
    no order.
    """
    from floorwire.cli.venue_observation import observe, without_orders
    from floorwire.connectors.venue_specs import REPLAY, SIM, specs

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
            settings = without_orders(settings, spec.id)
        logs.configure(settings.log_level)
        with progress(f"looking at {spec.id}, {seconds:.0f} s"):
            seen = asyncio.run(observe(settings, seconds, orders=orders, quantity=quantity))
    except SettingsError as error:
        fail(str(error), ExitCode.UNUSABLE)
    if json:
        echo(msgspec.json.encode(_report(seen)))
    else:
        _print(seen, seconds)
    if seen.failures():
        raise typer.Exit(ExitCode.FAILED)


def _print(seen: Observation, seconds: float) -> None:
    print_table(_symbols_table(seen.check, f"{seen.venue}, {seconds:.0f} s"))
    print_table(_links_table(seen.traffic))
    for reason, count in seen.skipped.items():
        echo(f"left out: {reason} {count}")
    if seen.check.fastest_us is not None:
        echo(f"clock: the fastest message was {seen.check.fastest_us / 1000:.0f} ms old by our clock")
    for step in seen.steps:
        echo(f"{step.name}: {step.text} ({step.milliseconds} ms)")
    for failure in seen.failures():
        echo(f"wrong: {failure}")
    if not seen.failures():
        echo("all is well")


def _report(seen: Observation) -> VenueReport:
    return VenueReport(
        venue=seen.venue,
        symbols=[
            SymbolReport(
                symbol=symbol,
                feed=one.feed,
                reason=one.reason,
                snapshots=one.snapshots,
                changes=one.changes,
                bids=len(one.book.bids),
                asks=len(one.book.asks),
                trades=one.trades,
                quotes=one.quotes,
                resyncs=one.resyncs,
            )
            for symbol, one in seen.check.symbols.items()
        ],
        links={name: link.state for name, link in seen.traffic.links.items()},
        skipped=seen.skipped,
        fastest_us=seen.check.fastest_us,
        steps=[f"{step.name}: {step.text}" for step in seen.steps],
        failures=seen.failures(),
    )


def _with_symbols(settings: Settings, name: str, symbols: tuple[str, ...]) -> Settings:
    if not symbols:
        return settings
    own = settings.venues.get(name, VenueSettings(kind=name))
    venues = {**settings.venues, name: replace(own, symbols=symbols)}
    return replace(settings, venues=venues)


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

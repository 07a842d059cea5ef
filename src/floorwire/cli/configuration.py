"""``floorwire config``: the settings in force, and whether a server can use them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.console import Console

from floorwire import config
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table
from floorwire.config import DEFAULT, SettingInForce, SettingsError

app = typer.Typer(name="config", help="Settings: show those in force, or check them.", no_args_is_help=True)

ConfigFile: TypeAlias = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]
Assignments: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting. May be given again.")
]


class VenueChecked(msgspec.Struct, frozen=True):
    """A venue that the settings name."""

    id: str
    kind: str
    orders: str


class ConfigChecked(msgspec.Struct, frozen=True):
    """Settings that a server can use."""

    venues: list[VenueChecked]
    changed: list[SettingInForce]
    """Those that differ from their defaults."""


@app.command()
def show(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these, or these groups: limits."),
    ] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that a source sets.")] = False,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    json: Json = False,
) -> None:
    """Show the settings in force, and where each comes from: a file, the environment, --set, or the default.

    Settings hold no secrets, so all of them are shown. In a pipe, a line a setting, with tabs.
    """
    with _exit_on_error():
        rows = _wanted(config.settings_in_force(config_file, os.environ, assignments or ()), names or ())
    rows = [row for row in rows if row.source != DEFAULT or not changed]
    if json:
        echo(msgspec.json.encode(rows))
        return
    if not Console().is_terminal:
        for row in rows:
            echo("\t".join((row.name, _text(row), row.source)))
        return
    table = Table("setting", "value", "from")
    for row in rows:
        table.add_row(row.name, _text(row), row.source)
    print_table(table)


@app.command()
def check(
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    live: Annotated[bool, typer.Option("--live", help="As with `serve --live`.")] = False,
    json: Json = False,
) -> None:
    """Check that a server can use the settings: names, values, venues, recordings, secrets and certificates.

    Nothing is connected to. If something is wrong, it says so in the words of `floorwire serve`.
    """
    from floorwire.connectors import venue_registry
    from floorwire.connectors.venue_specs import specs
    from floorwire.ops import logs
    from floorwire.storage import venue_credentials
    from floorwire.web import tls_certificate

    logs.configure("error")
    with _exit_on_error():
        settings = config.load(config_file, os.environ, assignments or ())
        venues = [VenueChecked(spec.id, spec.kind, spec.settings.orders) for spec in specs(settings)]
        venue_registry.build(settings, live_flag=live)
        venue_credentials.load_all(settings, os.environ)
        tls_certificate.load(settings.tls)
        rows = config.settings_in_force(config_file, os.environ, assignments or ())
    changed = [row for row in rows if row.source != DEFAULT]
    if json:
        echo(msgspec.json.encode(ConfigChecked(venues, changed)))
        return
    for venue in venues:
        kind = "" if venue.kind == venue.id else f" ({venue.kind})"
        echo(f"venue {venue.id}{kind}: {venue.orders} orders")
    for row in changed:
        echo(f"{row.name} = {_text(row)}, from {row.source}")
    echo("a server can use these settings")


@contextmanager
def _exit_on_error() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        fail(str(error), ExitCode.UNUSABLE)


def _wanted(rows: list[SettingInForce], names: Sequence[str]) -> list[SettingInForce]:
    """Return the settings of these names, and of these groups. Raises SettingsError."""
    for name in names:
        if not any(_fits(row, name) for row in rows):
            raise SettingsError(f"there is no setting and no group {name!r}; docs/settings.md has all")
    return [row for row in rows if not names or any(_fits(row, name) for name in names)]


def _fits(row: SettingInForce, name: str) -> bool:
    return row.name == name or row.name.startswith(f"{name}.")


def _text(row: SettingInForce) -> str:
    return msgspec.json.encode(row.value).decode()

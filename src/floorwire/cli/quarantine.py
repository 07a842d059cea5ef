"""``floorwire quarantine``: orders of which a venue reported what cannot be, on a running server."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from floorwire.cli.admin_client import admin_client
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url
from floorwire.cli.output import Table, echo, print_table

app = typer.Typer(name="quarantine", help="Orders in quarantine, on a running server.", no_args_is_help=True)


class _Entry(msgspec.Struct, frozen=True):
    number: int
    venue: str
    account: str
    order_id: str | None
    symbol: str | None
    state: str | None
    client_id: str
    reason: str
    report: str


class _Listed(msgspec.Struct, frozen=True):
    quarantine: list[_Entry]


class _Released(msgspec.Struct, frozen=True):
    number: int


@app.command("list")
def show(
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """List the orders in quarantine, with the reason and the venue's report."""
    with admin_client(url, key_file, ca, profile) as server:
        entries = server.request("GET", "/quarantine", _Listed).quarantine
    if json:
        echo(msgspec.json.encode(entries))
    elif not entries:
        echo("nothing is in quarantine")
    else:
        table = Table("number", "venue", "account", "order", "symbol", "state", "at the venue", "reason")
        for one in entries:
            known = (one.order_id or "-", one.symbol or "-", one.state or "-")
            table.add_row(str(one.number), one.venue, one.account, *known, one.client_id, one.reason)
        print_table(table)


@app.command()
def release(
    number: Annotated[int, typer.Argument(help="Which one, as list shows it.", min=1)],
    over: Annotated[
        bool, typer.Option("--over", help="It ended at the venue, and no fill is missing here: close it.")
    ] = False,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Release an order: the venue is asked for it again, if it is open."""
    with admin_client(url, key_file, ca, profile) as server:
        query = {"over": "true"} if over else {}
        released = server.request("DELETE", f"/quarantine/{number}", _Released, query)
    if json:
        echo(msgspec.json.encode(released))
        return
    echo(f"released: {released.number}" + ("; its order is closed" if over else ""))

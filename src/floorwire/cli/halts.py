"""``floorwire halt``, ``resume`` and ``halts``: the kill switch of a running server."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
import typer

from floorwire.cli.admin_client import AdminClient, admin_client, warn_journal_broken, warn_unknown_key
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table
from floorwire.core.account_events import HaltScope

ScopeArgument: TypeAlias = Annotated[
    HaltScope, typer.Argument(help="Whom: all, or an account, a key, a symbol.")
]
NameArgument: TypeAlias = Annotated[str, typer.Argument(help="Which account, key or symbol.")]


class Halt(msgspec.Struct, frozen=True):
    """A halt of an account, a key, a symbol, or of all (``name`` is then empty)."""

    scope: HaltScope
    name: str

    def __str__(self) -> str:
        return f"{self.scope} {self.name}".strip()


class _HaltReply(Halt, frozen=True):
    cancelled: int


class HaltOutput(msgspec.Struct, frozen=True):
    """A halt that was made or ended, how many orders it cancelled, and the halts in force now."""

    halt: Halt
    cancelled: int
    halts: list[Halt]


class _HaltsReply(msgspec.Struct, frozen=True):
    halts: list[Halt]
    journal: str
    in_doubt: list[Halt]


def halt(
    scope: ScopeArgument,
    name: NameArgument = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Stop trading, at once and without asking: refuse new orders and amends, and cancel all open orders."""
    asked = _named(scope, name)
    with admin_client(url, key_file, ca, profile) as server:
        begun = server.request("POST", "/halts", _HaltReply, body=asked)
        orders = "1 open order" if begun.cancelled == 1 else f"{begun.cancelled} open orders"
        in_force = _listed(server).halts
        if json:
            echo(msgspec.json.encode(HaltOutput(Halt(begun.scope, begun.name), begun.cancelled, in_force)))
        else:
            echo(f"halted: {begun}; {orders} cancelled, new orders and amends are refused")
            echo(_in_force(in_force))
        if not begun.cancelled and begun.scope in ("account", "key"):  # the server knows symbols by itself
            warn_unknown_key(server, **{begun.scope: begun.name})


def resume(
    scope: ScopeArgument,
    name: NameArgument = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """End a halt; what it cancelled stays cancelled. The scope all ends no narrower halt."""
    asked = _named(scope, name)
    with admin_client(url, key_file, ca, profile) as server:
        before = _listed(server).halts
        query = {"scope": asked.scope, "name": asked.name}
        ended = server.request("DELETE", "/halts", Halt, query)
        if ended not in before:
            fail(f"{ended} was not halted; {_in_force(before)}", ExitCode.FAILED)
        in_force = _listed(server).halts
        if json:
            echo(msgspec.json.encode(HaltOutput(ended, 0, in_force)))
        else:
            echo(f"resumed: {ended}; cancelled orders stay cancelled")
            echo(_in_force(in_force))


def halts(
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """List the halts in force."""
    with admin_client(url, key_file, ca, profile) as server:
        known = _listed(server)
    warn_journal_broken(known.journal, [str(one) for one in known.in_doubt])
    listed = known.halts
    if json:
        echo(msgspec.json.encode(listed))
    elif not listed:
        echo("nothing is halted")
    else:
        table = Table("halted", "name")
        for one in listed:
            table.add_row(one.scope, one.name)
        print_table(table)


def _named(scope: HaltScope, name: str) -> Halt:
    if scope == "all" and name:
        raise typer.BadParameter("goes with account, key or symbol, not with all", param_hint="NAME")
    if scope != "all" and not name:
        raise typer.BadParameter(f"which {scope}?", param_hint="NAME")
    return Halt(scope, name)


def _listed(server: AdminClient) -> _HaltsReply:
    return server.request("GET", "/halts", _HaltsReply)


def _in_force(halts: list[Halt]) -> str:
    return "halts in force: " + (", ".join(map(str, halts)) or "none")

"""``floorwire limits``: show and set how much an account or a key may do, on a running server."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from urllib.parse import quote

import msgspec
import typer

from floorwire.cli.admin_client import AdminClient, admin_client, warn_journal_broken, warn_unknown_key
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url
from floorwire.cli.output import Table, echo, print_table
from floorwire.config import settings_help
from floorwire.core.risk_limits import Limits

app = typer.Typer(
    name="limits", help="Limits of accounts and keys, on a running server.", no_args_is_help=True
)

AccountArgument: TypeAlias = Annotated[str, typer.Argument(help="The account.")]
KeyOption: TypeAlias = Annotated[
    str, typer.Option(help="A key: its own limits. The account's limits hold as well.")
]
LimitValue: TypeAlias = str | int | dict[str, str]
NONE = "none"
BY_ASSET = ("max_order_quantity", "max_position")


class _LimitsReply(msgspec.Struct, frozen=True):
    account: str
    limits: dict[str, LimitValue]
    default: dict[str, LimitValue]
    journal: str
    in_doubt: bool
    unknown_assets: list[str]

    def own(self) -> dict[str, LimitValue]:
        """Return the limits that differ from the server's default."""
        return {name: value for name, value in self.limits.items() if self.default.get(name) != value}


class _StatusReply(msgspec.Struct, frozen=True):
    status: str


@app.command()
def show(
    account: AccountArgument,
    key: KeyOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Show the limits in force, and which of them are the server's default."""
    with admin_client(url, key_file, ca, profile) as server:
        shown = _ask(server, account, key)
        if not shown.own():
            warn_unknown_key(server, account, key)
    warn_journal_broken(shown.journal, ["these limits"] if shown.in_doubt else [])
    _warn_of_unknown(shown)
    if json:
        echo(msgspec.json.encode(shown))
    else:
        _print(shown, key)


@app.command("set")
def set_(
    account: AccountArgument,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help=f"{', '.join(Limits.__struct_fields__)}; {' and '.join(BY_ASSET)} with .ASSET behind them. "
            "none removes the limit; the server's default then holds.",
        ),
    ],
    key: KeyOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Change limits, from the next order on: max_open_orders=50 max_position.BTC=2; all others stay."""
    wanted = [_change(text) for text in changes]
    with admin_client(url, key_file, ca, profile) as server:
        limits = _ask(server, account, key).own()
        for name, asset, value in wanted:
            _apply(limits, name, asset, value)
        server.request("PUT", _path(account), _StatusReply, _query(key), _checked(limits))
        shown = _ask(server, account, key)
        if json:
            echo(msgspec.json.encode(shown))
        else:
            _print(shown, key)
        warn_unknown_key(server, account, key)
        _warn_of_unknown(shown)


def _ask(server: AdminClient, account: str, key: str) -> _LimitsReply:
    return server.request("GET", _path(account), _LimitsReply, _query(key))


def _warn_of_unknown(shown: _LimitsReply) -> None:
    """Warn of assets that no instrument here has: a limit on a mistyped name limits nothing."""
    for asset in shown.unknown_assets:
        echo(f"warning: no instrument here trades {asset!r}, so that this limits nothing", err=True)


def _path(account: str) -> str:
    return f"/limits/{quote(account, safe='')}"


def _query(key: str) -> dict[str, str]:
    return {"key": key} if key else {}


def _change(text: str) -> tuple[str, str, str]:
    """Return the limit's name, its asset where it has one, and the new value."""
    path, equals, value = text.partition("=")
    name, _, asset = path.partition(".")
    if not equals or not value or name not in Limits.__struct_fields__:
        raise _unusable(f"{text!r} is not NAME=VALUE, with a name of {', '.join(Limits.__struct_fields__)}")
    if (name in BY_ASSET) is not bool(asset):
        raise _unusable(
            f"{text!r}: {' and '.join(BY_ASSET)} need an asset, others have none: max_position.BTC=2"
        )
    return name, asset, value


def _apply(limits: dict[str, LimitValue], name: str, asset: str, value: str) -> None:
    known = limits.pop(name, None)
    if not asset:
        if value != NONE:
            limits[name] = value
        return
    kept = {other: most for other, most in known.items() if other != asset} if isinstance(known, dict) else {}
    by_asset = kept if value == NONE else {**kept, asset: value}
    if by_asset:
        limits[name] = by_asset


def _checked(limits: dict[str, LimitValue]) -> Limits:
    try:
        return msgspec.convert(limits, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise _unusable(settings_help.explain(str(error), limits, Limits)) from None


def _unusable(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="NAME=VALUE")


def _print(shown: _LimitsReply, key: str) -> None:
    table = Table("limit", "value", "", title=f"{shown.account} {key}".strip())
    own = shown.own()
    for name in Limits.__struct_fields__:
        value = shown.limits.get(name)
        text = (
            ", ".join(f"{asset} {most}" for asset, most in value.items())
            if isinstance(value, dict)
            else value
        )
        whose = "" if value is None else "its own" if name in own else "the server's default"
        table.add_row(name, NONE if value is None else str(text), whose)
    print_table(table)

"""``floorwire accounts``: withdraw, transfer and reset the paper money of accounts, on a running server."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, TypeAlias
from urllib.parse import quote

import msgspec
import typer

from floorwire.auth import grant
from floorwire.auth.grant import GrantError
from floorwire.cli.admin_client import AdminClient, admin_client
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url
from floorwire.cli.output import echo

app = typer.Typer(name="accounts", help="Paper money of accounts, on a running server.", no_args_is_help=True)

AccountArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose money it is.")]
AmountArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ASSET=AMOUNT", help="How much: USDT=1000.")
]
RequestIdOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--request-id",
        help="Your name for this request: the same one sent again is done once.",
        show_default="a random one, which is printed",
    ),
]


class _Moved(msgspec.Struct, frozen=True):
    request_id: str
    duplicate: bool = False


@app.command()
def withdraw(
    account: AccountArgument,
    amount: AmountArgument,
    request_id: RequestIdOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Take paper money from an account: what no open order holds."""
    ((asset, units),) = _amounts([amount]).items()
    body = {"asset": asset, "amount": units}
    with admin_client(url, key_file, ca, profile) as server:
        _ask(server, account, "withdrawals", body, request_id, json=json)


@app.command()
def transfer(
    account: AccountArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="The account that gets it.")],
    amount: AmountArgument,
    request_id: RequestIdOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Move paper money from one account to another: what no open order holds."""
    ((asset, units),) = _amounts([amount]).items()
    body = {"to": to, "asset": asset, "amount": units}
    with admin_client(url, key_file, ca, profile) as server:
        _ask(server, account, "transfers", body, request_id, json=json)


@app.command()
def reset(
    account: AccountArgument,
    balances: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ASSET=AMOUNT]...", help="What the account has then; nothing else."),
    ] = None,
    request_id: RequestIdOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Cancel the open orders of an account, and give it exactly these balances and no positions."""
    body = {"balances": _amounts(balances or [])}
    with admin_client(url, key_file, ca, profile) as server:
        _ask(server, account, "reset", body, request_id, json=json)


def _amounts(texts: list[str]) -> dict[str, str]:
    try:
        return grant.deposits(texts)
    except GrantError as error:
        text = str(error).removeprefix("deposit: ")
        raise typer.BadParameter(text, param_hint="ASSET=AMOUNT") from None


def _ask(
    server: AdminClient, account: str, what: str, body: Mapping[str, object], request_id: str, *, json: bool
) -> None:
    request_id = request_id or secrets.token_hex(8)
    echo(f"request id: {request_id}", err=json)  # known even where no answer comes
    path = f"/accounts/{quote(account, safe='')}/{what}"
    moved = server.request("POST", path, _Moved, body={**body, "request_id": request_id})
    if json:
        echo(msgspec.json.encode(moved))
    else:
        echo("done before" if moved.duplicate else "done")

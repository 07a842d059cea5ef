"""``floorwire deposit``: money for an account that is there, beside a running server or without one."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from floorwire.auth import grant
from floorwire.cli.chosen_server import Json
from floorwire.cli.data_folder import Data, check_names, exit_on_error, note, now_us, open_data_dir
from floorwire.cli.output import echo


class DepositOutput(msgspec.Struct, frozen=True):
    """What was deposited: asset -> amount."""

    account: str
    deposits: dict[str, str]


def deposit(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose money it is.")],
    amounts: Annotated[
        list[str], typer.Argument(metavar="ASSET=AMOUNT", help="Play money: USDT=1000000. Several are fine.")
    ],
    new_account: Annotated[
        bool, typer.Option("--new-account", help="Make the account: of somebody who signs in by tokens.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give an account money; a running server credits it within a second."""
    with exit_on_error(), open_data_dir(data) as data_dir:
        grant.check_account(account)
        deposits = grant.deposits([part for text in amounts for part in text.split(",")])
        check_names(None, deposits)
        data_dir.keys.deposit(account, deposits, now_us(), is_new=new_account)
        given = ", ".join(f"{asset}={amount}" for asset, amount in deposits.items())
        note(data_dir, "deposit", f"{account} {given}")
        done = DepositOutput(account, deposits)
        echo(msgspec.json.encode(done) if json else f"deposited {given} to {account}")

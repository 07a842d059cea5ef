"""``floorwire account``: what an account is worth, what it has, and what it traded."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated, Final

import msgspec
import typer

from floorwire.cli.chosen_server import (
    LOCAL_SERVER,
    Ca,
    ChosenServer,
    Json,
    KeyFile,
    ProfileName,
    Url,
    choose,
)
from floorwire.cli.command_error import exit_on_error
from floorwire.cli.output import Table, echo, print_table
from floorwire.cli.progress import progress
from floorwire.protocol.account_rows import BalanceRow, PositionRow
from floorwire.protocol.replies import AccountReply

SCOPES: Final = "market,account"


class AccountOutput(msgspec.Struct, frozen=True):
    """All of it."""

    account: AccountReply
    balances: list[BalanceRow]
    positions: list[PositionRow]


def account(
    currency: Annotated[
        str | None,
        typer.Option(help="Values are in this asset.", show_default="the server's accounts.currency"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days of turnover and fees.")] = 30,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Show what the account of a key is worth, its balances, its positions and its latest days.

    The key needs the scope account.
    """
    from floorwire.cli.sdk_client import over_http

    async def read(server: ChosenServer) -> AccountOutput:
        async with over_http(server, server.key(SCOPES)) as client:
            rest = client.rest
            worth, balances, positions = await asyncio.gather(
                rest.account(currency, days), rest.balances(), rest.positions()
            )
            return AccountOutput(worth, list(balances), list(positions))

    with exit_on_error():
        server = choose(url, key_file, ca, profile)
        with progress("reading the account"):
            found = asyncio.run(read(server))
    if json:
        echo(msgspec.json.encode(found))
    else:
        _print(found)


def _print(found: AccountOutput) -> None:
    worth = found.account
    echo(f"{worth.account}: {worth.equity} {worth.currency}")
    echo(f"profit before fees: {worth.realised} {worth.currency} realised, {worth.unrealised} unrealised")
    fees = _fees(worth)
    if fees:
        paid = ", ".join(f"{fee:f} {asset}" for asset, fee in fees.items())
        echo(f"fees since {worth.since}: {paid}")
    if fees.keys() == {worth.currency}:
        less = Decimal(worth.realised) - fees[worth.currency]
        echo(f"realised, less these fees: {less:f} {worth.currency}")
    if worth.unpriced:
        echo(f"not in these sums, for there is no price of them: {', '.join(worth.unpriced)}")
    print_table(_balances(found))
    if found.positions:
        print_table(_positions(found))
    if worth.days:
        table = Table("day", "asset", "turnover", "fees", "fills")
        for day in worth.days:
            table.add_row(day.date, day.asset, day.turnover, day.fees, str(day.fills))
        print_table(table)


def _fees(worth: AccountReply) -> dict[str, Decimal]:
    """Return what was paid in these days, by asset."""
    fees: dict[str, Decimal] = {}
    for day in worth.days:
        if Decimal(day.fees):
            fees[day.asset] = fees.get(day.asset, Decimal(0)) + Decimal(day.fees)
    return fees


def _balances(found: AccountOutput) -> Table:
    values = {row.asset: row.value for row in found.account.balances}
    table = Table("asset", "total", "available", "held", found.account.currency)
    for row in found.balances:
        table.add_row(row.asset, row.total, row.available, row.held, values.get(row.asset) or "-")
    return table


def _positions(found: AccountOutput) -> Table:
    profits = {row.symbol: row for row in found.account.positions}
    table = Table("position", "quantity", "average price", "price", "realised", "unrealised")
    for row in found.positions:
        profit = profits.get(row.symbol)
        price, unrealised = (None, None) if profit is None else (profit.price, profit.unrealised)
        table.add_row(
            row.symbol, row.quantity, row.average_price or "-", price or "-", row.realised, unrealised or "-"
        )
    return table

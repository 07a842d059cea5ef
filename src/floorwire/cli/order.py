"""``floorwire order``: place, amend, cancel and list orders of an account."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
import typer
from msgspec import UNSET

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
from floorwire.cli.command_error import CommandError, exit_on_error
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, is_terminal, print_table
from floorwire.cli.progress import progress
from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, TimeInForce
from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.trading_requests import ID_PATTERN, OrderFilter

if TYPE_CHECKING:
    from floorwire.client import Client, Order

SCOPES: Final = "market,account,trade"
KNOWN_WITHIN_S: Final = 40.0
"""The SDK asks for an outcome until it is known. After so long without a connection the command ends."""
IS_ID: Final = re.compile(ID_PATTERN)
COLUMNS: Final = (
    "order",
    "client id",
    "symbol",
    "side",
    "type",
    "state",
    "quantity",
    "filled",
    "price",
    "created",
)
SentT = TypeVar("SentT")

app = typer.Typer(
    name="order", help="Place, amend, cancel and list orders of an account.", no_args_is_help=True
)

SideArgument: TypeAlias = Annotated[Literal["buy", "sell"], typer.Argument(help="buy or sell.")]
OrderArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ORDER", help="The server's id of the order, or your client order id.")
]
SymbolOption: TypeAlias = Annotated[str | None, typer.Option(help="Only of this symbol.")]


class OrderOutput(msgspec.Struct, frozen=True):
    """What became of an order."""

    order_id: str
    client_order_id: str
    order: OrderRow | None
    """As the server last told; None where the key may not read orders."""
    fills: list[FillRow]


class CancelledOutput(msgspec.Struct, frozen=True):
    """How many orders were cancelled."""

    cancelled: int


@app.command()
def place(
    side: SideArgument,
    symbol: Annotated[str, typer.Argument(help="The market, such as BTC-USDT.")],
    quantity: Annotated[
        str | None, typer.Argument(help="How much of the base asset. Not with --spend.")
    ] = None,
    limit: Annotated[str | None, typer.Option(help="The price. Without it: a market order.")] = None,
    stop: Annotated[str | None, typer.Option(help="The price that makes the order active.")] = None,
    spend: Annotated[
        str | None, typer.Option(help="Buy for so much of the quote asset, at the market.")
    ] = None,
    time_in_force: Annotated[TimeInForce | None, typer.Option("--tif", help="How long it is good.")] = None,
    expires: Annotated[
        datetime | None, typer.Option(help="With --tif gtd: until when, UTC.", show_default=False)
    ] = None,
    post_only: Annotated[
        bool, typer.Option("--post-only", help="Refuse it where it would trade at once.")
    ] = False,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Only reduce a position.")] = False,
    client_id: Annotated[
        str | None,
        typer.Option(help="Your id of the order: sent again, it is the same order.", show_default="random"),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is filled, or has ended.")] = False,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Place an order, and say whether it exists: `floorwire order place buy BTC-USDT 0.5 --limit 64000`.

    If the connection is lost, it is sent again, and never placed twice. The key needs the scope trade, and
    account to follow it.
    """
    from floorwire.client.order import OrderTerms

    terms = OrderTerms(
        symbol=symbol,
        side=side,
        quantity=quantity,
        spend=spend,
        limit=limit,
        stop=stop,
        time_in_force=time_in_force,
        expires=None if expires is None else round(expires.replace(tzinfo=UTC).timestamp() * 1e6),
        post_only=post_only,
        reduce_only=reduce_only,
        client_order_id=client_id,
    )

    async def send(client: Client) -> Order:
        order = client.place(terms)
        await _known(order.accepted(), order.client_order_id)
        if wait:
            with progress(f"{order.client_order_id} is open"):
                await order.done()
        return order

    with exit_on_error():
        order = _run(choose(url, key_file, ca, profile), send)
    _show(order, json=json)


@app.command()
def amend(
    name: OrderArgument,
    price: Annotated[str | None, typer.Option(help="The new price.")] = None,
    quantity: Annotated[
        str | None, typer.Option(help="The new quantity: the total, with what is filled.")
    ] = None,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Change the price or the quantity of an open order, and say when the market has it."""
    if price is None and quantity is None:
        raise typer.BadParameter("give the one that changes, or both", param_hint="--price, --quantity")

    async def send(client: Client) -> Order:
        order = await _find(client, name)
        await _known(order.amend(price=price, quantity=quantity), name)
        return order

    with exit_on_error():
        order = _run(choose(url, key_file, ca, profile), send)
    _show(order, json=json)


@app.command()
def cancel(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[ORDER]", help="The server's id, or your client order id. Not with --all."),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="All open orders of the account.")] = False,
    symbol: Annotated[str | None, typer.Option(help="With --all: only of this symbol.")] = None,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Cancel what is open of an order, or of all orders. An order that has ended is refused."""
    if (name is None) is not is_all or (symbol is not None and not is_all):
        raise typer.BadParameter("give an ORDER, or --all and perhaps --symbol", param_hint="ORDER")

    async def send(client: Client) -> Order | int:
        if name is None:
            return await _known(client.cancel_all(symbol), "cancel --all")
        order = await _find(client, name)
        if order.row is not None and _is_over(order.row):
            raise CommandError(f"{name} is {order.row.state} already", ExitCode.FAILED)
        await _known(order.cancel(), name)
        with progress("waiting for the market"):
            await order.done()
        return order

    with exit_on_error():
        done = _run(choose(url, key_file, ca, profile), send)
    if not isinstance(done, int):
        _show(done, json=json)
    elif json:
        echo(msgspec.json.encode(CancelledOutput(done)))
    else:
        echo("cancelled: 1 order" if done == 1 else f"cancelled: {done} orders")


@app.command("list")
def list_(
    symbol: SymbolOption = None,
    state: Annotated[OrderFilter, typer.Option(help="Which orders; all but open ones: the latest.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The most orders.")] = 500,
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """List orders, the oldest first. In a pipe, a line an order, with tabs."""
    from floorwire.cli.sdk_client import over_http

    async def read(server: ChosenServer) -> list[OrderRow]:
        async with over_http(server, server.key(SCOPES)) as client:
            return list(await client.rest.orders(symbol, state=state, limit=limit))

    with exit_on_error():
        server = choose(url, key_file, ca, profile)
        with progress("reading orders"):
            rows = asyncio.run(read(server))
    if json:
        echo(msgspec.json.encode(rows))
    elif is_terminal():
        table = Table(*COLUMNS)
        for row in rows:
            table.add_row(*_cells(row))
        print_table(table)
    else:
        for row in rows:
            echo("\t".join(_cells(row)))


def _run(server: ChosenServer, send: Callable[[Client], Awaitable[SentT]]) -> SentT:
    """Return what came of it, over a connection to the server. Raises CommandError."""
    from floorwire.cli.sdk_client import connected

    async def run() -> SentT:
        async with connected(server, server.key(SCOPES)) as client:
            return await send(client)

    return asyncio.run(run())


async def _find(client: Client, name: str) -> Order:
    """Return the order. Digits are the server's id, unless there is none of that id."""
    from floorwire.client import RequestRefusedError

    if IS_ID.match(name):
        try:
            return await _known(client.order(name), name)
        except RequestRefusedError as error:
            if error.code != Code.UNKNOWN_ORDER:
                raise
    return await _known(client.order(client_order_id=name), name)


async def _known(outcome: Awaitable[SentT], name: str) -> SentT:
    """Return the outcome. Raises CommandError where the connection is lost for too long."""
    try:
        async with asyncio.timeout(KNOWN_WITHIN_S):
            return await outcome
    except TimeoutError:
        raise CommandError(
            f"{name}: no answer within {KNOWN_WITHIN_S:g} s; it may have been done or not: "
            f"look with `floorwire order list --state all`",
            ExitCode.UNREACHED,
        ) from None


def _is_over(row: OrderRow) -> bool:
    return row.state not in OPEN


def _show(order: Order, *, json: bool) -> None:
    row = order.row
    if json:
        echo(msgspec.json.encode(OrderOutput(order.order_id, order.client_order_id, row, order.fills)))
        return
    if row is None:
        echo(f"accepted: order {order.order_id}, client id {order.client_order_id}")
        return
    at = "at the market" if row.price is None else f"at {row.price}"
    end = "" if row.code is UNSET else f" ({row.code})"
    echo(f"{row.state}{end}: order {row.order_id}, client id {row.client_order_id}")
    echo(f"{row.side} {row.quantity} {row.symbol} {at}; filled {row.filled_quantity}")
    for fill in order.fills:
        echo(f"fill {fill.quantity} at {fill.price}, fee {fill.fee} {fill.fee_asset}")


def _cells(row: OrderRow) -> tuple[str, ...]:
    created = datetime.fromtimestamp(row.created // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        row.order_id,
        row.client_order_id,
        row.symbol,
        row.side,
        row.type,
        row.state,
        row.quantity,
        row.filled_quantity,
        row.price or "-",
        created,
    )

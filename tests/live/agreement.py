"""Where a server and the exchanges do not say the same of our account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from tests.live.faces import FakeMarket
from tests.live.live_server import name

OPEN = ("new", "partially_filled")
IN_DOUBT = ("submitting", "unknown")
PAGE = 1_000


class Asks(Protocol):
    """A client of the server."""

    async def ask(self, action: str, **fields: str | int) -> Mapping[str, object]: ...


async def differences(client: Asks, markets: Sequence[FakeMarket], after: int = 0) -> list[str]:
    """Return what differs between the server and the exchanges, or was sent twice.

    Compared are each order's state and filled quantity, all fills, and balances. The first venue is the
    default. ``after``: only orders with higher ids and open ones are compared, and no fills.
    """
    balances = {str(row["asset"]): Decimal(str(row["total"])) for row in await _rows(client, "balances")}
    open_orders = {int(str(row["order_id"])): row for row in await _rows(client, "orders")}
    booked = {} if after else await _booked(client)
    found: list[str] = []
    for market in markets:
        for order_id, placed in market.orders_by_id().items():
            order, what = placed[0], f"{market.face}: order {order_id}"
            if order_id <= after and order_id not in open_orders and not order.state.is_open:
                continue
            if len(placed) > 1:
                found.append(f"{what} was sent {len(placed)} times")
            row = open_orders.pop(order_id, None) or await _order(client, order_id)
            if row is None:
                found.append(f"{what} is not known here")
                continue
            filled, there = Decimal(str(row["filled_quantity"])), market.filled(order)
            if filled != there or (not after and filled != booked.pop(order_id, Decimal(0))):
                found.append(f"{what} has {filled} filled, there {there}")
            if row["state"] in IN_DOUBT or (row["state"] in OPEN) is not order.state.is_open:
                found.append(f"{what} is {row['state']}, there {order.state.value}")
        theirs = market.totals()
        for asset in ("BTC", market.face.quote):
            ours = balances.get(name(market, markets, asset), Decimal(0))
            if ours != theirs.get(asset, Decimal(0)):
                found.append(f"{market.face}: {ours} {asset}, there {theirs.get(asset)}")
    found += [f"order {order_id} is {row['state']}, and not there" for order_id, row in open_orders.items()]
    found += [f"order {order_id} has {lots} in fills, and not there" for order_id, lots in booked.items()]
    return found


async def _booked(client: Asks) -> dict[int, Decimal]:
    """Return the sum of the fills of each order."""
    booked: dict[int, Decimal] = {}
    more: dict[str, str] = {}
    while True:
        reply = await client.ask("fills", limit=PAGE, **more)
        rows = reply["fills"]
        assert isinstance(rows, list)
        for row in rows:
            assert isinstance(row, dict)
            order_id = int(str(row["order_id"]))
            booked[order_id] = booked.get(order_id, Decimal(0)) + Decimal(str(row["quantity"]))
        if "next" not in reply:
            return booked
        more = {"before": str(reply["next"])}


async def _order(client: Asks, order_id: int) -> Mapping[str, object] | None:
    row = (await client.ask("order.status", order_id=str(order_id))).get("order")
    return row if isinstance(row, dict) else None


async def _rows(client: Asks, action: str) -> list[Mapping[str, object]]:
    listed = (await client.ask(action))[action]
    assert isinstance(listed, list)
    return [row for row in listed if isinstance(row, dict)]

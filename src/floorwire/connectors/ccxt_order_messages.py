"""Writes what ccxt says of orders, executions and balances as the order adapter reads it.

ccxt gives floats. Their shortest text is what the exchange wrote. All functions raise TypeError or KeyError
where something is no structure of ccxt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from floorwire.connectors.ccxt_values import milliseconds, number, part, structure, text
from floorwire.venues.ccxt.order_messages import ExecutionRow, Failure, OrderRow, OrdersFrame

MOST_MESSAGE = 200
ADDRESS = "://"
"""A text with an address has a signed request in it, perhaps. It is not passed on."""


def order(found: object) -> bytes:
    """Return one order."""
    return msgspec.json.encode(_order(found))


def orders(found: object) -> bytes:
    """Return a list of orders."""
    return msgspec.json.encode([_order(one) for one in _rows(found)])


def orders_frame(found: object) -> bytes:
    """Return what the stream of orders shows."""
    return msgspec.json.encode(OrdersFrame(tuple(_order(one) for one in _rows(found))))


def executions(found: object) -> bytes:
    """Return a list of our own trades."""
    return msgspec.json.encode([_execution(one) for one in _rows(found)])


def balances(found: object) -> bytes:
    """Return what the account has of each asset, free and locked together."""
    totals = structure(structure(found)["total"])
    written = {asset: text(total) for asset, total in totals.items() if total is not None}
    if None in written.values():
        raise TypeError("a balance")
    return msgspec.json.encode(written)


def failure(error: Exception, secrets: Iterable[str]) -> bytes | None:
    """Return an error of ccxt without ``secrets``; None where it is none of ccxt."""
    kinds = tuple(kind.__name__ for kind in type(error).__mro__)
    if "BaseError" not in kinds:
        return None
    message = str(error)
    if ADDRESS in message:
        message = ""
    for secret in secrets:
        message = message.replace(secret, "***")
    return msgspec.json.encode(Failure(kinds[: kinds.index("BaseError")], message[:MOST_MESSAGE]))


def _order(found: object) -> OrderRow:
    row = structure(found)
    placed_ms = milliseconds(row.get("timestamp"))
    return OrderRow(
        id=_name(row["id"]) or "",
        client_id=_name(row.get("clientOrderId")),
        symbol=_name(row.get("symbol")),
        status=_name(row.get("status")),
        filled=text(row.get("filled")),
        amount=text(row.get("amount")),
        price=text(row.get("price")),
        ts_ms=placed_ms,
        updated_ms=milliseconds(row.get("lastUpdateTimestamp")),
    )


def _execution(found: object) -> ExecutionRow:
    row = structure(found)
    paid = part(row, "fee")
    asset, role = _name(paid.get("currency")), row.get("takerOrMaker")
    return ExecutionRow(
        id=_name(row["id"]) or "",
        order=_name(row["order"]) or "",
        symbol=_name(row["symbol"]) or "",
        price=number(row["price"]),
        amount=number(row["amount"]),
        is_maker=None if role is None else role == "maker",
        fee=text(paid.get("cost")) if asset else None,
        fee_asset=asset,
        ts_ms=milliseconds(row.get("timestamp")),
    )


def _rows(found: object) -> Iterable[object]:
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        raise TypeError("a list")
    return found


def _name(value: object) -> str | None:
    return None if value is None else str(value)

"""HTTP routes of orders and balances: the WebSocket's actions, by the same path, with the same replies."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from floorwire.core.authorization import Action
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import (
    AccountReply,
    AllCancelled,
    BalanceList,
    Error,
    FillList,
    LedgerList,
    OrderAcceptedReply,
    OrderList,
    OrderReply,
    PositionList,
)
from floorwire.protocol.requests import SAFE
from floorwire.protocol.trading_requests import (
    MAX_CHANGES,
    MAX_DAYS,
    MAX_FILLS,
    MAX_ORDERS,
    OrderAmend,
    OrderFilter,
    OrderPlace,
)
from floorwire.trading import account_export
from floorwire.trading.account_export import Table
from floorwire.web import account_tables, table_stream
from floorwire.web.admin_replies import OwnLimits
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_desk_client import ask, body, reply_to, respond
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY, PlainInteger
from floorwire.web.signed_in_route import SignedInRoute
from floorwire.web.table_stream import CSV_TYPE, PARQUET_TYPE

router = APIRouter(
    prefix="/api/v1",
    tags=["trading"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

ID_PATTERN: Final = r"^[1-9][0-9]{0,18}$"
OrderId: TypeAlias = Annotated[str, Path(pattern=ID_PATTERN)]
Symbol: TypeAlias = Annotated[str | None, Query(max_length=64)]
PAGE_ROWS: Final = 1_000
"""Rows of one page of a whole table."""
Fields: TypeAlias = dict[str, object]
Id: TypeAlias = Annotated[str | None, Query(pattern=ID_PATTERN)]
From: TypeAlias = Annotated[PlainInteger | None, Query(alias="from", ge=0, le=SAFE)]
To: TypeAlias = Annotated[PlainInteger | None, Query(alias="to", ge=0, le=SAFE)]
"""Microseconds since the epoch, UTC."""


def takes(kind: type[msgspec.Struct], *without: str) -> dict[str, object]:
    """Return the OpenAPI schema of a request's body. ``without``: fields that the path has."""
    (schema,), parts = msgspec.json.schema_components((kind,))
    shape = parts[schema["$ref"].rpartition("/")[2]]
    left_out = {"action", "id", *without}
    shape["properties"] = {name: of for name, of in shape["properties"].items() if name not in left_out}
    shape["required"] = [name for name in shape.get("required", ()) if name not in left_out]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


@router.post(
    "/orders",
    status_code=201,
    responses=gives_json(OrderAcceptedReply, status=201) | gives_json(OrderAcceptedReply),
    openapi_extra=takes(OrderPlace),
)
async def place(auth: RequestAuth, request: Request) -> Response:
    """Place an order. 201: it is new. 200: the same order was placed before (idempotency)."""
    return await ask(auth, Action.ORDER_PLACE, await body(request))


@router.get("/orders", responses=gives_json(OrderList, CSV_TYPE, PARQUET_TYPE))
async def list_orders(
    auth: RequestAuth,
    request: Request,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_ORDERS)] = MAX_ORDERS,
    after: Id = None,
    symbol: Symbol = None,
    state: Annotated[OrderFilter | None, Query()] = None,
    before: Id = None,
    from_us: From = None,
    to_us: To = None,
) -> Response:
    """List open orders, or those of one symbol, the oldest first. ``after``: only those newer than this.

    With another ``state`` than open: the latest created first, those before the order ``before``, created
    from ``from`` on and before ``to``.
    """
    fields: Fields = {"limit": limit, "after": after, "symbol": symbol, "state": state, "before": before}
    return await _list(auth, request, "orders", {**fields, "from": from_us, "to": to_us})


@router.delete("/orders", responses=gives_json(AllCancelled))
async def cancel_all(auth: RequestAuth, symbol: Symbol = None) -> Response:
    """Cancel every open order that the key may see, or those of one symbol."""
    return await ask(auth, Action.ORDER_CANCEL_ALL, {"symbol": symbol})


@router.get("/orders/{order_id}", responses=gives_json(OrderReply))
async def status(auth: RequestAuth, order_id: OrderId) -> Response:
    """Show an order as it is now."""
    return await ask(auth, Action.ORDER_STATUS, {"order_id": order_id})


@router.patch(
    "/orders/{order_id}",
    responses=gives_json(OrderAcceptedReply),
    openapi_extra=takes(OrderAmend, "order_id", "client_order_id"),
)
async def amend(auth: RequestAuth, order_id: OrderId, request: Request) -> Response:
    """Change an open order's price, its quantity, or both."""
    return await ask(auth, Action.ORDER_AMEND, {**await body(request), "order_id": order_id})


@router.delete("/orders/{order_id}", responses=gives_json(OrderAcceptedReply))
async def cancel(auth: RequestAuth, order_id: OrderId) -> Response:
    """Cancel an open order."""
    return await ask(auth, Action.ORDER_CANCEL, {"order_id": order_id})


@router.get("/fills", responses=gives_json(FillList, CSV_TYPE, PARQUET_TYPE))
async def list_fills(
    auth: RequestAuth,
    request: Request,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_FILLS)] = 100,
    before: Id = None,
    symbol: Symbol = None,
    from_us: From = None,
    to_us: To = None,
) -> Response:
    """List fills, the latest first. ``before``: only those older than this fill."""
    fields: Fields = {"limit": limit, "before": before, "symbol": symbol, "from": from_us, "to": to_us}
    return await _list(auth, request, "fills", fields)


@router.get("/ledger", responses=gives_json(LedgerList, CSV_TYPE, PARQUET_TYPE))
async def list_ledger(
    auth: RequestAuth,
    request: Request,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_CHANGES)] = 100,
    before: Id = None,
    asset: Symbol = None,
    from_us: From = None,
    to_us: To = None,
) -> Response:
    """List every change of a balance with its cause, the latest first. ``before``: older than this one."""
    fields: Fields = {"limit": limit, "before": before, "asset": asset, "from": from_us, "to": to_us}
    return await _list(auth, request, "ledger", fields)


async def _list(auth: AuthContext, request: Request, table: Table, fields: Fields) -> Response:
    """Return one page; or the whole list, where the client takes a table."""
    kind = table_stream.wanted_type(request.headers)
    if kind is None:
        return await ask(auth, table, fields)
    cursor = "after" if table == "orders" and fields["state"] in (None, "open") else "before"

    async def page(at: str | None) -> Reply:
        given = fields if at is None else {**fields, cursor: at}
        return await reply_to(auth, table, {**given, "limit": PAGE_ROWS})

    first = await page(None)
    if isinstance(first, Error):
        return respond(auth, table, first)
    columns = account_export.columns(account_export.ROWS[table])
    return await table_stream.respond(kind, table, columns, account_tables.parts(first, page))


@router.get("/account", responses=gives_json(AccountReply))
async def account(
    auth: RequestAuth,
    currency: Symbol = None,
    days: Annotated[PlainInteger, Query(ge=0, le=MAX_DAYS)] = 30,
) -> Response:
    """Value the account in one currency at the prices of now, and add up its latest days."""
    return await ask(auth, Action.ACCOUNT, {"currency": currency, "days": days})


@router.get("/balances", responses=gives_json(BalanceList))
async def list_balances(auth: RequestAuth) -> Response:
    """List the account's balances."""
    return await ask(auth, Action.BALANCES, {})


@router.get("/positions", responses=gives_json(PositionList))
async def list_positions(auth: RequestAuth) -> Response:
    """List the account's positions."""
    return await ask(auth, Action.POSITIONS, {})


@router.get("/limits", responses=gives_json(OwnLimits))
async def limits(auth: RequestAuth) -> Response:
    """Show the effective limits of the account, and those of the key."""
    auth.require(Action.LIMITS)
    risk_status, principal = auth.gateway.desk.operators.risk_status(), auth.principal
    own, keys = risk_status.limits(principal.account), risk_status.limits(principal.account, principal.key)
    return answer(OwnLimits(account=principal.account, limits=own, key_limits=keys))

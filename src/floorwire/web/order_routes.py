"""HTTP routes of orders and balances: the WebSocket's actions, by the same path, with the same replies."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from floorwire.core.authorization import Action
from floorwire.protocol.trading_requests import MAX_FILLS, MAX_ORDERS, OrderAmend, OrderPlace
from floorwire.web.auth_context import AUTH_SCHEME, RequestAuth
from floorwire.web.http_desk_client import ask, body
from floorwire.web.http_responses import answer
from floorwire.web.query import CHECK_QUERY, PlainInteger
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1",
    tags=["trading"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

ID_PATTERN: Final = r"^[1-9][0-9]{0,18}$"
OrderId: TypeAlias = Annotated[str, Path(pattern=ID_PATTERN)]
Symbol: TypeAlias = Annotated[str | None, Query(max_length=64)]


def takes(kind: type[msgspec.Struct], *without: str) -> dict[str, object]:
    """Return the OpenAPI schema of a request's body. ``without``: fields that the path has."""
    (schema,), parts = msgspec.json.schema_components((kind,))
    shape = parts[schema["$ref"].rpartition("/")[2]]
    left_out = {"action", "id", *without}
    shape["properties"] = {name: of for name, of in shape["properties"].items() if name not in left_out}
    shape["required"] = [name for name in shape.get("required", ()) if name not in left_out]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


@router.post("/orders", status_code=201, openapi_extra=takes(OrderPlace))
async def place(auth: RequestAuth, request: Request) -> Response:
    """Place an order. 201: it is new. 200: the same order was placed before (idempotency)."""
    return await ask(auth, Action.ORDER_PLACE, await body(request))


@router.get("/orders")
async def list_orders(
    auth: RequestAuth,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_ORDERS)] = MAX_ORDERS,
    after: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    symbol: Symbol = None,
) -> Response:
    """List open orders, or those of one symbol, the oldest first. ``after``: only those newer than this."""
    return await ask(auth, Action.ORDERS, {"limit": limit, "after": after, "symbol": symbol})


@router.delete("/orders")
async def cancel_all(auth: RequestAuth, symbol: Symbol = None) -> Response:
    """Cancel every open order that the key may see, or those of one symbol."""
    return await ask(auth, Action.ORDER_CANCEL_ALL, {"symbol": symbol})


@router.get("/orders/{order_id}")
async def status(auth: RequestAuth, order_id: OrderId) -> Response:
    """Show an order as it is now."""
    return await ask(auth, Action.ORDER_STATUS, {"order_id": order_id})


@router.patch("/orders/{order_id}", openapi_extra=takes(OrderAmend, "order_id", "client_order_id"))
async def amend(auth: RequestAuth, order_id: OrderId, request: Request) -> Response:
    """Change an open order's price, its quantity, or both."""
    return await ask(auth, Action.ORDER_AMEND, {**await body(request), "order_id": order_id})


@router.delete("/orders/{order_id}")
async def cancel(auth: RequestAuth, order_id: OrderId) -> Response:
    """Cancel an open order."""
    return await ask(auth, Action.ORDER_CANCEL, {"order_id": order_id})


@router.get("/fills")
async def list_fills(
    auth: RequestAuth,
    limit: Annotated[PlainInteger, Query(ge=1, le=MAX_FILLS)] = 100,
    before: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    symbol: Symbol = None,
) -> Response:
    """List fills, the latest first. ``before``: only those older than this fill."""
    return await ask(auth, Action.FILLS, {"limit": limit, "before": before, "symbol": symbol})


@router.get("/balances")
async def list_balances(auth: RequestAuth) -> Response:
    """List the account's balances."""
    return await ask(auth, Action.BALANCES, {})


@router.get("/positions")
async def list_positions(auth: RequestAuth) -> Response:
    """List the account's positions."""
    return await ask(auth, Action.POSITIONS, {})


@router.get("/limits")
async def limits(auth: RequestAuth) -> Response:
    """Show the effective limits of the account, and those of the key."""
    auth.require(Action.LIMITS)
    risk_status, principal = auth.gateway.desk.operators.risk_status(), auth.principal
    own, keys = risk_status.limits(principal.account), risk_status.limits(principal.account, principal.key)
    return answer({"status": "ok", "account": principal.account, "limits": own, "key_limits": keys})

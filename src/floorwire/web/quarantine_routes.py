"""HTTP routes of operators: orders in quarantine, because a venue reported what cannot be."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from msgspec import UNSET

from floorwire.core.account_events import Quarantined
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.protocol.replies import Done
from floorwire.web.admin_replies import QuarantineList, QuarantineReleased, QuarantineRow
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_desk_client import HttpDeskClient, respond
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1",
    tags=["operators"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)


@router.get("/quarantine", responses=gives_json(QuarantineList))
async def list_quarantine(auth: RequestAuth) -> Response:
    """List the orders in quarantine, the oldest first, of the accounts and symbols that your key is for."""
    auth.require(Action.QUARANTINE_LIST)
    return answer(QuarantineList(quarantine=[row for row, _ in _visible(auth)]))


@router.delete("/quarantine/{number}", responses=gives_json(QuarantineReleased))
async def release(
    auth: RequestAuth,
    number: Annotated[int, Path(ge=1, le=1 << 53)],
    over: Annotated[bool, Query()] = False,
) -> Response:
    """Release an order from quarantine. If it is open, the venue is asked for it.

    ``over``: you have seen at the venue that it has ended, and no fill is missing here. It is closed then.
    """
    auth.require(Action.QUARANTINE_RELEASE)
    if not any(one.number == number for _, one in _visible(auth)):
        text = f"nothing in quarantine has the number {number}"
        raise Refusal(Code.BAD_REQUEST, text, {"field": "number"})
    client = HttpDeskClient(auth)
    auth.gateway.desk.operators.release(client, Done(id=UNSET), number, is_over=over)
    reply = await client.reply
    if not isinstance(reply, Done):
        return respond(auth, Action.QUARANTINE_RELEASE, reply)
    target = f"{number} over" if over else str(number)
    auth.gateway.authenticator.record(auth.principal, Action.QUARANTINE_RELEASE, auth.address, target=target)
    return answer(QuarantineReleased(number=number))


def _visible(auth: AuthContext) -> list[tuple[QuarantineRow, Quarantined]]:
    """Return the entries that the key may see: a narrowed one sees only orders of its own."""
    found: list[tuple[QuarantineRow, Quarantined]] = []
    for one in auth.gateway.desk.operators.quarantine():
        order = _order(auth, one)
        is_own = auth.principal.acts_for(one.account, as_admin=True)
        is_seen = auth.principal.symbols is None or (
            order is not None and auth.principal.sees(order.ticket.symbol)
        )
        if is_own and is_seen:
            found.append((_row(auth, one, order), one))
    return found


def _order(auth: AuthContext, one: Quarantined) -> Order | None:
    if not one.order_id or not one.account:
        return None
    try:
        return auth.gateway.desk.order_manager().find(one.account, one.order_id)
    except Refusal:  # it is closed, and forgotten
        return None


def _row(auth: AuthContext, one: Quarantined, order: Order | None) -> QuarantineRow:
    return QuarantineRow(
        one.number,
        one.venue,
        one.account,
        str(one.order_id) if one.order_id else None,
        None if order is None else auth.gateway.names.shown(order.ticket.symbol),
        None if order is None else order.state,
        one.client_id,
        one.reason,
        one.report,
        one.ts_us,
    )

"""HTTP route of tickets. A page needs a ticket to sign its WebSocket in."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Response

from floorwire.core.authorization import Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.auth_context import AUTH_SCHEME, RequestAuth
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY

NO_DEMO: Final = Refusal(
    Code.FORBIDDEN,
    "a proxy passed this request on, and the demo account is for this machine only: "
    "make a key, and set doors.behind_proxy",
)

FOR_METRICS: Final = Refusal(
    Code.FORBIDDEN,
    "a ticket signs a WebSocket in, and this key is for /metrics only",
    {"scope": Scope.MONITOR},
)

router = APIRouter(prefix="/api/v1", tags=["sign-in"], dependencies=[AUTH_SCHEME, CHECK_QUERY])


class TicketIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket for one WebSocket. ``expires``: microseconds since the epoch, UTC."""

    status: str = "ok"
    ticket: str
    expires: int


@router.post(
    "/tickets",
    status_code=201,
    responses={**gives_json(TicketIssued, status=201), 204: {"description": "A page that needs no ticket"}},
)
async def issue(auth: RequestAuth) -> Response:
    """Return a ticket for ``/ws?ticket=``. It is valid for 30 s, and once.

    If no key existed at the start, our own page on this machine gets the demo account's ticket without a key.
    Any other page without a key gets nothing (204). If a proxy passed the request on, the answer says so.
    A key for metrics only gets none: no WebSocket has anything for it.
    """
    authenticator, principal = auth.gateway.authenticator, auth.principal
    if not principal.key and authenticator.demo is not None and auth.is_forwarded:
        raise NO_DEMO
    if not principal.key and authenticator.demo is not None and auth.is_local_page:
        principal = authenticator.demo
    if principal.key:
        auth.require_none("ticket", FOR_METRICS if principal.scopes == {Scope.MONITOR} else None)
        ticket = authenticator.issue_ticket(principal, auth.address)
        return answer(TicketIssued(ticket=ticket.ticket, expires=ticket.expires), 201)
    if auth.is_page:
        return Response(status_code=204)  # not an error: the page tried whether it needs a key
    raise Refusal(Code.UNAUTHENTICATED, "give a key in the Authorization header")

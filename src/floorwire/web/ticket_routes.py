"""Tickets over HTTP: how a page gets what signs its WebSocket in."""

from __future__ import annotations

from fastapi import APIRouter, Response

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.auth_context import AUTH_SCHEME, RequestAuth
from floorwire.web.http_responses import answer
from floorwire.web.query import CHECK_QUERY

router = APIRouter(prefix="/api/v1", tags=["sign-in"], dependencies=[AUTH_SCHEME, CHECK_QUERY])


@router.post("/tickets")
async def issue(auth: RequestAuth) -> Response:
    """Give a ticket for ``/ws?ticket=``, good for 30 s and once.

    Our own page on this machine needs no key where there were none at the start: it is the demo account's.
    Elsewhere a page without a key gets nothing (204).
    """
    authenticator, principal = auth.gateway.authenticator, auth.principal
    if not principal.key and authenticator.demo is not None and auth.is_local_page:
        principal = authenticator.demo
    if principal.key:
        ticket = authenticator.issue_ticket(principal, auth.address)
        return answer({"status": "ok", "ticket": ticket.ticket, "expires": ticket.expires}, 201)
    if auth.is_page:
        return Response(status_code=204)  # it asked whether there is a ticket without a key: there is none
    raise Refusal(Code.UNAUTHENTICATED, "give a key in the Authorization header")

"""Requests to the desk over HTTP. They take the same path as those over a WebSocket."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from fastapi import Request, Response

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.codec import JSON, UNREADABLE, BadRequestError
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.replies import Error, OrderAcceptedReply, order_error
from floorwire.protocol.session import ORDER_ACTIONS
from floorwire.protocol.trading_requests import TradingRequest
from floorwire.web.auth_context import AuthContext
from floorwire.web.http_responses import STATUS, answer, status_of

RECORDED: Final = frozenset({Code.FORBIDDEN.value, Code.UNAUTHENTICATED.value})


class HttpDeskClient:
    """A client of the desk for one request. ``reply`` gets the answer."""

    codec = JSON

    def __init__(self, auth: AuthContext) -> None:
        self.principal = auth.principal
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def answer(self, reply: Reply) -> None:
        """Set the reply, once."""
        if not self.reply.done():
            self.reply.set_result(reply)

    def queue_events(self, frames: bytes) -> None:
        """Do nothing: there are no private events over HTTP."""

    def has_room(self, size: int) -> bool:
        """Return False: there are no private events over HTTP."""
        return False

    def flush(self) -> None:
        """Do nothing: ``reply`` is the response."""

    def close_slow(self) -> None:
        """Do nothing: there are no private events over HTTP."""


async def body(request: Request) -> dict[str, object]:
    """Return the body's fields. Raises Refusal."""
    try:
        fields: dict[str, object] = msgspec.json.decode(await request.body(), type=dict[str, object])
    except UNREADABLE as error:
        raise Refusal(Code.BAD_JSON, str(error)) from None
    if "action" in fields:
        raise Refusal(Code.BAD_REQUEST, "action: the path says it", {"field": "action"})
    return fields


async def ask(auth: AuthContext, action: str, fields: dict[str, object]) -> Response:
    """Return the desk's answer to the WebSocket action with these fields."""
    return respond(auth, action, await reply_to(auth, action, fields))


async def reply_to(auth: AuthContext, action: str, fields: dict[str, object]) -> Reply:
    """Return the desk's reply to the WebSocket action with these fields. Raises Refusal."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        request: AnyRequest = JSON.request(msgspec.json.encode({"action": action, **given}), binary=False)
    except BadRequestError as bad:
        if action not in ORDER_ACTIONS:
            raise bad.refusal from None
        return order_error(bad.refusal, msgspec.UNSET, "rejected")
    client = HttpDeskClient(auth)
    assert isinstance(request, TradingRequest)
    auth.gateway.desk.submit(client, request, auth.gateway.clock.moment())
    return await client.reply


def respond(auth: AuthContext, action: str, reply: Reply) -> Response:
    """Return the reply with its HTTP status. Record in the audit log what was forbidden."""
    if not isinstance(reply, Error):
        is_new = action == "order.place" and isinstance(reply, OrderAcceptedReply) and not reply.duplicate
        return answer(reply, 201 if is_new else 200)
    if reply.code in RECORDED:
        authenticator = auth.gateway.authenticator
        authenticator.record_refusal(auth.principal, action, reply.code, reply.message, auth.address)
    response = answer(reply, status_of(reply.code))
    if isinstance(reply.retry_after_ms, int):
        response.headers["retry-after"] = str(-(-reply.retry_after_ms // 1000))
    if response.status_code == STATUS[Code.UNAUTHENTICATED]:
        response.headers["www-authenticate"] = "Bearer"
    return response

"""HTTP answers: the protocol's own messages, and its errors with the status that fits."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.replies import error
from floorwire.web.status import STATUS, UNPROCESSABLE

MAX_MESSAGE = 200


def answer(message: object, status: int = 200) -> Response:
    """Return the message as JSON."""
    return Response(msgspec.json.encode(message), status, media_type="application/json")


def refused(refusal: Refusal) -> Response:
    """Return the refusal as the error that a WebSocket client would get."""
    response = answer(error(refusal), STATUS.get(refusal.code, UNPROCESSABLE))
    if refusal.wait_us:
        response.headers["retry-after"] = str(-(-refusal.wait_us // 1_000_000))
    if response.status_code == STATUS[Code.UNAUTHENTICATED]:
        response.headers["www-authenticate"] = "Bearer"
    return response


def install(app: FastAPI) -> None:
    """Answer every failure in the protocol's own form."""

    @app.exception_handler(Refusal)
    async def _(_: Request, refusal: Refusal) -> Response:
        return refused(refusal)

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, invalid: RequestValidationError) -> Response:
        first = invalid.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"{field}: {first['msg']}"
        return refused(Refusal(Code.BAD_REQUEST, message[:MAX_MESSAGE], {"field": field[:MAX_MESSAGE]}))

    @app.exception_handler(Exception)
    async def _(_: Request, __: Exception) -> Response:
        return refused(Refusal(Code.INTERNAL, Code.INTERNAL.meaning))

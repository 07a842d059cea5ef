"""HTTP responses: the protocol's messages as JSON, and its errors with their HTTP status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.replies import Fate, error, order_error
from floorwire.protocol.trading_requests import ID_FORM
from floorwire.storage.database import DatabaseError
from floorwire.web.security_headers import security_headers

log = structlog.get_logger("floorwire.web")

STATUS: Final = {
    Code.BAD_JSON: 400,
    Code.BAD_REQUEST: 400,
    Code.UNAUTHENTICATED: 401,
    Code.BAD_SIGNATURE: 401,
    Code.CLOCK_SKEW: 401,
    Code.FORBIDDEN: 403,
    Code.UNKNOWN_KEY: 404,
    Code.UNKNOWN_SYMBOL: 404,
    Code.UNKNOWN_ORDER: 404,
    Code.ORDER_CLOSED: 409,
    Code.DUPLICATE_CLIENT_ORDER_ID: 409,
    Code.DUPLICATE_REQUEST_ID: 409,
    Code.RATE_LIMITED: 429,
    Code.VENUE_UNAVAILABLE: 503,
    Code.HISTORY_UNAVAILABLE: 503,
    Code.DRAINING: 503,
    Code.INTERNAL: 500,
}
UNPROCESSABLE: Final = 422
"""The status of all other codes."""
_BY_VALUE: Final = {code.value: status for code, status in STATUS.items()}
MAX_MESSAGE = 200
FORMS: Final = {
    "dataclass_type": "a JSON object, with content-type: application/json",
    "string_pattern_mismatch": f"has to be {ID_FORM}",
}
"""Kind of FastAPI's validation error -> what the field has to be. Only ids have a pattern."""
NO_KEY_STORE: Final = (
    "the keys cannot be read or written now; nothing was changed. The log says why; if the disk is full, "
    "make room and ask again. Until then, POST /api/v1/halts with the scope key stops all orders of a key"
)
_ORDERS: Final = re.compile(r"/api/v1/orders")
_ORDER: Final = re.compile(r"/api/v1/orders/[^/]+")
ORDER_PATHS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    "POST": (_ORDERS,),
    "PATCH": (_ORDER,),
    "DELETE": (_ORDERS, _ORDER),
}
"""Where requests place, amend and cancel, by their method."""
NO_SUCH_PATH, NO_SUCH_METHOD = 404, 405
CODES: Final = {
    400: Code.BAD_JSON,  # FastAPI's, of a body that no parser takes
    NO_SUCH_PATH: Code.UNKNOWN_ACTION,
    NO_SUCH_METHOD: Code.UNKNOWN_ACTION,
}


def status_of(code: str) -> int:
    """Return the status of an error reply with this code."""
    return _BY_VALUE.get(code, UNPROCESSABLE)


def answer(message: object, status: int = 200) -> Response:
    """Return the message as JSON."""
    return Response(msgspec.json.encode(message), status, media_type="application/json")


def is_about_order(method: str, path: str) -> bool:
    """Return whether such a request places, amends or cancels an order. Its errors have the order's fate."""
    return any(pattern.fullmatch(path) for pattern in ORDER_PATHS.get(method, ()))


def _is_about_order(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
    return is_about_order(scope["method"], path)


def refused(refusal: Refusal, fate: Fate | None = None) -> Response:
    """Return the refusal as the error a WebSocket client would get. ``fate``: what became of the order."""
    message = error(refusal) if fate is None else order_error(refusal, UNSET, fate)
    response = answer(message, STATUS.get(refusal.code, UNPROCESSABLE))
    if refusal.wait_us:
        response.headers["retry-after"] = str(-(-refusal.wait_us // 1_000_000))
    if response.status_code == STATUS[Code.UNAUTHENTICATED]:
        response.headers["www-authenticate"] = "Bearer"
    return response


def order_fate(scope: Scope) -> Fate | None:
    """Return ``rejected`` if the request is about an order: it never reached the desk. Else None."""
    return "rejected" if _is_about_order(scope) else None


def failed(failure: HTTPException, message: str = "", fate: Fate | None = None) -> Response:
    """Return an HTTP failure as an error of the protocol, with its status and headers."""
    code = CODES.get(failure.status_code, Code.BAD_REQUEST)
    response = refused(Refusal(code, (message or failure.detail)[:MAX_MESSAGE]), fate)
    response.status_code = failure.status_code
    response.headers.update(failure.headers or {})
    return response


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Answer each failure as an error of the protocol. ``routers``: those that the app includes."""

    @app.exception_handler(Refusal)
    async def _(request: Request, refusal: Refusal) -> Response:
        return refused(refusal, order_fate(request.scope))

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, invalid: RequestValidationError) -> Response:
        first, fate = invalid.errors()[0], order_fate(request.scope)
        if first["type"] == "json_invalid":
            return refused(Refusal(Code.BAD_JSON, Code.BAD_JSON.meaning), fate)
        field = ".".join(str(part) for part in first["loc"])
        # FastAPI's message names a class of ours. The cause is often curl -d, which sends a form by default.
        what = FORMS.get(first["type"], first["msg"])
        message = f"{field}: {what}"
        return refused(Refusal(Code.BAD_REQUEST, message[:MAX_MESSAGE], {"field": field[:MAX_MESSAGE]}), fate)

    @app.exception_handler(HTTPException)
    async def _(request: Request, failure: HTTPException) -> Response:
        if failure.status_code == NO_SUCH_PATH:
            return failed(failure, f"there is nothing at {request.url.path}")
        if failure.status_code == NO_SUCH_METHOD:
            return _method_not_allowed(request, failure, routers)
        return failed(failure, fate=order_fate(request.scope))

    @app.exception_handler(DatabaseError)
    async def _(request: Request, failure: DatabaseError) -> Response:
        log.error("the keys cannot be read or written", error=str(failure))
        return refused(Refusal(Code.INTERNAL, NO_KEY_STORE), order_fate(request.scope))

    @app.exception_handler(Exception)
    async def _(request: Request, __: Exception) -> Response:
        fate: Fate | None = "unknown" if _is_about_order(request.scope) else None
        response = refused(Refusal(Code.INTERNAL, Code.INTERNAL.meaning), fate)
        # Starlette answers outside our middleware here.
        response.headers.update(security_headers(over_tls=request.url.scheme == "https"))
        return response


def _method_not_allowed(request: Request, failure: HTTPException, routers: Sequence[APIRouter]) -> Response:
    """Return 405 with all methods of the path. The failure itself names those of one endpoint only."""
    found = {
        method
        for routes in (request.app.routes, *(router.routes for router in routers))
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    methods = ", ".join(sorted(found))
    response = failed(failure, f"{request.method} is not for {request.url.path}; these are: {methods}")
    response.headers["allow"] = methods
    return response

"""Refuses requests to a gateway that nobody runs: its app is mounted, and its lifespan is not called."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from floorwire.app import Gateway
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.web.http_responses import order_fate, refused

NOT_RUNNING: Final = "this gateway is not running; its log says what to do"
WHAT_TO_DO: Final = (
    "run `async with app.state.gateway.running():` in the lifespan of the application that this app is"
    " mounted into (examples/mounted.py); a server with --lifespan off cannot serve it"
)
STATUS: Final = 503

log = structlog.get_logger("floorwire.web")


class LifespanGuard:
    """Answers every request with 503 while the gateway does not run, and logs once what to do."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway
        self._is_logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        if self._gateway.is_running or scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not self._is_logged:  # once: strangers choose how many requests come
            self._is_logged = True
            log.error("requests are refused: the gateway is not running", what_to_do=WHAT_TO_DO)
        if scope["type"] == "http":
            await _refusal(scope)(scope, receive, send)
            return
        socket = WebSocket(scope, receive, send)
        if "websocket.http.response" in scope.get("extensions", ()):
            await socket.send_denial_response(_refusal(scope))
        else:
            await socket.close(CloseCode.INTERNAL)


def _refusal(scope: Scope) -> Response:
    fate = order_fate(scope) if scope["type"] == "http" else None
    response = refused(Refusal(Code.INTERNAL, NOT_RUNNING), fate)
    response.status_code = STATUS
    return response

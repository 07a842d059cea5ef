"""Middleware that refuses HTTP requests by their head. ``websocket_routes`` does the same for handshakes."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from floorwire.app import Gateway
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.http_responses import order_fate, refused
from floorwire.web.request_head import repeated
from floorwire.web.upgrade_request import own_address

NO_HOST: Final = Refusal(Code.BAD_REQUEST, "HTTP/1.1 needs the header Host")
FOREIGN_HOST: Final = Refusal(
    Code.FORBIDDEN,
    "this server is for this machine only: connect to localhost or 127.0.0.1. "
    "If a proxy passes requests on, see doors.behind_proxy",
)


class HeadGuard:
    """Refuses a repeated or missing header, and at home any Host but a loopback name (DNS rebinding).

    The headers that the app sees are a copy: a server may add trailers to its own later.
    """

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request. WebSockets pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["headers"] = list(scope["headers"])
        found = self._refusal(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        reason, refusal = found
        peer = scope.get("client")
        self._gateway.refusal_log.add(
            reason, self._gateway.clock.monotonic_us(), address=str(peer[0]) if peer else "local"
        )
        response = refused(refusal, order_fate(scope))
        response.headers["connection"] = "close"
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[str, Refusal] | None:
        """Return why the request is refused: our word for it, and the refusal."""
        name = repeated(scope["headers"])
        if name is not None:
            return "repeated_header", Refusal(Code.BAD_REQUEST, f"{name}: given twice", {"field": name})
        host = next((value for name, value in scope["headers"] if name == b"host"), None)
        if host is None and scope["http_version"] == "1.1":
            return "no_host", NO_HOST
        if not self._gateway.origin_policy.answers(
            None if host is None else host.decode("latin-1"), own_address(scope)
        ):
            return "host_not_allowed", FOREIGN_HOST
        return None

"""The outermost ASGI app of our own server: it logs faults of ours now and then, where uvicorn logs each."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from floorwire.app import Gateway


class FaultGuard:
    """Runs the app, and logs what it raises. Starlette has answered with 500 by then."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request. What ends the lifespan ends the server: it is raised."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            self._gateway.fault_log.add(error, self._gateway.clock.monotonic_us())

"""Makes the FastAPI app around a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse

from floorwire import __version__, config
from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.connectors import venue_registry
from floorwire.protocol.cost_budget import SharedBudgets
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.web import (
    admin_routes,
    health_routes,
    http_responses,
    key_routes,
    openapi_route,
    order_routes,
    page_routes,
    ticket_routes,
)
from floorwire.web.middleware import RequestGuard
from floorwire.web.openapi_route import OpenApiDocument
from floorwire.web.upgrade_request import UpgradeRequest, own_address
from floorwire.web.websocket_routes import DEFAULT_CHANNELS, ECHO, AcceptedUpgrade, RefusedUpgrade, route
from floorwire.web.wire_asgi import AsgiWire

ROUTERS: Final = (
    health_routes.router,
    page_routes.router,
    openapi_route.router,
    ticket_routes.router,
    key_routes.router,
    order_routes.router,
    admin_routes.router,
)


def create_app(gateway: Gateway | None = None) -> FastAPI:
    """Return the app. Without a gateway, make one from the environment's settings.

    The app's lifespan runs the gateway. The lifespan of a mounted app is never called: the app that it is
    mounted into has to run ``app.state.gateway.running()`` in its own (examples/mounted.py).
    """
    if gateway is None:
        settings = config.load(environment=os.environ)
        gateway = Gateway(settings, venue_registry.build(settings))
    made = gateway

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with made.running():
            yield

    # openapi_route encodes the document once. No API pages: FastAPI's load scripts from another server.
    app = FastAPI(
        title="Floorwire",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.router.redirect_slashes = False  # A redirect would send the client's key to another path.
    app.state.gateway = made
    app.state.openapi = OpenApiDocument(app)
    app.state.metrics_budgets = SharedBudgets()
    app.state.rates = KeyedRateLimit(made.settings.limits.commands_per_second)
    http_responses.install(app, ROUTERS)
    _guard(app, made.settings)
    for router in ROUTERS:
        app.include_router(router)
    for path in (*DEFAULT_CHANNELS, ECHO):
        app.add_api_websocket_route(path, _serve)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    if settings.doors.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.doors.origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_middleware(
        RequestGuard,
        max_bytes=settings.limits.message_bytes,
        timeout_s=settings.limits.handshake_timeout_s,
        over_tls=settings.tls.cert is not None,
    )


async def _serve(socket: WebSocket) -> None:
    gateway: Gateway = socket.app.state.gateway
    scope = socket.scope
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    url = path.encode("latin-1", "replace") + b"?" + scope["query_string"]
    request = UpgradeRequest.of(b"GET", url, scope["headers"])
    peer = socket.client.host if socket.client else "local"
    address = gateway.origin_policy.client(peer, request.forwarded_for)
    is_local = gateway.origin_policy.is_local_at(own_address(scope))
    verdict = gateway.admission.admit(address, gateway.clock.monotonic_us())
    try:
        await _carry(gateway, socket, route(gateway, request, verdict, address, is_local=is_local), address)
    finally:
        gateway.admission.release(address, verdict)


async def _carry(
    gateway: Gateway, socket: WebSocket, answer: AcceptedUpgrade | RefusedUpgrade, address: str
) -> None:
    gateway.stats.handshakes[answer.outcome] += 1
    if isinstance(answer, AcceptedUpgrade):
        await socket.accept(answer.subprotocol)
        max_bytes = gateway.settings.limits.message_bytes
        await AsgiWire(socket, answer.peer, max_bytes, address, gateway.hub.turns).run()
    elif "websocket.http.response" in socket.scope.get("extensions", ()):
        await socket.send_denial_response(PlainTextResponse(answer.outcome, answer.status))
    else:
        await socket.close()

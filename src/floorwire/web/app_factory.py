"""Makes the FastAPI app around a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse

from floorwire import __version__, config
from floorwire.app import Gateway
from floorwire.config import SettingsError
from floorwire.connectors import venue_registry
from floorwire.protocol.cost_budget import SharedBudgets
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.web import (
    admin_routes,
    description_routes,
    health_routes,
    history_routes,
    http_responses,
    key_routes,
    market_routes,
    money_routes,
    order_routes,
    own_account_routes,
    page_routes,
    quarantine_routes,
    replay_routes,
    ticket_routes,
)
from floorwire.web.description_routes import Descriptions
from floorwire.web.head_guard import HeadGuard
from floorwire.web.lifespan_guard import LifespanGuard
from floorwire.web.middleware import RequestGuard
from floorwire.web.request_turns import RequestTurns
from floorwire.web.security_headers import security_headers
from floorwire.web.upgrade_request import UpgradeRequest, own_address
from floorwire.web.websocket_routes import (
    DEFAULT_CHANNELS,
    ECHO,
    UPGRADE_HEADERS,
    UPGRADE_REQUIRED,
    AcceptedUpgrade,
    IncomingConnection,
    RefusedUpgrade,
    refusal_headers,
    route,
)
from floorwire.web.wire_asgi import AsgiWire

ROUTERS: Final = (
    health_routes.router,
    page_routes.router,
    description_routes.router,
    ticket_routes.router,
    key_routes.router,
    market_routes.router,
    history_routes.router,
    order_routes.router,
    admin_routes.router,
    money_routes.router,
    own_account_routes.router,
    quarantine_routes.router,
    replay_routes.router,
)

log = structlog.get_logger("floorwire.web")


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
        try:
            async with made.running():
                yield
        except SettingsError as error:
            log.error("not started", reason=str(error))  # below a server's traceback nobody finds the reason
            raise

    # ``description_routes`` has the API's pages: FastAPI's load scripts from another server.
    app = FastAPI(title="Floorwire", version=__version__, lifespan=lifespan, openapi_url=None)
    app.router.redirect_slashes = False  # A redirect would send the client's key to another path.
    app.state.gateway = made
    app.state.descriptions = Descriptions(app)
    app.state.metrics_budgets = SharedBudgets()
    app.state.rates = KeyedRateLimit(made.settings.limits.commands_per_second)
    http_responses.install(app, ROUTERS)
    app.add_middleware(LifespanGuard, gateway=made)
    _guard(app, made)
    for router in ROUTERS:
        app.include_router(router)
    for path in (*DEFAULT_CHANNELS, ECHO):
        app.add_api_websocket_route(path, _serve)
        if path != ECHO or made.settings.echo:
            app.add_api_route(path, _upgrade_required, methods=["GET", "HEAD"], include_in_schema=False)
    return app


def _guard(app: FastAPI, gateway: Gateway) -> None:
    settings, origins = gateway.settings, gateway.origin_policy.origins
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_middleware(HeadGuard, gateway=gateway)
    app.add_middleware(
        RequestGuard,
        max_bytes=settings.limits.message_bytes,
        timeout_s=settings.limits.handshake_timeout_s,
        stalls=gateway.loop_stalls,
        over_tls=settings.tls.cert is not None,
    )
    app.add_middleware(RequestTurns, turns=gateway.hub.turns)  # the last one added is the first one called


async def _upgrade_required() -> None:
    raise HTTPException(
        UPGRADE_REQUIRED, "this is a WebSocket: connect with a WebSocket client", dict(UPGRADE_HEADERS)
    )


async def _serve(socket: WebSocket) -> None:
    gateway: Gateway = socket.app.state.gateway
    scope = socket.scope
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    url = path.encode("latin-1", "replace") + b"?" + scope["query_string"]
    request = UpgradeRequest.of(b"GET", url, scope["headers"])
    peer = socket.client.host if socket.client else "local"
    address = gateway.origin_policy.client(peer, request.forwarded_for)
    verdict = gateway.admission.admit(address, gateway.clock.monotonic_us())
    try:
        if request.bearer is not None:
            await gateway.authenticator.wait_for_key(request.bearer, address)
        connection = IncomingConnection(peer, scope.get("scheme", "ws"), own_address(scope))
        await _carry(gateway, socket, route(gateway, request, verdict, address, connection), address)
    finally:
        gateway.admission.release(address, verdict)


async def _carry(
    gateway: Gateway, socket: WebSocket, answer: AcceptedUpgrade | RefusedUpgrade, address: str
) -> None:
    gateway.stats.handshakes[answer.outcome] += 1
    if isinstance(answer, RefusedUpgrade):
        gateway.refusal_log.add(answer.outcome, gateway.clock.monotonic_us(), address=address)
    if isinstance(answer, AcceptedUpgrade):
        await socket.accept(answer.subprotocol)
        max_bytes = gateway.settings.limits.message_bytes
        await AsgiWire(socket, answer.peer, max_bytes, address, gateway.hub.turns).run()
    elif "websocket.http.response" in socket.scope.get("extensions", ()):
        over_tls = gateway.settings.tls.cert is not None
        headers = security_headers(over_tls=over_tls) | refusal_headers(answer)
        await socket.send_denial_response(PlainTextResponse(answer.outcome, answer.status, headers))
    else:
        await socket.close()

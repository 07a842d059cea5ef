"""Makes the FastAPI app around a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from fastapi.responses import PlainTextResponse

from floorwire import __version__, config
from floorwire.app import Gateway, now_us
from floorwire.links import registry
from floorwire.web import health, page
from floorwire.web.handshake import Handshake
from floorwire.web.routes import DEFAULT_CHANNELS, ECHO, AcceptedUpgrade, RefusedUpgrade, route
from floorwire.web.wire_asgi import AsgiWire


def create_app(gateway: Gateway | None = None) -> FastAPI:
    """Return the app; without a gateway, one made from the environment's settings. Its lifespan runs it."""
    if gateway is None:
        settings = config.load(environment=os.environ)
        gateway = Gateway(settings, registry.build(settings))
    made = gateway

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with made.running():
            yield
            await made.drain()

    app = FastAPI(title="Floorwire", version=__version__, lifespan=lifespan)
    app.state.gateway = made
    app.include_router(health.router)
    app.include_router(page.router)
    for path in (*DEFAULT_CHANNELS, ECHO):
        app.add_api_websocket_route(path, _serve)
    return app


async def _serve(socket: WebSocket) -> None:
    gateway: Gateway = socket.app.state.gateway
    scope = socket.scope
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    url = path.encode("latin-1", "replace") + b"?" + scope["query_string"]
    asked = Handshake.of(b"GET", url, scope["headers"])
    peer = socket.client.host if socket.client else "local"
    address = gateway.frontage.client(peer, asked.forwarded_for)
    verdict = gateway.admission.enter(address, now_us())
    try:
        await _carry(gateway, socket, route(gateway, asked, verdict, address), address)
    finally:
        gateway.admission.leave(address, verdict)


async def _carry(
    gateway: Gateway, socket: WebSocket, answer: AcceptedUpgrade | RefusedUpgrade, address: str
) -> None:
    gateway.stats.handshakes[answer.outcome] += 1
    if isinstance(answer, AcceptedUpgrade):
        await socket.accept(answer.subprotocol)
        await AsgiWire(socket, answer.peer, gateway.settings.limits.message_bytes, address).run()
    elif "websocket.http.response" in socket.scope.get("extensions", ()):
        await socket.send_denial_response(PlainTextResponse(answer.outcome, answer.status))
    else:
        await socket.close()

"""Makes the FastAPI app around a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket

from floorwire import __version__, config
from floorwire.app import Gateway, now_us
from floorwire.hub.admission import Verdict
from floorwire.links import registry
from floorwire.web import health, page
from floorwire.web.routes import DEFAULT_CHANNELS, ECHO, RefusedUpgrade, Route, route
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
    address = socket.client.host if socket.client else "local"
    verdict = gateway.admission.enter(address, now_us())
    try:
        await _carry(gateway, socket, verdict)
    finally:
        gateway.admission.leave(address, verdict)


async def _carry(gateway: Gateway, socket: WebSocket, verdict: Verdict) -> None:
    path = socket.scope["path"].removeprefix(socket.scope.get("root_path", ""))
    answer = route(gateway, Route(b"GET", path, socket.scope.get("subprotocols", [])), verdict)
    gateway.stats.handshakes[answer.outcome] += 1
    if isinstance(answer, RefusedUpgrade):
        await socket.close()
        return
    await socket.accept(answer.subprotocol)
    await AsgiWire(socket, answer.peer, gateway.settings.limits.message_bytes).run()

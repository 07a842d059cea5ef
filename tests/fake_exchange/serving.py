"""Serve a face of the fake exchange on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from tests.fake_exchange.exchange import FakeExchange

FaceT = TypeVar("FaceT", bound=FakeExchange)


@asynccontextmanager
async def running(face: FaceT, port: int = 0) -> AsyncIterator[FaceT]:
    async with listening(face, port) as face.port:
        acting = asyncio.create_task(face.run())
        try:
            yield face
        finally:
            acting.cancel()
            with suppress(asyncio.CancelledError):
                await acting


@asynccontextmanager
async def listening(app: ASGIApp, port: int = 0) -> AsyncIterator[int]:
    """Serve the app without its lifespan; give the port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="critical", lifespan="off", proxy_headers=False,
        ws="websockets-sansio", ws_ping_interval=20, ws_ping_timeout=60, timeout_graceful_shutdown=1,
    )  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    # Not `serve`: it would take the signals of the test run, and look only ten times a second whether to end.
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await _wait_until_idle(server)


async def _wait_until_idle(server: uvicorn.Server) -> None:
    """Give connections a second to end, then cancel what still runs."""
    state = server.server_state
    for _ in range(200):
        if not (state.connections or state.tasks):
            return
        await asyncio.sleep(0.005)
    for task in list(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)

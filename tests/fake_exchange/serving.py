"""Serve a face of the fake exchange on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar

import uvicorn
from starlette.types import Receive, Scope, Send


class Face(Protocol):
    port: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    async def run(self) -> None:
        """Do until it is cancelled what the exchange does by itself, such as sending books every 100 ms."""


FaceT = TypeVar("FaceT", bound=Face)


@asynccontextmanager
async def running(face: FaceT, port: int = 0) -> AsyncIterator[FaceT]:
    config = uvicorn.Config(
        face, host="127.0.0.1", port=port, log_level="critical", lifespan="off", proxy_headers=False,
        ws="websockets-sansio", ws_ping_interval=20, ws_ping_timeout=60, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # `serve` would take the signals of the test run
    acting = asyncio.create_task(face.run())
    while not server.started:
        await asyncio.sleep(0.005)
    face.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield face
    finally:
        acting.cancel()
        server.should_exit = True
        server.force_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.gather(acting, serving)
        await asyncio.wait([serving])

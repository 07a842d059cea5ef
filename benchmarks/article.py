"""The article's server, rewritten: FastAPI, a list of connections for each symbol, and a serial loop.

It runs as it ships: uvicorn with its defaults and what `pip install "fastapi[standard]"` brings, uvloop and
httptools. With ``ARTICLE_ON_ASYNCIO`` in the environment it has asyncio's event loop and h11.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.workload import Workload, publish_forever


class ConnectionManager:
    """The connections of each symbol, and a loop that sends to them one after the other."""

    def __init__(self) -> None:
        self._connections: dict[str, list[WebSocket]] = defaultdict(list)

    async def connect(self, websocket: WebSocket) -> None:
        """Accept the connection."""
        await websocket.accept()

    def subscribe(self, websocket: WebSocket, symbol: str) -> None:
        """Add the connection to the symbol's list."""
        self._connections[symbol].append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        """Remove the connection from every list."""
        for connections in self._connections.values():
            if websocket in connections:
                connections.remove(websocket)

    async def broadcast(self, symbol: str, text: str) -> None:
        """Send the text to all that subscribed to the symbol."""
        for connection in list(self._connections[symbol]):
            try:
                await connection.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                self.disconnect(connection)


def create_app(workload: Workload) -> FastAPI:
    """Return the app, which publishes as long as it runs."""
    manager = ConnectionManager()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        publisher = asyncio.create_task(publish_forever(workload, manager.broadcast))
        yield
        publisher.cancel()

    app = FastAPI(lifespan=lifespan)

    async def prices(websocket: WebSocket) -> None:
        await manager.connect(websocket)
        try:
            while True:
                request = await websocket.receive_json()
                for symbol in request.get("symbols") or [request["symbol"]]:
                    manager.subscribe(websocket, symbol)
                await websocket.send_json({"status": "subscribed"})
        except WebSocketDisconnect:
            manager.disconnect(websocket)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            return

    app.add_api_websocket_route("/ws", prices)
    app.add_api_websocket_route("/ws/echo", echo)
    return app


if __name__ == "__main__":
    asked = Workload.from_arguments()
    plain = "ARTICLE_ON_ASYNCIO" in os.environ
    uvicorn.run(
        create_app(asked),
        port=asked.port,
        log_level="warning",
        loop="asyncio" if plain else "auto",
        http="h11" if plain else "auto",
    )

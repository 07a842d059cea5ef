"""The ``websockets`` library's server with its ``broadcast``, on uvloop."""

from __future__ import annotations

import json
import logging
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.rhythm import Rhythm, keep

BACKLOG = 2048


async def run(rhythm: Rhythm) -> None:
    """Serve and publish for ever."""
    connections: dict[str, set[ServerConnection]] = defaultdict(set)

    async def handle(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                request = json.loads(message)
                for symbol in request.get("symbols") or [request["symbol"]]:
                    connections[symbol].add(connection)
                await connection.send('{"status":"subscribed"}')
        finally:
            for listeners in connections.values():
                listeners.discard(connection)

    async def publish(symbol: str, text: str) -> None:
        broadcast(connections[symbol], text)

    async with serve(handle, "127.0.0.1", rhythm.port, backlog=BACKLOG):
        await keep(rhythm, publish)


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients that give up are counted, not told
    uvloop.run(run(Rhythm.from_arguments()))

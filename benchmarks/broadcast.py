"""The ``websockets`` library's server with its ``broadcast``, on uvloop."""

from __future__ import annotations

import json
import logging
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.workload import Workload, publish_forever

BACKLOG = 2048


async def run(workload: Workload) -> None:
    """Serve, and publish until the process ends."""
    connections: dict[str, set[ServerConnection]] = defaultdict(set)

    async def handle(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                request = json.loads(message)
                for symbol in request.get("symbols") or [request["symbol"]]:
                    connections[symbol].add(connection)
                await connection.send('{"status":"subscribed"}')
        finally:
            for subscribers in connections.values():
                subscribers.discard(connection)

    async def publish(symbol: str, text: str) -> None:
        broadcast(connections[symbol], text)

    async with serve(handle, "127.0.0.1", workload.port, backlog=BACKLOG):
        await publish_forever(workload, publish)


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(
        logging.CRITICAL
    )  # clients that disconnect are counted by the load generator; no log
    uvloop.run(run(Workload.from_arguments()))

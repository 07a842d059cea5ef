"""A small server for load tests: it publishes tickers, and misbehaves for certain symbols."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve

from floorwire.protocol.requests import MarketRequest, Ping, Subscribe

PERIOD_S = 0.005
UNKNOWN, GAPPY, REPEATING, CLOSING, SILENT = "NO-USDT", "GAP-USDT", "TWICE-USDT", "CLOSING-USDT", "MUTE-USDT"


class FakeServer:
    """The server's address, and what it received."""

    def __init__(self) -> None:
        self.port = 0
        self.peers: list[str] = []
        self.pongs = 0
        self.close_codes: list[int | None] = []

    def url(self, path: str = "/ws") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    async def serve(self, connection: ServerConnection) -> None:
        self.peers.append(connection.remote_address[0])
        path = connection.request.path if connection.request else ""
        with contextlib.suppress(ConnectionError):
            match path:
                case "/ws/echo":
                    await self.echo(connection)
                case "/ws/mute":
                    await connection.wait_closed()
                case _:
                    await self.answer(connection)
        self.close_codes.append(connection.close_code)

    async def echo(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def answer(self, connection: ServerConnection) -> None:
        async with asyncio.TaskGroup() as tasks:
            streams: list[asyncio.Task[None]] = []
            async for message in connection:
                request = msgspec.json.decode(message, type=MarketRequest)
                if isinstance(request, Ping):
                    await connection.send(f'{{"status":"pong","ts":{time.time_ns() // 1000}}}')
                elif isinstance(request, Subscribe):
                    streams += [tasks.create_task(self.stream(connection, name)) for name in names(request)]
            for stream in streams:
                stream.cancel()

    async def stream(self, connection: ServerConnection, symbol: str) -> None:
        if symbol == UNKNOWN:
            await connection.send('{"status":"error","code":"unknown_symbol","message":"no","retry":false}')
            return
        await connection.send(f'{{"status":"subscribed","symbol":"{symbol}"}}')
        await (await connection.ping())
        self.pongs += 1
        seq = 0
        while symbol != SILENT:
            seq += 3 if symbol == GAPPY else 1
            event = {"channel": "ticker", "symbol": symbol, "seq": seq, "sent": time.time_ns() // 1000}
            await connection.send(msgspec.json.encode(event).decode())
            if symbol == REPEATING:
                await connection.send(msgspec.json.encode(event).decode())
            if symbol == CLOSING and seq == 3:
                await connection.close(4008, "slow consumer")
            await asyncio.sleep(PERIOD_S)


def names(request: Subscribe) -> tuple[str, ...]:
    return request.symbols or (str(request.symbol),)


@contextlib.contextmanager
def running() -> Iterator[FakeServer]:
    """Run the server in a thread of its own: the load generator blocks."""
    made, loop, started = FakeServer(), asyncio.new_event_loop(), threading.Event()
    servers: list[Server] = []

    async def start() -> None:
        server = await serve(made.serve, "127.0.0.1", 0)
        made.port = next(iter(server.sockets)).getsockname()[1]
        servers.append(server)
        started.set()
        await server.wait_closed()

    thread = threading.Thread(target=loop.run_until_complete, args=(start(),))
    thread.start()
    assert started.wait(10)
    yield made
    loop.call_soon_threadsafe(servers[0].close)
    thread.join(10)
    loop.close()

"""Kinds of clients without a key: subscribers, resumers, slow readers, probes and wrong sign-ins."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.clients import MSGPACK, JsonValue, Message
from tests.servers import Server
from tests.soak.pace import Pace
from tests.soak.rounds import Rounds

STRANGER: Final = "127.0.0.77"
PROBER: Final = "127.0.0.78"
CHANNELS: Final[tuple[dict[str, JsonValue], ...]] = (
    {"channel": "ticker", "symbol": "BTC-USDT"},
    {"channel": "trades", "symbol": "ETH-USDT"},
    {"channel": "book", "symbol": "BTC-USDT", "depth": 25},
    {"channel": "candles", "symbol": "SOL-USDT", "interval": "1s"},
    {"channel": "heartbeat"},
    {"channel": "system"},
)
PROBES: Final = (
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    b"GET /wp-login.php HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHo",
)
WRONG_KEYS: Final = 50
SLOW_BYTES: Final = 2_048


@asynccontextmanager
async def market(server: Server, *subprotocols: str, path: str = "/ws") -> AsyncIterator[ClientConnection]:
    """Connect without a key."""
    names = [Subprotocol(name) for name in subprotocols] or None
    async with connect(
        server.ws(path), subprotocols=names, compression=None, max_size=None, close_timeout=1
    ) as connection:
        yield connection


def decoded(data: str | bytes) -> Message:
    """Return a message of either encoding."""
    message: Message = msgspec.json.decode(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
    return message


async def subscriber(server: Server, rounds: Rounds, is_msgpack: bool) -> None:
    """Subscribe to every channel, and read."""
    async with market(server, *([MSGPACK] if is_msgpack else [])) as connection:
        for names in CHANNELS:
            request = {"action": "subscribe", **names}
            await connection.send(msgspec.msgpack.encode(request) if is_msgpack else json.dumps(request))
        async for data in connection:
            message = decoded(data)
            assert message.get("status") != "error", message
            rounds.add("events in MessagePack" if is_msgpack else "events in JSON")


async def resumer(server: Server, rounds: Rounds) -> None:
    """Be cut off every two seconds, and resume."""
    resume: Message | None = None
    pace = Pace(4)
    while True:
        async with market(server) as connection:
            request = {"action": "subscribe", "channel": "trades", "symbol": "BTC-USDT"}
            await connection.send(json.dumps({**request, **({"resume": resume} if resume else {})}))
            async with asyncio.timeout(60):
                event = decoded(await connection.recv())
                until_s = asyncio.get_running_loop().time() + 2
                while "seq" not in event or asyncio.get_running_loop().time() < until_s:
                    event = decoded(await connection.recv())
            resume = {"epoch": event["epoch"], "seq": event["seq"]}
            connection.transport.abort()
        rounds.add("resumes")
        await pace.wait()


async def slow_reader(server: Server, rounds: Rounds, on_slow: str) -> None:
    """Subscribe to more than is read. Under ``disconnect`` we are closed, and come again."""
    loop = asyncio.get_running_loop()
    while True:
        one = socket.socket()
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.setblocking(False)
            await loop.sock_connect(one, (server.host, server.port))
            await loop.sock_sendall(one, upgrade())
            for symbol in ("BTC-USDT", "ETH-USDT", "SOL-USDT"):
                request = {"action": "subscribe", "channel": "book", "symbol": symbol, "on_slow": on_slow}
                await loop.sock_sendall(one, text_frame(json.dumps(request).encode()))
            for _ in range(300):
                if not await loop.sock_recv(one, SLOW_BYTES):
                    break
                await asyncio.sleep(0.1)
        except ConnectionResetError:
            pass
        finally:
            one.close()
        rounds.add(f"slow readers ({on_slow})")


async def prober(server: Server, rounds: Rounds) -> None:
    """Send HTTP, half of it, and what is none."""
    pace = Pace(0.6)
    for number in range(10**9):
        probe = PROBES[number % len(PROBES)]
        await exchange(server, probe, PROBER)
        rounds.add("HTTP probes")
        await pace.wait()


async def stranger(server: Server, rounds: Rounds) -> None:
    """Sign in with wrong keys, and with none, over and over."""
    chosen, pace = random.Random(7), Pace(0.4)
    keys = [f"fw{chosen.getrandbits(64):016x}" for _ in range(WRONG_KEYS)]
    while True:
        key = chosen.choice(keys)
        try:
            await connect(
                server.ws(),
                additional_headers={"Authorization": f"Bearer {key}.wrong"},
                local_addr=(STRANGER, 0),
            )
        except InvalidStatus:
            rounds.add("bad sign-ins")
        await pace.wait()


async def exchange(server: Server, data: bytes, address: str) -> bytes:
    """Send this on a connection of its own, and return what comes until its end, or in two seconds."""
    reader, writer = await asyncio.open_connection(server.host, server.port, local_addr=(address, 0))
    writer.write(data)
    try:
        async with asyncio.timeout(2):
            return await reader.read(10_000_000)
    except (TimeoutError, ConnectionResetError):
        return b""
    finally:
        writer.close()


def upgrade() -> bytes:
    """Return the request of a WebSocket handshake."""
    return (
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )


def text_frame(payload: bytes) -> bytes:
    """Return a masked frame of less than 64 KiB. The mask is 0."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload

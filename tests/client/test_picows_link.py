"""One WebSocket over a real socket: messages in pieces, close codes, refusals, and silence after the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from floorwire.client.picows_link import connect
from floorwire.client.transport import HandshakeRefusedError, Link

PATIENCE_S = 20


class Told:
    """Keeps what a link told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def on_message(self, data: bytes) -> None:
        self.messages.append(data)

    def on_closed(self, code: int, reason: str) -> None:
        self.closed.set_result((code, reason))


@asynccontextmanager
async def linked(
    handle: Callable[[ServerConnection], Awaitable[None]], *, binary: bool = False
) -> AsyncIterator[tuple[Link, Told]]:
    """Connect to a server that does this with each connection."""
    async with asyncio.timeout(PATIENCE_S), serve(handle, "127.0.0.1", 0, close_timeout=1) as server:
        port = server.sockets[0].getsockname()[1]
        told = Told()
        yield await connect(f"ws://127.0.0.1:{port}/ws", {}, None, None, binary, told), told


async def test_a_message_in_pieces_is_one_and_others_keep_their_order() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.send("first")
        await socket.send(["sec", "on", "d"])
        await socket.send("third")
        await socket.close(1012, "restart")

    async with linked(handle) as (_, told):
        assert await told.closed == (1012, "restart")
        assert told.messages == [b"first", b"second", b"third"]


async def test_what_is_sent_arrives_in_its_encoding() -> None:
    received: list[str | bytes] = []

    async def handle(socket: ServerConnection) -> None:
        received.append(await socket.recv())
        await socket.close(4501, "key revoked")

    for binary, data in ((False, "text"), (True, b"\x81\x01")):
        async with linked(handle, binary=binary) as (link, told):
            link.send(data if isinstance(data, bytes) else data.encode())
            assert await told.closed == (4501, "key revoked")
            link.send(b"nobody is there any more")
    assert received == ["text", b"\x81\x01"]


async def test_a_connection_that_vanishes_has_the_code_of_that() -> None:
    async def handle(socket: ServerConnection) -> None:
        socket.transport.abort()

    async with linked(handle) as (_, told):
        assert await told.closed == (1006, "")


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_after_our_end_nothing_is_told(how: str) -> None:
    ended = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        await socket.send("before")
        await socket.wait_closed()
        ended.set()

    async with linked(handle) as (link, told):
        while not told.messages:
            await asyncio.sleep(0.005)
        link.close() if how == "close" else link.abort()
        await ended.wait()
        assert not told.closed.done()
        assert told.messages == [b"before"]


async def test_where_nothing_listens_that_is_said() -> None:
    told = Told()
    with pytest.raises(HandshakeRefusedError, match="nothing listens there") as raised:
        await connect("ws://127.0.0.1:1/ws", {}, None, None, False, told)
    assert raised.value.status == 0

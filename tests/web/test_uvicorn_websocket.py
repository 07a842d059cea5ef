"""The paced WebSocket under uvicorn: a flood of one read is handled in slices, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping

import pytest
import uvicorn
from uvicorn.server import ServerState

from floorwire.protocol.frame_budget import FRAMES_BURST
from floorwire.web.sliced_protocol import SLICE_BYTES
from floorwire.web.uvicorn_websocket import PacedWebSocket
from tests.clients import BINARY, CONTINUATION, PING, TEXT, frame
from tests.web.held_transport import HeldTransport

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PONG = b"\x8a\x00"
SMALLEST = len(frame(PING, b""))


class Talking:
    """A connection, and an app that notes what it gets."""

    def __init__(self) -> None:
        self.got: list[object] = []
        self.transport = HeldTransport()
        config = uvicorn.Config(self.app, log_config=None, ws_ping_interval=None, interface="asgi3")
        self.protocol = PacedWebSocket(config, ServerState(), {})
        self.protocol.connection_made(self.transport)
        self.protocol.data_received(HANDSHAKE)

    async def app(
        self,
        scope: MutableMapping[str, object],
        receive: Callable[[], Awaitable[MutableMapping[str, object]]],
        send: Callable[[MutableMapping[str, object]], Awaitable[None]],
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            self.got.append(event.get("text") or event.get("bytes"))

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                await asyncio.sleep(0)

    def pongs(self) -> int:
        return self.transport.written.count(PONG)


@pytest.fixture
async def talking() -> Talking:
    talking = Talking()
    await talking.until(lambda: b" 101 " in talking.transport.written)
    return talking


async def test_of_a_flood_one_slice_is_handled_in_a_turn(talking: Talking) -> None:
    talking.protocol.data_received(frame(PING, b"") * 20_000)
    assert 0 < talking.pongs() <= SLICE_BYTES // SMALLEST
    assert not talking.transport.is_reading()
    before, most = talking.pongs(), 0
    while before < FRAMES_BURST:
        await asyncio.sleep(0)
        most, before = max(most, talking.pongs() - before), talking.pongs()
    assert most <= SLICE_BYTES // SMALLEST + 1


@pytest.mark.parametrize(
    "flood",
    [frame(PING, b""), frame(0xA, b"x"), frame(CONTINUATION, b"x", fin=False)],
    ids=[
        "pings",
        "pongs",
        "fragments",
    ],  # a frame has a random mask, and a name has to be the same in each process
)
async def test_beyond_its_budget_nothing_is_read_for_a_while(talking: Talking, flood: bytes) -> None:
    first = frame(TEXT, b"x", fin=False)
    is_fragment = flood[0] == CONTINUATION
    talking.protocol.data_received((first if is_fragment else b"") + flood * 4 * FRAMES_BURST)
    await talking.until(lambda: isinstance(talking.protocol._next, asyncio.TimerHandle))
    assert not talking.transport.is_reading()
    assert talking.protocol._unread
    talking.protocol.connection_lost(ConnectionResetError())


async def test_messages_arrive_whole_and_in_order_and_reading_goes_on(talking: Talking) -> None:
    sent = [str(number) * (number * 97 % 700) for number in range(1, 40)]
    talking.protocol.data_received(b"".join(frame(TEXT, text.encode()) for text in sent))
    await talking.until(lambda: len(talking.got) == len(sent))
    assert talking.got == sent
    assert talking.transport.is_reading()
    talking.protocol.data_received(frame(BINARY, b"\x00" * 5_000)[:100])
    assert talking.transport.is_reading()


async def test_while_the_peer_does_not_read_its_pongs_nothing_is_handled(talking: Talking) -> None:
    talking.protocol.pause_writing()
    talking.protocol.data_received(frame(PING, b"") * 10)
    assert (talking.pongs(), talking.transport.is_reading()) == (0, False)
    talking.protocol.resume_writing()
    await talking.until(lambda: talking.pongs() == 10)
    assert talking.transport.is_reading()


async def test_after_a_bad_frame_nothing_is_handled(talking: Talking) -> None:
    talking.protocol.data_received(b"\xff" * 5_000 + frame(PING, b"") * 500)
    assert talking.protocol._unread == b""
    assert (talking.transport.is_closed, talking.protocol._next, talking.pongs()) == (True, None, 0)

"""The wire of other ASGI servers: while a peer's long work goes on, nothing more is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping

from starlette.websockets import WebSocket

from floorwire.hub.peer import Wire
from floorwire.hub.turn_queue import TurnQueue
from floorwire.web.wire_asgi import AsgiWire

STEPS = 3


class WorkingPeer:
    """A peer whose work for each message takes some steps."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._wire: Wire | None = None
        self._left = 0

    def opened(self, wire: Wire) -> None:
        self._wire = wire

    def received(self, data: bytes, binary: bool) -> None:
        assert self._wire is not None
        self.log.append(data.decode())
        self._left = STEPS
        self._wire.defer()
        self._wire.defer()

    def work(self) -> bool:
        self.log.append("step")
        self._left -= 1
        return self._left > 0

    def end_of_read(self) -> None:
        pass

    def peer_is_alive(self) -> None:
        pass

    def writable(self) -> None:
        pass

    def closed(self, code: int) -> None:
        self.log.append(f"closed {code}")


async def test_the_next_message_is_read_when_the_work_is_done() -> None:
    coming: Iterator[dict[str, object]] = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": "one"},
            {"type": "websocket.receive", "text": "two"},
            {"type": "websocket.disconnect", "code": 1000},
        ]
    )

    async def receive() -> MutableMapping[str, object]:
        return next(coming)

    async def send(message: MutableMapping[str, object]) -> None:
        pass

    loop, peer = asyncio.get_running_loop(), WorkingPeer()
    socket = WebSocket({"type": "websocket"}, receive, send)
    await socket.accept()
    turns = TurnQueue(lambda: int(loop.time() * 1_000_000), loop.call_soon)
    await AsgiWire(socket, peer, 1_000, "192.0.2.1", turns).run()
    work = ["step"] * STEPS
    assert peer.log == ["one", *work, "two", *work, "closed 1000"]
    assert len(turns) == 0

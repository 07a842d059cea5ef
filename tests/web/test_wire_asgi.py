"""The wire of other ASGI servers: while a peer's long work goes on, nothing more is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping

from starlette.websockets import WebSocket

from floorwire.hub.peer import Wire
from floorwire.hub.turn_queue import AT_ONCE_US, TURN_US, TurnQueue
from floorwire.web.wire_asgi import MESSAGE_US, AsgiWire

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


class CountingPeer(WorkingPeer):
    """A peer that has no work, and counts its messages."""

    def received(self, data: bytes, binary: bool) -> None:
        self.log.append(data.decode())

    def work(self) -> bool:
        return False


async def test_messages_that_have_come_already_do_not_hold_the_loop() -> None:
    loop, peers = asyncio.get_running_loop(), [CountingPeer() for _ in range(5)]
    turns = TurnQueue(lambda: int(loop.time() * 1_000_000), loop.call_soon)

    async def flooded(peer: CountingPeer, address: str) -> None:
        messages: list[dict[str, object]] = [{"type": "websocket.receive", "text": "x"} for _ in range(300)]
        end: dict[str, object] = {"type": "websocket.disconnect", "code": 1000}
        begin: dict[str, object] = {"type": "websocket.connect"}
        coming = iter([begin, *messages, end])

        async def receive() -> MutableMapping[str, object]:
            return next(coming)

        async def send(message: MutableMapping[str, object]) -> None:
            pass

        socket = WebSocket({"type": "websocket"}, receive, send)
        await socket.accept()
        await AsgiWire(socket, peer, 1_000, address, turns).run()

    async with asyncio.TaskGroup() as tasks:
        for number, peer in enumerate(peers):
            tasks.create_task(flooded(peer, f"192.0.2.{number}"))
        most = before = 0
        while before < 5 * 301:
            await asyncio.sleep(0)
            now = sum(len(peer.log) for peer in peers)
            most, before = max(most, now - before), now
    assert most <= AT_ONCE_US // MESSAGE_US + TURN_US // MESSAGE_US + len(peers) + 1

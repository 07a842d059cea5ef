"""The wire for other ASGI servers: the same peers behind any ASGI WebSocket.

The ASGI server frames and pings by itself, so chunks are split into messages again. What the server has not
taken yet waits here, as in a kernel's buffer. Beyond ROOM_BYTES the peer's bounded outbox holds it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from floorwire.auth.client_address import network_of
from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Peer
from floorwire.hub.turn_queue import TurnQueue
from floorwire.protocol.frames import TEXT, split

CLOSE_TIMEOUT_S: Final = 2.0
ROOM_BYTES: Final = 65_536
MESSAGE_US: Final = 30
"""Price of each message. In one turn of the event loop, all connections together may have so many handled at
once (``TurnQueue.admits``)."""


class AsgiWire:
    """One accepted ASGI WebSocket."""

    def __init__(self, socket: WebSocket, peer: Peer, max_bytes: int, address: str, turns: TurnQueue) -> None:
        self.address = address
        self._turns = turns
        self._may_read = asyncio.Event()
        """Not set while long work of the last message goes on."""
        self._may_read.set()
        self.fd = -1  # the ASGI server has the socket
        self.is_blocked = False
        self._socket = socket
        self._peer = peer
        self._max_bytes = max_bytes
        self._chunks: list[bytes] = []
        self._size = 0
        self._closing: tuple[int, str] | None = None
        self._has_work = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Carry messages until either side closes."""
        self._peer.opened(self)
        code: int = CloseCode.ABNORMAL
        try:
            code = await self._carry()
        finally:
            self._peer.closed(code)

    async def _carry(self) -> int:
        """Read and write until the end. Return the first close code that was sent or received."""
        async with asyncio.TaskGroup() as tasks:
            self._writer, reader = tasks.create_task(self._write()), tasks.create_task(self._read())
            await asyncio.wait((self._writer, reader), return_when=asyncio.FIRST_COMPLETED)
            if self._closing is None and not reader.done():  # the peer left while we wrote
                await asyncio.wait((reader,), timeout=CLOSE_TIMEOUT_S)
            elif self._closing is not None:
                await asyncio.wait((self._writer,), timeout=CLOSE_TIMEOUT_S)
            self._writer.cancel()
            reader.cancel()
        if self._closing is not None:
            return self._closing[0]
        return CloseCode.ABNORMAL if reader.cancelled() else reader.result()

    # A receive() is always pending: behind uvicorn pongs go unread otherwise.
    async def _read(self) -> int:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                code: int = message.get("code") or CloseCode.NO_STATUS
                return code
            text: str | None = message.get("text")
            # Some servers let text through that is not UTF-8. The session answers it.
            data: bytes = message["bytes"] if text is None else text.encode(errors="surrogatepass")
            if self._closing is None:
                self._receive(data, binary=text is None)
                await self._may_read.wait()
                # Messages that have come already are received without a break: others would have no turn.
                if not self._turns.admits(MESSAGE_US):
                    await self._turns.wait(network_of(self.address), MESSAGE_US)

    def _receive(self, data: bytes, *, binary: bool) -> None:
        if len(data) > self._max_bytes:
            self.close(CloseCode.MESSAGE_TOO_BIG, f"more than {self._max_bytes} bytes")
            return
        self._peer.received(data, binary)
        self._peer.end_of_read()

    async def _write(self) -> None:
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                while self._chunks:
                    await self._send()
                if self._closing is not None:
                    await self._socket.close(*self._closing)
                    return
                if self.is_blocked:
                    self.is_blocked = False
                    self._peer.writable()
        except (WebSocketDisconnect, RuntimeError):  # raised by Starlette when the peer has left
            return

    async def _send(self) -> None:
        chunks, self._chunks, self._size = self._chunks, [], 0
        for opcode, payload in split(b"".join(chunks)):
            if opcode == TEXT:
                await self._socket.send_text(payload.decode())
            else:
                await self._socket.send_bytes(payload)

    def write(self, data: bytes) -> bool:
        """Queue frames for the ASGI server. Return False when too many wait."""
        self._chunks.append(data)
        self._size += len(data)
        self.is_blocked = self._size > ROOM_BYTES
        self._has_work.set()
        return not self.is_blocked

    def defer(self) -> None:
        """Read nothing until the peer's long work is done."""
        if self._may_read.is_set():
            self._may_read.clear()
            self._turns.add(self._go_on, network_of(self.address))

    def _go_on(self) -> bool:
        is_more = self._closing is None and self._peer.work()
        if not is_more:
            self._may_read.set()
            self._peer.end_of_read()
        return is_more

    def ping(self) -> bool:
        """Return False: the ASGI server pings by its own settings."""
        return False

    def close(self, code: CloseCode, reason: str) -> None:
        """Close after all that was written. Abort if the peer does not take it within CLOSE_TIMEOUT_S."""
        if self._closing is None:
            self._closing = (int(code), reason)
            self._has_work.set()
            if self._writer is not None:
                asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._writer.cancel)

"""The other wire: the same peers behind any ASGI server's WebSocket.

The server below frames, pings and reads by itself; chunks are taken apart again. A write is always
"full" until the server has taken it: what comes meanwhile waits in the peer's bounded outbox.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Peer
from floorwire.protocol.frames import TEXT, split

CLOSE_TIMEOUT_S: Final = 2.0


class AsgiWire:
    """One accepted ASGI WebSocket."""

    def __init__(self, socket: WebSocket, peer: Peer, max_bytes: int, address: str) -> None:
        self.address = address
        self.fd = -1  # the server below has the socket
        self.is_blocked = False
        self._socket = socket
        self._peer = peer
        self._max_bytes = max_bytes
        self._chunk = b""
        self._closing: tuple[int, str] | None = None
        self._has_work = asyncio.Event()
        self._reader: asyncio.Task[int] | None = None

    async def run(self) -> None:
        """Carry messages until either side closes."""
        self._peer.opened(self)
        code: int = CloseCode.ABNORMAL
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write())
                self._reader = tasks.create_task(self._read())
                done, _ = await asyncio.wait((writer, self._reader), return_when=asyncio.FIRST_COMPLETED)
                code = self._reader.result() if self._reader in done else self._code()
                if self._reader in done and self._closing is not None:
                    await asyncio.wait((writer,), timeout=CLOSE_TIMEOUT_S)
                writer.cancel()
                self._reader.cancel()
        finally:
            self._peer.closed(code)

    def _code(self) -> int:
        return self._closing[0] if self._closing is not None else CloseCode.ABNORMAL

    # A receive() is always pending: behind uvicorn pongs go unread otherwise.
    async def _read(self) -> int:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                code: int = message.get("code") or CloseCode.NO_STATUS
                return code
            text: str | None = message.get("text")
            data: bytes = message["bytes"] if text is None else text.encode()
            if self._closing is None:
                self._receive(data, binary=text is None)

    def _receive(self, data: bytes, *, binary: bool) -> None:
        if len(data) > self._max_bytes:
            self.close(CloseCode.MESSAGE_TOO_BIG, f"more than {self._max_bytes} bytes")
            return
        self._peer.heard()
        self._peer.received(data, binary)
        self._peer.settled()

    async def _write(self) -> None:
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                chunk, self._chunk = self._chunk, b""
                for opcode, payload in split(chunk):
                    if opcode == TEXT:
                        await self._socket.send_text(payload.decode())
                    else:
                        await self._socket.send_bytes(payload)
                if self._closing is not None and not self._chunk:
                    await self._socket.close(*self._closing)
                    return
                if self._closing is None:
                    self._peer.writable()
        except (WebSocketDisconnect, RuntimeError):  # Starlette's, where the peer went meanwhile
            return

    def write(self, data: bytes) -> bool:
        """Hand frames to the server below; ``writable`` follows when it has taken them."""
        self._chunk += data
        self._has_work.set()
        return False

    def ping(self) -> bool:
        """The server below pings by its own settings."""
        return False

    def close(self, code: CloseCode, reason: str) -> None:
        """Close after what was written; give up on a peer that does not take it."""
        if self._closing is None:
            self._closing = (int(code), reason)
            self._has_work.set()
            if self._reader is not None:
                asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._reader.cancel)

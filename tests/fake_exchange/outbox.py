"""What one WebSocket connection still has to send, and the faults on the way."""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.faults import Faults, FrameFault
from tests.fake_exchange.rest import reset

LIMIT = 10_000


class Outbox:
    """Frames wait here in order. A client that leaves LIMIT of them unread is disconnected."""

    def __init__(self, socket: WebSocket, faults: Faults) -> None:
        self._socket = socket
        self._faults = faults
        self._frames: asyncio.Queue[str] = asyncio.Queue(LIMIT)
        self._kept: str | None = None  # waits for the frame that overtakes it
        self._task = asyncio.create_task(self._run())

    def put(self, text: str) -> None:
        try:
            self._frames.put_nowait(text)
        except asyncio.QueueFull:
            self._task.cancel()

    async def disconnect(self) -> None:
        await self._socket.close(1001)

    async def reset(self) -> None:
        """End the connection without a close frame."""
        await reset(self._socket._send)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while True:
                text = await self._frames.get()
                if self._faults.delay_s:
                    await asyncio.sleep(self._faults.delay_s)
                while self._faults.is_half_open:
                    await asyncio.sleep(0.01)
                for frame in self._faulty(text):
                    await self._socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            return  # the client is gone

    def _faulty(self, text: str) -> list[str]:
        match self._faults.take_frame(text):
            case FrameFault.DROP:
                return []
            case FrameFault.DUPLICATE:
                return [text, text]
            case FrameFault.CORRUPT:
                return [text[: len(text) // 2]]
            case FrameFault.SWAP:
                self._kept = text
                return []
            case None:
                kept, self._kept = self._kept, None
                return [text] if kept is None else [text, kept]

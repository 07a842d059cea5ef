"""What one WebSocket connection still has to send, and the faults on the way."""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.faults import Faults, FrameFault
from tests.fake_exchange.rest import break_off, reset

LIMIT = 10_000


async def refuse(socket: WebSocket, faults: Faults) -> None:
    """Refuse the handshake: the exchange is in maintenance (503), or does not want this client (403)."""
    await socket.send_denial_response(Response(status_code=503 if faults.in_maintenance else 403))


class Outbox:
    """Frames wait here in order. A client that leaves LIMIT of them unread is disconnected."""

    def __init__(self, socket: WebSocket, faults: Faults, *, slow_code: int = 1008) -> None:
        self._socket = socket
        self._faults = faults
        self._slow_code = slow_code
        self._ending: asyncio.Task[None] | None = None
        self._frames: asyncio.Queue[tuple[float, str]] = asyncio.Queue(LIMIT)  # with the time to send each
        self._kept: str | None = None  # waits for the frame that overtakes it
        self._task = asyncio.create_task(self._run())

    def put(self, text: str) -> None:
        try:
            due_s = asyncio.get_running_loop().time() + self._faults.delay_s
            self._frames.put_nowait((due_s, text))
        except asyncio.QueueFull:
            self._task.cancel()
            if self._ending is None:
                self._ending = asyncio.create_task(self._end_slow())

    async def disconnect(self, code: int = 1001) -> None:
        """Close the connection after what it has to send, unless that does not leave."""
        while not (self._frames.empty() or self._faults.is_half_open or self._task.done()):
            await asyncio.sleep(0.001)
        with suppress(WebSocketDisconnect, RuntimeError):  # it is closed already
            await self._socket.close(code)

    async def reset(self) -> None:
        """End the connection without a close frame."""
        await reset(self._socket._send)

    async def _end_slow(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            await asyncio.wait_for(self._socket.close(self._slow_code), 1)
        await self.reset()

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if self._ending is not None:
            await asyncio.wait([self._ending])

    async def _run(self) -> None:
        try:
            while True:
                due_s, text = await self._frames.get()
                wait_s = due_s - asyncio.get_running_loop().time()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                while self._faults.is_half_open:
                    await asyncio.sleep(0.01)
                fault = self._faults.take_frame(text)
                if fault is FrameFault.CUT:
                    await break_off(self._socket._send, text)
                for frame in self._faulty(text, fault):
                    await self._socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            return  # the client is gone

    def _faulty(self, text: str, fault: FrameFault | None) -> list[str]:
        match fault:
            case FrameFault.DROP | FrameFault.CUT:
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

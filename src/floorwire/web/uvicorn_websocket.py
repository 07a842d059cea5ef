"""uvicorn's WebSocket protocol, paced: ``uvicorn --ws floorwire.web.uvicorn_websocket:PacedWebSocket``.

uvicorn answers pings by itself, all of a read at once: a read of 64 KiB has 10,000 of them. The app never
sees them, so it cannot bound them. Here a connection is handled in slices, one in a turn of the event loop.
Its pings, pongs and small fragments have a budget, and nothing is read while the peer reads no answers.
"""

from __future__ import annotations

import asyncio

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

from floorwire.protocol.frame_budget import SMALL_BYTES, FrameBudget
from floorwire.web.sliced_protocol import LARGE_FRAME_BYTES, LARGEST_SLICE_BYTES, SLICE_BYTES


class PacedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket. What was read and not handled yet is at most one read: reading pauses meanwhile."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._unread = b""
        self._budget = FrameBudget()
        self._slice_bytes = SLICE_BYTES
        self._frames = self._small_frames = 0
        """Frames of the present slice: all, and those that no rate limit of requests counts."""
        self._next: asyncio.Handle | None = None
        """Handles the next slice. None: nothing waits, or the peer does not read."""

    def data_received(self, data: bytes) -> None:
        """Handle a slice, and the rest in later turns. The handshake is handled at once."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        self._unread += data
        if self._next is None:
            self._handle_slice()

    def resume_writing(self) -> None:
        """Go on: the peer reads."""
        super().resume_writing()
        if self._next is None and self._unread:
            self._next = self.loop.call_soon(self._handle_slice)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what waits."""
        self._unread = b""
        if self._next is not None:
            self._next.cancel()
        super().connection_lost(exc)

    async def receive(self):  # type: ignore[no-untyped-def]
        """Return the next event for the app. uvicorn reads on then: not while something waits."""
        event = await super().receive()
        if self._unread and not self.transport.is_closing():
            self.transport.pause_reading()
        return event

    def handle_ping(self) -> None:
        """Count a ping. All pings of a slice are answered together."""
        self._count(is_small=True)
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Count a pong."""
        self._count(is_small=True)
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Count a fragment."""
        self._count(is_small=len(event.data) < SMALL_BYTES)
        super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        """Count a message, or its first fragment."""
        self._count(is_small=not event.fin and len(event.data) < SMALL_BYTES)
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Count a message, or its first fragment."""
        self._count(is_small=not event.fin and len(event.data) < SMALL_BYTES)
        super().handle_bytes(event)

    def _count(self, *, is_small: bool) -> None:
        self._frames += 1
        self._small_frames += is_small

    def _handle_slice(self) -> None:
        self._next = None
        if self.transport.is_closing() or self.conn.parser_exc is not None:
            self._unread = b""
            return
        if not self.writable.is_set():  # ``resume_writing`` goes on.
            self.transport.pause_reading()
            return
        size = self._slice_bytes
        part, self._unread = self._unread[:size], self._unread[size:]
        self._frames = self._small_frames = 0
        super().data_received(part)
        is_large = self._frames * LARGE_FRAME_BYTES <= len(part)
        self._slice_bytes = min(2 * size, LARGEST_SLICE_BYTES) if is_large else SLICE_BYTES
        self._go_on(self._budget.charge(self._small_frames, int(self.loop.time() * 1_000_000)))

    def _go_on(self, wait_us: int) -> None:
        """Handle the next slice in a later turn, or read on."""
        if self.transport.is_closing():  # RFC 6455 7.1.7: nothing after a bad frame is looked at.
            self._unread = b""
            return
        if wait_us:
            self._next = self.loop.call_later(wait_us / 1_000_000, self._handle_rest)
        elif self._unread:
            self._next = self.loop.call_soon(self._handle_slice)
        if self._next is not None:
            self.transport.pause_reading()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _handle_rest(self) -> None:
        self._next = None
        if self._unread:
            self._handle_slice()
        else:
            self._go_on(0)

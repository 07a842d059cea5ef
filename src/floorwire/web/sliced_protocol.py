"""Gives picows what a connection sends in slices, each when its address has its turn.

picows handles all frames of a read at once, and a read of 64 KiB has 10,000 of the smallest. So a read is
limited to a slice. The kernel keeps the rest, and TCP makes the sender wait. Who sends large frames, such as
orders, is given larger slices, but only a few of them in one turn of all connections together.
"""

from __future__ import annotations

import asyncio
from typing import Final

from picows.picows import WSProtocol  # type: ignore[attr-defined]

from floorwire.hub.read_turns import READ_BYTES, ReadShare
from floorwire.web.picows_transport import PicowsTransport

SLICE_BYTES: Final = 512
"""An order fits into one slice. It holds 85 of the smallest frames."""
SLICE: Final = slice(None, SLICE_BYTES)
LARGEST_SLICE_BYTES: Final = 8_192
"""While large frames come, the slices double up to this size."""
LARGE_FRAME_BYTES: Final = 64
"""Frames of so many bytes on average are large: orders are, the frames of a flood are not."""

# super() makes an object for each read.
_get_buffer: Final = WSProtocol.get_buffer
_buffer_updated: Final = WSProtocol.buffer_updated


class SlicedProtocol(WSProtocol):  # type: ignore[misc]
    """picows' protocol, which is given slices.

    While its address has no share left, one slice waits in picows' buffer, and nothing more is read.
    """

    def __init__(self, share: ReadShare, *picows: object) -> None:
        super().__init__(*picows)
        self.tcp: asyncio.Transport | None = None
        self.picows_transport: PicowsTransport
        """What picows writes to. Set when the connection is made."""
        self.share = share
        self._slice_bytes = SLICE_BYTES
        self._unread_bytes = 0
        """Bytes in picows' buffer that it was not told of."""
        self._rest: bytes | memoryview = b""
        """What came with the handshake and is not in picows' buffer yet."""
        self._is_held = False
        """Whether the wire wants no more frames now."""
        self._is_waiting = False

    def get_buffer(self, size_hint: int) -> memoryview:
        """Return where the next slice is to be read into."""
        room: memoryview = _get_buffer(self, size_hint)
        size = self._slice_bytes
        if size > SLICE_BYTES and self.share.allows_large_reads():
            return room[:size]
        return room[SLICE]

    def buffer_updated(self, size: int) -> None:
        """Handle a slice that was read, now or when the address has its turn."""
        share = self.share
        left = share.bytes_left - size - READ_BYTES
        if left > 0 and size < SLICE_BYTES and not self.picows_transport.has_complained:
            # Nearly every read. The rest of this method does the same; its calls take 150 ns more.
            share.bytes_left = left
            _buffer_updated(self, size)
            return
        if not share.allow(size):
            self._unread_bytes = size
            self._wait()
            return
        self._handle(size)

    def feed(self, data: bytes) -> None:
        """Handle data that is no longer in the socket, now. It is short."""
        room = _get_buffer(self, -1)
        room[: len(data)] = data
        _buffer_updated(self, len(data))

    def feed_later(self, data: bytes) -> None:
        """Read what came with the handshake, before what is in the socket."""
        if data:
            self._rest = memoryview(data)
            self._wait()

    def pause_reading(self) -> None:
        """Give the wire no more frames."""
        self._is_held = True
        if self.tcp is not None:
            self.tcp.pause_reading()

    def resume_reading(self) -> None:
        """Read on: first what waits."""
        self._is_held = False
        if self._unread_bytes or self._rest:
            self._wait()
        elif self.tcp is not None:
            self.tcp.resume_reading()

    def is_closing(self) -> bool:
        """Return whether the connection ends."""
        return self.tcp is None or self.tcp.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what waits, and the transport, which refers to us."""
        self.tcp, self._rest, self._unread_bytes = None, b"", 0
        super().connection_lost(exc)
        self.picows_transport.connection_lost()

    def _wait(self) -> None:
        if self.tcp is not None and not self._is_waiting:
            self._is_waiting = True
            self.tcp.pause_reading()
            self.share.wait(self._take_turn)

    def _take_turn(self) -> None:
        """Handle one slice. Read on, unless more waits."""
        self._is_waiting = False
        if self._is_held or self.is_closing():
            return
        size, self._unread_bytes = self._unread_bytes, 0
        if not size:
            room = self.get_buffer(-1)
            size = min(len(room), len(self._rest))
            room[:size] = self._rest[:size]
            self._rest = self._rest[size:]
        self._handle(size)
        if not self._is_held and not self.is_closing():
            self.resume_reading()

    def _handle(self, size: int) -> None:
        """Handle a slice. The next one is larger if this one was full of large frames."""
        if self.picows_transport.has_complained:  # RFC 6455 7.1.7: nothing after a bad frame is looked at.
            return
        wire = self.listener
        if size < SLICE_BYTES or wire is None:
            _buffer_updated(self, size)
            return
        if size > SLICE_BYTES:
            self.share.count_large_read(size)
        before = wire.frames_read
        _buffer_updated(self, size)
        if (wire.frames_read - before) * LARGE_FRAME_BYTES <= size:
            self._slice_bytes = min(2 * size, LARGEST_SLICE_BYTES)
        else:
            self._slice_bytes = SLICE_BYTES

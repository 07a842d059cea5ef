"""Sends every message back, for conformance tests and round-trip times."""

from __future__ import annotations

from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Wire
from floorwire.protocol.frames import BINARY, TEXT, frame

UNREAD_BYTES = 64 * 1024 * 1024


class EchoPeer:
    """The peer of an echo connection. A client that does not read its echoes is closed (4008)."""

    __slots__ = ("_is_blocked", "_queue", "_size", "_wire")

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._queue: list[bytes] = []
        self._size = 0
        self._is_blocked = False

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        self._wire = wire

    def received(self, data: bytes, binary: bool) -> None:
        """Queue the message."""
        self._queue.append(frame(BINARY if binary else TEXT, data))
        self._size += len(data)
        if self._size > UNREAD_BYTES and self._wire is not None:
            self._wire.close(CloseCode.SLOW_CONSUMER, "echoes are not read")
            self.closed(CloseCode.SLOW_CONSUMER)

    def work(self) -> bool:
        """Return False: no message makes long work."""
        return False

    def end_of_read(self) -> None:
        """Send what is queued."""
        if self._queue and not self._is_blocked and self._wire is not None:
            chunk = b"".join(self._queue)
            self._queue.clear()
            self._size = 0
            self._is_blocked = not self._wire.write(chunk)

    def peer_is_alive(self) -> None:
        """Ignore the sign of life."""

    def writable(self) -> None:
        """Send what waited."""
        self._is_blocked = False
        self.end_of_read()

    def closed(self, code: int) -> None:
        """The connection is gone."""
        self._wire = None
        self._queue.clear()

"""A TCP connection in memory. It says that it is encrypted, so that all is written through it."""

from __future__ import annotations

import asyncio
from typing import Final

PEER: Final = "127.0.0.1"


class _Socket:
    """A socket that is asked for its addresses and options, and nothing more."""

    family = 2

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 8000

    def getpeername(self) -> tuple[str, int]:
        return self._peer, 50_000

    def setsockopt(self, *_: object) -> None:
        """Set nothing."""

    def getsockopt(self, *_: object) -> int:
        return 65_536

    def fileno(self) -> int:
        return -1


class MemoryTransport(asyncio.Transport):
    """Keeps what is written. The peer reads everything at once."""

    def __init__(self, peer: str = PEER) -> None:
        super().__init__()
        self.written = bytearray()
        self.late_bytes = 0
        """Bytes that were written after the end."""
        self._is_closing = False
        self._is_paused = False
        self._unread = bytearray()
        self._protocol: asyncio.BaseProtocol = asyncio.Protocol()
        self._socket = _Socket(peer)
        self._extra = {
            "socket": self._socket,
            "peername": self._socket.getpeername(),
            "sockname": self._socket.getsockname(),
            "ssl_object": self,
            "sslcontext": self,
        }

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._extra.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closing:
            self.late_bytes += len(data)
        else:
            self.written += data

    def feed(self, data: bytes) -> None:
        """Give data to the protocol, as the event loop does. While it reads nothing, the data waits."""
        self._unread += data
        self._deliver()

    def _deliver(self) -> None:
        while self._unread and not self._is_closing and not self._is_paused:
            protocol = self._protocol
            if isinstance(protocol, asyncio.Protocol):
                data, self._unread = bytes(self._unread), bytearray()
                protocol.data_received(data)
                continue
            assert isinstance(protocol, asyncio.BufferedProtocol), protocol
            room = memoryview(protocol.get_buffer(-1)).cast("B")
            assert len(room) > 0, "no room to read into"
            size = min(len(room), len(self._unread))
            room[:size] = self._unread[:size]
            del self._unread[:size]
            protocol.buffer_updated(size)

    def end(self) -> None:
        """The connection is gone."""
        self._is_closing = True
        self._protocol.connection_lost(None)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def close(self) -> None:
        self._is_closing = True

    def abort(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return not self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            asyncio.get_running_loop().call_soon(self._deliver)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep no limits."""

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

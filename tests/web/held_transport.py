"""A transport that a test holds in place of a socket."""

from __future__ import annotations

import asyncio


class HeldTransport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self._reads = True
        self.is_closed = False

    def pause_reading(self) -> None:
        self._reads = False

    def resume_reading(self) -> None:
        self._reads = True

    def is_reading(self) -> bool:
        return self._reads

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.is_closed

    async def until(self, answers: int) -> None:
        """Wait until so many answers were written."""
        async with asyncio.timeout(30):
            while self.written.count(b"HTTP/1.1 ") < answers or not self.written.endswith(b"}"):
                await asyncio.sleep(0)

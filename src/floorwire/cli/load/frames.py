"""WebSocket frames for the load generator: counted, and read only where a client needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_WHOLE_TEXT, _WHOLE_BINARY = 0x80 | TEXT, 0x80 | BINARY
_FIN, _MASKED, _OPCODE = 0x80, 0x80, 0x0F

# A fixed key is enough: masking protects proxies from scripts in browsers (RFC 6455 10.3). Here are neither.
MASK = b"\x37\xfa\x21\x3d"

OnMessage: TypeAlias = Callable[[bytes], None]
OnControl: TypeAlias = Callable[[int, bytes], None]


class FrameError(ValueError):
    """The data is not a frame that a server may send."""


def masked_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one unfragmented frame as a client sends it."""
    size = len(payload)
    if size < 126:
        head = bytes((_FIN | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FIN | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    return head + MASK + mask(payload)


def mask(payload: bytes) -> bytes:
    """Return the payload masked with the fixed key. Masking twice gives the payload."""
    size = len(payload)
    key = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class FrameCounter:
    """Counts the messages that a server sent. Calls ``on_message`` with each one, unless that is None.

    ``rest`` is the unfinished frame at the end of the last ``feed``. Callers put it before the next bytes.
    """

    __slots__ = ("_on_control", "_parts", "messages", "on_message", "rest")

    def __init__(self, on_control: OnControl, on_message: OnMessage | None = None) -> None:
        self.messages = 0
        self.rest = b""
        self.on_message = on_message
        self._on_control = on_control
        self._parts: list[bytes] = []

    def feed(self, buffer: bytearray, end: int) -> None:
        """Count the whole frames in ``buffer[:end]``. Raises FrameError where a server may not send it.

        This runs once for each read of thousands of connections, so it is one loop without calls.
        """
        at, is_only_counted = 0, self.on_message is None
        while end - at >= 2:
            size, start = buffer[at + 1], at + 2
            if size == 126:
                if end < at + 4:
                    break
                size, start = buffer[at + 2] << 8 | buffer[at + 3], at + 4
            elif size > 126:
                if size != 127:
                    raise FrameError("a server's frame is masked")
                if end < at + 10:
                    break
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            stop = start + size
            if stop > end:
                if stop - at > len(buffer):
                    raise FrameError(f"a frame of {size} bytes")
                break
            first = buffer[at]
            if is_only_counted and (first == _WHOLE_TEXT or first == _WHOLE_BINARY):
                self.messages += 1
            else:
                self._handle(first, bytes(buffer[start:stop]))
            at = stop
        self.rest = bytes(buffer[at:end]) if at < end else b""

    def _handle(self, first: int, payload: bytes) -> None:
        opcode = first & _OPCODE
        if opcode >= CLOSE:
            self._on_control(opcode, payload)
        elif not first & _FIN:
            self._parts.append(payload)
        else:
            self._message(payload)

    def _message(self, payload: bytes) -> None:
        self.messages += 1
        if self._parts:
            payload = b"".join((*self._parts, payload))
            self._parts.clear()
        if self.on_message is not None:
            self.on_message(payload)

"""WebSocket frames that the server sends (RFC 6455 5.2). Made once and shared by all subscribers."""

from __future__ import annotations

from collections.abc import Iterator

TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_FIN = 0x80


def frame(opcode: int, payload: bytes) -> bytes:
    """Return the payload as one final, unmasked frame (RFC 6455 5.1: a server does not mask)."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, size)) + payload
    if size < 65_536:
        return bytes((_FIN | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """Return a close frame. The reason is cut to 123 bytes (RFC 6455 5.5: at most 125 with the code)."""
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


def split(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (opcode, payload) of each frame in a chunk of frames that ``frame`` made."""
    at, end = 0, len(chunk)
    while at < end:
        opcode, size, at = chunk[at] & 0x0F, chunk[at + 1], at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(chunk[at : at + width], "big"), at + width
        yield opcode, chunk[at : at + size]
        at += size

"""The opening handshake, as the client makes it (RFC 6455 4.1)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from floorwire.cli.load.target import Target

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_KEY = b64encode(b"floorwire bench.")
_ACCEPT = b64encode(sha1(_KEY + _GUID, usedforsecurity=False).digest())
_END = b"\r\n\r\n"
MAX_ANSWER = 16 * 1024


class RefusedError(ConnectionError):
    """The server did not upgrade; the text says what it answered."""


def request(target: Target) -> bytes:
    """Return the bytes of the upgrade request."""
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_KEY.decode()}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join(lines).encode() + _END


def frames_after(answer: bytes) -> bytes | None:
    """Return the bytes after the server's answer; None while that is incomplete. Raises RefusedError."""
    head, end, rest = answer.partition(_END)
    if not end:
        if len(answer) > MAX_ANSWER:
            raise RefusedError("endless answer")
        return None
    status, *lines = head.split(b"\r\n")
    words = status.split(b" ", 2)
    if words[1:2] != [b"101"]:
        raise RefusedError(f"HTTP {b' '.join(words[1:]).decode('latin-1')}".rstrip())
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }
    if headers.get(b"sec-websocket-accept") != _ACCEPT:
        raise RefusedError("wrong Sec-WebSocket-Accept")
    return rest

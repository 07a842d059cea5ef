"""Fuzzes the path and the headers of a WebSocket handshake whose own headers are right."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from typing import Final

from tests.fuzz.entrance import Entrance, check
from tests.fuzz.http_head import WORDS
from tests.fuzz.origins import ORIGIN, OURS

KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
ACCEPT: Final = b64encode(sha1(KEY + GUID, usedforsecurity=False).digest())
RIGHT: Final = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY
)
AUTHORIZATION: Final = re.compile(rb"^authorization:", re.IGNORECASE | re.MULTILINE)
ECHO: Final = b"/ws/echo"
KNOWN: Final = (b"", b"floorwire.v1.json", b"floorwire.v1.msgpack")
MOST: Final = 4_096


class Handshake:
    """The first line is the target of the request, the others are headers."""

    name = "handshake"
    max_bytes = 2_048

    def __init__(self) -> None:
        self._entrance = Entrance()

    def seeds(self) -> Sequence[bytes]:
        """Return handshakes of bots, pages and proxies."""
        return [
            b"/ws\nHost: 127.0.0.1:8000",
            b"/ws/ticker\nHost: localhost\nOrigin: http://localhost",
            b"/ws/echo\nHost: [::1]\nOrigin: http://[::1]\nSec-WebSocket-Protocol: floorwire.v1.msgpack",
            b"/ws?ticket=abc\nHost: [::1]:8000\nSec-WebSocket-Protocol: chat, floorwire.v1.json",
            b"/ws\nHost: 127.0.0.1\nAuthorization: Bearer fw0123456789abcdef." + b"s" * 43,
            b"/ws\nHost: evil.example\nOrigin: http://evil.example",
            b"/ws\nHost: 127.0.0.1\nOrigin: http://evil.example",
            b"/ws?a=1&ticket=x&ticket=y\nHost: 127.0.0.1\nX-Forwarded-For: 10.0.0.1, 127.0.0.1",
            b"http://127.0.0.1:8000/ws\nHost: 127.0.0.1:8000\nSec-WebSocket-Extensions: permessage-deflate",
        ]

    def words(self) -> Sequence[bytes]:
        """Return what handshakes are made of."""
        return (
            *WORDS,
            b"\nSec-WebSocket-Protocol: ",
            *KNOWN[1:],
            b"?ticket=",
            b"&ticket=",
            b"\nOrigin: http://[",
        )

    def close(self) -> None:
        """Release the gateway."""
        self._entrance.close()

    def run(self, data: bytes) -> None:
        """Require 101 with the right key, or a refusal. Nobody signs in, and no other page gets in."""
        target, *lines = data.split(b"\n")
        head = b"\r\n".join([b"GET %b HTTP/1.1" % target, *lines, RIGHT, b"", b""])
        talk = self._entrance.talk([head])
        check(talk, self._entrance.loop)
        if 101 not in talk.statuses or talk.statuses[0] != 101:
            return
        answer, _, frames = talk.written.partition(b"\r\n\r\n")
        asked = head.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n")
        assert b"\r\nsec-websocket-accept: " + ACCEPT.lower() in answer.lower(), answer
        chosen = re.search(rb"\r\nsec-websocket-protocol: *([^\r]*)", answer, re.IGNORECASE)
        assert chosen is None or (chosen[1] in KNOWN and chosen[1] in asked), answer
        assert b"sec-websocket-extensions" not in answer.lower(), answer
        if ECHO not in target:  # the echo asks nobody who they are
            assert not AUTHORIZATION.search(asked), "let in with an Authorization header, without any key"
        for origin in ORIGIN.findall(asked):
            assert OURS.fullmatch(origin), f"let in: {origin!r}"
        assert len(frames) < MOST, len(frames)

"""The upgrade: only a correct answer is accepted."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1

import pytest

from floorwire.cli.load.handshake import MAX_ANSWER, RefusedError, frames_after, request
from floorwire.cli.load.target import Target

REQUEST = request(Target.resolve("ws://127.0.0.1:9000/ws"))


def answer(status: str = "101 Switching Protocols", accept: str | None = None) -> bytes:
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", REQUEST)
    assert key is not None
    digest = sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = accept or b64encode(digest).decode()
    return f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nSEC-WebSocket-Accept:{accept}\r\n\r\n".encode()


def test_asks_for_the_path_of_the_host() -> None:
    assert REQUEST.startswith(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n")
    assert REQUEST.endswith(b"\r\n\r\n")


def test_returns_the_frames_behind_the_answer() -> None:
    assert frames_after(answer()) == b""
    assert frames_after(answer() + b"\x81\x00") == b"\x81\x00"


def test_waits_for_the_rest() -> None:
    assert frames_after(answer()[:-1]) is None
    assert frames_after(b"") is None


def test_does_not_wait_for_ever() -> None:
    with pytest.raises(RefusedError, match="endless"):
        frames_after(b"x" * (MAX_ANSWER + 1))


@pytest.mark.parametrize(
    ("bytes_", "why"),
    [
        (answer("503 Service Unavailable"), "HTTP 503 Service Unavailable"),
        (answer("404"), "HTTP 404"),
        (answer(accept="bm90IHlvdXJzIGF0IGFsbCE="), "Sec-WebSocket-Accept"),
        (b"\r\n\r\n", "HTTP"),
    ],
)
def test_says_why_it_was_refused(bytes_: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        frames_after(bytes_)

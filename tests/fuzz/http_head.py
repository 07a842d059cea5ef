"""Fuzzes what is sent instead of, or as, HTTP requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.fuzz.entrance import Entrance, check
from tests.fuzz.origins import ORIGIN, OURS

PIECE_BYTES: Final = 7
PATHS: Final = (
    "/health",
    "/ready",
    "/",
    "/metrics",
    "/openapi.json",
    "/api/v1/orders",
    "/api/v1/keys",
    "/ws",
)
WORDS: Final = (
    *(path.encode() for path in PATHS),
    b"GET ", b"POST ", b"PUT ", b"DELETE ", b"HEAD ", b"OPTIONS ", b"CONNECT ",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n", b"\r\n\r\n", b"\n\n",
    b"Host: 127.0.0.1\r\n", b"Host: evil.example\r\n", b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"3\r\nabc\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: Upgrade\r\n",
    b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Authorization: Bearer a.b\r\n",
    b"Origin: http://127.0.0.1:8000\r\n", b"Origin: null\r\n", b"X-Forwarded-For: 10.0.0.1\r\n",
    b"Content-Type: application/json\r\n", b"Trailer: Authorization\r\n",
    b"Access-Control-Request-Method: GET\r\n", b"Sec-WebSocket-Version: 13\r\n", b"http://127.0.0.1/",
    b"/%00", b"/..", b"/api/v1/tickets", b"/api/v1/symbols", b"?limit=1", b"{}", b'{"account":"a"}',
)  # fmt: skip


def request(method: str, path: str, *lines: str, body: str = "") -> bytes:
    """Return a request of a client on this machine."""
    sized = [f"Content-Length: {len(body)}"] if body else []
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:8000", *lines, *sized, "", ""]
    return ("\r\n".join(head) + body).encode()


class HttpHead:
    """Bytes of a TCP connection, once in one piece and once in small ones."""

    name = "http"
    max_bytes = 4_096

    def __init__(self) -> None:
        self._entrance = Entrance()

    def seeds(self) -> Sequence[bytes]:
        """Return a request for each page, and each way to send a body."""
        pages = [request("GET", path) for path in PATHS]
        own = "Origin: http://127.0.0.1:8000"
        return [
            *pages,
            pages[0] * 3,
            request("POST", "/api/v1/tickets", own, body="{}"),
            request("POST", "/api/v1/orders", "Content-Type: application/json", body='{"symbol":"BTC-USDT"}'),
            request("POST", "/api/v1/orders", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
            request("POST", "/api/v1/orders", "Expect: 100-continue", "Content-Length: 2"),
            request("OPTIONS", "/api/v1/orders", own, "Access-Control-Request-Method: POST"),
            request("HEAD", "/health"),
            request("GET", "/health", "Connection: Upgrade", "Upgrade: h2c") + pages[0],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00",
        ]

    def words(self) -> Sequence[bytes]:
        """Return methods, paths and headers."""
        return WORDS

    def close(self) -> None:
        """Release the gateway."""
        self._entrance.close()

    def run(self, data: bytes) -> None:
        """Require an answer or the end, and no more answers than lines that may have been requests."""
        small = [data[at : at + PIECE_BYTES] for at in range(0, min(len(data), 1_024), PIECE_BYTES)]
        for pieces in ([data], small):
            talk = self._entrance.talk(pieces)
            check(talk, self._entrance.loop)
            if 201 in talk.statuses:  # a ticket of the demo account
                origins = ORIGIN.findall(data)
                assert origins, "a ticket without an origin"
                assert all(map(OURS.fullmatch, origins)), origins
            assert len(talk.statuses) <= 2 * data.count(b"\n") + 1, talk.statuses

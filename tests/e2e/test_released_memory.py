"""What a client leaves behind is freed when it goes, and not when the garbage collector comes around.

The collector looks at old objects seldom. Connections that wait for it would add up for an hour.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floorwire.cli.load.frames import masked_frame
from tests.collected import collected
from tests.servers import Server
from tests.web import certificates

CLIENTS = 5
"""Of each kind."""
SUBSCRIBE = json.dumps({"action": "subscribe", "channel": "book", "symbol": "BTC-USDT", "id": 1}).encode()
GET = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n\r\n"
)
CLOSE = b"\x88\x80\x00\x00\x00\x00"
RESERVED = b"\xf1\x80\x00\x00\x00\x00"
"""A frame with bits that RFC 6455 5.2 forbids."""
UNTRUSTED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNTRUSTED.check_hostname, UNTRUSTED.verify_mode = False, ssl.CERT_NONE


class WatchedServer:
    """A server, and what it found that only the collector could free."""

    def __init__(self, server: Server, found: Path, *, is_tls: bool) -> None:
        self._server = server
        self._found = found
        self._is_tls = is_tls
        self.expected = self.found()
        """What the server does by itself."""

    def connected(self) -> socket.socket:
        """Connect."""
        plain = socket.create_connection((self._server.host, self._server.port), timeout=10)
        return UNTRUSTED.wrap_socket(plain) if self._is_tls else plain

    def subscribed(self) -> socket.socket:
        """Connect and subscribe."""
        sock = self.connected()
        sock.sendall(UPGRADE)
        assert until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 101")
        sock.sendall(masked_frame(SUBSCRIBE))
        until(sock, b'"subscribed"')
        return sock

    def found(self) -> str:
        """Return what is found in a look that began after this call."""
        for _ in range(2):
            before_ns = self._written_ns()
            while self._written_ns() == before_ns:
                time.sleep(0.02)
        return self._found.read_text()

    def _written_ns(self) -> int:
        return self._found.stat().st_mtime_ns if self._found.exists() else 0


@pytest.fixture(scope="module", params=["plain", pytest.param("TLS", marks=pytest.mark.slow)])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WatchedServer]:
    folder = tmp_path_factory.mktemp("collected")
    folder.chmod(0o700)
    is_tls, settings = request.param == "TLS", []
    if is_tls:
        cert, key = certificates.write(folder)
        settings = [f"tls.cert={cert}", f"tls.key={key}"]
    with collected(folder, *settings) as (running, found):
        yield WatchedServer(running, found, is_tls=is_tls)


def until(sock: socket.socket, text: bytes) -> bytes:
    """Return what comes up to this text."""
    came = b""
    while text not in came:
        more = sock.recv(65_536)
        assert more, came
        came += more
    return came


def until_end(sock: socket.socket) -> None:
    """Read until the server closes."""
    while sock.recv(65_536):
        pass
    sock.close()


def closes(server: WatchedServer) -> None:
    sock = server.subscribed()
    sock.sendall(CLOSE)
    until_end(sock)


def is_cut_off(server: WatchedServer) -> None:
    sock = server.subscribed()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def sends_a_bad_frame(server: WatchedServer) -> None:
    sock = server.subscribed()
    sock.sendall(RESERVED)
    until_end(sock)


def asks_by_http(server: WatchedServer) -> None:
    with server.connected() as sock:
        for _ in range(2):
            sock.sendall(GET)
            assert until(sock, b"}").startswith(b"HTTP/1.1 200")


def fails_the_handshake(server: WatchedServer) -> None:
    with server.connected() as sock:
        sock.sendall(UPGRADE.replace(b"13", b"8"))
        assert until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 4")


def sends_garbage(server: WatchedServer) -> None:
    with server.connected() as sock:
        sock.sendall(bytes(64) + b"\r\n\r\n")
        assert until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 400")


def says_nothing(server: WatchedServer) -> None:
    server.connected().close()


@pytest.mark.parametrize(
    "client",
    [closes, is_cut_off, sends_a_bad_frame, asks_by_http, fails_the_handshake, sends_garbage, says_nothing],
)
def test_nothing_of_a_client_that_is_gone_waits_for_the_collector(
    server: WatchedServer, client: Callable[[WatchedServer], None]
) -> None:
    for _ in range(CLIENTS):
        client(server)
    before, server.expected = server.expected, server.found()
    assert server.expected == before

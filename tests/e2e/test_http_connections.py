"""One HTTP connection until it ends or becomes a WebSocket: pipelined requests, deadlines, handshakes."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from floorwire.web.security_headers import HEADERS
from tests.clients import CLOSE, TEXT, RawClient, client, frame
from tests.servers import Server, eventually, floorwire, metrics
from tests.web import certificates

HEAD = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTH = HEAD % b"/health"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PING_REQUEST = b'{"action":"ping"}'
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def quick() -> Iterator[Server]:
    """A server that hangs up after a second."""
    with floorwire("--seed", "1", "--set", "limits.handshake_timeout_s=1", "--set", "echo=true") as server:
        yield server


def answers(peer: RawClient, count: int) -> list[int]:
    """Return the statuses of the next answers, and drop their bodies."""
    statuses = []
    for _ in range(count):
        status, headers = peer.http_answer()
        peer.read_exactly(int(headers["content-length"]))
        statuses.append(status)
    return statuses


def rest(peer: RawClient) -> bytes:
    """Send no more, but keep the connection open. Return what comes until the server closes it.

    Raises TimeoutError if it never does.
    """
    with suppress(ConnectionResetError, EOFError):
        while True:
            peer.receive()
    return peer.unread


# --- pipelined requests -----------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_their_order(quick: Server) -> None:
    body = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    chunks = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n"
    sent = [
        HEALTH,
        HEAD % b"/nothing",
        b"\r\n\r\n" + HEALTH,
        body,
        HEALTH,
        chunks % b"4\r\n\r\n\r\n\r\n",
        chunks % b"",
        HEALTH,
    ]
    expected = [200, 404, 200, 404, 200, 404, 404, 200]
    with RawClient(quick) as peer:
        peer.socket.sendall(b"".join(sent))
        assert answers(peer, len(sent)) == expected
        for byte in b"".join(sent):
            peer.socket.sendall(bytes([byte]))
        assert answers(peer, len(sent)) == expected


def test_many_small_heads_are_not_one_that_is_too_large(quick: Server) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(HEALTH * 1_000)
        assert answers(peer, 1_000) == [200] * 1_000


def test_pipelined_requests_wait_in_the_socket_and_not_in_memory(quick: Server) -> None:
    before = quick.resident_bytes()
    sent = received = 0
    pending = b""
    with RawClient(quick) as peer:
        peer.socket.setblocking(False)
        while sent < 4 * MEBIBYTE and received < 2 * MEBIBYTE:  # 100,000 requests, or 4,000 answers
            pending = pending or HEALTH * 300
            with suppress(BlockingIOError):
                size = peer.socket.send(pending)
                sent, pending = sent + size, pending[size:]
            with suppress(BlockingIOError):
                received += len(peer.socket.recv(65_536))
            time.sleep(0.01)  # so that each read of the server's ends with a whole head
        grown = quick.resident_bytes() - before
    assert grown < 16 * MEBIBYTE
    assert eventually(lambda: metrics(quick)["floorwire_connections"] == 0)


# --- deadlines --------------------------------------------------------------------------------------

BODY = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"POST %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


WAITS_FOR_EVER = [
    (HEALTH, b""),
    (HEALTH, b"\r\n"),
    (HEALTH, b"\r\n\r\n\r\n"),
    (HEALTH, b"G"),
    (HEALTH, HEALTH[:-2]),
    (HEALTH, BODY % b"/nothing"),
    (BODY % b"/nothing", b"x"),
    (BODY % b"/health", b"x"),
    (CHUNKED % b"/nothing", b"1\r\n"),
    (CHUNKED % b"/nothing", b"0\r\nX: y"),
    (HEALTH, HANDSHAKE[:-2]),
]


def test_whoever_waits_for_ever_after_an_answer_is_hung_up_on(quick: Server) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(RawClient(quick)) for _ in WAITS_FOR_EVER]
        for peer, (asked, more) in zip(peers, WAITS_FOR_EVER, strict=True):
            peer.socket.sendall(asked)
            answers(peer, 1)
            peer.socket.sendall(more)
        for peer in peers:
            rest(peer)


def test_whoever_does_not_read_the_answers_is_hung_up_on(quick: Server) -> None:
    before = quick.sockets()
    for request in (HEAD % b"/openapi.json", (HEAD % b"/openapi.json").replace(b"1.1", b"1.0")):
        with RawClient(quick, receive_buffer=4_096) as peer:
            with suppress(OSError):
                peer.socket.sendall(request * 100)
            assert eventually(lambda: quick.sockets() == before)


def test_whoever_leaves_while_an_answer_waits_is_hung_up_on(quick: Server) -> None:
    before = quick.sockets()
    with RawClient(quick, receive_buffer=4_096) as peer:
        peer.socket.sendall((HEAD % b"/openapi.json") * 100)
        peer.socket.shutdown(socket.SHUT_WR)
        assert eventually(lambda: quick.sockets() == before)


def test_trailers_and_extensions_of_chunks_have_a_size(quick: Server) -> None:
    name = 'floorwire_refusals_total{reason="body_too_large"}'
    before = metrics(quick).get(name, 0)
    for endless in (b"0\r\nX: " + b"x" * MEBIBYTE, b"0\r\n" + b"x: y\r\n" * 200_000, b"1;" + b"x" * MEBIBYTE):
        with RawClient(quick) as peer:
            with suppress(OSError):  # the server may hang up before all is sent
                peer.socket.sendall(CHUNKED % b"/nothing" + endless)
            rest(peer)
    assert metrics(quick)[name] - before == 3


# --- handshakes -------------------------------------------------------------------------------------


def changed(old: bytes, new: bytes) -> bytes:
    """Return the handshake with something else in one place."""
    assert old in HANDSHAKE
    return HANDSHAKE.replace(old, new)


REFUSED = {
    "version 8": (changed(b": 13", b": 8"), 426),
    "no version": (changed(b"Sec-WebSocket-Version: 13\r\n", b""), 426),
    "two versions": (changed(b": 13", b": 13\r\nSec-WebSocket-Version: 8"), 400),
    "no key": (changed(b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b""), 400),
    "a short key": (changed(b"AAAAAAAAAAAAAAAAAAAAAA==", b"AAAA"), 400),
    "no base64": (changed(b"AAAAAAAAAAAAAAAAAAAAAA==", b"A" * 21 + b"!=="), 400),
    "two keys": (changed(b"AA==", b"AA==\r\nSec-WebSocket-Key: BAAAAAAAAAAAAAAAAAAAAA=="), 400),
    "HTTP/1.0": (changed(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "POST": (changed(b"GET", b"POST"), 405),
    "a length": (changed(b"Host", b"Content-Length: 5\r\nHost"), 400),
    "a chunked body": (changed(b"Host", b"Transfer-Encoding: chunked\r\nHost"), 400),
    "another path": (changed(b"/ws", b"/nothing"), 404),
    "another origin": (changed(b"Host", b"Origin: https://evil.example\r\nHost"), 403),
    "wrong credentials": (changed(b"Host", b"Authorization: Bearer a.b\r\nHost"), 401),
    "no connection header": (changed(b"Connection: Upgrade\r\n", b""), 426),
    "no upgrade header": (changed(b"Upgrade: websocket\r\n", b""), 426),
    "another protocol": (changed(b"Upgrade: websocket", b"Upgrade: h2c"), 426),
}


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_a_bad_handshake_is_refused_like_any_request(quick: Server, request_: bytes, status: int) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(request_)
        said, headers = peer.http_answer()
        assert said == status
        assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS)
        if status == 426:
            assert headers["upgrade"] == "websocket"
            assert headers["sec-websocket-version"] == "13"


ACCEPTED = {
    "as it is": HANDSHAKE,
    "several protocols": changed(b"Upgrade: websocket", b"Upgrade: h2c, websocket"),
    "two upgrade headers": changed(b"Upgrade: websocket", b"Upgrade: h2c\r\nUpgrade: WebSocket"),
    "two connection headers": changed(b"Connection: Upgrade", b"Connection: upgrade\r\nConnection: x"),
    "keep-alive too": changed(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
    "absolute form": changed(b"GET /ws", b"GET http://localhost/ws"),
    "absolute form of a WebSocket": changed(b"GET /ws", b"GET ws://localhost:80/ws"),
    "a length of zero": changed(b"Host", b"Content-Length: 0\r\nHost"),
}


@pytest.mark.parametrize("request_", ACCEPTED.values(), ids=ACCEPTED)
def test_a_good_handshake_is_accepted_in_each_form(quick: Server, request_: bytes) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(request_)
        assert peer.http_answer()[0] == 101
        peer.send(TEXT, PING_REQUEST)
        assert peer.message()["status"] == "pong"


@pytest.mark.parametrize("target", [b"http://localhost/health", b"HTTP://127.0.0.1:1/health?"])
def test_absolute_form_works_for_any_request(quick: Server, target: bytes) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(HEAD % target)
        assert answers(peer, 1) == [200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket2", b"TLS/1.0"])
def test_another_upgrade_is_ignored_with_all_that_follows_it(quick: Server, protocol: bytes) -> None:
    upgrade = b"\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    with RawClient(quick) as peer:
        peer.socket.sendall(
            HEALTH.replace(b"\r\n", upgrade, 1)
            + (BODY % b"/nothing").replace(b"\r\n", upgrade, 1)
            + b"123456789"
            + HEALTH
        )
        assert answers(peer, 3) == [200, 404, 200]


@pytest.mark.parametrize("path", [b"/ws", b"/ws/ticker", b"/ws/echo"])
def test_a_plain_request_for_a_websocket_is_told_what_it_is(quick: Server, path: bytes) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(HEAD % path)
        status, headers = peer.http_answer()
        assert (status, headers["upgrade"]) == (426, "websocket")
        said = msgspec.json.decode(peer.read_exactly(int(headers["content-length"])))
        assert "WebSocket" in said["message"]


def test_a_request_before_a_handshake_is_answered_before_it(quick: Server) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(HEALTH + HEAD % b"/nothing" + HANDSHAKE + frame(TEXT, PING_REQUEST))
        assert answers(peer, 2) == [200, 404]
        assert peer.http_answer()[0] == 101
        assert peer.message()["status"] == "pong"
        peer.send(TEXT, PING_REQUEST)
        assert peer.message()["status"] == "pong"


@pytest.mark.parametrize("size", [20, 5_000, 60_000])
def test_frames_in_the_handshakes_own_packet_are_read(quick: Server, size: int) -> None:
    sent = [PING_REQUEST, PING_REQUEST.ljust(size), PING_REQUEST]
    with RawClient(quick) as peer:
        peer.socket.sendall(HANDSHAKE + b"".join(frame(TEXT, payload) for payload in sent))
        assert peer.http_answer()[0] == 101
        assert [peer.message()["status"] for _ in sent] == ["pong"] * 3
        peer.send(TEXT, PING_REQUEST)
        assert peer.message()["status"] == "pong"


@pytest.mark.parametrize(
    "more", [b"", frame(CLOSE, b""), b"\xff" * 60_000], ids=["alone", "then a close", "then more"]
)
def test_a_bad_frame_in_the_handshakes_own_packet_closes(quick: Server, more: bytes) -> None:
    with RawClient(quick) as peer:
        peer.socket.sendall(HANDSHAKE + frame(TEXT, PING_REQUEST) + frame(3, b"") + more)
        assert peer.http_answer()[0] == 101
        frames, code = peer.until_close()
        assert (len(frames), code) == (1, 1002)
        assert peer.is_closed_by_server()


def test_a_handshake_may_come_byte_by_byte(quick: Server) -> None:
    with RawClient(quick) as peer:
        for byte in HANDSHAKE + frame(TEXT, PING_REQUEST):
            peer.socket.sendall(bytes([byte]))
        assert peer.http_answer()[0] == 101
        assert peer.message()["status"] == "pong"


@pytest.mark.slow
def test_the_same_holds_over_tls(tmp_path: Path) -> None:
    cert, key = certificates.write(tmp_path)
    context = ssl.create_default_context(cafile=str(cert))
    flags = ("--tls-cert", str(cert), "--tls-key", str(key), "--set", "limits.handshake_timeout_s=1")

    @contextmanager
    def connected() -> Iterator[RawClient]:
        with RawClient(server) as peer:
            peer.socket = context.wrap_socket(peer.socket, server_hostname="127.0.0.1")
            yield peer

    with floorwire("--seed", "1", *flags) as server:
        with connected() as peer:
            peer.socket.sendall(HEALTH * 1_000 + HANDSHAKE + frame(TEXT, PING_REQUEST.ljust(5_000)) * 2)
            assert answers(peer, 1_000) == [200] * 1_000
            assert peer.http_answer()[0] == 101
            assert [peer.message()["status"] for _ in range(2)] == ["pong"] * 2
        with connected() as peer:
            peer.socket.sendall(REFUSED["version 8"][0])
            status, headers = peer.http_answer()
            assert (status, headers["strict-transport-security"]) == (426, "max-age=31536000")
        with connected() as peer:
            peer.socket.sendall(HEALTH)
            answers(peer, 1)
            peer.socket.sendall(b"\r\n")
            rest(peer)


# --- what strangers write into the log --------------------------------------------------------------


def test_a_flood_of_bad_requests_is_counted_and_not_logged_one_by_one(quick: Server) -> None:
    bad = [b"BREW / HTTP/1.1\r\n\r\n", REFUSED["version 8"][0], HEALTH.replace(b"Host", b"Host: a\r\nHost")]
    before, lines = metrics(quick), quick.log.count("\n")
    for number in range(150):
        with RawClient(quick) as peer:
            peer.socket.sendall(bad[number % 3])
            rest(peer)
    with RawClient(quick) as peer:
        peer.socket.sendall(HEALTH.replace(b"\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", 1) * 50)
        answers(peer, 50)
    after = metrics(quick)
    for reason in ("bad_http", "bad_version", "repeated_header"):
        name = f'floorwire_refusals_total{{reason="{reason}"}}'
        assert after[name] - before.get(name, 0) == 50
    assert quick.log.count("\n") - lines < 20
    with client(quick) as other:
        assert other.ask("ping")["status"] == "pong"


def test_whoever_leaves_in_the_middle_of_a_body_leaves_nothing_in_the_log(quick: Server) -> None:
    before, lines = quick.sockets(), quick.log.count("\n")
    for method, path in (
        ("POST", "orders"),
        ("PATCH", "orders/x"),
        ("DELETE", "orders"),
        ("POST", "keys"),
        ("POST", "tickets"),
        ("POST", "halts"),
        ("PUT", "limits/x"),
    ):
        head = f"{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        for body in ("Content-Length: 20\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"):
            with RawClient(quick) as peer, RawClient(quick) as other:
                peer.socket.sendall((head + body).encode())
                other.socket.sendall(HEALTH)
                answers(other, 1)  # the app has begun to read the body by now
    assert eventually(lambda: quick.sockets() == before)
    assert quick.log.count("\n") == lines
    assert not [name for name in metrics(quick) if name.startswith("floorwire_faults_total")]

"""What is believed of a request: its host, forwarding headers, repeated headers and trailers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.clients import RawClient
from tests.e2e.sign_in_servers import KeyedServer, keyed_server, until
from tests.servers import Server, scripted

PATHS = (
    "/",
    "/metrics",
    "/openapi.json",
    "/health",
    "/ready",
    "/static/page.js",
    "/nothing",
    "/ws",
    "/api/v1/keys",
)
PROXY, CLIENT = "127.0.0.2", "127.0.0.3"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(scope="module")
def home() -> Iterator[Server]:
    """A server as it comes: for this machine only, without keys."""
    with scripted(per_second=1) as server:
        yield server


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """A server that believes one proxy."""
    folder = tmp_path_factory.mktemp("data")
    with keyed_server(folder, "--seed", "1", "--set", f"doors.trusted_proxies={PROXY}/32") as made:
        yield made


def asked(
    server: Server,
    target: str,
    *lines: str,
    method: str = "GET",
    host: str | None = "localhost",
    more: bytes = b"",
    local: str = "127.0.0.1",
    version: str = "1.1",
) -> tuple[int, dict[str, str]]:
    """Send a request; return its status, and its answer where that is a JSON object."""
    head = [
        f"{method} {target} HTTP/{version}",
        *([f"Host: {host}"] if host is not None else []),
        *lines,
        "",
        "",
    ]
    with RawClient(server, local=local) as peer:
        peer.socket.sendall("\r\n".join(head).encode() + more)
        status, headers = peer.http_answer()
        body = peer.read_exactly(int(headers.get("content-length", "0"))) if status != 101 else b""
        is_json = headers.get("content-type") == "application/json"
        return status, json.loads(body) if is_json else {}


def lines_of(headers: dict[str, str]) -> list[str]:
    """Return the headers as lines."""
    return [f"{name}: {value}" for name, value in headers.items()]


# --- DNS rebinding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "192.0.2.1", ""]
)
@pytest.mark.parametrize("path", PATHS)
def test_at_home_another_host_reads_nothing_on_any_path(home: Server, path: str, host: str) -> None:
    status, said = asked(home, path, host=host)
    assert (status, said["code"]) == (403, "forbidden")
    assert asked(home, path, *lines_of(UPGRADE), host=host)[0] in (403, 404)
    forwarded = asked(home, path, "X-Forwarded-For: 127.0.0.1", host=host)
    assert forwarded[0] == 403, "nor with a header that says that it was passed on"


@pytest.mark.parametrize(
    "host",
    [
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost, evil.example",
        "localhost:evil",
        "127.0.0.1:80:evil.example",
        "127.0.0.1.nip.io",
        "0.0.0.0",
        "2130706433",
        "[::ffff:192.0.2.1]",
        "loc\u00e4lhost",
    ],
)
def test_at_home_what_only_looks_like_a_loopback_name_is_another_host(home: Server, host: str) -> None:
    assert asked(home, "/metrics", host=host)[0] == 403
    assert asked(home, "/ws", *lines_of(UPGRADE), host=host)[0] == 403


def test_the_host_in_the_target_is_the_one_that_counts(home: Server) -> None:
    assert asked(home, "http://evil.example/health")[0] == 403
    assert asked(home, "ftp://evil.example/metrics")[0] == 403, "whatever its scheme"
    assert asked(home, "http://localhost@evil.example/metrics")[0] == 403
    assert asked(home, "http://localhost/health", host="evil.example")[0] == 200
    assert asked(home, "ws://evil.example/ws", *lines_of(UPGRADE))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000"])
def test_at_home_each_loopback_name_is_answered(home: Server, host: str) -> None:
    assert asked(home, "/metrics", host=host)[0] == 200
    assert asked(home, "/ws", *lines_of(UPGRADE), host=host)[0] == 101


# --- forwarding headers -----------------------------------------------------------------------------

FORWARDING = [
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: localhost",
    "Forwarded: for=127.0.0.1",
    "Via: 1.1 proxy",
    "X-Real-IP: ::1",
    "X_Forwarded_For: 127.0.0.1",
    "X-Original-Forwarded-For: 127.0.0.1",
    "DO-Connecting-IP: 127.0.0.1",
    "X-Original-Host: localhost",
    "Proxy-Client-IP: 127.0.0.1",
]
OWN_PATHS = ("/metrics", "/api/v1/tickets", "/api/v1/orders", "/api/v1/keys", "/api/v1/halts")
"""Paths that need a key, except at home for some."""


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("line", FORWARDING)
def test_no_path_takes_a_forwarded_request_for_one_of_this_machine(
    home: Server, line: str, version: str
) -> None:
    for path in OWN_PATHS:
        method = "POST" if path == "/api/v1/tickets" else "GET"
        status, said = asked(home, path, line, method=method, version=version)
        assert (status, said["code"]) in ((401, "unauthenticated"), (403, "forbidden")), path
    assert asked(home, "/metrics", version=version)[0] == 200, "without it"
    for path in ("/health", "/ready", "/openapi.json", "/"):
        assert asked(home, path, line, version=version)[0] == 200, "public"


@pytest.mark.parametrize("path", ["/ws", "/ws/ticker"])
@pytest.mark.parametrize("line", FORWARDING)
def test_no_socket_takes_a_forwarded_handshake_for_one_of_this_machine(
    home: Server, line: str, path: str
) -> None:
    assert asked(home, path, *lines_of(UPGRADE), line, version="1.0")[0] in (400, 426)
    name, _, value = line.partition(": ")
    with RawClient(home) as peer:
        assert peer.handshake(path, **{name: value})[0] == 101
        for request in ("symbols", "subscriptions", "orders"):
            peer.ask(request)
            assert peer.message().get("code", "ok") in ("unauthenticated", "ok")
        peer.ask("subscribe", channel="ticker", symbol="BTC-USDT")
        assert peer.message()["code"] == "unauthenticated"


@pytest.mark.parametrize("line", FORWARDING)
def test_with_a_forwarding_header_we_are_not_at_home(home: Server, line: str) -> None:
    assert asked(home, "/metrics", line)[0] == 401
    origin = f"Origin: http://localhost:{home.port}"
    host = f"localhost:{home.port}"
    status, said = asked(home, "/api/v1/tickets", line, origin, method="POST", host=host)
    assert (status, said["code"]) == (403, "forbidden")
    assert "doors.behind_proxy" in said["message"]
    assert asked(home, "/api/v1/tickets", origin, method="POST", host=host)[0] == 201
    with RawClient(home) as peer:
        name, _, value = line.partition(": ")
        assert peer.handshake("/ws", **{name: value})[0] == 101
        peer.ask("symbols")
        assert peer.message()["code"] == "unauthenticated"


# --- headers that come twice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "twice",
    [
        ("Host: localhost",),
        ("Origin: http://localhost", "Origin: http://localhost"),
        ("Authorization: Bearer a.b", "authorization: Bearer a.b"),
        ("Content-Type: application/json", "Content-Type: text/plain"),
    ],
)
def test_a_header_that_comes_twice_is_refused_alike_on_both(home: Server, twice: tuple[str, ...]) -> None:
    for path in PATHS:
        status, said = asked(home, path, *twice)
        assert (status, said["code"]) == (400, "bad_request")
    assert asked(home, "/ws", *lines_of(UPGRADE), *twice)[0] == 400


def test_a_request_without_a_host_is_refused(home: Server) -> None:
    assert asked(home, "/health", host=None)[0] == 400
    assert asked(home, "/ws", *lines_of(UPGRADE), host=None)[0] == 400


@pytest.mark.parametrize("path", PATHS)
def test_at_home_an_old_request_needs_a_loopback_host_too(home: Server, path: str) -> None:
    for host in (None, "evil.example"):
        status, said = asked(home, path, host=host, version="1.0")
        assert (status, said["code"]) == (403, "forbidden")
    assert asked(home, path, version="1.0")[0] != 403 or path == "/api/v1/keys"


# --- trailers ---------------------------------------------------------------------------------------


def chunked(*trailers: str) -> bytes:
    """Return an empty chunked body with these trailers."""
    return "\r\n".join(["0", *trailers, "", ""]).encode()


async def test_trailers_are_no_headers(proxied: KeyedServer) -> None:
    issued = await proxied.key()
    good = f"Authorization: Bearer {issued.key}.{issued.secret}"
    encoding = "Transfer-Encoding: chunked"

    def ticket(*lines: str, trailers: tuple[str, ...], local: str) -> int:
        body = chunked(*trailers)
        return asked(proxied.server, "/api/v1/tickets", *lines, method="POST", more=body, local=local)[0]

    assert ticket(good, encoding, trailers=(), local=CLIENT) == 201
    assert ticket(encoding, trailers=(good,), local=CLIENT) == 401
    assert ticket(good, encoding, trailers=(good,), local=CLIENT) == 201, "a trailer changes nothing"
    assert ticket(good, encoding, trailers=("Origin: https://evil.example",), local=CLIENT) == 201
    wrong, forwarded = "Authorization: Bearer wrong.wrong", "X-Forwarded-For: 10.9.9.9"
    assert ticket(wrong, encoding, trailers=(forwarded,), local=PROXY) == 401
    assert ticket(wrong, forwarded, encoding, trailers=(), local=PROXY) == 401

    def refused_at() -> list[str]:
        return [line["address"] for line in proxied.audit() if line["event"] == "refused"]

    await until(lambda: refused_at()[-2:] == [PROXY, "10.9.9.9"])

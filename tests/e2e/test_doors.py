"""The doors of a running server, from outside."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import websockets

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from tests.e2e.sign_in_servers import (
    ANONYMOUS,
    PATIENCE_S,
    TRADER,
    KeyedServer,
    admin,
    ask,
    closed,
    keyed_server,
    login,
    now_us,
    until,
)
from tests.storage.rotation import rotate
from tests.web import certificates


@pytest.fixture(scope="module")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """A server as it comes, which others' tests leave as it is."""
    with keyed_server(tmp_path_factory.mktemp("data"), "--seed", "1") as made:
        yield made


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """A server where the market needs a key, and little is allowed of anything."""
    settings = (
        "auth.market=key", "limits.handshake_timeout_s=1", "limits.connections_per_key=3",
        "limits.commands_per_second_per_key=2", "doors.trusted_proxies=127.0.0.2/32",
        "limits.connections_per_address=5",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("data")
    with keyed_server(
        folder, "--seed", "1", *(part for text in settings for part in ("--set", text))
    ) as made:
        yield made


async def test_each_way_in_over_a_real_connection(local_server: KeyedServer) -> None:
    issued = await local_server.key()
    async with local_server.connect(issued) as ws:
        assert (await ask(ws, action="subscribe", channel="ticker", symbol="BTC-USDT"))[
            "status"
        ] == "subscribed"
    async with local_server.connect() as ws:
        request = login(issued)
        said = await ask(ws, **request)
        assert (said["status"], said["account"], said["scopes"]) == ("ok", "alice", ["market", "trade"])
        assert (await ask(ws, **request))["code"] == "bad_signature"
        old = await ask(ws, **login(issued, now_us() - 31_000_000))
        assert (old["code"], old["retry"]) == ("clock_skew", True)
    for path in ("/ws?ticket=wrong", "/ws/ticker?ticket=wrong"):
        async with local_server.connect(path=path, local=ANONYMOUS) as ws:
            assert await closed(ws) == 4500
    for shown in (f"Bearer {issued.key}.wrong", "Basic YTpi"):
        with pytest.raises(websockets.InvalidStatus, match="401"):
            await local_server.connect(headers={"Authorization": shown}, local=ANONYMOUS)


@pytest.mark.parametrize("query", ["tickets=x", "ticket=x&ticket=y", "ticket=x&zzz=1"])
async def test_a_handshake_with_an_unknown_field_is_refused(local_server: KeyedServer, query: str) -> None:
    with pytest.raises(websockets.InvalidStatus, match="400"):
        await local_server.connect(path=f"/ws?{query}", local=ANONYMOUS)


async def test_a_key_made_beside_the_server_signs_in(local_server: KeyedServer) -> None:
    issued = local_server.keys.create(TRADER, {}, now_us())
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with local_server.connect(issued, local="127.0.0.10") as ws:
                    assert (await ask(ws, action="ping"))["status"] == "pong"
                return
            except websockets.InvalidStatus:  # not read yet
                await asyncio.sleep(0.1)


async def test_who_fails_waits_longer_each_time(local_server: KeyedServer) -> None:
    async with local_server.connect(local="127.0.0.8") as ws:
        free = [await ask(ws, action="login", token="wrong") for _ in range(11)]
        assert [said["code"] for said in free] == ["bad_signature"] * 11
        # From here on every failure doubles the wait. What is left of it when we ask depends on this machine;
        # the whole wait is tested with a clock that stands (tests/auth/test_failure_throttle.py).
        for longest_ms in (250, 500, 1_000):
            while (said := await ask(ws, action="login", token="wrong"))["code"] == "rate_limited":
                left_ms = said["retry_after_ms"]
                assert isinstance(left_ms, int)
                assert 0 < left_ms <= longest_ms
                await asyncio.sleep(left_ms / 1000)
            assert said["code"] == "bad_signature"
        said = await ask(ws, action="login", token="wrong")
        left_ms = said["retry_after_ms"]
        assert isinstance(left_ms, int)
        assert 0 < left_ms <= 2_000


async def test_a_key_for_the_market_can_do_nothing_else(local_server: KeyedServer) -> None:
    issued = await local_server.key(Grant("watcher", (Scope.MARKET,)))
    async with local_server.connect(issued) as ws:
        assert (await ask(ws, action="subscribe", channel="ticker", symbol="BTC-USDT"))[
            "status"
        ] == "subscribed"
        for action in ("orders", "fills", "balances", "positions", "order.cancel_all"):
            said = await ask(ws, action=action)
            assert said["code"] in ("forbidden", "unknown_action"), said


async def test_a_narrowed_key_sees_only_its_symbol(local_server: KeyedServer) -> None:
    issued = await local_server.key(Grant("narrow", (Scope.MARKET,), symbols=("BTC-USDT",)))
    async with local_server.connect(issued) as ws:
        said = await ask(ws, action="symbols")
        assert [row["symbol"] for row in said["symbols"]] == ["BTC-USDT"]  # type: ignore[union-attr, index, call-overload]
        for channel in ("ticker", "trades", "book", "candles"):
            said = await ask(ws, action="subscribe", channel=channel, symbol="ETH-USDT")
            assert said["code"] == "forbidden"
            said = await ask(ws, action="subscribe", channel=channel, symbol="BTC-USDT")
            assert said["status"] == "subscribed"


@pytest.mark.parametrize("way", ["bearer", "login"])
async def test_a_revoked_keys_connections_close(local_server: KeyedServer, way: str) -> None:
    issued = await local_server.key()
    async with (
        local_server.connect(issued if way == "bearer" else None) as ws,
        local_server.connect() as other,
    ):
        if way == "login":
            await ask(ws, **login(issued))
        local_server.keys.revoke(issued.key, now_us())
        assert await closed(ws) == 4501
        assert (await ask(other, action="ping"))["status"] == "pong"


async def test_an_expired_keys_connections_close_and_not_before(local_server: KeyedServer) -> None:
    ends_us = now_us() + 1_500_000
    issued = await local_server.key(Grant("brief", (Scope.MARKET,), expires_us=ends_us))
    async with local_server.connect(issued) as ws:
        assert await closed(ws) == 4501
        assert now_us() >= ends_us


async def test_a_rotated_keys_connections_close_and_its_new_secret_signs_in(
    local_server: KeyedServer,
) -> None:
    issued = await local_server.key()
    async with local_server.connect(issued) as ws:
        rotated = rotate(local_server.keys, issued.key)
        assert await closed(ws) == 4501
    async with local_server.connect(rotated) as ws:
        assert (await ask(ws, action="ping"))["status"] == "pong"


async def test_a_page_of_another_site_is_refused(local_server: KeyedServer) -> None:
    host = f"{local_server.server.host}:{local_server.server.port}"
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(websockets.InvalidStatus, match="403"):
            await local_server.connect(headers={"Origin": origin})
    async with local_server.connect(headers={"Origin": f"http://{host}"}):
        pass


async def test_where_the_market_needs_a_key_nobody_sees_it_without(strict: KeyedServer) -> None:
    async with strict.connect() as ws:
        assert (await ask(ws, action="symbols"))["code"] == "unauthenticated"
        said = await ask(ws, action="subscribe", channel="ticker", symbol="BTC-USDT")
        assert said["code"] == "unauthenticated"
        assert (await ask(ws, action="ping"))["status"] == "pong"


async def test_a_key_has_so_many_connections_and_shares_its_commands(strict: KeyedServer) -> None:
    issued = await strict.key()
    connections = [await strict.connect(issued) for _ in range(3)]
    async with strict.connect(issued) as fourth:
        assert await closed(fourth) == 4029
    async with strict.connect() as ws:
        assert (await ask(ws, **login(issued)))["code"] == "rate_limited"
    answered = 0
    while (said := await ask(connections[answered % 3], action="ping"))["status"] == "pong":
        answered += 1
        assert answered < 30, "each connection has commands of its own"
    assert said["code"] == "rate_limited"
    assert answered >= 10
    for ws in connections:
        await ws.close()


@pytest.mark.parametrize(
    ("local", "whose"), [("127.0.0.2", "198.51.100.9"), ("127.0.0.3", "127.0.0.3")], ids=["proxy", "client"]
)
async def test_whose_a_connection_is_a_trusted_proxy_tells(
    strict: KeyedServer, local: str, whose: str
) -> None:
    shown = {"Authorization": "Bearer a.b", "X-Forwarded-For": "1.2.3.4, 198.51.100.9"}
    with pytest.raises(websockets.InvalidStatus, match="401"):
        await strict.connect(headers=shown, local=local)
    await until(lambda: whose in [line["address"] for line in strict.audit()[-1:]])


POST = (
    b"POST /api/v1/%b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\n\r\n{"
)


@pytest.mark.parametrize("slowly", [b"", b"GET /ws HTTP/1.1\r\n", POST % b"keys"])
def test_who_dawdles_is_hung_up_on(strict: KeyedServer, slowly: bytes) -> None:
    assert b"200" not in dawdle(strict, slowly)


DROPS = 200
"""More than a client that gets another second with each byte would need to be seen as one."""


def dawdle(at: KeyedServer, slowly: bytes) -> bytes:
    """Send this and nothing more; return what comes until the server hangs up.

    Raises TimeoutError where it does not.
    """
    with socket.create_connection((at.server.host, at.server.port), timeout=PATIENCE_S) as sock:
        sock.sendall(slowly)
        return b"".join(iter(lambda: sock.recv(4_096), b""))


def test_a_drop_at_a_time_is_no_way_round_it(strict: KeyedServer) -> None:
    with socket.create_connection((strict.server.host, strict.server.port), timeout=PATIENCE_S) as sock:
        for _ in range(DROPS):
            try:
                sock.sendall(b"x")
            except OSError:
                return
            time.sleep(0.1)
    pytest.fail("still open")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"POST /api/v1/keys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    ],
)
def test_heads_and_bodies_have_a_size(strict: KeyedServer, request_: bytes, status: bytes) -> None:
    with socket.create_connection((strict.server.host, strict.server.port), timeout=10) as sock:
        with suppress(OSError):  # the answer may come before all is sent
            for at in range(0, len(request_), 10_000):
                sock.sendall(request_[at : at + 10_000])
                time.sleep(0.05)  # so that the server reads it in pieces
        assert sock.recv(100).split()[1] == status


@pytest.mark.parametrize("path", [b"/", b"/ws", b"/" + b"x" * 20_000])
def test_a_head_that_comes_at_once_has_a_size_too(local_server: KeyedServer, path: bytes) -> None:
    with socket.create_connection((local_server.server.host, local_server.server.port), timeout=10) as sock:
        sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")
        status = b"414" if len(path) > 10_000 else b"431"
        assert b"".join(iter(lambda: sock.recv(4_096), b"")).split()[1] == status


@pytest.mark.parametrize(
    "request_", [b"BREW / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_told_so_like_any_error(local_server: KeyedServer, request_: bytes) -> None:
    with socket.create_connection((local_server.server.host, local_server.server.port), timeout=10) as sock:
        sock.sendall(request_)
        head, _, body = b"".join(iter(lambda: sock.recv(4_096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\ncontent-type: application/json\r\n" in head
    assert b"\r\nx-content-type-options: nosniff\r\n" in head
    said = json.loads(body)
    assert (said["status"], said["code"], said["retry"]) == ("error", "bad_request", False)


def refused(folder: Path, *args: str) -> str:
    """Return what a server says that does not start."""
    command = [sys.executable, "-m", "floorwire", "serve", "--port", "0", "--data", str(folder), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.slow
def test_it_does_not_listen_where_that_would_not_be_safe(tmp_path: Path) -> None:
    said = refused(tmp_path, "--host", "0.0.0.0")
    assert "there are no keys" in said
    assert "--tls-cert" in said
    assert "there are no keys" in refused(tmp_path, "--host", "0.0.0.0", "--behind-proxy")
    admin(tmp_path)
    said = refused(tmp_path, "--host", "0.0.0.0")
    assert "--tls-cert" in said
    assert "there are no keys" not in said


async def test_behind_a_proxy_with_keys_it_does(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--host", "0.0.0.0", "--behind-proxy") as made:
        made.server.host = "127.0.0.1"
        async with made.connect() as ws:
            assert (await ask(ws, action="symbols"))["code"] == "unauthenticated"


async def test_tls_is_on_and_its_certificate_is_read_again(tmp_path: Path) -> None:
    cert, key = certificates.write(tmp_path)
    flags = ("--tls-cert", str(cert), "--tls-key", str(key), "--set", "limits.handshake_timeout_s=1")
    with keyed_server(tmp_path / "data", *flags) as made:
        first = ssl.create_default_context(cafile=str(cert))
        async with made.connect(tls=first) as early:
            await ask(early, action="subscribe", channel="book", symbol="BTC-USDT")
            certificates.write(tmp_path)
            second = ssl.create_default_context(cafile=str(cert))
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        async with made.connect(tls=second) as late:
                            assert (await ask(late, action="ping"))["status"] == "pong"
                        break
                    except ssl.SSLCertVerificationError:
                        await asyncio.sleep(0.1)
            assert (await ask(early, action="ping"))["status"] == "pong"
            with pytest.raises(ssl.SSLCertVerificationError):
                await made.connect(tls=first)
        for slowly in (b"", b"GET / HTTP/1.1\r\n\r\n"):
            assert b"HTTP" not in dawdle(made, slowly)
        cert.write_text("broken")
        await until(lambda: "the earlier one stays" in made.server.log)
        async with made.connect(tls=second) as ws:
            assert (await ask(ws, action="ping"))["status"] == "pong"


async def test_the_record_is_whole_and_tells_no_secret(local_server: KeyedServer) -> None:
    issued = await local_server.key(Grant("recorded", (Scope.MARKET,)))
    async with local_server.connect(issued) as ws:
        await ask(ws, action="subscribe", channel="ticker", symbol="BTC-USDT")
    with pytest.raises(websockets.InvalidStatus):
        await local_server.connect(headers={"Authorization": f"Bearer {issued.secret}"}, local=ANONYMOUS)
    await until(lambda: "refused" in [line["event"] for line in local_server.audit()[-1:]])
    text = (local_server.folder / "audit.jsonl").read_text()
    assert issued.key in text
    assert issued.secret not in text
    assert issued.secret not in local_server.server.log

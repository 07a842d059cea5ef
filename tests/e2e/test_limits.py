"""Limits: what one server, one address and one connection may take, and how the rest is told."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
import pytest

from floorwire.core.codes import CloseCode
from tests.clients import CLOSE, TEXT, RawClient, client, frame, raw
from tests.servers import Server, eventually, scripted

PING_REQUEST = frame(TEXT, b'{"action":"ping"}')


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    """A gateway that allows very little."""
    limits = ("subscriptions=2", "commands_per_second=10", "handshake_timeout_s=0.5")
    with scripted(*(f"limits.{limit}" for limit in limits)) as server:
        yield server


def http(server: Server, path: str) -> int:
    """Return the status of a page."""
    with urllib.request.urlopen(server.http(path), timeout=20) as answer:
        return int(answer.status)


# --- connections ------------------------------------------------------------------------------------


def test_so_many_connections_and_the_next_is_told_why_not() -> None:
    with scripted("limits.connections=3") as server, ExitStack() as open_:
        first, *_ = [open_.enter_context(raw(server)) for _ in range(3)]
        for path in ("/ws", "/ws/ticker"):
            with raw(server, path) as one_too_many:
                assert one_too_many.until_close() == ([], CloseCode.TOO_MANY_CONNECTIONS)
        assert http(server, "/health") == 200, "a full server is no sick one"
        first.send(CLOSE, b"\x03\xe8")
        assert first.is_closed_by_server()
        with client(server) as another:
            assert another.ask("ping")["status"] == "pong"


def test_so_many_connections_from_one_address() -> None:
    with scripted("limits.connections_per_address=2") as server, ExitStack() as open_:
        for _ in range(2):
            open_.enter_context(raw(server))
        with raw(server) as one_too_many:
            assert one_too_many.until_close() == ([], CloseCode.TOO_MANY_CONNECTIONS)
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.2", 0))
            elsewhere.connect((server.host, server.port))
            elsewhere.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert elsewhere.recv(12) == b"HTTP/1.1 200"


def test_so_many_handshakes_a_second() -> None:
    with scripted("limits.handshakes_per_second=1") as server, ExitStack() as open_:
        answers = [open_.enter_context(RawClient(server)).handshake() for _ in range(9)]
        statuses = [status for status, _ in answers]
        assert statuses[:5] == [101] * 5
        assert 503 in statuses
        assert {headers["retry-after"] for status, headers in answers if status == 503} == {"1"}


def test_a_handshake_that_is_never_finished_is_ended(strict: Server) -> None:
    idle = strict.sockets()
    with ExitStack() as open_:
        half_open = [open_.enter_context(RawClient(strict)) for _ in range(2)]
        half_open[0].socket.sendall(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n")
        for each in half_open:
            assert each.socket.recv(1) == b"", "the server was the one who ended it"
        assert eventually(lambda: strict.sockets() <= idle)


def test_a_slow_head_does_not_buy_time(strict: Server) -> None:
    with RawClient(strict) as slow:
        slow.socket.settimeout(0.05)
        slow.socket.sendall(b"GET /ws HTTP/1.1\r\n")
        sent = 0
        while sent < 200:
            try:
                slow.socket.sendall(b"X-%d: 1\r\n" % sent)
                sent += 1
                if slow.socket.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        raise AssertionError("still open after ten seconds")


def test_a_head_that_is_too_large_is_refused(market: Server) -> None:
    with RawClient(market) as peer:
        peer.socket.sendall(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000)
        assert peer.http_answer()[0] == 431
        assert peer.is_closed_by_server()


# --- one connection ---------------------------------------------------------------------------------


def test_so_many_subscriptions(strict: Server) -> None:
    with client(strict) as asking:
        asking.ask("subscribe", channel="trades", symbols=["BTC-USDT", "ETH-USDT"])
        refused = asking.ask("subscribe", channel="trades", symbol="DOGE-USDT")
        assert (refused["code"], refused["details"]) == ("too_many_subscriptions", {"limit": 2, "held": 2})
        asking.ask("unsubscribe", channel="trades", symbol="ETH-USDT")
        assert asking.ask("subscribe", channel="trades", symbol="DOGE-USDT")["status"] == "subscribed"


def test_who_asks_too_fast_is_told_to_wait_and_then_closed(strict: Server) -> None:
    with raw(strict) as hasty:
        hasty.socket.sendall(PING_REQUEST * 100)
        frames, code = hasty.until_close()
        replies = [msgspec.json.decode(each.payload) for each in frames]
        assert [reply["status"] for reply in replies[:20]] == ["pong"] * 20
        refusals = [reply for reply in replies if reply["status"] == "error"]
        assert {reply["code"] for reply in refusals} == {"rate_limited"}
        assert all(0 < reply["retry_after_ms"] <= 1_000 and reply["retry"] for reply in refusals)
        assert code == CloseCode.RATE


def test_who_waits_as_told_goes_on(strict: Server) -> None:
    with client(strict) as asking:
        refused = next(reply for _ in range(100) if (reply := asking.ask("ping"))["status"] == "error")
        assert isinstance(refused["retry_after_ms"], int)
        time.sleep(refused["retry_after_ms"] / 1000)  # what it was told
        assert asking.ask("ping")["status"] == "pong"


def test_one_who_is_too_fast_does_not_slow_others_down(strict: Server) -> None:
    with raw(strict) as hasty, client(strict) as other:
        hasty.socket.sendall(PING_REQUEST * 60)
        assert other.ask("ping")["status"] == "pong"

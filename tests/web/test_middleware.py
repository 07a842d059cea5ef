from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from httpx2 import ASGITransport, AsyncClient
from starlette.testclient import WebSocketDenialResponse
from starlette.types import Message, Receive, Send
from starlette.types import Scope as AsgiScope

from floorwire.auth.grant import Grant
from floorwire.config import DoorSettings, LimitSettings, TlsSettings
from floorwire.core.authorization import Scope
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.stats import Stats
from floorwire.web.head_guard import HeadGuard
from floorwire.web.middleware import RequestGuard
from floorwire.web.security_headers import HEADERS
from tests.web.admin_server import body, open_admin_server


def guarded(timeout_s: float = 5) -> AsyncClient:
    app = FastAPI()

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    async def of_json(body: list[int]) -> int:
        return len(body)

    app.add_middleware(
        RequestGuard, max_bytes=1_000, timeout_s=timeout_s, stalls=LoopStalls(Stats()), over_tls=False
    )
    return AsyncClient(transport=ASGITransport(app), base_url="http://t")


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100


@pytest.mark.parametrize("count", [0, 1, 10])
async def test_a_body_within_its_bounds_passes(count: int) -> None:
    async with guarded() as client:
        assert (await client.post("/size", content=b"x" * count * 100)).json() == count * 100
        assert (await client.post("/size", content=pieces(count))).json() == count * 100


@pytest.mark.parametrize("path", ["/size", "/json"])
async def test_a_larger_one_does_not_whether_it_says_so_or_not(path: str) -> None:
    async with guarded() as client:
        for content in (b"x" * 1_001, pieces(11)):
            answer = await client.post(path, content=content)
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/size", "/json"])
async def test_a_slow_one_does_not(path: str) -> None:
    never = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await never.wait()

    async with guarded(timeout_s=0.05) as client:
        assert (await client.post(path, content=body())).status_code == 408


async def test_a_length_that_is_none_is_no_reason_to_fail() -> None:
    async with guarded() as client:
        answer = await client.post("/size", content=b"", headers={"content-length": "1e3"})
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/keys", "/nothing", "/openapi.json", "/metrics"])
def test_every_answer_has_its_headers(tmp_path: Path, path: str) -> None:
    with open_admin_server(tmp_path).client() as client:
        answer = client.get(path)
        for name in HEADERS:
            assert answer.headers[name]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    with open_admin_server(tmp_path, tls=TlsSettings(cert="c", key="k")).client() as client:
        assert client.get("/health").headers["strict-transport-security"] == "max-age=31536000"


def test_the_apis_pages_load_nothing_from_strangers(tmp_path: Path) -> None:
    with open_admin_server(tmp_path).client() as client:
        assert client.get("/redoc").status_code == 404
        policy = client.get("/docs").headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy


def test_metrics_are_for_monitors_and_admins_where_others_can_reach_us(tmp_path: Path) -> None:
    with open_admin_server(tmp_path / "home").client() as client:
        assert client.get("/metrics").status_code == 200
    at = open_admin_server(tmp_path / "out", doors=DoorSettings(behind_proxy=True))
    bob, watcher = (at.key(Grant("bob", (scope,))) for scope in (Scope.MARKET, Scope.MONITOR))
    with at.client() as client:
        statuses = [
            client.get("/metrics", headers=headers).status_code for headers in ({}, bob, watcher, at.key())
        ]
        assert statuses == [401, 403, 200, 200]
        assert client.get("/health").status_code == 200


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path, limits=LimitSettings(commands_per_second=1))
    root = at.key()
    with at.client() as client:
        answers = [client.get("/api/v1/keys", headers=root) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[-1].headers["retry-after"] == "1"
    assert body(answers[-1])["code"] == "rate_limited"


@pytest.mark.parametrize(("peer", "whose"), [("10.0.0.1", "198.51.100.9"), ("192.0.2.1", "192.0.2.1")])
def test_whose_a_request_is_a_trusted_proxy_tells(tmp_path: Path, peer: str, whose: str) -> None:
    at = open_admin_server(tmp_path, doors=DoorSettings(trusted_proxies=("10.0.0.0/8",)))
    with at.client(peer) as client:
        headers = {"authorization": "Bearer a.b", "x-forwarded-for": "1.2.3.4, 198.51.100.9"}
        assert client.get("/api/v1/keys", headers=headers).status_code == 401
    assert at.audit()[-1]["address"] == whose


def test_under_somebody_elses_server_the_connection_says_whether_we_are_at_home(tmp_path: Path) -> None:
    with open_admin_server(tmp_path).client(base_url="http://192.0.2.1:8000") as client:
        assert client.get("/metrics").status_code == 401
        with client.websocket_connect("ws://192.0.2.1:8000/ws") as ws:
            ws.send_json({"action": "symbols"})
            assert ws.receive_json()["code"] == "unauthenticated"


def test_a_fault_of_ours_has_the_headers_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_admin_server(tmp_path)
    monkeypatch.setattr(at.gateway.hub.market, "feed", lambda _: 1 / 0)
    with at.client() as client:
        answer = client.get("/ready")
    assert (answer.status_code, body(answer)["code"]) == (500, "internal")
    for name in HEADERS:
        assert answer.headers[name]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws", {"origin": "https://evil.example"}, 403),
        ("/ws", {"authorization": "Bearer a.b"}, 401),
        ("/ws", {"host": "evil.example"}, 403),
    ],
)
def test_a_refused_handshake_has_its_headers_behind_any_server(
    tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    with (
        open_admin_server(tmp_path).client() as client,
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(path, headers=headers),
    ):
        pass
    assert refused.value.status_code == status
    for name in HEADERS:
        assert refused.value.headers[name]
    assert ("www-authenticate" in refused.value.headers) is (status == 401)


def test_at_home_behind_any_server_another_host_is_refused(tmp_path: Path) -> None:
    with open_admin_server(tmp_path).client() as client:
        for path in ("/", "/metrics", "/health", "/nothing"):
            answer = client.get(path, headers={"host": "evil.example"})
            assert (answer.status_code, body(answer)["code"]) == (403, "forbidden")
            assert client.get(path, headers={"host": "localhost:1"}).status_code in (200, 404)
        twice = [("host", "127.0.0.1"), ("authorization", "Bearer a.b"), ("authorization", "Bearer a.b")]
        assert client.get("/health", headers=twice).status_code == 400


def test_a_plain_request_for_a_websocket_is_told_so_behind_any_server(tmp_path: Path) -> None:
    with open_admin_server(tmp_path).client() as client:
        for path in ("/ws", "/ws/ticker"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
            assert client.head(path).status_code == 426
            assert client.post(path).status_code == 405
        assert client.get("/ws/echo").status_code == 404, "which is not served"


async def test_trailers_that_another_server_adds_to_the_headers_are_not_seen(tmp_path: Path) -> None:
    headers, seen = [(b"host", b"127.0.0.1")], []

    async def receive() -> Message:
        headers.append((b"authorization", b"Bearer a.b"))  # as uvicorn does at the end of a chunked body
        return {"type": "http.request", "body": b""}

    async def app(scope: AsgiScope, read: Receive, _: Send) -> None:
        await read()
        seen.extend(scope["headers"])

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/", "headers": headers,
        "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5_000),
    }  # fmt: skip
    await HeadGuard(app, open_admin_server(tmp_path).gateway)(scope, receive, send)
    assert seen == [(b"host", b"127.0.0.1")]


async def test_a_body_that_lay_unread_while_the_loop_stood_still_is_read() -> None:
    loop, has_come, taken = asyncio.get_running_loop(), asyncio.Event(), []

    async def receive() -> Message:
        await has_come.wait()
        return {"type": "http.request", "body": b"x"}

    async def app(_: AsgiScope, take: Receive, __: Send) -> None:
        taken.append(await take())

    async def send(_: Message) -> None:
        pass

    guard = RequestGuard(app, 1_000, 0.1, LoopStalls(Stats()), over_tls=False)
    loop.call_later(0.05, time.sleep, 0.5)  # The loop stands still, past the deadline.
    loop.call_later(0.6, has_come.set)  # As a socket, it is read after the timers.
    await guard({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
    assert taken

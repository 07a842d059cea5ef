"""The HTTP protocol on a transport that the test holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from floorwire.app import Gateway
from floorwire.config import DoorSettings, Settings
from floorwire.hub.read_turns import TURN_BYTES
from floorwire.web import create_app
from floorwire.web.http_protocol import (
    HELD_BYTES,
    MOST_HEADERS,
    MOST_URL_BYTES,
    PARSED_BYTES,
    REQUEST_BYTES,
    HttpProtocol,
)
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.request_cutter import RequestCutter
from tests.web.held_transport import HeldTransport

POST = b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[HttpProtocol, HeldTransport]]:
    """A connection of which only this test reads and writes."""
    async with connection(Settings(data=str(tmp_path)), monkeypatch) as made:
        yield made


@asynccontextmanager
async def connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[HttpProtocol, HeldTransport]]:
    """A connection to a gateway with these settings, from 127.0.0.1."""
    monkeypatch.setattr(Gateway, "is_running", True)
    gateway = Gateway(settings, venues=[])
    config = uvicorn.Config(create_app(gateway), ws=PicowsUpgrade, log_config=None, access_log=False)
    config.load()
    protocol, transport = HttpProtocol(gateway, config, ServerState(), {}), HeldTransport()
    protocol.connection_made(transport)
    yield protocol, transport
    protocol.connection_lost(None)
    assert gateway.admission.admitted == 0


async def test_reading_stops_while_a_request_waits(held: tuple[HttpProtocol, HeldTransport]) -> None:
    protocol, transport = held
    protocol.data_received(HEALTH)
    assert transport.is_reading(), "so that a peer that leaves is noticed"
    protocol.data_received(HEALTH * 2)
    assert not transport.is_reading()
    await transport.until(2)
    protocol.data_received(HEALTH[:10])
    await transport.until(3)
    await asyncio.sleep(0)
    assert transport.is_reading()
    protocol.data_received(HEALTH[10:])
    await transport.until(4)
    assert not transport.is_closed


async def test_more_than_is_kept_ends_the_connection_after_the_answer(
    held: tuple[HttpProtocol, HeldTransport],
) -> None:
    protocol, transport = held
    protocol.data_received(HEALTH)
    protocol.data_received(bytes(HELD_BYTES + 1))
    await transport.until(1)
    assert transport.is_closed
    assert b"\r\nconnection: close\r\n" in transport.written


@pytest.mark.parametrize("chunk", [b"x", b"fffffffffffffffff\r\n"])
async def test_a_body_that_is_no_http_is_refused_once(
    held: tuple[HttpProtocol, HeldTransport], chunk: bytes
) -> None:
    protocol, transport = held
    head = b"POST /api/v1/keys HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    protocol.data_received(HEALTH)
    await transport.until(1)
    protocol.data_received(head)
    await asyncio.sleep(0.05)
    protocol.data_received(chunk)
    await asyncio.sleep(0.05)
    assert transport.written.count(b"HTTP/1.1 400 ") == 1
    assert transport.written.count(b"HTTP/1.1 ") == 2
    assert transport.is_closed


@pytest.mark.parametrize(
    "bad", [b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
async def test_what_we_do_not_speak_is_refused_after_another_request(
    held: tuple[HttpProtocol, HeldTransport], bad: bytes
) -> None:
    protocol, transport = held
    protocol.data_received(HEALTH)
    await transport.until(1)
    protocol.data_received(bad)
    assert b"HTTP/1.1 400 " in transport.written
    assert transport.is_closed


async def test_handshakes_of_one_address_share_its_turn(
    held: tuple[HttpProtocol, HeldTransport],
) -> None:
    protocol, transport = held
    share = protocol._gateway.hub.reads.share("127.0.0.1")
    while share.allow(REQUEST_BYTES):
        pass
    protocol.data_received(HEALTH)
    assert not transport.is_reading(), "what came waits for the address's next turn"
    await transport.until(1)
    await asyncio.sleep(0)
    assert transport.is_reading()


async def test_connections_of_a_trusted_proxy_share_a_turn_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 handshakes that came through a proxy at the same moment were all answered in one turn."""
    settings = Settings(data=str(tmp_path), doors=DoorSettings(trusted_proxies=("127.0.0.1",)))
    async with connection(settings, monkeypatch) as (protocol, transport):
        share = protocol._gateway.hub.reads.share("127.0.0.1")
        while share.allow(REQUEST_BYTES):
            pass
        protocol.data_received(HEALTH)
        assert not transport.is_reading(), "what came waits for the proxy's next turn"
        await transport.until(1)


async def test_a_connection_that_was_discarded_while_it_waited_is_left_alone(
    held: tuple[HttpProtocol, HeldTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop raises where it is to be read on, and does not say that it is closing."""
    protocol, transport = held
    share = protocol._gateway.hub.reads.share("127.0.0.1")
    while share.allow(REQUEST_BYTES):
        pass
    protocol.data_received(HEALTH)

    def resume_reading() -> None:
        raise RuntimeError("the handler is closed")

    monkeypatch.setattr(transport, "resume_reading", resume_reading)
    protocol.discard("dropped")
    assert protocol not in protocol.connections
    assert len(share.waiting) == 1
    share.waiting.popleft()()
    assert transport.written == b""


@pytest.mark.parametrize("part", [HEALTH[:20], POST + b"{"], ids=["half a head", "half a body"])
async def test_half_a_request_gets_503_when_the_server_ends(
    held: tuple[HttpProtocol, HeldTransport], part: bytes
) -> None:
    protocol, transport = held
    protocol.data_received(part)
    await asyncio.sleep(0.01)
    protocol.shutdown()
    assert transport.written.startswith(b"HTTP/1.1 503 ")
    assert transport.is_closed
    async with asyncio.timeout(10):
        while protocol.tasks:
            await asyncio.sleep(0)


async def test_who_waits_for_an_answer_gets_it_when_the_server_ends(
    held: tuple[HttpProtocol, HeldTransport],
) -> None:
    protocol, transport = held
    protocol.data_received(HEALTH)
    protocol.shutdown()
    await transport.until(1)
    assert transport.written.startswith(b"HTTP/1.1 200 ")
    assert transport.is_closed


# --- what costs the parser --------------------------------------------------------------------------


async def test_a_body_of_tiny_chunks_is_parsed_a_bounded_part_at_a_time(
    held: tuple[HttpProtocol, HeldTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser calls for each chunk: a read of 256 KB took 22 ms in one go."""
    protocol, transport = held
    parsed, next_piece = 0, RequestCutter.next_piece

    def counted(self: RequestCutter, most: int) -> bytes:
        nonlocal parsed
        piece = next_piece(self, most)
        parsed += len(piece)
        return piece

    monkeypatch.setattr(RequestCutter, "next_piece", counted)
    protocol.data_received(POST.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked"))
    parsed = 0
    protocol.data_received(b"1\r\nx\r\n" * 40_000)
    most_in_a_turn = parsed
    assert 0 < parsed <= PARSED_BYTES
    assert not transport.is_reading()
    while parsed < 10 * TURN_BYTES:
        before = parsed
        await asyncio.sleep(0)
        most_in_a_turn = max(most_in_a_turn, parsed - before)
    assert most_in_a_turn <= TURN_BYTES + PARSED_BYTES


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (b"GET /health?" + b"a" * MOST_URL_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (HEALTH[:-2] + b"a:\r\n" * MOST_HEADERS + b"\r\n", 431),
        (HEALTH[:-2] + b"a:\r\n" * (MOST_HEADERS - 1) + b"\r\n", 200),
        (HEALTH[:-2] + b"Cookie: a=b\r\n" * 200 + b"\r\n", 200),
    ],
    ids=["a long target", "many headers", "as many as may be", "cookies"],
)
async def test_a_head_that_costs_much_is_refused(
    held: tuple[HttpProtocol, HeldTransport], request_of: bytes, status: int
) -> None:
    protocol, transport = held
    protocol.data_received(request_of)
    async with asyncio.timeout(10):
        while not transport.written:
            await asyncio.sleep(0)
    assert transport.written.startswith(b"HTTP/1.1 %d " % status)


async def test_the_app_sees_no_cookies(held: tuple[HttpProtocol, HeldTransport]) -> None:
    protocol, transport = held
    protocol.data_received(HEALTH[:-2] + b"COOKIE: a=b\r\n\r\n")
    assert protocol.scope["headers"] == [(b"host", b"localhost")]
    await transport.until(1)

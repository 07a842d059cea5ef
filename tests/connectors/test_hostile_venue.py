"""A venue that attacks its clients: one fault costs one link or one request, and bounded memory."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

import httpcore2
import pytest

from floorwire.connectors import http_requests, websocket_connection
from floorwire.connectors.http_requests import HttpRequests
from floorwire.core.ports import Open
from tests.connectors.harness import DIRECT, connected
from tests.connectors.local_venue import Serve, answering, tcp_venue

GZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A block of deflate with nothing in it (RFC 1951 3.2.4)."""


def endless(head: bytes, more: bytes) -> Serve:
    """Return a handler that answers with ``head``, and with ``more`` again and again."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        with suppress(OSError):
            while True:
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)

    return handle


def upgraded(data: bytes, *, is_endless: bool = False) -> Serve:
    """Return a handler that accepts a WebSocket and sends these bytes. It reads nothing more."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        (line,) = (line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        digest = hashlib.sha1(line.split(b":")[1].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n" + data
        )
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        while is_endless:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(60)

    return handle


@pytest.mark.parametrize(
    "answer",
    [
        endless(GZIPPED + gzip.compress(b"{}"), b"x" * 4_096),
        endless(GZIPPED + gzip.compress(b"{}", 0)[:10], EMPTY_BLOCK * 800),
        endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 4_000 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4_096),
        endless(b"HTTP/1.1 200 ", b"9" * 4_096),
    ],
    ids=["after the gzip", "empty blocks", "headers", "body", "status line"],
)
async def test_an_answer_without_an_end_is_left_soon(answer: Serve) -> None:
    """Soon, and not when its time is over: it would fill memory, or the CPU, until then."""
    requests = HttpRequests(DIRECT, max_bytes=100_000)
    async with tcp_venue(answer) as port:
        got = await requests.send(f"http://127.0.0.1:{port}/", 20)
    assert (got.status, got.body) == (0, b"")
    assert got.reason != "no answer in time"
    await requests.close()


async def test_an_answer_that_goes_on_after_its_end_is_none() -> None:
    packed = GZIPPED + gzip.compress(b"{}")
    requests = HttpRequests(DIRECT)
    for more, status in ((b"", 200), (b"?", 0), (gzip.compress(b"{}"), 0)):
        async with tcp_venue(answering(packed + more)) as port:
            assert (await requests.send(f"http://127.0.0.1:{port}/", 20)).status == status
    await requests.close()


async def test_a_bomb_is_unpacked_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_requests, "UNPACKED_STEP_BYTES", 1_000)

    class Response:
        async def aiter_stream(self) -> AsyncIterator[bytes]:
            yield gzip.compress(bytes(50_000))

    response = cast(httpcore2.Response, Response())
    parts = [part async for part in http_requests._unpacked(response, 100_000)]
    assert max(map(len, parts)) == 1_000
    assert sum(map(len, parts)) == 50_000


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"HTTP/1.1 101 X\r\nX-More: ", "exceed"),
        (b"HTTP/1.1 ", "exceed"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 99999999999999\r\n\r\n", "refused: HTTP 403"),
        (b"HTTP/1.1 307 Go\r\nLocation: ws://[::1\r\n\r\n", "refused: HTTP 307"),
        (b"HTTP/1.1 \xff\xfe\r\nA\xe9\r\n\r\n", ""),
        (b"SSH-2.0-evil\r\n\r\n", "unknown protocol"),
    ],
)
async def test_a_handshake_without_an_end_or_sense_costs_the_link(head: bytes, reason: str) -> None:
    async with tcp_venue(endless(head, b"z" * 4_096)) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}/"))
        await inputs.until(inputs.reasons)
        assert reason in inputs.reasons()[0]
        assert len(inputs.reasons()[0]) <= websocket_connection.MAX_REASON


@pytest.mark.parametrize(
    "data",
    [
        b"\x82\x7f" + struct.pack("!Q", 2**62),
        b"\x82\x7f" + struct.pack("!Q", 2**64 - 1),
        b"\xc1\x07\x4a\x4c\x4a\x06\x00\x00\x00",
        b"\x83\x00",
        b"\x81\x02\xff\xfe",
        b"\x09\x00",
        b"\x88\x01\x03",
        b"\x88\x02\x00\x00",
        b"\x88\x09\x03\xe8\x1b[2J\x07ab",
        b"\x01\x00" + b"\x00\x00" * 30_000,
    ],
    ids=[
        "2^62",
        "2^64-1",
        "deflate",
        "opcode 3",
        "utf-8",
        "fin",
        "close 1",
        "close 0",
        "escapes",
        "fragments",
    ],
)
async def test_a_bad_frame_costs_the_link(data: bytes) -> None:
    async with tcp_venue(upgraded(data)) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}/"))
        await inputs.until(inputs.reasons)
        assert (inputs.opened(), inputs.frames()) == (1, [])


async def test_who_sends_pings_and_reads_no_pongs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_connection, "MAX_UNSENT_BYTES", 50_000)
    pings = (b"\x89\x7d" + b"p" * 125) * 500
    async with tcp_venue(upgraded(pings, is_endless=True)) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}/"))
        await inputs.until(inputs.reasons)
        assert inputs.reasons() == ["the venue does not read"]

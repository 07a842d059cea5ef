"""Requests: every fault is an answer with status 0, within its time and size."""

from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from floorwire.connectors import venue_connector
from floorwire.connectors.http_requests import HttpRequests
from floorwire.connectors.network_route import NetworkRoute
from floorwire.core.ports import Answer, Fetch
from tests.connectors.harness import DIRECT, connected
from tests.connectors.local_venue import Serve, answering, connect_proxy, http, silent, tcp_venue

LIST = b'{"symbols":[' + b'{"symbol":"BTCUSDT"},' * 500_000 + b"{}]}"


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    with suppress(OSError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)


async def test_the_answer_has_status_body_and_headers() -> None:
    async with tcp_venue(answering(http("200 OK", b"{}", "X-Weight: 20"))) as port:
        requests = HttpRequests(DIRECT)
        answer = await requests.send(f"http://127.0.0.1:{port}/list?a=b", 10)
        await requests.close()
    assert (answer.status, answer.body) == (200, b"{}")
    assert ("x-weight", "20") in answer.headers


async def test_a_list_of_ten_megabytes_packed_and_not() -> None:
    packed = gzip.compress(LIST, 1)
    for answer in (http("200 OK", LIST), http("200 OK", packed, "Content-Encoding: gzip")):
        async with tcp_venue(answering(answer)) as port, connected() as inputs:
            url = f"http://127.0.0.1:{port}/list"
            inputs.connector.carry_out(Fetch(7, url))
            await inputs.until(inputs.answers)
            [got] = inputs.answers()
            assert (got.request, got.status, got.body) == (7, 200, LIST)
            assert inputs.connector.traffic.answers == {"2xx": 1}


@pytest.mark.parametrize(
    "answer",
    [
        answering(http("200 OK", b"x" * 2_000)),
        answering(http("200 OK", gzip.compress(b"x" * 1_000_000), "Content-Encoding: gzip")),
        answering(http("200 OK", b"no gzip", "Content-Encoding: gzip")),
        answering(http("200 OK", gzip.compress(b"x" * 900)[:-9], "Content-Encoding: gzip")),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfew"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        answering(b"\x00\x01garbage\r\n\r\n"),
        answering(b""),
        silent,
        dripping,
    ],
)
async def test_what_is_too_large_too_slow_or_broken_is_no_answer(answer: Serve) -> None:
    requests = HttpRequests(DIRECT, max_bytes=1_000)
    async with tcp_venue(answer) as port:
        got = await requests.send(f"http://127.0.0.1:{port}/", 0.1)
    assert (got.status, got.body) == (0, b"")
    assert got.reason
    await requests.close()


@pytest.mark.parametrize("status", ["302 Found", "418 I'm a teapot", "429 Too Many Requests", "503 Busy"])
async def test_redirects_and_refusals_are_answers(status: str) -> None:
    answer = http(status, b"wait", "Retry-After: 7", "Location: http://127.0.0.1:1/")
    async with tcp_venue(answering(answer)) as port, connected() as inputs:
        inputs.connector.carry_out(Fetch(1, f"http://127.0.0.1:{port}/"))
        await inputs.until(inputs.answers)
        [got] = inputs.answers()
        assert (got.status, got.body) == (int(status[:3]), b"wait")
        assert ("retry-after", "7") in got.headers
        outcome = status[:3] if status[:3] in ("418", "429") else f"{status[0]}xx"
        assert inputs.connector.traffic.answers == {outcome: 1}


async def test_a_request_has_its_method_headers_and_body_and_is_sent_once() -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(2 if b"Content-Length: 2" in head else 0))
        if b"/lost" in head:
            writer.close()
            return
        writer.write(http("200 OK", b"{}"))
        await writer.drain()

    async with tcp_venue(note) as port, connected() as inputs:
        place = f"http://127.0.0.1:{port}"
        inputs.connector.carry_out(Fetch(1, f"{place}/o", "POST", (("X-KEY", "k"),), b"{}"))
        await inputs.until(lambda: len(inputs.answers()) == 1)
        inputs.connector.carry_out(Fetch(2, f"{place}/lost?a=b", "DELETE"))
        await inputs.until(lambda: len(inputs.answers()) == 2)
        inputs.connector.carry_out(Fetch(3, f"{place}/list"))
        await inputs.until(lambda: len(inputs.answers()) == 3)
    assert [(got.request, got.status) for got in inputs.answers()] == [(1, 200), (2, 0), (3, 200)]
    assert [head.split(b"\r\n", 1)[0] for head in seen] == [
        b"POST /o HTTP/1.1",
        b"DELETE /lost?a=b HTTP/1.1",
        b"GET /list HTTP/1.1",
    ]
    assert b"X-KEY: k\r\n" in seen[0]
    assert seen[0].endswith(b"\r\n\r\n{}")
    assert b"content-length" not in seen[2].lower()


async def test_a_failed_request_names_the_address_that_was_asked() -> None:
    route = NetworkRoute(None, "http://127.0.0.1:9/moved", None, {})
    with capture_logs() as logs:
        async with connected(route) as inputs:
            inputs.connector.carry_out(Fetch(1, "https://api.example.com/v1/time?signature=x"))
            await inputs.until(inputs.answers)
    [url] = [line["url"] for line in logs if line["event"] == "request failed"]
    assert url == "http://127.0.0.1:9/moved/v1/time"


async def test_what_a_failed_request_says_has_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    async with tcp_venue(answering(http("403 No", b"quotes hidden"))) as port, connected() as inputs:
        url = f"http://127.0.0.1:{port}/o?signature=hidden"
        inputs.connector.carry_out(Fetch(1, url, "POST", (("X-KEY", "hidden"),), b"hidden"))
        inputs.connector.carry_out(Fetch(2, url, "POST", (("X-KEY", "hidden\n"),), b"hidden"))
        await inputs.until(lambda: len(inputs.answers()) == 2)
    said = capsys.readouterr()
    assert "request failed" in said.out + said.err
    assert "hidden" not in said.out + said.err
    requests = HttpRequests(DIRECT)
    answer = await requests.send("http://127.0.0.1:1/", 5, headers=(("X-KEY", "hidden\n"),))
    assert answer.status == 0
    assert "hidden" not in answer.reason
    await requests.close()


async def test_nobody_listens_or_the_address_is_none() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    requests = HttpRequests(DIRECT)
    for url in (f"http://127.0.0.1:{port}/", "ftp://127.0.0.1/", "nothing", f"https://127.0.0.1:{port}/"):
        assert (await requests.send(url, 5)).status == 0
    await requests.close()


async def test_only_so_many_requests_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_connector, "MAX_REQUESTS", 3)
    async with tcp_venue(silent) as port, connected() as inputs:
        for number in range(4):
            inputs.connector.carry_out(Fetch(number, f"http://127.0.0.1:{port}/", timeout_us=100_000))
        assert inputs.answers() == [Answer(3, 0, b"")]
        await inputs.until(lambda: len(inputs.answers()) == 4)
        assert {answer.status for answer in inputs.answers()} == {0}


async def test_a_proxy_a_source_address_and_another_place() -> None:
    seen: list[str] = []
    async with tcp_venue(connect_proxy(seen, http("200 OK", b"by the proxy"))) as port:
        requests = HttpRequests(NetworkRoute(proxies={"http": f"http://me:secret@127.0.0.1:{port}"}))
        answer = await requests.send("http://exchange.example/list", 5)
        assert answer.body == b"by the proxy"
        assert seen[0].startswith("GET http://exchange.example/list HTTP/1.1")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in seen[0]
        await requests.close()
    hosts: list[str] = []

    async def where(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hosts.append(writer.get_extra_info("peername")[0])
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(http("200 OK", head.split()[1].encode()))
        await writer.drain()

    async with tcp_venue(where) as port:
        route = NetworkRoute(None, f"http://127.0.0.1:{port}/binance/", "127.0.0.2", {})
        requests = HttpRequests(route)
        answer = await requests.send("https://api.exchange.example/api/v3/list?x=1", 5)
        assert (answer.body, hosts) == (b"/binance/api/v3/list?x=1", ["127.0.0.2"])
        await requests.close()

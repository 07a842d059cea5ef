"""Links: each fault costs one connection, and nothing of an old one comes after its end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from floorwire.connectors import venue_connector, websocket_connection
from floorwire.connectors.network_route import NetworkRoute
from floorwire.core.ports import Close, Closed, Fetch, Open, Opened, Send
from tests.connectors.harness import connected
from tests.connectors.local_venue import answering, connect_proxy, http, silent, tcp_venue, websocket_venue
from tests.web import certificates


async def echo(peer: ServerConnection) -> None:
    async for message in peer:
        await peer.send(message)


async def greet(peer: ServerConnection) -> None:
    await peer.send("hello")
    await peer.wait_closed()


async def test_a_link_opens_carries_messages_and_closes_when_asked() -> None:
    async with websocket_venue(echo) as url, connected() as inputs:
        inputs.connector.carry_out(Send("a", "to nobody"))
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.opened)
        inputs.connector.carry_out(Send("a", "one"))
        await inputs.until(inputs.frames)
        inputs.connector.carry_out(Send("a", "two"))
        inputs.connector.carry_out(Close("a", "silent"))
        assert inputs.all[-1] == Closed("a", "silent")
        await asyncio.sleep(0.02)
        assert inputs.frames() == ["one"]
        assert inputs.reasons() == ["silent"]
        link = inputs.connector.traffic.links["a"]
        assert (link.opened, link.frames, link.bytes, link.state) == (1, 1, 3, "down")
        assert link.last_reason == "silent"


async def test_what_waited_of_a_closed_or_replaced_link_is_never_delivered() -> None:
    async def count(peer: ServerConnection) -> None:
        path = peer.request.path if peer.request is not None else ""
        for number in range(5):
            await peer.send(f"{path} {number}")
        await peer.wait_closed()

    async with websocket_venue(count) as url, connected() as inputs:
        inputs.is_reading = False
        inputs.connector.carry_out(Open("a", f"{url}/first"))
        await inputs.until(lambda: inputs.connector.traffic.link("a").frames == 5)
        inputs.connector.carry_out(Close("a", "age"))
        inputs.connector.carry_out(Open("a", f"{url}/second"))
        await inputs.until(lambda: inputs.connector.traffic.link("a").frames == 10)
        inputs.is_reading = True
        inputs.read()
        assert inputs.all[0] == Opened("a")
        assert inputs.frames() == [f"/second {number}" for number in range(5)]
        inputs.connector.carry_out(Open("a", f"{url}/third"))  # without Close: the old one ends
        await inputs.until(lambda: len(inputs.frames()) == 10)
        assert inputs.reasons() == []


async def test_an_end_that_was_not_asked_for_is_told_once_with_its_reason() -> None:
    async def leave(peer: ServerConnection) -> None:
        await peer.close(4009, "maintenance")

    async with websocket_venue(leave) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.reasons)
        assert inputs.all == [Opened("a"), Closed("a", "closed by the venue: 4009 maintenance")]
        inputs.connector.carry_out(Close("a", "again"))
        assert inputs.reasons()[1:] == ["again"]


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}"))
        await inputs.until(inputs.reasons)
    assert inputs.reasons() == ["nothing listens there"]


async def test_an_address_that_is_none_costs_that_link() -> None:
    async with websocket_venue(greet) as url, connected() as inputs:
        inputs.connector.carry_out(Open("b", "wss:///nowhere"))
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(lambda: inputs.reasons() and inputs.frames())


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "429 Too Many Requests", "200 OK"])
async def test_a_handshake_that_is_refused(status: str) -> None:
    answer = http(status, b"no", "Location: ws://127.0.0.1:1/elsewhere", "Retry-After: 7")
    async with tcp_venue(answering(answer)) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}"))
        await inputs.until(inputs.reasons)
        assert inputs.reasons() == [f"refused: HTTP {status[:3]}"]
        [closed] = inputs.all
        assert isinstance(closed, Closed)
        assert closed.status == int(status[:3])
        assert ("retry-after", "7") in closed.headers


async def test_a_venue_that_never_answers_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_connection, "OPEN_TIMEOUT_S", 0.05)
    async with tcp_venue(silent) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"ws://127.0.0.1:{port}"))
        await inputs.until(inputs.reasons)
        assert inputs.all == [Closed("a", "no answer in time")]


async def test_a_reset_in_a_frame() -> None:
    async def cut(peer: ServerConnection) -> None:
        peer.transport.write(b"\x81\x7e\x10\x00half")
        sock = peer.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.sleep(0.01)
        peer.transport.abort()

    async with websocket_venue(cut) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.reasons)
        assert inputs.all == [Opened("a"), Closed("a", "cut")]


async def test_a_message_that_is_too_large_costs_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_connection, "MAX_MESSAGE_BYTES", 1000)

    async def flood(peer: ServerConnection) -> None:
        await peer.send("small")
        path = peer.request.path if peer.request is not None else ""
        await peer.send("x" * 1001 if path == "/whole" else ["x" * 600, "y" * 600])
        await peer.wait_closed()

    async with websocket_venue(flood) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", f"{url}/whole"))
        inputs.connector.carry_out(Open("b", f"{url}/pieces"))
        await inputs.until(lambda: len(inputs.reasons()) == 2)
        assert inputs.frames("b") == ["small"]
        assert "broke RFC 6455: more than 1000 bytes" in inputs.reasons()


async def test_a_message_in_pieces_is_one() -> None:
    async def pieces(peer: ServerConnection) -> None:
        await peer.send(["one ", "message"])
        await peer.wait_closed()

    async with websocket_venue(pieces) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.frames)
        assert inputs.frames() == ["one message"]


async def test_a_link_without_a_pong_is_half_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_connection, "PING_IDLE_S", 0.02)
    monkeypatch.setattr(websocket_connection, "PONG_WITHIN_S", 0.02)

    done = asyncio.Event()

    async def deaf(peer: ServerConnection) -> None:
        peer.transport.pause_reading()
        await done.wait()

    async with websocket_venue(deaf) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.reasons)
        done.set()


async def test_who_is_not_read_has_to_wait_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_connector, "MAX_UNREAD_BYTES", 100_000)
    sent = 0

    async def flood(peer: ServerConnection) -> None:
        nonlocal sent
        for number in range(5_000):
            await peer.send(f"{number} {'x' * 2_000}")
            sent += 1
        await peer.wait_closed()

    async with websocket_venue(flood) as url, connected() as inputs:
        inputs.is_reading = False
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(lambda: inputs.connector.traffic.link("a").paused)
        await asyncio.sleep(0.05)
        assert inputs.connector.traffic.link("a").frames < 4_000
        assert sent < 5_000
        inputs.is_reading = True
        inputs.read()
        await inputs.until(lambda: len(inputs.frames()) == 5_000)
        assert [frame.split()[0] for frame in inputs.frames()] == list(map(str, range(5_000)))


async def test_a_venue_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_connection, "MAX_UNSENT_BYTES", 100_000)

    done = asyncio.Event()

    async def deaf(peer: ServerConnection) -> None:
        peer.transport.pause_reading()
        await done.wait()

    async with websocket_venue(deaf) as url, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.opened)
        for _ in range(200):
            inputs.connector.carry_out(Send("a", "x" * 100_000))
        await inputs.until(inputs.reasons)
        assert inputs.reasons() == ["the venue does not read"]
        done.set()


async def test_certificates_are_verified(tmp_path: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificates.write(tmp_path))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    async with websocket_venue(greet, server) as url:
        async with connected() as inputs:
            inputs.connector.carry_out(Open("a", url))
            await inputs.until(inputs.reasons)
            assert inputs.reasons()[0].startswith("TLS: ")
        async with connected(NetworkRoute(proxies={}, tls=trusting)) as inputs:
            inputs.connector.carry_out(Open("a", url))
            await inputs.until(inputs.frames)


async def test_a_proxy_is_used_unless_the_host_needs_none() -> None:
    seen: list[str] = []
    async with websocket_venue(greet) as url, tcp_venue(connect_proxy(seen)) as port:
        route = NetworkRoute(proxies={"http": f"http://me:secret@127.0.0.1:{port}"})
        async with connected(route) as inputs:
            inputs.connector.carry_out(Open("a", url))
            await inputs.until(inputs.frames)
        assert f"CONNECT {url.removeprefix('ws://')} " in seen[0]
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in seen[0]
        async with connected(
            NetworkRoute(proxies={"http": f"127.0.0.1:{port}", "no": "127.0.0.1"})
        ) as inputs:
            inputs.connector.carry_out(Open("a", url))
            await inputs.until(inputs.frames)
        assert len(seen) == 1


async def test_a_proxy_that_refuses_costs_the_link() -> None:
    refusing = connect_proxy([], http("407 Proxy Authentication Required"))
    async with tcp_venue(refusing) as port:
        route = NetworkRoute(proxies={"all": f"http://127.0.0.1:{port}"})
        async with connected(route) as inputs:
            inputs.connector.carry_out(Open("a", "ws://127.0.0.1:9"))
            await inputs.until(inputs.reasons)
            assert inputs.reasons() == ["proxy: HTTP proxy rejected connection with status 407"]


async def test_the_source_address() -> None:
    async def where(peer: ServerConnection) -> None:
        await peer.send(peer.remote_address[0])
        await peer.wait_closed()

    async with websocket_venue(where) as url, connected(NetworkRoute(None, None, "127.0.0.2", {})) as inputs:
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(inputs.frames)
        assert inputs.frames() == ["127.0.0.2"]


async def test_a_reset_forgets_all_of_before() -> None:
    async with websocket_venue(greet) as url, tcp_venue(silent) as port, connected() as inputs:
        inputs.connector.carry_out(Open("a", url))
        inputs.connector.carry_out(Fetch(1, f"http://127.0.0.1:{port}/"))
        await inputs.until(inputs.frames)
        inputs.is_reading = False
        inputs.connector.carry_out(Close("a", "age"))
        inputs.connector.reset()
        inputs.is_reading = True
        inputs.read()
        await asyncio.sleep(0.02)
        assert inputs.reasons() == []
        inputs.connector.carry_out(Open("a", url))
        await inputs.until(lambda: inputs.opened() == 2)
        assert inputs.connector.traffic.requests_under_way == 0

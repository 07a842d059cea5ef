"""Logins and tickets that are shown again: at once, in another spelling, on another wire, from elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.request import Request, urlopen

import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.core.codes import CloseCode
from floorwire.storage.key_store import Issued
from tests.clients import RawClient
from tests.e2e.sign_in_servers import KeyedServer, ask, closed, keyed_server, login

NEIGHBOURS = 20
ELSEWHERE = "127.0.0.77"
REFUSED = "bad_signature"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    """A server where market data needs a key."""
    folder = tmp_path_factory.mktemp("data")
    with keyed_server(folder, "--seed", "1", "--set", "auth.market=key") as server:
        yield server


def ticket_of(made: KeyedServer, issued: Issued) -> str:
    """Return a new ticket of the key."""
    headers = {"authorization": f"Bearer {issued.key}.{issued.secret}"}
    with urlopen(Request(made.server.http("/api/v1/tickets"), b"", headers), timeout=30) as answer:
        ticket: str = json.load(answer)["ticket"]
        return ticket


async def is_signed_in(ws: ClientConnection) -> bool:
    """Return whether the connection may see the market."""
    return (await ask(ws, action="symbols"))["status"] == "ok"


async def test_of_many_who_show_a_login_at_the_same_moment_one_signs_in(made: KeyedServer) -> None:
    issued = await made.key()
    used = login(issued)
    peers = [await made.connect() for _ in range(NEIGHBOURS)]
    said = await asyncio.gather(*(ask(peer, **used) for peer in peers))
    assert sum(answer["status"] == "ok" for answer in said) == 1
    for peer in peers:
        await peer.close()


async def test_a_signature_in_capitals_is_the_same_login(made: KeyedServer) -> None:
    issued = await made.key()
    for first, second in ((str.lower, str.upper), (str.upper, str.lower)):
        used = login(issued)
        signature = str(used["signature"])
        async with made.connect() as ws:
            assert (await ask(ws, **{**used, "signature": first(signature)}))["status"] == "ok"
        async with made.connect(local=ELSEWHERE) as ws:
            assert (await ask(ws, **{**used, "signature": second(signature)}))["code"] == REFUSED


async def test_a_login_in_messagepack_is_used_for_json_too(made: KeyedServer) -> None:
    issued = await made.key()
    used = login(issued)
    packed = websockets.connect(
        made.server.ws("/ws"), subprotocols=[Subprotocol("floorwire.v1.msgpack")], compression=None
    )
    async with packed as ws:
        await ws.send(msgspec.msgpack.encode({"id": 1, **used}))
        answer = await ws.recv()
        assert isinstance(answer, bytes)
        assert msgspec.msgpack.decode(answer)["status"] == "ok"
    async with made.connect() as ws:
        assert (await ask(ws, **used))["code"] == REFUSED


async def test_a_ticket_is_used_once_in_any_spelling(made: KeyedServer) -> None:
    ticket = await asyncio.to_thread(ticket_of, made, await made.key())
    coded = "".join(f"%{byte:02x}" for byte in ticket.encode())
    async with made.connect(path=f"/ws?ticket={coded}") as ws:
        assert await is_signed_in(ws)
    async with made.connect(path=f"/ws?ticket={ticket}") as ws:
        assert await closed(ws) == CloseCode.BAD_CREDENTIALS


async def test_a_ticket_of_a_key_for_one_address_is_good_there_only(made: KeyedServer) -> None:
    grant = Grant("alice", (Scope.MARKET,), addresses=("127.0.0.1",))
    issued = await asyncio.to_thread(made.keys.create, grant, {}, 0)
    ticket = await asyncio.to_thread(ticket_of, made, issued)
    async with made.connect(path=f"/ws?ticket={ticket}", local=ELSEWHERE) as ws:
        assert await closed(ws) == CloseCode.BAD_CREDENTIALS
    ticket = await asyncio.to_thread(ticket_of, made, issued)
    async with made.connect(path=f"/ws?ticket={ticket}") as ws:
        assert await is_signed_in(ws)


async def test_a_refused_handshake_uses_no_ticket(made: KeyedServer) -> None:
    ticket = await asyncio.to_thread(ticket_of, made, await made.key())

    def refused() -> int:
        with RawClient(made.server) as peer:
            return peer.handshake(f"/ws?ticket={ticket}", **{"Sec-WebSocket-Version": "8"})[0]

    assert await asyncio.to_thread(refused) in (400, 426)
    async with made.connect(path=f"/ws?ticket={ticket}") as ws:
        assert await is_signed_in(ws)


async def test_a_ticket_opens_nothing_but_a_websocket(made: KeyedServer) -> None:
    ticket = await asyncio.to_thread(ticket_of, made, await made.key())

    def status(path: str, bearer: str) -> int:
        with RawClient(made.server) as peer:
            lines = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer}\r\n\r\n"
            peer.socket.sendall(lines.encode())
            return peer.http_answer()[0]

    assert await asyncio.to_thread(status, "/api/v1/orders", f"Bearer {ticket}") == 401
    assert await asyncio.to_thread(status, f"/api/v1/orders?ticket={ticket}", "Bearer x.y") == 401

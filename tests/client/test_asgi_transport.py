"""The transport within a process, over small apps of ASGI."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.client.address import Address
from floorwire.client.asgi_transport import AsgiEvent, AsgiTransport, Receive, Send
from floorwire.client.transport import HandshakeRefusedError
from floorwire.protocol.client_codec import CLIENT_JSON, CLIENT_MSGPACK
from tests.client.test_picows_link import Told

ADDRESS = Address.parse("http://127.0.0.1/mounted")


class App:
    """Echoes messages, answers requests with their path and query, and notes its lifespan."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.scopes: list[AsgiEvent] = []

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await receive()
            body = f"{scope['path']}?".encode() + bytes(str(scope["query_string"]), "ascii")
            await send({"type": "http.response.start", "status": 201, "headers": []})
            await send({"type": "http.response.body", "body": body[:5], "more_body": True})
            await send({"type": "http.response.body", "body": body[5:]})
        else:
            await self._echo(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        for what in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{what}"
            self.said.append(what)
            await send({"type": f"lifespan.{what}.complete"})

    async def _echo(self, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") == "end":
                await send({"type": "websocket.close", "code": 4501, "reason": "key revoked"})
                return
            await send({**message, "type": "websocket.send"})
        self.said.append(f"left with {message['code']}")


async def test_messages_go_both_ways_and_the_close_code_comes() -> None:
    app = App()
    transport, told = AsgiTransport(app), Told()
    await transport.start()
    link = await transport.connect(ADDRESS, {"Authorization": "Bearer k"}, CLIENT_JSON, told)
    link.send(b"one")
    link.send(b"end")
    assert await told.closed == (4501, "key revoked")
    assert told.messages == [b"one"]
    headers = dict(app.scopes[-1]["headers"])  # type: ignore[call-overload]
    assert (app.scopes[-1]["path"], headers[b"authorization"]) == ("/mounted/ws", b"Bearer k")
    link.send(b"nobody is there any more")
    await transport.aclose()
    assert app.said == ["startup", "shutdown"]


@pytest.mark.parametrize(("how", "code"), [("close", 1000), ("abort", 1006)])
async def test_our_end_is_told_to_the_app_and_not_to_us(how: str, code: int) -> None:
    app, told = App(), Told()
    transport = AsgiTransport(app)
    link = await transport.connect(ADDRESS, {}, CLIENT_MSGPACK, told)
    link.send(b"\x81")
    while not told.messages:
        await asyncio.sleep(0)
    link.close() if how == "close" else link.abort()
    await transport.aclose()
    assert (app.said, told.messages, told.closed.done()) == ([f"left with {code}"], [b"\x81"], False)


async def test_an_answer_in_parts_is_one() -> None:
    answer = await AsgiTransport(App()).request("http://127.0.0.1/mounted/api/v1/time?a=1", {}, 5)
    assert (answer.status, answer.body) == (201, b"/mounted/api/v1/time?b'a=1'")


async def test_a_refused_handshake_has_the_status_of_the_answer() -> None:
    async def refuses(scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    async def closes(scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    for app, status in ((refuses, 401), (closes, 403)):
        with pytest.raises(HandshakeRefusedError) as raised:
            await AsgiTransport(app).connect(ADDRESS, {}, CLIENT_JSON, Told())
        assert raised.value.status == status


async def test_an_app_that_does_not_start_is_said() -> None:
    async def fails(scope: AsgiEvent, receive: Receive, send: Send) -> None:
        raise ValueError("no such venue")

    with pytest.raises(RuntimeError, match="no such venue"):
        await AsgiTransport(fails).start()

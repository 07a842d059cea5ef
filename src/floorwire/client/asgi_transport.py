"""The transport within one process: it speaks ASGI to an app, without a socket.

It imports no server: whatever app the caller has is called as any ASGI server would call it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from floorwire.client.address import Address
from floorwire.client.transport import HandshakeRefusedError, HttpAnswer, Link, Receiver
from floorwire.core.codes import CloseCode
from floorwire.protocol.client_codec import ClientCodec

AsgiEvent: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[AsgiEvent]]
Send: TypeAlias = Callable[[AsgiEvent], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[AsgiEvent, Receive, Send], Awaitable[None]]
ADDRESS: Final = "http://127.0.0.1"
"""What the app is told that its address is. Nothing listens there."""
PEER: Final = ("127.0.0.1", 50_000)
REFUSED: Final = 403
"""What a server answers where the app closes without accepting (ASGI, "Close")."""
VERSION: Final = {"version": "3.0", "spec_version": "2.3"}


class AsgiTransport:
    """Calls one app. ``start`` and ``aclose`` run its lifespan."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._lifespan: _Lifespan | None = None
        self._links: set[_AsgiLink] = set()

    async def start(self) -> None:
        """Run the app's start. Raises RuntimeError if that fails."""
        self._lifespan = _Lifespan(self._app)
        await self._lifespan.start()

    async def connect(
        self, address: Address, headers: Mapping[str, str], codec: ClientCodec, receiver: Receiver
    ) -> Link:
        """Open a connection. Raises HandshakeRefusedError."""
        link = _AsgiLink(receiver, binary=codec.binary)
        offered = {**headers, "sec-websocket-protocol": codec.subprotocol}
        scope = _scope("websocket", "ws", address.socket_path, offered)
        scope["subprotocols"] = [codec.subprotocol]
        scope["extensions"] = {"websocket.http.response": {}}
        self._links.add(link)
        link.run(self._app, scope, lambda: self._links.discard(link))
        await link.accepted()
        return link

    async def request(self, url: str, headers: Mapping[str, str], timeout_s: float) -> HttpAnswer:
        """Return the answer to a GET request."""
        parts = urlsplit(url)
        scope = _scope("http", "http", parts.path, headers)
        scope["method"], scope["query_string"] = "GET", parts.query.encode()
        exchange = _Exchange()
        try:
            async with asyncio.timeout(timeout_s):
                await self._app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            return HttpAnswer(0, f"no answer within {timeout_s:g} s".encode())
        return HttpAnswer(exchange.status, bytes(exchange.body))

    async def aclose(self) -> None:
        """End all connections, then run the app's end."""
        links = list(self._links)
        for link in links:
            link.close()
        for link in links:
            await link.wait()
        if self._lifespan is not None:
            lifespan, self._lifespan = self._lifespan, None
            await lifespan.end()


def _scope(kind: str, scheme: str, path: str, headers: Mapping[str, str]) -> AsgiEvent:
    named = [(b"host", b"127.0.0.1"), *((k.lower().encode(), v.encode()) for k, v in headers.items())]
    return {
        "type": kind,
        "asgi": VERSION,
        "http_version": "1.1",
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": named,
        "client": PEER,
        "server": ("127.0.0.1", 80),
    }


class _AsgiLink:
    """One WebSocket: the app runs in a task of ours, which ends with it."""

    def __init__(self, receiver: Receiver, *, binary: bool) -> None:
        self._receiver = receiver
        self._binary = binary
        self._to_app: asyncio.Queue[AsgiEvent] = asyncio.Queue()
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._close: tuple[int, str] = (CloseCode.ABNORMAL, "")
        self._has_ended = False
        self._task: asyncio.Task[None] | None = None

    def run(self, app: AsgiApp, scope: AsgiEvent, forget: Callable[[], None]) -> None:
        """Run the app for this connection."""
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run(app, scope, forget))

    async def accepted(self) -> None:
        """Wait until the app has accepted. Raises HandshakeRefusedError."""
        await self._accepted

    async def wait(self) -> None:
        """Wait until the app has returned."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def send(self, data: bytes) -> None:
        """Send a message. Does nothing when the connection has ended."""
        if not self._has_ended:
            part: AsgiEvent = {"bytes": data} if self._binary else {"text": data.decode()}
            self._to_app.put_nowait({"type": "websocket.receive", **part})

    def close(self) -> None:
        """Close it in order."""
        self._leave(CloseCode.NORMAL)

    def abort(self) -> None:
        """End it at once."""
        self._leave(CloseCode.ABNORMAL)

    def _leave(self, code: int) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": int(code)})
            if not self._accepted.done():
                self._refuse(0)

    async def _run(self, app: AsgiApp, scope: AsgiEvent, forget: Callable[[], None]) -> None:
        try:
            await app(scope, self._to_app.get, self._take)
        finally:
            forget()
            self._end()

    def _end(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        if self._accepted.done():
            self._receiver.on_closed(*self._close)
        else:
            self._refuse(self._status or REFUSED)

    def _refuse(self, status: int) -> None:
        error = HandshakeRefusedError(status, f"the app answers with HTTP {status}")
        self._accepted.set_exception(error)

    async def _take(self, message: AsgiEvent) -> None:
        """Take one message of the app."""
        match message["type"]:
            case "websocket.accept":
                self._accepted.set_result(None)
            case "websocket.send" if not self._has_ended:
                self._receiver.on_message(_payload(message))
                await asyncio.sleep(0)
            case "websocket.close":
                code, reason = message.get("code", CloseCode.NORMAL), message.get("reason") or ""
                assert isinstance(code, int)
                self._close = (code, str(reason))
                self._end()
            case "websocket.http.response.start":
                status = message["status"]
                assert isinstance(status, int)
                self._status = status
            case _:
                pass


def _payload(message: AsgiEvent) -> bytes:
    text, data = message.get("text"), message.get("bytes")
    if isinstance(text, str):
        return text.encode()
    assert isinstance(data, bytes)
    return data


class _Exchange:
    """One HTTP request and its answer."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()
        self._is_sent = False

    async def receive(self) -> AsgiEvent:
        """Give the app the request's empty body, then wait: the client stays until the answer is whole."""
        if self._is_sent:
            await asyncio.Event().wait()
        self._is_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: AsgiEvent) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            status = message["status"]
            assert isinstance(status, int)
            self.status = status
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            assert isinstance(body, bytes)
            self.body += body


class _Lifespan:
    """The app's start and end."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._to_app: asyncio.Queue[AsgiEvent] = asyncio.Queue()
        self._from_app: asyncio.Queue[AsgiEvent] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the app's start. Raises RuntimeError if that fails."""
        scope: AsgiEvent = {"type": "lifespan", "asgi": VERSION, "state": {}}
        self._task = asyncio.create_task(self._run(scope))
        await self._ask("startup")

    async def end(self) -> None:
        """Run the app's end. Raises RuntimeError if that fails."""
        await self._ask("shutdown")
        if self._task is not None:
            await self._task

    async def _ask(self, what: str) -> None:
        self._to_app.put_nowait({"type": f"lifespan.{what}"})
        answer = await self._from_app.get()
        if answer["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(f"the app's {what} failed: {answer.get('message', '')}")

    async def _run(self, scope: AsgiEvent) -> None:
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who waits
            self._from_app.put_nowait({"type": "lifespan.failed", "message": repr(error)})

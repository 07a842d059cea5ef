"""Middleware for every HTTP request: bounds on the body, and security headers on the response."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from floorwire.ops.loop_stalls import MAX_WAITS, LoopStalls
from floorwire.web.http_responses import failed, order_fate
from floorwire.web.security_headers import security_headers


class BodyError(HTTPException):
    """A body is too large or too slow. FastAPI passes an HTTPException on when it reads the body itself."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message, {"connection": "close"})


class RequestGuard:
    """Bounds each body to ``max_bytes`` and ``timeout_s``, and adds missing headers to each response."""

    def __init__(
        self, app: ASGIApp, max_bytes: int, timeout_s: float, stalls: LoopStalls, *, over_tls: bool
    ) -> None:
        self._app = app
        self._stalls = stalls
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._headers = security_headers(over_tls=over_tls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request. WebSockets pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._headers)
        try:
            body = _Body(receive, _declared(scope), self._max_bytes, self._timeout_s, self._stalls)
            await self._app(scope, body.receive, answer.send)
        except ClientDisconnect:
            return  # The client left before its body was whole: nobody reads an answer.
        except BodyError as error:
            if not answer.has_begun:
                await failed(error, fate=order_fate(scope))(scope, receive, answer.send)


class _Body:
    """Reads a request's body within its bounds."""

    def __init__(
        self, receive: Receive, declared: int, max_bytes: int, timeout_s: float, stalls: LoopStalls
    ) -> None:
        self._receive = receive
        self._stalls = stalls
        self._waits = 0
        """How often it waited because the event loop stood still."""
        self._left = max_bytes
        self._deadline = asyncio.get_running_loop().time() + timeout_s
        self._is_whole = False
        if declared > max_bytes:
            raise BodyError(413, f"more than {max_bytes} bytes")

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()  # waits for the disconnect
        message = await self._receive_in_time()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise BodyError(413, "the body is too large")
        self._is_whole = not message.get("more_body", False)
        return message

    async def _receive_in_time(self) -> Message:
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    return await self._receive()
            except TimeoutError:
                now_s = asyncio.get_running_loop().time()
                wait_s = self._stalls.wait_s(self._deadline, now_s)
                if wait_s <= 0 or self._waits >= MAX_WAITS:
                    raise BodyError(408, "the body came too slowly") from None
                self._waits += 1  # What came meanwhile may be unread.
                self._deadline = now_s + wait_s


class _Answer:
    """Sends a response, with missing headers added."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            present = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                present.setdefault(name, value)
        await self._send(message)


def _declared(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0

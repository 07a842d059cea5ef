"""The door: uvicorn's HTTP protocol, with counts, deadlines and our own WebSocket upgrade."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from floorwire.app import Gateway, now_us
from floorwire.core.codes import CloseCode
from floorwire.hub.admission import Verdict
from floorwire.web.routes import AcceptedUpgrade, RefusedUpgrade, Route, route
from floorwire.web.turnaway import Turnaway
from floorwire.web.upgrade import Upgrade

HEADER_BYTES: Final = 16_384
ADMITTED_LATE: Final = RefusedUpgrade(503, "too many new connections", retry_after_s=1)


class Door(HttpToolsProtocol):
    """One TCP connection until it is upgraded: at most so many, so fast, and none half-open for long."""

    def __init__(
        self,
        gateway: Gateway,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._gateway = gateway
        self._address = ""
        self._verdict = Verdict.DROPPED
        self._is_upgraded = False
        self._header_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or drop it."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else "local"
        self._verdict = self._gateway.admission.enter(self._address, now_us())
        if self._verdict is Verdict.DROPPED:
            self._count("dropped")
            transport.abort()
            return
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._stop_deadline()
        super().connection_lost(exc)
        if self._verdict is not Verdict.DROPPED and not self._is_upgraded:
            self._gateway.admission.leave(self._address)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as the head of a request is not too large."""
        if self._deadline is not None:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self._end(431, "request head too large", "head_too_large")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._start_deadline()

    def on_headers_complete(self) -> None:
        """The head of a request is whole."""
        self._stop_deadline()
        if self._verdict is not Verdict.ADMITTED and not self.parser.should_upgrade():
            self._end(503, "too many connections", self._verdict.name.lower())
            return
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the TCP connection over to our own WebSocket."""
        self._stop_deadline()
        self.connections.discard(self)
        answer = self._answer()
        if isinstance(answer, RefusedUpgrade):
            self._end(answer.status, answer.text, answer.text.replace(" ", "_"), answer.retry_after_s)
            return
        self._is_upgraded = True
        upgrade = Upgrade(self._gateway, answer, self._address)
        upgrade.connection_made(self.transport)
        upgrade.handshake(self.headers)
        self.transport.set_protocol(upgrade)

    def _answer(self) -> AcceptedUpgrade | RefusedUpgrade:
        if self._verdict is Verdict.TOO_FAST:
            return ADMITTED_LATE
        if self._verdict is Verdict.TOO_MANY:
            return AcceptedUpgrade(Turnaway(CloseCode.TOO_MANY_CONNECTIONS), None)
        return route(self._gateway, Route.of(self.parser.get_method(), self.url, self.headers))

    def _end(self, status: int, text: str, reason: str, retry_after_s: int | None = None) -> None:
        self._count(reason)
        retry = f"retry-after: {retry_after_s}\r\n" if retry_after_s is not None else ""
        head = f"HTTP/1.1 {status} \r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n"
        self.transport.write(f"{head}{retry}connection: close\r\n\r\n{text}".encode())
        self.transport.close()

    def _count(self, outcome: str) -> None:
        self._gateway.stats.handshakes[outcome] += 1

    def _start_deadline(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(
            self._gateway.settings.limits.handshake_timeout_s, self._on_deadline
        )

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        self._count("timeout")
        self.transport.abort()

"""uvicorn's HTTP protocol, with connection limits, deadlines and our own WebSocket upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.http_responses import STATUS, refused
from floorwire.web.middleware import HEADERS
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.upgrade_request import UpgradeRequest
from floorwire.web.websocket_routes import AcceptedUpgrade, RefusedUpgrade, route

HEAD_BYTES: Final = 16_384
HEAD_TOO_LARGE: Final = RefusedUpgrade(431, "head_too_large")
NO_PROTOCOL: Final = asyncio.Protocol()
UNAUTHENTICATED: Final = STATUS[Code.UNAUTHENTICATED]
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class HeadTooLargeError(Exception):
    """Ends the parsing of a request head that is too large."""


class HttpProtocol(HttpToolsProtocol):
    """One TCP connection until it is upgraded. It is admitted first, and each head has a deadline."""

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
        self._verdict: AdmissionVerdict | None = None
        self._is_upgraded = False
        self._head_bytes = 0
        self._is_too_large = False
        self._deadline: asyncio.TimerHandle | None = None

    def admit(self, address: str) -> AdmissionVerdict:
        """Count the connection, once: when it is made, or before its TLS handshake."""
        if self._verdict is None:
            self._address = address
            self._verdict = self._decide_admission(address)
            if self._verdict is AdmissionVerdict.DROPPED:
                self._count("dropped")
        return self._verdict

    def _decide_admission(self, address: str) -> AdmissionVerdict:
        if self._gateway.origin_policy.is_proxy(address):
            return self._gateway.admission.admit_proxy()
        return self._gateway.admission.admit(address, self._gateway.clock.monotonic_us())

    def discard(self, outcome: str) -> None:
        """Release a connection whose TLS handshake failed."""
        self._count(outcome)
        self._release()

    def _release(self) -> None:
        verdict, self._verdict = self._verdict, None
        if verdict is not None:
            self._gateway.admission.release(self._address, verdict)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection or drop it, and start the deadline of the first request."""
        super().connection_made(transport)
        if self.admit(self.client[0] if self.client else "local") is AdmissionVerdict.DROPPED:
            transport.abort()
            return
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection, unless its WebSocket will."""
        self._stop_deadline()
        super().connection_lost(exc)
        if not self._is_upgraded:
            self._release()

    def data_received(self, data: bytes) -> None:
        """Read data. Refuse a request whose head is too large."""
        super().data_received(data)
        if self._deadline is not None:  # The head is not complete yet.
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._start_deadline()

    def on_headers_complete(self) -> None:
        """The head is complete. Raises HeadTooLargeError, which the parser treats as bad HTTP."""
        self._stop_deadline()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._is_too_large = True
            raise HeadTooLargeError
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the TCP connection over to our own WebSocket, or read the keys once more before."""
        self._stop_deadline()
        self.connections.discard(self)
        request = self._upgrade_request()
        authenticator = self._gateway.authenticator
        resume = partial(self._resume_upgrade, request)
        if (
            request.bearer is not None
            and self._verdict is AdmissionVerdict.ADMITTED
            and authenticator.read_before_bearer(request.bearer, self._address, resume)
        ):
            self.transport.pause_reading()
            return
        self._upgrade(request)

    def _resume_upgrade(self, request: UpgradeRequest) -> None:
        if self._verdict is None or self.transport.is_closing():
            return  # The client has left.
        self.transport.resume_reading()
        self._upgrade(request)

    def _upgrade(self, request: UpgradeRequest) -> None:
        answer = self._answer(request)
        if isinstance(answer, RefusedUpgrade):
            self._refuse(answer)
            return
        assert self._verdict is not None, "an upgrade before connection_made"
        upgrade = PicowsUpgrade(self._gateway, answer, self._address, self._verdict)
        upgrade.connection_made(self.transport)
        upgrade.handshake(self.headers)
        # uvloop keeps the last plain protocol beside a buffered one. Replace this object (5 KB) there.
        self.transport.set_protocol(NO_PROTOCOL)
        self.transport.set_protocol(upgrade)
        self._is_upgraded = True  # Not earlier: if the upgrade fails, we still have to release it.

    def _upgrade_request(self) -> UpgradeRequest:
        request = UpgradeRequest.of(self.parser.get_method(), self.url, self.headers)
        if self._verdict is AdmissionVerdict.PROXIED:
            self._release()
            self._address = self._gateway.origin_policy.client(self._address, request.forwarded_for)
            self._verdict = self._gateway.admission.admit(self._address, self._gateway.clock.monotonic_us())
        return request

    def _answer(self, request: UpgradeRequest) -> AcceptedUpgrade | RefusedUpgrade:
        assert self._verdict is not None, "a request before connection_made"
        is_local = self._gateway.origin_policy.is_local  # Here the settings say where we listen.
        return route(self._gateway, request, self._verdict, self._address, is_local=is_local)

    def send_400_response(self, msg: str) -> None:
        """Answer bad HTTP in the form of our other errors, and a head that is too large with 431."""
        if self._is_too_large:
            self._refuse(HEAD_TOO_LARGE)
            return
        said = refused(Refusal(Code.BAD_REQUEST, msg))
        self._write(said.status_code, "application/json", bytes(said.body))

    def _refuse(self, refused: RefusedUpgrade) -> None:
        self._count(refused.outcome)
        more = {"retry-after": str(refused.retry_after_s)} if refused.retry_after_s else {}
        if refused.status == UNAUTHENTICATED:
            more["www-authenticate"] = "Bearer"
        self._write(refused.status, "text/plain", refused.outcome.replace("_", " ").encode(), more)

    def _write(self, status: int, kind: str, body: bytes, more: Mapping[str, str] = NO_HEADERS) -> None:
        """Answer without the app, and close the connection."""
        headers = {"content-type": kind, "content-length": str(len(body)), **HEADERS, **more}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status} \r\n{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _count(self, outcome: str) -> None:
        self._gateway.stats.handshakes[outcome] += 1

    def _start_deadline(self) -> None:
        self._head_bytes = 0
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

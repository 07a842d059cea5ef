"""uvicorn's HTTP protocol, with connection limits, deadlines and our own WebSocket upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.hub.read_turns import ReadShare
from floorwire.web.connection_admission import ConnectionAdmission
from floorwire.web.handshake_form import bad_form, wants_websocket
from floorwire.web.http_deadline import HttpDeadline, HttpPhase
from floorwire.web.http_responses import refused
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.read_pace import ReadHold
from floorwire.web.request_cutter import RequestCutter
from floorwire.web.request_head import body_bytes, origin_form
from floorwire.web.security_headers import security_headers
from floorwire.web.upgrade_request import UpgradeRequest
from floorwire.web.websocket_routes import (
    AcceptedUpgrade,
    IncomingConnection,
    RefusedUpgrade,
    refusal_headers,
    route,
)

HEAD_BYTES: Final = 16_384
HELD_BYTES: Final = 524_288
"""The most bytes of later requests that wait. One read brings half of it, and then reading stops. If more
came nevertheless, the connection ends after the present answer."""
BODY_OVERHEAD: Final = 8
"""A chunked body may have so many times ``limits.message_bytes`` on the wire, trailers included."""
REQUEST_BYTES: Final = 1_024
"""What a request or a handshake takes of its address's share of a turn. It costs more than a frame does."""
PARSED_BYTES: Final = 4_096
"""The most bytes that are parsed at once. A chunk may have six of them, and the parser calls us for each."""
PIECES_AT_ONCE: Final = 256
"""The most pieces that are parsed at once."""
MOST_HEADERS: Final = 100
MOST_URL_BYTES: Final = 2_048
"""The longest has a ticket, or the fields of a list of orders."""
COOKIE: Final = b"cookie"
"""Other servers of this machine set cookies for its name. We use none, and to read them costs."""
URL_TOO_LONG: Final = RefusedUpgrade(414, "url_too_long")
TOO_MANY_HEADERS: Final = RefusedUpgrade(431, "too_many_headers")
HEAD_TOO_LARGE: Final = RefusedUpgrade(431, "head_too_large")
BODY_TOO_LARGE: Final = RefusedUpgrade(413, "body_too_large")
DRAINING: Final = RefusedUpgrade(503, "draining", retry_after_s=1)
BAD_HTTP: Final = "bad_http"
NO_PROTOCOL: Final = asyncio.Protocol()
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class StopParsingError(Exception):
    """Ends the parsing of a request. The parser treats it as bad HTTP."""


class HttpProtocol(HttpToolsProtocol):
    """One TCP connection until it is upgraded. It is admitted first, and each of its phases has a deadline.

    One request at a time is parsed. What comes of the next ones waits until then, and reading stops. An
    address has a share of each turn of the event loop (``ReadTurns``), on all its connections together.
    """

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
        self._admission = ConnectionAdmission(gateway)
        self._cutter = RequestCutter()
        self._deadline: HttpDeadline | None = None
        self._read_bytes = 0
        """What came of the head in phases IDLE and HEAD, of the body in phase BODY."""
        self._is_upgraded = False
        self._share: ReadShare | None = None
        """That of the peer, a trusted proxy too: the address that it speaks for is known when the head is
        complete. Its connections take turns like those of any address."""
        self._refusal: RefusedUpgrade | None = None
        """Why the parsing of the head was ended. None: it is no HTTP."""
        self._is_waiting = False
        """Whether what came waits for a turn of its address."""
        self._waits_for_keys = False
        """A handshake whose key may have been made a moment ago waits until the keys are read once more."""

    def admit(self, address: str) -> AdmissionVerdict:
        """Count the connection, once: when it is made, or before its TLS handshake."""
        is_new = self._admission.verdict is None
        verdict = self._admission.admit(address)
        if is_new and verdict is AdmissionVerdict.DROPPED:
            self._record("dropped")
        return verdict

    def discard(self, outcome: str) -> None:
        """Release a connection that did not begin: its TLS handshake failed, or the server ends."""
        self._record(outcome)
        self._stop_deadline()
        self.connections.discard(self)
        self._admission.release()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection or drop it, and start its deadline."""
        super().connection_made(transport)
        self.flow = self._hold = ReadHold(transport)
        verdict = self.admit(self.client[0] if self.client else "local")
        if verdict is AdmissionVerdict.DROPPED:
            transport.abort()
            return
        self._share = self._gateway.hub.reads.share(self._admission.address)
        timeout_s = self._gateway.settings.limits.handshake_timeout_s
        self._deadline = HttpDeadline(
            self.loop, transport, timeout_s, self._on_timeout, self._gateway.loop_stalls
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection, unless its WebSocket will."""
        self._stop_deadline()
        self._cutter.pop_rest()
        super().connection_lost(exc)
        if not self._is_upgraded:
            self._admission.release()

    # --- parsing --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse what came, up to the end of the present request."""
        self._cutter.add(data)
        self._parse_in_turn()

    def _parse_in_turn(self) -> None:
        """Parse now, or when the address has its turn."""
        if self._is_waiting:
            return
        if self._share is None or self._share.allow(max(REQUEST_BYTES, min(len(self._cutter), PARSED_BYTES))):
            self._parse()
            return
        self._is_waiting = True
        self._hold.hold()
        self._share.wait(self._take_turn)

    def _take_turn(self) -> None:
        self._is_waiting = False
        self._parse()

    def _parse(self) -> None:
        """Parse pieces while no request waits for its answer. Read on only if nothing is left."""
        left = PARSED_BYTES
        for _ in range(PIECES_AT_ONCE):
            if left <= 0 or not self._may_parse():
                break
            piece = self._cutter.next_piece(left)
            left -= len(piece)
            self._parse_piece(piece)
        if self._is_gone():
            return
        if not self._cutter:
            self._hold.release()
            return
        self._hold.hold()
        if self._may_parse():
            self.loop.call_soon(self._parse_in_turn)
        elif len(self._cutter) > HELD_BYTES and not self._waits_for_keys:
            self._cutter.pop_rest()
            self.cycle.keep_alive = False

    def _is_gone(self) -> bool:
        """Return whether the connection has ended. A discarded one need not be closing for its transport."""
        return self._admission.verdict is None or self.transport.is_closing()

    def _may_parse(self) -> bool:
        return (
            len(self._cutter) > 0
            and self._deadline is not None
            and self._deadline.phase is not HttpPhase.ANSWER
            and not self._is_upgraded
            and not self.transport.is_closing()
        )

    def _parse_piece(self, piece: bytes) -> None:
        assert self._deadline is not None
        is_body = self._deadline.phase is HttpPhase.BODY
        self._read_bytes += len(piece)
        if self._read_bytes > (self._most_body_bytes() if is_body else HEAD_BYTES):
            self._refuse(BODY_TOO_LARGE if is_body else HEAD_TOO_LARGE)
            return
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if wants_websocket(self.headers):
                self._start_upgrade()
            else:
                self._ignore_upgrade()
        except httptools.HttpParserError:
            if self._refusal is not None:
                self._refuse(self._refusal)
            else:
                self._refuse_bad_http()

    def _ignore_upgrade(self) -> None:
        """Read the request again without its Upgrade header (RFC 9110 7.8).

        The parser takes all that follows for another protocol, and would read a body as the next request.
        """
        assert self._deadline is not None
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        target = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        self.parser = httptools.HttpRequestParser(self)
        self._deadline.enter(HttpPhase.IDLE)
        self._parse_piece(b"\r\n".join([target, *lines, b"", b""]))

    def _most_body_bytes(self) -> int:
        return BODY_OVERHEAD * self._gateway.settings.limits.message_bytes + HEAD_BYTES

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        if self._deadline is None or self._deadline.phase is not HttpPhase.IDLE:
            raise StopParsingError  # RequestCutter does not let that happen.
        super().on_message_begin()
        self._deadline.enter(HttpPhase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of the head. Trailers are no headers (RFC 9110 6.5.1): they are dropped."""
        if self._deadline is None or self._deadline.phase is not HttpPhase.HEAD or name.lower() == COOKIE:
            return
        if len(self.headers) >= MOST_HEADERS:
            self._refusal = TOO_MANY_HEADERS
            raise StopParsingError
        super().on_header(name, value)

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        if len(self.url) > MOST_URL_BYTES:
            self._refusal = URL_TOO_LONG
            raise StopParsingError

    def on_headers_complete(self) -> None:
        """The head is complete. From here on its headers do not change."""
        assert self._deadline is not None
        self._deadline.enter(HttpPhase.BODY)
        self._read_bytes = 0
        self.url, host = origin_form(self.url)
        if host is not None:
            self.headers[:] = [(name, host if name == b"host" else value) for name, value in self.headers]
        if not self.parser.should_upgrade():
            self._cutter.body_left = body_bytes(self.headers)
            super().on_headers_complete()
        elif self.parser.get_method() == b"CONNECT":
            raise StopParsingError  # We are no proxy.

    def on_message_complete(self) -> None:
        """The whole request is here."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._end_request()
        elif self._deadline is not None:
            self._deadline.enter(HttpPhase.ANSWER)

    def on_response_complete(self) -> None:
        """The answer is written. The rest of the request's body, if it is not whole yet, is dropped."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self._deadline is None:
            return
        if self._deadline.phase is HttpPhase.ANSWER:
            self._end_request()

    def _end_request(self) -> None:
        assert self._deadline is not None
        self._deadline.enter(HttpPhase.IDLE)
        self._read_bytes = 0
        if self._cutter:
            self.loop.call_soon(self._parse_in_turn)

    def _should_upgrade(self) -> bool:
        """Return False: uvicorn does not upgrade, we do."""
        return False

    def shutdown(self) -> None:
        """The server ends. Who waits for an answer gets it; half a request gets 503."""
        if self._deadline is not None and self._deadline.phase in (HttpPhase.HEAD, HttpPhase.BODY):
            self._refuse(DRAINING)
        else:
            super().shutdown()

    # --- upgrade --------------------------------------------------------------------------------

    def _start_upgrade(self) -> None:
        """Upgrade, or read the keys once more before that if the bearer would be refused."""
        assert self._deadline is not None
        request = UpgradeRequest.of(self.parser.get_method(), self.url, self.headers)
        if request.bearer is not None:
            address = self._gateway.origin_policy.client(self._admission.address, request.forwarded_for)
            authenticator = self._gateway.authenticator
            if authenticator.read_before_bearer(request.bearer, address, self._resume_upgrade):
                self._waits_for_keys = True
                self._deadline.enter(HttpPhase.ANSWER)  # Nothing more is parsed until then.
                return
        self._upgrade()

    def _resume_upgrade(self) -> None:
        if self._admission.verdict is not None and not self.transport.is_closing():
            self._hold.release()
            self._upgrade()

    def _upgrade(self) -> None:
        """Hand the TCP connection over to our own WebSocket, with what came after the handshake."""
        answer = self._answer()
        if isinstance(answer, RefusedUpgrade):
            self._refuse(answer)
            return
        assert self._admission.verdict is not None, "an upgrade before connection_made"
        self._stop_deadline()
        self.connections.discard(self)
        upgrade = PicowsUpgrade(self._gateway, answer, self._admission.address, self._admission.verdict)
        upgrade.connection_made(self.transport)
        upgrade.handshake(self.headers)
        # uvloop keeps the last plain protocol beside a buffered one. Replace this object (5 KB) there.
        self.transport.set_protocol(NO_PROTOCOL)
        self.transport.set_protocol(upgrade)
        self._is_upgraded = True  # Not earlier: if the upgrade fails, we still have to release it.
        self.parser = None  # type: ignore[assignment] # It refers to us: without it we are freed at once.
        upgrade.feed_later(self._cutter.pop_rest())

    def _answer(self) -> AcceptedUpgrade | RefusedUpgrade:
        malformed = bad_form(self.parser.get_http_version(), self.headers)
        if malformed is not None:
            return malformed
        request = UpgradeRequest.of(self.parser.get_method(), self.url, self.headers)
        verdict = self._admission.admit_client(request.forwarded_for)
        connection = IncomingConnection(self.client[0] if self.client else "", self.scheme or "http")
        return route(self._gateway, request, verdict, self._admission.address, connection)

    # --- refusals -------------------------------------------------------------------------------

    def _refuse_bad_http(self) -> None:
        """Answer bad HTTP in the form of our other errors."""
        self._gateway.refusal_log.add(BAD_HTTP, self._now_us(), address=self._admission.address)
        said = refused(Refusal(Code.BAD_REQUEST, "Invalid HTTP request received."))
        self._write(said.status_code, "application/json", bytes(said.body))

    def _refuse(self, refusal: RefusedUpgrade) -> None:
        self._record(refusal.outcome)
        words = refusal.outcome.replace("_", " ").encode()
        self._write(refusal.status, "text/plain", words, refusal_headers(refusal))

    def _write(self, status: int, kind: str, body: bytes, more: Mapping[str, str] = NO_HEADERS) -> None:
        """Answer without the app, unless it has begun to answer, and close the connection."""
        if self.cycle is not None and self.cycle.scope is self.scope:  # the app has the present request
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        over_tls = self._gateway.settings.tls.cert is not None
        headers = {"content-type": kind, "content-length": str(len(body)), "connection": "close"}
        headers |= {**security_headers(over_tls=over_tls), **more}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status} \r\n{head}\r\n".encode() + body)
        self.transport.close()

    def _record(self, outcome: str) -> None:
        """Count a connection that is refused, and log it now and then."""
        self._gateway.stats.handshakes[outcome] += 1
        self._gateway.refusal_log.add(outcome, self._now_us(), address=self._admission.address)

    def _now_us(self) -> int:
        return self._gateway.clock.monotonic_us()

    def _stop_deadline(self) -> None:
        """Stop and forget it: it refers to us."""
        if self._deadline is not None:
            self._deadline.stop()
            self._deadline = None

    def _on_timeout(self) -> None:
        assert self._deadline is not None
        was_asked = self._deadline.phase is not HttpPhase.IDLE or self.cycle is None
        if was_asked or self.transport.get_write_buffer_size():
            self._record("timeout")
        self.transport.abort()

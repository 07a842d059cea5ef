"""Hands the socket of an HTTP request to picows' WebSocket protocol."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from multidict import CIMultiDict
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSAutoPingStrategy

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.web.picows_transport import PicowsTransport
from floorwire.web.request_head import Headers
from floorwire.web.sliced_protocol import SlicedProtocol
from floorwire.web.websocket_routes import AcceptedUpgrade
from floorwire.web.wire_picows import PicowsWire

READ_BYTES: Final = 2_048
"""First size of the read buffer. It fits any command, and grows for a larger message."""
TAKEN_OVER: Final = frozenset({b"sec-websocket-version", b"sec-websocket-key"})

NO_HEADERS: Final[CIMultiDict[str]] = CIMultiDict()


class _PicowsLog:
    """The logger of every picows connection. One logger for each connection would cost memory."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("floorwire.picows")

    def isEnabledFor(self, level: int) -> bool:
        """Return False: frames are never logged."""
        return False

    def log(self, level: int, message: str, *values: object) -> None:
        """Log nothing."""

    def info(self, message: str, *values: object) -> None:
        """Log nothing."""

    debug = info

    def warning(self, message: str, *values: object) -> None:
        """Log at debug level what is wrong with a peer's frames."""
        self._log.debug("wire", problem=message % values if values else message)

    error = warning

    def exception(self, message: str, *values: object) -> None:
        """Log a fault of ours that picows caught, with its traceback."""
        self._log.exception("fault", where=message % values if values else message)


LOG: Final = _PicowsLog()


class PicowsUpgrade(SlicedProtocol):
    """picows' server protocol. Our HTTP protocol has parsed and routed the request's head already."""

    def __init__(
        self, gateway: Gateway, accepted: AcceptedUpgrade, address: str, verdict: AdmissionVerdict
    ) -> None:
        limits = gateway.settings.limits
        super().__init__(
            gateway.hub.reads.share(address),
            None,
            None,
            False,
            self._listener,
            LOG,
            True,
            limits.handshake_timeout_s,
            False,  # Liveness sends the pings of all connections.
            1,
            1,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # PicowsWire sends pongs: they are bounded like all that is sent.
            limits.message_bytes,
            None,
            READ_BYTES,
        )
        self._gateway = gateway
        self._accepted = accepted
        self._address = address
        self._verdict = verdict

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the connection over. picows writes through PicowsTransport."""
        self.tcp = transport
        self.picows_transport = PicowsTransport(transport)
        super().connection_made(self.picows_transport)

    def handshake(self, headers: Headers) -> None:
        """Answer the request. picows accepts no Connection and Upgrade headers with several values."""
        lines = [name + b": " + value for name, value in headers if name in TAKEN_OVER]
        upgrade = [b"connection: Upgrade", b"upgrade: websocket"]
        self.feed(b"\r\n".join([b"GET / HTTP/1.1", *lines, *upgrade, b"", b""]))
        response, request = self.transport.response, self.transport.request
        is_done = response.status == HTTPStatus.SWITCHING_PROTOCOLS
        response.headers = request.headers = NO_HEADERS  # picows keeps them as long as the connection (1 KB)
        self._gateway.stats.handshakes[self._accepted.outcome if is_done else "bad_handshake"] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        super().connection_lost(exc)
        self._gateway.admission.release(self._address, self._verdict)

    def _listener(self, _: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        accepted, max_bytes = self._accepted, self._gateway.settings.limits.message_bytes
        wire = PicowsWire(
            accepted.peer, self._address, max_bytes, self.picows_transport, self, self._gateway.hub.turns
        )
        extra = {"Sec-WebSocket-Protocol": accepted.subprotocol} if accepted.subprotocol else None
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(extra), wire)

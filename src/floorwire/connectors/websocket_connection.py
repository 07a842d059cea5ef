"""One WebSocket connection to a venue, from the first SYN to its end. It is never opened again.

OPENING -- handshake done --> UP -- either side closes, a fault, silence --> ENDED
OPENING, UP -- ``end`` -------------------------------------------------> ENDED
OPENING -- refused, too slow -------------------------------------------> ENDED
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from enum import IntEnum
from typing import Final, Protocol, TypeAlias

import picows
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from python_socks import ProxyError

import floorwire
from floorwire.connectors.network_route import NetworkRoute, is_secure, tls_fault
from floorwire.core.os_errors import reason as os_reason
from floorwire.core.ports import Headers
from floorwire.protocol.frames import CLOSE, PING
from floorwire.protocol.message_assembly import BINARY, MessageAssembler, WireError

OPEN_TIMEOUT_S: Final = 15.0
"""How long it may take to resolve, connect, pass the proxy, and do both handshakes."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
PING_IDLE_S: Final = 20.0
"""After this long without data a ping is sent."""
PONG_WITHIN_S: Final = 10.0
"""Without an answer after this, the connection is half open, and ended."""
MAX_UNSENT_BYTES: Final = 1024 * 1024
"""If so much waits to be sent, the venue does not read, and the connection is ended."""
END_TIMEOUT_S: Final = 2.0
"""How long the venue may take to answer our close frame."""
MAX_REASON: Final = 200

# picows logs each end as an error. The connector logs it once, with the venue and the link.
_quiet = logging.Logger("floorwire.picows", logging.CRITICAL + 1)
_quiet.addHandler(logging.NullHandler())


class ConnectionState(IntEnum):
    """Where the connection is in its life."""

    OPENING = 0
    UP = 1
    ENDED = 2


HandshakeRefusal: TypeAlias = tuple[int, Headers]


class ConnectionOwner(Protocol):
    """Who is told what happens on a connection, in order. After ``ended`` nothing follows."""

    def opened(self, connection: WebSocketConnection) -> None:
        """It is up."""
        ...

    def received(self, connection: WebSocketConnection, message: bytes, *, is_last: bool) -> None:
        """A message came. ``is_last``: of one read from the socket."""
        ...

    def ended(self, connection: WebSocketConnection, reason: str) -> None:
        """It ended, and ``end`` was not called."""
        ...


class WebSocketConnection(WSListener):
    """One connection. ``run`` is its whole life, and is the task of its owner."""

    def __init__(self, link: str, url: str, route: NetworkRoute, owner: ConnectionOwner) -> None:
        self.link = link
        """The link's name."""
        self.url = url
        """The exchange's address, wherever the connection really goes."""
        self.unread_bytes = 0
        """Bytes of messages that the owner has not handled yet. The owner counts."""
        self.is_paused = False
        """Whether reading is paused."""
        self.task: asyncio.Task[None] | None = None
        """What ``run`` runs in. The owner sets it."""
        self._route = route
        self._owner = owner
        self._state = ConnectionState.OPENING
        self._transport: WSTransport | None = None
        self._assembler = MessageAssembler(MAX_MESSAGE_BYTES)
        self._reason = ""
        """Why it ends, if that is known before it ends. Nothing that still comes is used then."""
        self.refusal: HandshakeRefusal = (0, ())
        """Status and headers with which the exchange refused it; 0: it did not."""

    async def run(self) -> None:
        """Open the connection, and return when it has ended."""
        try:
            transport = await self._open()
            await transport.wait_disconnected()
        except (OSError, picows.WSError, ProxyError, ValueError, EOFError) as error:
            self.refusal = handshake_refusal(error)
            self._end_with(self._reason or failure(error))
        else:
            self._end_with(self._reason or close_reason(transport))
        finally:
            if self._transport is not None and not self._transport.is_disconnected:
                await self._leave(self._transport)

    def send(self, text: str) -> None:
        """Send a text message. Without a connection that is up it is dropped: all it carried ends with it."""
        if self._state != ConnectionState.UP or self._transport is None:
            return
        self._transport.send(WSMsgType.TEXT, text.encode())
        self._check_unsent(self._transport)

    def end(self) -> None:
        """End the connection, in the background. Its owner is told nothing more."""
        self._state = ConnectionState.ENDED
        if self.task is not None:
            self.task.cancel()

    def pause(self) -> None:
        """Read nothing more until ``resume``: the kernel's buffer fills, and the venue has to wait."""
        if self._transport is not None and not self.is_paused and not self._transport.is_disconnected:
            self.is_paused = True
            self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and self.is_paused and not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()
        self.is_paused = False

    # --- called by picows  ----------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        if self._state == ConnectionState.OPENING:
            self._state = ConnectionState.UP
            self._owner.opened(self)
        else:  # given up meanwhile
            transport.disconnect(graceful=False)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame came."""
        kind: int = frame.msg_type  # type: ignore[assignment] # an IntEnum, whatever its stub says
        if kind == CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        if self._reason or self._state != ConnectionState.UP:
            return
        if kind == PING:
            transport.send_pong(frame.get_payload_as_bytes())
            self._check_unsent(transport)
            return
        if kind > BINARY:
            return
        rsv = frame.rsv1 or frame.rsv2 or frame.rsv3
        try:
            message = self._assembler.feed(kind, frame.fin, rsv, frame.get_payload_as_bytes())
        except WireError as error:
            self._break(f"broke RFC 6455: {error.reason}")
            return
        if message is not None:
            self._owner.received(self, message.data, is_last=frame.last_in_buffer)

    # --- the end ----------------------------------------------------------------------------------

    async def _open(self) -> WSTransport:
        url = self._route.ws(self.url)
        source = self._route.source_address
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            transport, _ = await picows.ws_connect(
                lambda: self,
                url,
                ssl_context=self._route.tls if is_secure(url) else None,
                websocket_handshake_timeout=OPEN_TIMEOUT_S,
                logger_name=_quiet,
                enable_auto_ping=True,
                enable_auto_pong=False,  # It would answer whoever reads no answers, without a bound.
                auto_ping_idle_timeout=PING_IDLE_S,
                auto_ping_reply_timeout=PONG_WITHIN_S,
                max_frame_size=MAX_MESSAGE_BYTES,
                extra_headers={"User-Agent": f"floorwire/{floorwire.__version__}"},
                max_redirects=0,
                proxy=self._route.proxy(url),
                local_addr=None if source is None else (source, 0),
            )
        return transport

    def _check_unsent(self, transport: WSTransport) -> None:
        if transport.underlying_transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._break("the venue does not read")

    def _break(self, reason: str) -> None:
        self._reason = reason
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def _end_with(self, reason: str) -> None:
        if self._state != ConnectionState.ENDED:
            self._state = ConnectionState.ENDED
            self._owner.ended(self, reason[:MAX_REASON])

    @staticmethod
    async def _leave(transport: WSTransport) -> None:
        """Close in good form, but wait for no venue longer than a moment."""
        transport.send_close(WSCloseCode.OK)
        transport.disconnect()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await asyncio.shield(transport.wait_disconnected())
        except (OSError, picows.WSError):
            pass
        finally:
            transport.disconnect(graceful=False)


def handshake_refusal(error: Exception) -> HandshakeRefusal:
    """Return the status and the headers of a refused handshake; 0 and none of another failure."""
    if not isinstance(error, picows.WSHandshakeError) or error.response is None:
        return 0, ()
    headers = error.response.headers.items()
    return int(error.response.status), tuple((name.lower(), value) for name, value in headers)


def failure(error: Exception) -> str:
    """Return why a connection failed, in words."""
    match error:
        case picows.WSHandshakeError(response=response) if response is not None:
            found = f"refused: HTTP {int(response.status)}"
        case ssl.SSLError():
            found = tls_fault(error)
        case ProxyError():
            found = f"proxy: {error}"
        case TimeoutError():
            found = "no answer in time"
        case OSError():
            found = os_reason(error)
        case _:
            found = str(error)
    return found or type(error).__name__


def close_reason(transport: WSTransport) -> str:
    """Return why an open connection ended without a fault."""
    received = transport.close_handshake.recv if transport.close_handshake is not None else None
    if received is None:
        return "cut"
    code: int = received.code  # type: ignore[assignment] # an IntEnum or a number, whatever its stub says
    return f"closed by the venue: {int(code) or 'no code'} {received.reason or ''}".rstrip()

"""The default wire: picows reads frames, and this module writes them directly to the socket."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from picows import WSFrame, WSListener, WSTransport

from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Peer
from floorwire.protocol.frames import CLOSE, PING, PONG, close_frame, frame
from floorwire.protocol.message_assembly import MessageAssembler, WireError, close_reply
from floorwire.web.picows_transport import DiscardingProtocol, PicowsTransport

CLOSE_TIMEOUT_S: Final = 2.0
"""How long a peer may take to read and answer a close frame."""
PING_FRAME: Final = frame(PING, b"")


class PicowsWire(WSListener):
    """One upgraded TCP connection.

    Frames go to the kernel in one ``write``. What the kernel does not take goes to asyncio's transport. Its
    high-water mark is 0, so that ``resume_writing`` is called when everything has left: backpressure.
    """

    __slots__ = (
        "_assembler",
        "_close_timer",
        "_code",
        "_direct_fd",
        "_is_closing",
        "_peer",
        "_picows_transport",
        "_pong",
        "_transport",
        "address",
        "fd",
        "is_blocked",
    )

    def __init__(self, peer: Peer, address: str, max_bytes: int, picows_transport: PicowsTransport) -> None:
        self.address = address
        self._peer = peer
        self._picows_transport = picows_transport
        self._assembler = MessageAssembler(max_bytes)
        self._transport: asyncio.Transport | None = None
        self.fd = -1
        self._direct_fd = -1
        """The socket while it may be written to directly, or -1."""
        self.is_blocked = False
        self._is_closing = False
        self._code: int = CloseCode.ABNORMAL
        self._close_timer: asyncio.TimerHandle | None = None
        self._pong: bytes | None = None
        """The pong that waits while blocked. RFC 6455, 5.5.3: only the latest ping needs one."""

    # --- called by picows  ----------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._picows_transport.complain = self._on_complaint
        self._transport = self._picows_transport.transport
        self._transport.set_write_buffer_limits(high=0)
        if not transport.is_secure:  # TLS has to write through the transport
            self.fd = self._transport.get_extra_info("socket").fileno()
        # The handshake's answer may still wait for the end of the turn. Nothing may overtake it.
        self._set_blocked(self._transport.get_write_buffer_size() > 0)
        self._peer.opened(self)

    def on_ws_frame(self, transport: WSTransport, received: WSFrame) -> None:
        """One frame came."""
        kind: int = received.msg_type  # type: ignore[assignment] # an IntEnum, whatever its stub says
        rsv = bool(received.rsv1 or received.rsv2 or received.rsv3)
        payload = received.get_payload_as_bytes()
        if self._is_closing:
            if kind == CLOSE:
                self._end()
            return
        self._peer.peer_is_alive()
        try:
            if kind >= CLOSE:
                self._control(kind, rsv, payload)
            else:
                message = self._assembler.feed(kind, bool(received.fin), rsv, payload)
                if message is not None:
                    self._peer.received(message.data, message.binary)
        except WireError as error:
            self._peer.end_of_read()
            self.close(error.code, error.reason)
            return
        if received.last_in_buffer:
            self._peer.end_of_read()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The TCP connection is gone."""
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        self._transport = None
        self.fd = self._direct_fd = -1
        if not self._is_closing:  # _end_with has called it already
            self._peer.closed(self._code)

    def pause_writing(self) -> None:
        """Do nothing: ``write`` has seen it."""

    def resume_writing(self) -> None:
        """The peer reads again: all that waited in the transport has left."""
        self._set_blocked(False)
        if self._is_closing:
            return
        self._peer.peer_is_alive()
        if self._pong is not None:
            self.write(self._pong)
            self._pong = None
        self._peer.writable()

    # --- called by the peer ---------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        """Send frames. Return False when the kernel's buffer is full now."""
        if self._direct_fd < 0:
            return self._write_to_transport(data)
        try:
            sent = os.write(self._direct_fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the peer is gone; connection_lost follows
            self._abort()
            return True
        return sent == len(data) or self._write_to_transport(memoryview(data)[sent:])

    def _write_to_transport(self, data: bytes | memoryview) -> bool:
        """Send through the transport: what the kernel did not take, what follows it, and all of TLS."""
        transport = self._transport
        if transport is None or self._is_closing:
            return True
        transport.write(data)
        self._set_blocked(transport.get_write_buffer_size() > 0)
        return not self.is_blocked

    def _set_blocked(self, is_blocked: bool) -> None:
        self.is_blocked = is_blocked
        self._direct_fd = -1 if is_blocked or self._is_closing else self.fd

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def ping(self) -> bool:
        """Send a ping. Behind a full buffer none is sent, but the peer still has to show that it lives."""
        if self._transport is not None and not self.is_blocked:
            self.write(PING_FRAME)
        return True

    def close(self, code: CloseCode | int, reason: str) -> None:
        """Send a close frame. The peer has CLOSE_TIMEOUT_S to read and answer it."""
        self._end_with(int(code), reason, why=int(code))

    def _end_with(self, code: int, reason: str, *, why: int) -> None:
        """Send a close frame, and nothing after it. ``why`` is the close code that our peer object gets."""
        transport = self._transport
        if transport is None or self._is_closing:
            return
        self._code = why
        self.write(close_frame(code, reason))
        self._is_closing = True
        self._direct_fd = -1
        self._close_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.abort)
        self._peer.closed(why)

    def _control(self, kind: int, rsv: bool, payload: bytes) -> None:
        if rsv:
            raise WireError(CloseCode.PROTOCOL_ERROR, "reserved bits without an extension")
        if kind == CLOSE:
            self._peer.end_of_read()
            peer_code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else CloseCode.NO_STATUS
            self._end_with(close_reply(payload), "", why=peer_code)
            self._end()
        elif kind == PING:
            self._peer.end_of_read()
            if self.is_blocked:
                self._pong = frame(PONG, payload)
            else:
                self.write(frame(PONG, payload))

    def _on_complaint(self, code: int, reason: str) -> None:
        # picows cannot read on. Not even the peer's close frame will be read.
        self.close(code, reason)
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.set_protocol(DiscardingProtocol(transport.get_protocol().connection_lost))
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()

"""The default wire: picows reads frames, and this module writes them directly to the socket."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Final, Protocol

from picows import WSFrame, WSListener, WSTransport

from floorwire.auth.client_address import network_of
from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Peer
from floorwire.hub.read_turns import ReadShare
from floorwire.hub.turn_queue import TurnQueue
from floorwire.protocol.frame_budget import SMALL_BYTES
from floorwire.protocol.frames import CLOSE, PING, PONG, close_frame, frame
from floorwire.protocol.message_assembly import MessageAssembler, WireError, close_reply
from floorwire.web.picows_transport import DiscardingProtocol, PicowsTransport
from floorwire.web.read_pace import PausableReader, ReadPace

CLOSE_TIMEOUT_S: Final = 2.0
"""How long a peer may take to read and answer a close frame."""
PING_FRAME: Final = frame(PING, b"")
FRAME_US: Final = 15
"""Price of each frame of a slice. In one turn, all connections together may have so many handled at once
(``TurnQueue.admits``). The others wait for later turns."""
PRICED_FRAMES: Final = 8
"""So many frames of a connection are priced together. It must be a power of 2."""
DROPPED_FRAMES: Final = 10_000
"""Who sends so many frames instead of answering our close frame is hung up on."""


class WireState(IntEnum):
    """What is done with a frame that comes."""

    OPEN = 0
    """It is handled at once."""
    DEFERRING = 1
    """Reading is paused. What had been read already waits for its turn."""
    CLOSING = 2
    """A close frame was sent. Everything but the peer's close frame is dropped."""


# Read for each write: an attribute of an enum's class takes longer than a name of the module.
OPEN: Final = WireState.OPEN
DEFERRING: Final = WireState.DEFERRING
CLOSING: Final = WireState.CLOSING


class SlicedReader(PausableReader, Protocol):
    """The reading of one connection, and the share of its address."""

    share: ReadShare

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        ...


class PicowsWire(WSListener):
    """One upgraded TCP connection.

    Frames go to the kernel in one ``write``. What the kernel does not take goes to asyncio's transport. Its
    high-water mark is 0, so that ``resume_writing`` is called when everything has left: backpressure.

    Frames come in slices of bounded size (``SlicedProtocol``), and what all connections may have done in one
    turn of the event loop is bounded. What is beyond it is handled in later turns, and meanwhile nothing more
    is read (``defer``). So a flood of frames makes only its sender wait. What waits is the rest of one slice.
    """

    __slots__ = (
        "_assembler",
        "_backlog",
        "_close_timer",
        "_code",
        "_direct_fd",
        "_has_failed_later",
        "_has_peer_closed",
        "_pace",
        "_peer",
        "_picows_transport",
        "_pongs",
        "_reading",
        "_small_frames",
        "_state",
        "_transport",
        "_turns",
        "address",
        "fd",
        "frames_read",
        "is_blocked",
    )

    def __init__(
        self,
        peer: Peer,
        address: str,
        max_bytes: int,
        picows_transport: PicowsTransport,
        reading: SlicedReader,
        turns: TurnQueue,
    ) -> None:
        self.address = address
        self.frames_read = 0
        """How many frames have come."""
        self._turns = turns
        self._reading: SlicedReader | None = reading
        self._peer = peer
        self._picows_transport: PicowsTransport | None = picows_transport
        """None from the handshake on."""
        self._assembler = MessageAssembler(max_bytes)
        self._transport: asyncio.Transport | None = None
        self.fd = -1
        self._direct_fd = -1
        """The socket while it may be written to directly, or -1."""
        self.is_blocked = False
        self._state: WireState = OPEN
        self._backlog: deque[Callable[[], None]] | None = None
        """What is to be done with the frames that wait, in their order. None unless some may wait."""
        self._has_failed_later = False
        """Whether a bad frame is among what waits: those after it are passed over."""
        self._has_peer_closed = False
        """Whether the peer's close frame is among what waits."""
        self._small_frames = 0
        """Frames of this turn that are charged to the frame budget."""
        self._pace: ReadPace | None = None
        """Made when first needed."""
        self._code: int = CloseCode.ABNORMAL
        self._close_timer: asyncio.TimerHandle | None = None
        self._pongs = b""
        """The pongs of this read. RFC 6455 5.5.3: while we cannot answer, only the latest ping needs one."""

    # --- called by picows  ----------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        picows_transport, self._picows_transport = self._picows_transport, None
        assert picows_transport is not None, "picows calls this once"
        picows_transport.complain = self._on_complaint  # So it refers to us, and we no more to it.
        tcp = self._transport = picows_transport.transport
        assert tcp is not None, "it is not closed yet"
        tcp.set_write_buffer_limits(high=0)
        if not transport.is_secure:  # TLS has to write through the transport
            self.fd = tcp.get_extra_info("socket").fileno()
        # The handshake's answer may still wait for the end of the turn. Nothing may overtake it.
        self._set_blocked(tcp.get_write_buffer_size() > 0)
        self._peer.opened(self)

    def on_ws_frame(self, transport: WSTransport, received: WSFrame) -> None:
        """One frame came."""
        self.frames_read += 1
        kind: int = received.msg_type  # type: ignore[assignment] # an IntEnum, whatever its stub says
        rsv = received.rsv1 or received.rsv2 or received.rsv3
        payload = received.get_payload_as_bytes()
        if self._state:
            self._frame_later(kind, received.fin, rsv, payload)
            return
        try:
            if kind >= CLOSE:
                self._peer.peer_is_alive()
                self._control(kind, rsv, payload)
            else:
                message = self._assembler.feed(kind, received.fin, rsv, payload)
                if message is not None:
                    self._peer.received(message.data, message.binary)
                else:
                    self._peer.peer_is_alive()
                    if len(payload) < SMALL_BYTES:
                        self._small_frames += 1
        except WireError as error:
            self._fail(error)
            return
        if received.last_in_buffer:
            self._peer.end_of_read()
            if self._small_frames:
                self._end_turn()
        elif not self.frames_read % PRICED_FRAMES and not self._turns.admits(PRICED_FRAMES * FRAME_US):
            self.defer()

    def _frame_later(self, kind: int, fin: bool, rsv: bool, payload: bytes) -> None:
        """Note what is to be done with a frame that came while deferring or closing."""
        if self._state is CLOSING:
            self._small_frames += 1
            if kind == CLOSE or self._small_frames > DROPPED_FRAMES:
                self._end()
            return
        if self._has_failed_later or self._has_peer_closed:  # RFC 6455 5.5.1, 7.1.7: nothing follows these.
            return
        self._peer.peer_is_alive()
        try:
            if kind >= CLOSE:
                self._control_later(kind, rsv, payload)
                return
            message = self._assembler.feed(kind, fin, rsv, payload)
        except WireError as error:
            self._has_failed_later = True
            self._later(partial(self._fail, error))
            return
        if message is not None:
            self._later(partial(self._peer.received, message.data, message.binary))
        elif len(payload) < SMALL_BYTES:
            self._small_frames += 1

    def _control_later(self, kind: int, rsv: bool, payload: bytes) -> None:
        _check_reserved(rsv)
        if kind == CLOSE:
            self._has_peer_closed = True
            self._later(partial(self._control, kind, rsv, payload))
            return
        self._small_frames += 1
        if kind == PING:
            self._pongs = frame(PONG, payload)

    def _later(self, action: Callable[[], None]) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(action)

    # --- turns ----------------------------------------------------------------------------------

    def defer(self) -> None:
        """Stop reading, and handle what was read already in later turns."""
        if self._state is OPEN and self._reading is not None:
            self._state = DEFERRING
            self._paced(self._reading).pause()
            self._turns.add(self._go_on, network_of(self.address))

    def _go_on(self) -> bool:
        """Handle one message that waits, or a part of a long one. Return whether more is left."""
        if self._state is not DEFERRING or self._transport is None:
            return False
        is_well = False
        try:
            is_more = self._handle_next()
            is_well = True
        finally:
            if not is_well:  # a fault of ours, which the event loop logs
                self.close(CloseCode.INTERNAL, "")
        return is_more

    def _handle_next(self) -> bool:
        if self._peer.work():
            return True
        if self._backlog:
            self._backlog.popleft()()
        self._peer.end_of_read()
        if self._state is not DEFERRING:
            return False
        if self._backlog or self._peer.work():
            return True
        self._peer.end_of_read()
        self._state, self._backlog = OPEN, None
        self._end_turn()
        return False

    def _end_turn(self) -> None:
        """Send the pongs. Read on as soon as the frame budget allows it."""
        if self._pongs and not self.is_blocked:
            pongs, self._pongs = self._pongs, b""
            self.write(pongs)
        frames, self._small_frames = self._small_frames, 0
        if self._state is OPEN and self._reading is not None:
            self._paced(self._reading).resume_in_budget(frames)

    def _paced(self, reading: SlicedReader) -> ReadPace:
        if self._pace is None:
            self._pace = ReadPace(reading)
        return self._pace

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The TCP connection is gone."""
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._pace is not None:
            self._pace.stop_timer()
        self._close_timer = self._pace = self._transport = self._reading = self._backlog = None
        self.fd = self._direct_fd = -1
        if self._state is not CLOSING:  # _end_with has called it already
            self._peer.closed(self._code)

    def pause_writing(self) -> None:
        """Do nothing: ``write`` has seen it."""

    def resume_writing(self) -> None:
        """The peer reads again: all that waited in the transport has left."""
        self._set_blocked(False)
        if self._state is CLOSING:
            return
        self._peer.peer_is_alive()
        if self._pongs:
            pongs, self._pongs = self._pongs, b""
            self.write(pongs)
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
        if transport is None or self._state is CLOSING:
            return True
        transport.write(data)
        self._set_blocked(transport.get_write_buffer_size() > 0)
        return not self.is_blocked

    def _set_blocked(self, is_blocked: bool) -> None:
        self.is_blocked = is_blocked
        self._direct_fd = -1 if is_blocked or self._state is CLOSING else self.fd

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
        if transport is None or self._state is CLOSING:
            return
        self._code = why
        self.write(self._pongs + close_frame(code, reason))
        self._pongs = b""
        self._state, self._backlog = CLOSING, None
        self._direct_fd = -1
        if self._pace is not None:
            self._pace.resume()  # for the peer's close frame
        self._close_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.abort)
        self._peer.closed(why)
        if self._has_peer_closed:
            self._end()

    def _control(self, kind: int, rsv: bool, payload: bytes) -> None:
        _check_reserved(rsv)
        if kind == CLOSE:
            self._peer.end_of_read()
            peer_code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else CloseCode.NO_STATUS
            self._end_with(close_reply(payload), "", why=peer_code)
            self._end()
            return
        self._small_frames += 1
        if kind == PING:
            pong = frame(PONG, payload)
            self._pongs = pong if self.is_blocked else self._pongs + pong

    def _fail(self, error: WireError) -> None:
        self._peer.end_of_read()
        self._close_and_discard(error.code, error.reason)

    def _on_complaint(self, code: int, reason: str) -> None:
        # picows cannot read on. Not even the peer's close frame will be read.
        if self._state is DEFERRING:
            self._later(partial(self._close_and_discard, code, reason))
        else:
            self._close_and_discard(code, reason)

    def _close_and_discard(self, code: int, reason: str) -> None:
        """Send a close frame, and look at nothing that comes after a bad frame (RFC 6455 7.1.7)."""
        self.close(code, reason)
        transport, reading = self._transport, self._reading
        if transport is None or reading is None or transport.is_closing():
            return
        transport.set_protocol(DiscardingProtocol(transport, reading.share, reading.connection_lost))
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _check_reserved(rsv: bool) -> None:
    if rsv:  # RFC 6455 5.2: reserved bits are 0 unless an extension was negotiated.
        raise WireError(CloseCode.PROTOCOL_ERROR, "reserved bits without an extension")

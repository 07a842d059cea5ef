"""One client: connects, upgrades, sends its requests, and then counts what comes until it ends."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Protocol

import msgspec

from floorwire.cli.load import handshake
from floorwire.cli.load.frames import CLOSE, PING, PONG, FrameCounter, FrameError, masked_frame
from floorwire.cli.load.reactor import Reactor
from floorwire.cli.load.target import Target

# Linux: the kernel says when the last byte that a read returned came in, so that the load generator's own
# turn-around does not count as the server's latency.
SO_TIMESTAMPNS = 35
_TIMESTAMP = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESTAMP.size) if hasattr(socket, "CMSG_SPACE") else 0
_IP_BIND_ADDRESS_NO_PORT = 24
_NORMAL = 1000
VANISHED = "closed without a close frame"
RESET = "reset"


class Reply(msgspec.Struct, frozen=True):
    """What the load generator reads of the answer to its first request."""

    status: str = ""
    code: str = ""


class MessageReader(Protocol):
    """Reads the messages of a client whose messages are read, not only counted."""

    def hear(self, payload: bytes, arrived_us: int) -> None:
        """Take one message, and when it arrived."""
        ...


class Owner(Protocol):
    """Whoever runs the clients."""

    def ready(self, client: Client) -> None:
        """The client's request was granted; events follow."""
        ...

    def ended(self, client: Client) -> None:
        """The client is over, as its ``ending`` says."""
        ...


class Client:
    """One connection. ``ending`` is empty while it lives, then says how it ended."""

    __slots__ = (
        "_arrived_us", "_buffer", "_counter", "_ear", "_owner", "_reactor", "_receive", "_requests",
        "_target", "ending", "index", "received_bytes", "sock",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Reactor,
        owner: Owner,
        target: Target,
        index: int,
        requests: bytes,
        ear: MessageReader | None = None,
    ) -> None:
        self._reactor = reactor
        self._owner = owner
        self._target = target
        self._requests = requests
        self._ear = ear
        self._arrived_us = 0
        self._counter = FrameCounter(self._control, self._replied)
        self.index = index
        self.ending = ""
        self.received_bytes = 0
        self.sock = socket.socket(target.family, socket.SOCK_STREAM)
        self._buffer = reactor.buffer
        self._receive = self.sock.recv_into

    @property
    def messages(self) -> int:
        """How many messages came so far, the reply among them."""
        return self._counter.messages

    def connect(self, receive_buffer_bytes: int | None = None) -> None:
        """Begin; the owner hears of the outcome."""
        sock = self.sock
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        if self._ear is not None:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        source = self._target.source(self.index)
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        error = sock.connect_ex((self._target.address, self._target.port))
        if error in (0, errno.EINPROGRESS):
            self._reactor.when_writable(sock, self._connected)
        else:
            self.drop(os.strerror(error))

    def mute(self) -> None:
        """Stop reading: from now on everything waits in the buffers, as with a stalled client."""
        self._reactor.forget(self.sock)

    def listen(self) -> None:
        """Read again."""
        if self._ear is None:
            self._reactor.when_readable(self.sock, self._count, patient=True)
        else:
            self._reactor.when_readable(self.sock, self._hear)

    def leave(self) -> None:
        """Say goodbye; the owner hears when the server has closed."""
        if not self.ending:
            self._send(masked_frame(_NORMAL.to_bytes(2, "big"), CLOSE))

    def drop(self, ending: str) -> None:
        """End at once, without a word. Ending twice is ending once."""
        if self.ending:
            return
        self.ending = ending
        self._reactor.forget(self.sock)
        self.sock.close()
        self._owner.ended(self)

    # --- phases, each the reactor's handler while it lasts -------------------------------------------

    def _connected(self) -> None:
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.drop(os.strerror(error))
            return
        self._reactor.when_readable(self.sock, self._upgrade)
        self._send(handshake.request(self._target))

    def _upgrade(self) -> None:
        answer = bytes(self._buffer[: self._read()])
        try:
            frames = handshake.frames_after(answer)
        except handshake.RefusedError as error:
            self.drop(str(error))
            return
        self._counter.rest = answer if frames is None else b""
        if frames is not None and not self.ending:
            self._upgraded(frames)

    def _upgraded(self, frames: bytes) -> None:
        self.listen()
        self._send(self._requests)
        self._buffer[: len(frames)] = frames
        self._take(len(frames))

    def _count(self) -> None:
        """Read and count: nearly all that a run does, so it calls little."""
        counter = self._counter
        if counter.rest:
            self._take(self._read())
            return
        try:
            size = self._receive(self._buffer)
            counter.take(self._buffer, size)
        except (OSError, FrameError) as error:
            self._broken(error)
            return
        self.received_bytes += size
        if not size:
            self.drop(VANISHED)

    def _hear(self) -> None:
        """Read with the time of arrival."""
        kept = self._keep()
        try:
            size, ancillary, _, _ = self.sock.recvmsg_into([self._reactor.view[kept:]], _ANCILLARY_BYTES)
        except OSError as error:
            self._broken(error)
            return
        for _, _, data in ancillary:
            seconds, nanoseconds = _TIMESTAMP.unpack(data)
            self._arrived_us = seconds * 1_000_000 + nanoseconds // 1000
        self._take(self._received(kept, size))

    # --- parts ---------------------------------------------------------------------------------------

    def _keep(self) -> int:
        """Put the unfinished frame back to the front of the buffer; return its size."""
        rest = self._counter.rest
        self._buffer[: len(rest)] = rest
        return len(rest)

    def _read(self) -> int:
        """Return up to where the buffer holds what came, now and before."""
        kept = self._keep()
        try:
            return self._received(kept, self._receive(self._reactor.view[kept:]))
        except OSError as error:
            self._broken(error)
            return kept

    def _received(self, kept: int, size: int) -> int:
        self.received_bytes += size
        if not size:
            self.drop(VANISHED)
        return kept + size

    def _take(self, end: int) -> None:
        try:
            self._counter.take(self._buffer, end)
        except FrameError as error:
            self._broken(error)

    def _broken(self, error: OSError | FrameError) -> None:
        if not isinstance(error, BlockingIOError):
            self.drop(error.strerror or RESET if isinstance(error, OSError) else str(error))

    def _replied(self, payload: bytes) -> None:
        if self.ending:
            return
        try:
            reply = msgspec.json.decode(payload, type=Reply)
        except msgspec.DecodeError:
            reply = Reply()
        if reply.status == "error":
            self.drop(f"error {reply.code}")
            return
        self._counter.on_message = None if self._ear is None else self._heard
        self._owner.ready(self)

    def _heard(self, payload: bytes) -> None:
        if self._ear is not None:
            self._ear.hear(payload, self._arrived_us)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._send(masked_frame(payload, PONG))
        elif opcode == CLOSE:
            code = payload[:2]
            self._send(masked_frame(code, CLOSE))
            self.drop(f"close {int.from_bytes(code, 'big')}" if code else "close")

    def _send(self, data: bytes) -> None:
        """Send what fits into any send buffer that is read at all."""
        try:
            sent = self.sock.send(data)
        except OSError as error:
            self.drop(error.strerror or RESET)
            return
        if sent < len(data):
            self.drop("server does not read")

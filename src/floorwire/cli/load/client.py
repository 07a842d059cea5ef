"""One client: it connects, upgrades, sends its requests, and counts what it receives until it ends."""

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

# Linux: the kernel gives the time at which the last byte of a read arrived. So the time that the load
# generator itself takes does not count as the server's latency.
SO_TIMESTAMPNS = 35
_TIMESTAMP = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESTAMP.size) if hasattr(socket, "CMSG_SPACE") else 0
_IP_BIND_ADDRESS_NO_PORT = 24
_NORMAL = 1000  # RFC 6455 7.4.1: a normal closure
NO_CLOSE_FRAME = "closed without a close frame"
RESET = "reset"


class Reply(msgspec.Struct, frozen=True):
    """The fields that the load generator reads of the reply to its first request."""

    status: str = ""
    code: str = ""


class MessageReader(Protocol):
    """Gets each message of a client whose messages are read and not only counted."""

    def on_message(self, payload: bytes, arrived_us: int) -> None:
        """Read one message; ``arrived_us`` is when the kernel received it."""
        ...


class ClientOwner(Protocol):
    """The object that runs the clients."""

    def on_subscribed(self, client: Client) -> None:
        """The server accepted the client's request. Events follow."""
        ...

    def on_ended(self, client: Client) -> None:
        """The client has ended; its ``ending`` says how."""
        ...


class Client:
    """One connection. ``ending`` is empty while it lives, then says how it ended."""

    __slots__ = (
        "_arrived_us", "_buffer", "_counter", "_owner", "_reactor", "_reader", "_receive", "_requests",
        "_target", "ending", "index", "received_bytes", "sock",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Reactor,
        owner: ClientOwner,
        target: Target,
        index: int,
        requests: bytes,
        reader: MessageReader | None = None,
    ) -> None:
        self._reactor = reactor
        self._owner = owner
        self._target = target
        self._requests = requests
        self._reader = reader
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
        """How many messages were received so far, the reply included."""
        return self._counter.messages

    def connect(self, receive_buffer_bytes: int | None = None) -> None:
        """Start to connect. The owner is called when the client is subscribed or has ended."""
        sock = self.sock
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        if self._reader is not None:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        source = self._target.source(self.index)
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        error = sock.connect_ex((self._target.address, self._target.port))
        if error in (0, errno.EINPROGRESS):
            self._reactor.when_writable(sock, self._connected)
        else:
            self.abort(os.strerror(error))

    def stop_reading(self) -> None:
        """Stop reading: from now on all data waits in buffers, as with a stalled client."""
        self._reactor.unregister(self.sock)

    def start_reading(self) -> None:
        """Read from now on."""
        if self._reader is None:
            self._reactor.when_readable(self.sock, self._read_and_count, patient=True)
        else:
            self._reactor.when_readable(self.sock, self._read_with_time)

    def close(self) -> None:
        """Send a close frame. The owner is called when the server has closed."""
        if not self.ending:
            self._send(masked_frame(_NORMAL.to_bytes(2, "big"), CLOSE))

    def abort(self, ending: str) -> None:
        """End at once, without a close frame. Does nothing where the client has ended already."""
        if self.ending:
            return
        self.ending = ending
        self._reactor.unregister(self.sock)
        self.sock.close()
        self._owner.on_ended(self)

    # --- handlers: one at a time is registered with the reactor ---------------------------------------

    def _connected(self) -> None:
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.abort(os.strerror(error))
            return
        self._reactor.when_readable(self.sock, self._upgrade)
        self._send(handshake.request(self._target))

    def _upgrade(self) -> None:
        answer = bytes(self._buffer[: self._read()])
        try:
            frames = handshake.frames_after(answer)
        except handshake.RefusedError as error:
            self.abort(str(error))
            return
        self._counter.rest = answer if frames is None else b""
        if frames is not None and not self.ending:
            self._upgraded(frames)

    def _upgraded(self, frames: bytes) -> None:
        self.start_reading()
        self._send(self._requests)
        self._buffer[: len(frames)] = frames
        self._count(len(frames))

    def _read_and_count(self) -> None:
        """Read and count. A run does this most of all, so it makes few calls."""
        counter = self._counter
        if counter.rest:
            self._count(self._read())
            return
        try:
            size = self._receive(self._buffer)
            counter.feed(self._buffer, size)
        except (OSError, FrameError) as error:
            self._fail(error)
            return
        self.received_bytes += size
        if not size:
            self.abort(NO_CLOSE_FRAME)

    def _read_with_time(self) -> None:
        """Read, with the time of arrival."""
        kept = self._restore_rest()
        try:
            size, ancillary, _, _ = self.sock.recvmsg_into([self._reactor.view[kept:]], _ANCILLARY_BYTES)
        except OSError as error:
            self._fail(error)
            return
        for _, _, data in ancillary:
            seconds, nanoseconds = _TIMESTAMP.unpack(data)
            self._arrived_us = seconds * 1_000_000 + nanoseconds // 1000
        self._count(self._received(kept, size))

    # --- parts ---------------------------------------------------------------------------------------

    def _restore_rest(self) -> int:
        """Put the unfinished frame at the front of the buffer; return its size."""
        rest = self._counter.rest
        self._buffer[: len(rest)] = rest
        return len(rest)

    def _read(self) -> int:
        """Read once behind the unfinished frame; return where the data in the buffer ends."""
        kept = self._restore_rest()
        try:
            return self._received(kept, self._receive(self._reactor.view[kept:]))
        except OSError as error:
            self._fail(error)
            return kept

    def _received(self, kept: int, size: int) -> int:
        self.received_bytes += size
        if not size:
            self.abort(NO_CLOSE_FRAME)
        return kept + size

    def _count(self, end: int) -> None:
        try:
            self._counter.feed(self._buffer, end)
        except FrameError as error:
            self._fail(error)

    def _fail(self, error: OSError | FrameError) -> None:
        if not isinstance(error, BlockingIOError):
            self.abort(error.strerror or RESET if isinstance(error, OSError) else str(error))

    def _replied(self, payload: bytes) -> None:
        if self.ending:
            return
        try:
            reply = msgspec.json.decode(payload, type=Reply)
        except msgspec.DecodeError:
            reply = Reply()
        if reply.status == "error":
            self.abort(f"error {reply.code}")
            return
        self._counter.on_message = None if self._reader is None else self._deliver
        self._owner.on_subscribed(self)

    def _deliver(self, payload: bytes) -> None:
        if self._reader is not None:
            self._reader.on_message(payload, self._arrived_us)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._send(masked_frame(payload, PONG))
        elif opcode == CLOSE:
            code = payload[:2]
            self._send(masked_frame(code, CLOSE))
            self.abort(f"close {int.from_bytes(code, 'big')}" if code else "close")

    def _send(self, data: bytes) -> None:
        """Send a small message at once. A server whose buffer is too full for it does not read."""
        try:
            sent = self.sock.send(data)
        except OSError as error:
            self.abort(error.strerror or RESET)
            return
        if sent < len(data):
            self.abort("server does not read")

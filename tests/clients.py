"""Clients for tests over real sockets: one that follows the protocol, and one that can send anything."""

from __future__ import annotations

import base64
import secrets
import socket
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.servers import Server

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
Message: TypeAlias = dict[str, JsonValue]

PATIENCE_S = 20.0
MSGPACK = "floorwire.v1.msgpack"


class Client:
    """A client that waits for each reply, and keeps the events that arrive before it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._is_msgpack = connection.subprotocol == MSGPACK
        self._events: deque[Message] = deque()

    def ask(self, action: str, **fields: object) -> Message:
        """Send a request; return its reply."""
        request = {"action": action, **fields}
        data: str | bytes
        data = msgspec.msgpack.encode(request) if self._is_msgpack else msgspec.json.encode(request).decode()
        return self.send(data)

    def send(self, data: str | bytes) -> Message:
        """Send a message; return the next reply."""
        self.connection.send(data)
        return self.reply()

    def reply(self) -> Message:
        """Return the next reply."""
        while "status" not in (message := self._receive()):
            self._events.append(message)
        return message

    def event(self) -> Message:
        """Return the next event."""
        if self._events:
            return self._events.popleft()
        message = self._receive()
        assert "status" not in message, message
        return message

    def events(self, count: int) -> list[Message]:
        """Return the next ``count`` events."""
        return [self.event() for _ in range(count)]

    def pending_events(self) -> list[Message]:
        """Return the events that arrived before the last reply, and keep them no longer."""
        events, self._events = self._events, deque()
        return list(events)

    def _receive(self) -> Message:
        data = self.connection.recv(PATIENCE_S)
        assert isinstance(data, bytes) is self._is_msgpack
        message: Message
        message = msgspec.msgpack.decode(data) if isinstance(data, bytes) else msgspec.json.decode(data)
        return message

    def closing(self) -> tuple[list[Message], int, str]:
        """Return all messages until the server closes, and its close code and reason."""
        messages = list(self._events)
        try:
            while True:
                messages.append(self._receive())
        except ConnectionClosed as closed:
            close = closed.rcvd
        assert close is not None, "no close frame"
        return messages, close.code, close.reason


@contextmanager
def client(server: Server, path: str = "/ws", *subprotocols: str) -> Iterator[Client]:
    """Connect as a client that answers pings and reads at once."""
    offered = [Subprotocol(name) for name in subprotocols]
    with connect(
        server.ws(path),
        subprotocols=offered or None,
        compression=None,
        max_size=None,
        close_timeout=0.2,  # a test that leaves events unread would wait for them
    ) as connection:
        yield Client(connection)


class Frame(msgspec.Struct, frozen=True):
    """A frame as the server sent it."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a close frame."""
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big")


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class RawClient:
    """A plain socket: the test decides which bytes are sent, and when anything is read."""

    def __init__(self, server: Server, receive_buffer: int | None = None, local: str | None = None) -> None:
        """``local``: the address of ours to connect from."""
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.unread = b""
        try:
            if local is not None:
                self.socket.bind((local, 0))
            self.socket.connect((server.host, server.port))
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def handshake(self, path: str = "/ws", **headers: str) -> tuple[int, dict[str, str]]:
        """Send an upgrade request; return the status and the headers of the answer."""
        asked = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items() if value)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.http_answer()

    def http_answer(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of an HTTP answer."""
        while b"\r\n\r\n" not in self.unread:
            self.receive()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        return int(status.split()[1]), {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    def send(self, opcode: int, payload: bytes, *, fin: bool = True) -> None:
        """Send a masked frame."""
        self.socket.sendall(frame(opcode, payload, fin=fin))

    def ask(self, action: str, **fields: object) -> None:
        """Send a request as JSON."""
        self.send(TEXT, msgspec.json.encode({"action": action, **fields}))

    def frame(self) -> Frame:
        """Return the next frame of the server."""
        head = self.read_exactly(2)
        size = head[1]
        if size >= 126:
            size = int.from_bytes(self.read_exactly(2 if size == 126 else 8), "big")
        return Frame(head[0] & 0x0F, self.read_exactly(size))

    def message(self) -> Message:
        """Return the next JSON message. Pings before it are dropped and not answered."""
        while (received := self.frame()).opcode == PING:
            pass
        assert received.opcode == TEXT, received
        message: Message = msgspec.json.decode(received.payload)
        return message

    def until_close(self) -> tuple[list[Frame], int | None]:
        """Return the frames until the server closes, and its close code; None where no close frame comes."""
        frames = []
        try:
            while (received := self.frame()).opcode != CLOSE:
                frames.append(received)
        except (EOFError, ConnectionResetError):
            return frames, None
        return frames, received.close_code

    def is_closed_by_server(self) -> bool:
        """Send no more; return whether the server closes the connection. What it sends before is dropped."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def read_exactly(self, size: int) -> bytes:
        """Return the next bytes."""
        while len(self.unread) < size:
            self.receive()
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def receive(self) -> None:
        """Add what comes to ``unread``. Raises EOFError at the end."""
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError
        self.unread += data


def frame(opcode: int, payload: bytes, *, fin: bool = True, size: int | None = None) -> bytes:
    """Return a masked frame. ``size`` is the length in its header; None: the true one."""
    size = len(payload) if size is None else size
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    mask = secrets.token_bytes(4)
    key = int.from_bytes(mask * (len(payload) // 4 + 1), "big") >> 8 * (4 - len(payload) % 4)
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


@contextmanager
def raw(server: Server, path: str = "/ws", receive_buffer: int | None = None) -> Iterator[RawClient]:
    """Connect, and upgrade to WebSocket."""
    with RawClient(server, receive_buffer) as peer:
        status, _ = peer.handshake(path)
        assert status == 101
        yield peer

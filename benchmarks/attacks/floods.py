"""Floods: what an attacker sends, and the process that sends it.

A flood opens some connections from one address and sends the same bytes on all of them, as fast as the server
takes them or at a fixed rate. It opens a connection again when the server closes it.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from collections.abc import Mapping

import msgspec

from floorwire.cli.load.frames import BINARY, PING, TEXT, masked_frame

ADDRESS = "127.0.0.1"
COPIES = 64
"""Copies of a request in one write."""
REOPENED_PER_S = 100
"""The most connections a second that are opened again."""
READ_BYTES = 1 << 18
IDLE_S = 0.01


class Flood(msgspec.Struct, frozen=True):
    """One attack. ``data`` is sent again and again on each connection."""

    connections: int
    data: bytes
    head: bytes = b""
    """The handshake. Empty: plain HTTP."""
    writes_per_s: float = 0.0
    """How often ``data`` is sent on one connection in a second; 0: as often as the server takes it."""
    is_read: bool = True
    """Whether the attacker reads what comes back."""
    writes: int = 0
    """How often ``data`` is sent on one connection in all; 0: without end."""


def handshake(bearer: str = "", protocol: str = "") -> bytes:
    """Return the head of a WebSocket handshake."""
    lines = [
        "GET /ws HTTP/1.1",
        f"host: {ADDRESS}",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-key: {'A' * 22}==",
        "sec-websocket-version: 13",
        *([f"authorization: Bearer {bearer}"] if bearer else []),
        *([f"sec-websocket-protocol: {protocol}"] if protocol else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def requests(message: Mapping[str, object], *, msgpack: bool = False, copies: int = COPIES) -> bytes:
    """Return the frames of so many equal requests."""
    if msgpack:
        return masked_frame(msgspec.msgpack.encode(message), BINARY) * copies
    return masked_frame(json.dumps(message).encode(), TEXT) * copies


def pings(size: int) -> bytes:
    """Return the frames of many pings with a payload of ``size`` bytes."""
    return masked_frame(b"p" * size, PING) * 4 * COPIES


def get(path: str, copies: int = COPIES, bearer: str = "") -> bytes:
    """Return so many pipelined GET requests."""
    shown = f"authorization: Bearer {bearer}\r\n" if bearer else ""
    return f"GET {path} HTTP/1.1\r\nhost: {ADDRESS}\r\n{shown}\r\n".encode() * copies


class _Connection:
    """One of the attacker's sockets."""

    def __init__(self, flood: Flood, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), 5, (ADDRESS, 0))
        self.socket.setblocking(False)
        self._flood = flood
        self._rest = flood.head
        self._writes = 0
        self._due_s = time.monotonic()

    def write(self) -> bool:
        """Send what is due. Return whether more could be sent at once."""
        flood, is_busy = self._flood, False
        while True:
            if not self._rest:
                if (flood.writes and self._writes == flood.writes) or time.monotonic() < self._due_s:
                    return is_busy
                self._writes += 1
                self._due_s = max(self._due_s, time.monotonic() - 1) if flood.writes_per_s else self._due_s
                self._due_s += 1 / flood.writes_per_s if flood.writes_per_s else 0
                self._rest = flood.data
            try:
                sent = self.socket.send(self._rest)
            except BlockingIOError:
                return is_busy
            is_busy = True
            self._rest = self._rest[sent:]
            if self._rest:
                return True

    def read(self) -> bool:
        """Read what came. Return whether the connection is still open."""
        try:
            return bool(self.socket.recv(READ_BYTES))
        except BlockingIOError:
            return True


def run(flood: Flood, host: str, port: int, cpu: int, seconds: float) -> None:
    """Attack for so many seconds. Runs in a process of its own, below the steady client's priority."""
    os.sched_setaffinity(0, {cpu})
    os.nice(19)
    end_s = time.monotonic() + seconds
    selector = selectors.DefaultSelector()
    opened, begin_s = 0, time.monotonic()
    count = 0
    while time.monotonic() < end_s:
        allowed = flood.connections + int((time.monotonic() - begin_s) * REOPENED_PER_S)
        while count < flood.connections and opened < allowed:
            opened += 1
            try:
                connection = _Connection(flood, host, port)
            except OSError:
                break
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            count += 1
        is_busy = False
        readable = {key.fd for key, _ in selector.select(0)}
        for key in list(selector.get_map().values()):
            connection = key.data
            try:
                is_open = connection.read() if flood.is_read and key.fd in readable else True
                is_busy = (is_open and connection.write()) or is_busy
            except OSError:
                is_open = False
            if not is_open:
                selector.unregister(connection.socket)
                connection.socket.close()
                count -= 1
        if not is_busy:
            time.sleep(IDLE_S / 10)

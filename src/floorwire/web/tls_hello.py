"""Waits for the ClientHello of TLS connections, before anything is computed for them.

The answer to a ClientHello costs a signature: a third of a millisecond. asyncio reads all sockets that have
data in one turn of the event loop, so a thousand peers that send theirs at once would hold it. Here
a connection goes on only when its ClientHello is whole. Then it waits for its turn like any other.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Final, Generic, TypeVar

import msgspec

MOST_BYTES: Final = 16_384
MOST_RECORDS: Final = 16
"""In more bytes or more records nobody sends a ClientHello. To look at thousands of records would cost."""
FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.64
"""How long after a part of it the rest is looked for. Each look waits twice as long as the one before."""
HANDSHAKE: Final = 22
"""The content type of a handshake's records (RFC 8446 5.1)."""
RECORD_HEAD: Final = 5
MESSAGE_HEAD: Final = 4

T = TypeVar("T")


class HelloState(Enum):
    """What a peer has sent of its ClientHello."""

    PART = auto()
    WHOLE = auto()
    BAD = auto()
    """It never becomes one."""


def hello_state(data: bytes) -> HelloState:
    """Return what the data begins with (RFC 8446 4, 5.1). A ClientHello may be cut into several records."""
    hello, at = b"", 0
    for _ in range(MOST_RECORDS):
        if at >= len(data):
            break
        if data[at] != HANDSHAKE:
            return HelloState.BAD
        begin = at + RECORD_HEAD
        if begin > len(data):
            return HelloState.PART
        size = int.from_bytes(data[at + 3 : begin], "big")
        if not 0 < size <= MOST_BYTES:  # RFC 8446 5.1
            return HelloState.BAD
        at = begin + size
        hello += data[begin:at]
        if len(hello) >= MESSAGE_HEAD and len(hello) - MESSAGE_HEAD >= int.from_bytes(hello[1:4], "big"):
            return HelloState.WHOLE
    else:
        return HelloState.BAD
    return HelloState.PART if len(data) < MOST_BYTES else HelloState.BAD


class _Waiting(msgspec.Struct, Generic[T]):
    """One connection. ``look_s``: how long until the next look; ``look``: its timer."""

    item: T
    end: asyncio.TimerHandle
    look_s: float = FIRST_LOOK_S
    look: asyncio.TimerHandle | None = None


class ClientHelloWaiter(Generic[T]):
    """The connections whose ClientHello is not whole. Who adds them bounds their number.

    ``ready`` gets each one when it is, ``lost`` when it never will be: the peer has left or speaks something
    else, or ``timeout_s`` are over.
    """

    def __init__(
        self,
        timeout_s: float,
        ready: Callable[[socket.socket, T], None],
        lost: Callable[[socket.socket, T], None],
    ) -> None:
        self._timeout_s = timeout_s
        self._ready = ready
        self._lost = lost
        self._waiting: dict[socket.socket, _Waiting[T]] = {}

    def add(self, sock: socket.socket, item: T) -> None:
        """Wait for the ClientHello on this socket, which does not block."""
        loop = asyncio.get_running_loop()
        self._waiting[sock] = _Waiting(item, loop.call_later(self._timeout_s, self._give_up, sock))
        loop.add_reader(sock, self._check, sock)

    def stop(self) -> list[tuple[socket.socket, T]]:
        """Wait for none any more. Return those that waited."""
        return [(sock, self._forget(sock)) for sock in list(self._waiting)]

    def _check(self, sock: socket.socket) -> None:
        waiting = self._waiting[sock]
        try:
            data = sock.recv(MOST_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        found = hello_state(data) if data else HelloState.BAD
        if found is HelloState.WHOLE:
            self._ready(sock, self._forget(sock))
        elif found is HelloState.BAD or _has_left(sock):
            self._give_up(sock)
        else:  # The part that is there would call us in each turn.
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            waiting.look = loop.call_later(waiting.look_s, self._check, sock)
            waiting.look_s = min(LAST_LOOK_S, 2 * waiting.look_s)

    def _give_up(self, sock: socket.socket) -> None:
        with suppress(OSError):  # What is unread would make a reset of the end.
            sock.recv(MOST_BYTES)
        self._lost(sock, self._forget(sock))

    def _forget(self, sock: socket.socket) -> T:
        waiting = self._waiting.pop(sock)
        asyncio.get_running_loop().remove_reader(sock)
        waiting.end.cancel()
        if waiting.look is not None:
            waiting.look.cancel()
        return waiting.item


def _has_left(sock: socket.socket) -> bool:
    """Return whether the peer sends no more. That cannot be read while a part of a hello lies before it."""
    ended = getattr(select, "POLLRDHUP", 0)  # Linux
    if not ended:
        return False
    poll = select.poll()
    poll.register(sock, ended)
    return bool(poll.poll(0))

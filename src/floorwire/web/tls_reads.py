"""Paces what peers send in TLS handshakes: after the ClientHello each read waits for a turn.

The end of a handshake costs a key exchange or a hash of all of it, and the connection's objects: 0.1 to 0.3
ms. asyncio handles it in the turn in which it comes, so a thousand peers that send it together would hold the
event loop. While a handshake goes on, ``TlsReads`` is the protocol of the TCP transport, and asyncio's TLS
gets the bytes from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class TlsReads(asyncio.Protocol):
    """Stands between a TCP transport and its TLS. Reading is paused while something waits.

    ``wait``: calls what it is given once, when the peer's address has its turn.
    """

    def __init__(self, wait: Callable[[Callable[[], None]], None]) -> None:
        self._wait = wait
        self._transport: asyncio.Transport | None = None
        self._tls: asyncio.BufferedProtocol | None = None
        """What ``start_tls`` made. None: it has not begun."""
        self._unread = b""
        """What TLS was not given yet."""
        self._has_started = False
        """Whether TLS was given the ClientHello: it had its turn when the connection began."""
        self._is_waiting = False
        self._has_ended = False
        """Whether the peer sends no more."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the TCP transport."""
        self._transport = transport

    def start(self) -> None:
        """Take the place of TLS. Call it when ``start_tls`` has made that, and before TLS is connected."""
        if self._transport is None or self._transport.is_closing():
            return
        self._tls = cast(asyncio.BufferedProtocol, self._transport.get_protocol())
        self._transport.set_protocol(self)
        if self._unread or self._has_ended:
            self._has_started = self._is_waiting = True
            asyncio.get_running_loop().call_soon(self._feed)  # TLS is connected then.

    def end(self) -> None:
        """Let TLS read by itself: the handshake is over."""
        if self._transport is None or self._tls is None or self._transport.is_closing():
            return
        if self._is_waiting:
            self._feed()
        self._transport.set_protocol(self._tls)

    def data_received(self, data: bytes) -> None:
        """Give the data to TLS, now or in the address's turn."""
        self._unread += data
        if self._tls is None or self._is_waiting:
            return
        if not self._has_started:
            self._has_started = True
            self._feed()
            return
        self._is_waiting = True
        if self._transport is not None:
            self._transport.pause_reading()
        self._wait(self._feed)

    def eof_received(self) -> bool | None:
        """Tell TLS of the end, after what waits."""
        self._has_ended = True
        if self._tls is None or self._is_waiting:
            return True
        return self._tls.eof_received()

    def pause_writing(self) -> None:
        """Tell TLS."""
        if self._tls is not None:
            self._tls.pause_writing()

    def resume_writing(self) -> None:
        """Tell TLS."""
        if self._tls is not None:
            self._tls.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell TLS. What waits is dropped."""
        self._transport, self._unread = None, b""
        if self._tls is not None:
            self._tls.connection_lost(exc)

    def _feed(self) -> None:
        """Give TLS what waits, and read on."""
        if not self._has_started or self._tls is None:
            return
        self._is_waiting = False
        unread, self._unread = self._unread, b""
        while unread and self._transport is not None and not self._transport.is_closing():
            room = memoryview(self._tls.get_buffer(len(unread)))
            part, unread = unread[: len(room)], unread[len(room) :]
            room[: len(part)] = part
            self._tls.buffer_updated(len(part))
        if self._transport is None or self._transport.is_closing():
            return
        if self._has_ended:
            if not self._tls.eof_received():
                self._transport.close()
        else:
            self._transport.resume_reading()


class EarlyData(asyncio.Protocol):
    """Keeps what comes with the end of a handshake, which is read before its connection is made."""

    def __init__(self) -> None:
        self.data = b""
        """At most what one read brought."""
        self.is_lost = False

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        """The handshake failed, or the peer left at its end."""
        self.is_lost = True

"""The intercept: what picows takes for its transport, so that the wire alone speaks to the peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

Complaint: TypeAlias = Callable[[int, str], None]


class PicowsTransport:
    """Passes the handshake on, and turns what picows says by itself afterwards into a complaint.

    picows parses one frame ahead and closes at once where it cannot: before the good frames that came
    together with the bad one were handled, whose answers would then follow the close frame. A complaint
    (close code, reason) is made when they have been.
    """

    __slots__ = ("complain", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.complain: Complaint | None = None
        """Who hears complaints; None as long as the handshake lasts."""

    def get_extra_info(self, name: str) -> object:
        """Return what is known of the connection."""
        return self.transport.get_extra_info(name)

    def get_write_buffer_size(self) -> int:
        """Return 1: while something seems to wait, picows writes here and not to the socket."""
        return 1

    def write(self, data: bytes) -> None:
        """Pass on the answer to the handshake; after it, take a close frame for a complaint."""
        if self.complain is None:
            self.transport.write(data)
        else:
            code, reason = int.from_bytes(data[2:4], "big"), bytes(data[4:]).decode()
            asyncio.get_running_loop().call_soon(self.complain, code, reason)

    def close(self) -> None:
        """End a handshake that failed; afterwards the wire decides when to end."""
        if self.complain is None:
            self.transport.close()


class DiscardingProtocol(asyncio.Protocol):
    """Throws away what a peer still sends after a frame that cannot be read.

    To close with unread bytes resets the connection, and the peer may never see our close frame.
    """

    def __init__(self, ended: Callable[[Exception | None], None]) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        self._ended(exc)

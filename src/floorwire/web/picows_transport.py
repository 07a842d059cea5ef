"""The transport that picows is given, so that only our wire writes to the peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

from floorwire.core.codes import CloseCode
from floorwire.hub.read_turns import ReadShare

Complaint: TypeAlias = Callable[[int, str], None]
DISCARDED: Final = bytearray(16_384)


class PicowsTransport:
    """Passes the handshake on. Afterwards it turns each close frame of picows into a complaint.

    picows parses one frame ahead, and closes at once when a frame is bad. The good frames before the bad one
    are not handled yet then, and their answers would follow the close frame. So the complaint (close code,
    reason) is delivered one turn of the event loop later, when those frames have been handled. A fault of
    ours is told at once: no frame after it may be handled.
    """

    __slots__ = ("complain", "has_complained", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport: asyncio.Transport | None = transport
        """None once the connection is gone."""
        self.complain: Complaint | None = None
        """Called with each complaint. None until the handshake is done."""
        self.has_complained = False
        """Whether a frame was bad. picows would read on after it."""

    def get_extra_info(self, name: str) -> object:
        """Return the real transport's value."""
        return None if self.transport is None else self.transport.get_extra_info(name)

    def get_write_buffer_size(self) -> int:
        """Return 1. While data seems to wait, picows writes to this object and not to the socket."""
        return 1

    def write(self, data: bytes) -> None:
        """Pass on the handshake's answer. Afterwards read the data as a close frame, and complain."""
        if self.complain is None:
            if self.transport is not None:
                self.transport.write(data)
        else:
            self.has_complained = True
            code, reason = int.from_bytes(data[2:4], "big"), bytes(data[4:]).decode()
            if code == CloseCode.INTERNAL:
                self.complain(code, reason)
            else:
                asyncio.get_running_loop().call_soon(self.complain, code, reason)

    def close(self) -> None:
        """Close after a failed handshake. Afterwards only the wire closes."""
        if self.complain is None and self.transport is not None:
            self.transport.close()

    def connection_lost(self) -> None:
        """Forget the real transport. With TLS it refers to its protocol for ever, and that to us."""
        self.transport = None


class DiscardingProtocol(asyncio.BufferedProtocol):
    """Discards what a peer still sends after a frame that is wrong.

    Closing a socket that has unread bytes resets the connection. The peer may then never see our close frame.
    If its address has no share of the turn left, that is done nevertheless: it floods us.
    """

    def __init__(
        self, transport: asyncio.Transport, share: ReadShare, ended: Callable[[Exception | None], None]
    ) -> None:
        self._transport: asyncio.Transport | None = transport
        self._share = share
        self._ended = ended

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where all that is discarded goes. Nobody reads it."""
        return DISCARDED

    def buffer_updated(self, nbytes: int) -> None:
        """Discard what came."""
        if self._transport is not None and not self._share.allow(0):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        self._transport = None  # With TLS it refers to us for ever.
        self._ended(exc)

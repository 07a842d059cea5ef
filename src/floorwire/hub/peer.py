"""Ports between the two wires, the hub and a connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from floorwire.core.codes import CloseCode
from floorwire.protocol.codec import Codec
from floorwire.protocol.outbox import Outbox

if TYPE_CHECKING:
    from floorwire.hub.topic import Topic


class Wire(Protocol):
    """One WebSocket, of either server."""

    address: str
    fd: int
    """The socket that may be written to directly while ``is_blocked`` is false. -1: use ``write`` only."""
    is_blocked: bool
    """Backpressure: whether written data still waits. ``Peer.writable`` follows."""

    def write(self, data: bytes) -> bool:
        """Send frames. Return False if the peer's buffer is full now; ``Peer.writable`` follows."""
        ...

    def ping(self) -> bool:
        """Send a ping frame. Return False if the ASGI server sends pings by itself."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame, and end the connection in bounded time even if the peer does not read."""
        ...

    def defer(self) -> None:
        """Stop reading. Call ``Peer.work`` in later turns until it returns False; then read on.

        While that goes on, another call changes nothing.
        """
        ...


class Peer(Protocol):
    """Our end of a wire: a client's connection, the echo, or a peer that rejects."""

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        ...

    def received(self, data: bytes, binary: bool) -> None:
        """A whole message came."""
        ...

    def work(self) -> bool:
        """Do a part of the long work of the last message. Return whether more is left. See ``Wire.defer``."""
        ...

    def end_of_read(self) -> None:
        """All messages of one read were received: write the replies."""
        ...

    def peer_is_alive(self) -> None:
        """Something came from the peer: a message, a ping or a pong."""
        ...

    def writable(self) -> None:
        """All that was written has left: the peer reads again."""
        ...

    def closed(self, code: int) -> None:
        """The connection is gone. ``code``: the first close code sent or received, or 1006."""
        ...


class Subscriber(Protocol):
    """What a topic delivers to."""

    codec: Codec
    outbox: Outbox[Topic]
    fd: int
    """The socket that may be written to directly while nothing is queued, or -1."""

    def flush(self) -> None:
        """Write what is queued, unless the peer's buffer is full."""
        ...

    def push(self, data: bytes) -> None:
        """Write data that the socket did not take. The queue is empty."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection."""
        ...


class ListingSubscriber(Protocol):
    """Takes what a venue lists (``Hub.follow_listings``)."""

    def listed(self, symbols: Iterable[str]) -> None:
        """The venue listed these symbols."""
        ...

"""What the two wires, the hub and a connection ask of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from floorwire.core.codes import CloseCode
from floorwire.protocol.codec import Codec
from floorwire.protocol.outbox import Outbox

if TYPE_CHECKING:
    from floorwire.hub.topic import Topic


class Wire(Protocol):
    """One WebSocket, whichever server carries it."""

    address: str
    fd: int
    """The socket that frames may be written to while the wire is not blocked; -1: only ``write`` may."""
    is_blocked: bool
    """Whether something that was written has not left: ``writable`` follows."""

    def write(self, data: bytes) -> bool:
        """Send frames. Return False where the peer's buffer is now full: ``writable`` follows."""
        ...

    def ping(self) -> bool:
        """Send a ping frame; return False where the server below does that by itself."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame if the peer reads at all, and end the connection in bounded time."""
        ...


class Peer(Protocol):
    """What is at our end of a wire: a client's connection, or the echo."""

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        ...

    def received(self, data: bytes, binary: bool) -> None:
        """A whole message came."""
        ...

    def end_of_read(self) -> None:
        """All that has come so far was received: send what it led to."""
        ...

    def peer_is_alive(self) -> None:
        """Something came, be it a pong."""
        ...

    def writable(self) -> None:
        """All that was written has left."""
        ...

    def closed(self, code: int) -> None:
        """The connection is gone, and why: the first close code sent or received, or 1006."""
        ...


class Subscriber(Protocol):
    """What a topic delivers to."""

    codec: Codec
    outbox: Outbox[Topic]
    fd: int
    """The socket that may be written to while nothing is queued; -1: only its wire may."""

    def flush(self) -> None:
        """Write what is queued, unless the peer's buffer is full."""
        ...

    def push(self, data: bytes) -> None:
        """Write, past the empty queue, what could not be written to the socket."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection."""
        ...

"""The turnaway: the peer of a connection that is only told why it cannot stay."""

from __future__ import annotations

from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Wire
from floorwire.ops.stats import Stats


class RejectingPeer:
    """Closes with a code that a browser can read, which it could not from an HTTP status."""

    __slots__ = ("_code", "_stats")

    def __init__(self, code: CloseCode, stats: Stats) -> None:
        self._code = code
        self._stats = stats

    def opened(self, wire: Wire) -> None:
        """Close."""
        self._stats.closed(self._code)
        wire.close(self._code, self._code.meaning)

    def received(self, data: bytes, binary: bool) -> None:
        """Ignore it."""

    def settled(self) -> None:
        """Nothing is ever queued."""

    def heard(self) -> None:
        """Nobody asked."""

    def writable(self) -> None:
        """Nothing is ever queued."""

    def closed(self, code: int) -> None:
        """Done."""

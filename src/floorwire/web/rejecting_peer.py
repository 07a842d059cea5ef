"""The peer of a WebSocket that is closed at once, with the reason."""

from __future__ import annotations

from floorwire.core.codes import CloseCode
from floorwire.hub.peer import Wire
from floorwire.ops.stats import Stats


class RejectingPeer:
    """Closes with a close code. A browser shows its page a close code, but not an HTTP status."""

    __slots__ = ("_code", "_stats")

    def __init__(self, code: CloseCode, stats: Stats) -> None:
        self._code = code
        self._stats = stats

    def opened(self, wire: Wire) -> None:
        """Count the close, and send the close frame."""
        self._stats.closed(self._code)
        wire.close(self._code, self._code.meaning)

    def received(self, data: bytes, binary: bool) -> None:
        """Ignore the message: the connection is closing."""

    def work(self) -> bool:
        """Return False: no message makes long work."""
        return False

    def end_of_read(self) -> None:
        """Nothing is ever queued."""

    def peer_is_alive(self) -> None:
        """Ignore the sign of life."""

    def writable(self) -> None:
        """Nothing is ever queued."""

    def closed(self, code: int) -> None:
        """Nothing is left to do."""

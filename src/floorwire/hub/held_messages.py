"""Messages of one client that wait for an answer to an earlier one. Bounded."""

from __future__ import annotations

from collections.abc import Iterator

HELD_BYTES = 65_536
MESSAGE_BYTES = 64
"""What each message counts at least, so that empty ones are bounded too."""


class HeldMessages:
    """Messages in order. When there are ``HELD_BYTES``, it takes no more. The first is always taken."""

    __slots__ = ("_bytes", "_messages")

    def __init__(self) -> None:
        self._messages: list[tuple[bytes, bool]] = []
        self._bytes = 0

    def add(self, data: bytes, binary: bool) -> bool:
        """Keep the message. Return whether there was room."""
        self._bytes += max(MESSAGE_BYTES, len(data))
        if self._messages and self._bytes > HELD_BYTES:
            return False
        self._messages.append((data, binary))
        return True

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        """Yield data and whether it is binary, in order."""
        return iter(self._messages)

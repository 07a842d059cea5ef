"""Messages of one client that wait for an answer to an earlier one. Bounded."""

from __future__ import annotations

from collections import deque

WAITING_BYTES = 65_536
MESSAGE_BYTES = 64
"""What each message counts at least, so that empty ones are bounded too."""


class WaitingMessages:
    """Messages in order. When there are ``WAITING_BYTES``, it takes no more. The first is always taken."""

    __slots__ = ("_bytes", "_messages")

    def __init__(self) -> None:
        self._messages: deque[tuple[bytes, bool]] = deque()
        self._bytes = 0

    def add(self, data: bytes, binary: bool) -> bool:
        """Keep the message. Return whether there was room."""
        size = self._bytes + max(MESSAGE_BYTES, len(data))
        if self._messages and size > WAITING_BYTES:
            return False
        self._messages.append((data, binary))
        self._bytes = size
        return True

    def pop(self) -> tuple[bytes, bool]:
        """Remove the first message. Return its data, and whether it is binary."""
        data, binary = self._messages.popleft()
        self._bytes -= max(MESSAGE_BYTES, len(data))
        return data, binary

    def __len__(self) -> int:
        return len(self._messages)

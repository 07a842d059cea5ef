"""The straight way: the sockets of a topic's subscribers that keep up, written to in one tight loop.

With a thousand clients, what fan-out costs beside the kernel's part is the memory that is touched between
two writes. Here it is one integer a client; who does not take a chunk whole leaves until it reads again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from floorwire.hub.peer import Subscriber


class Straight:
    """Subscribers with nothing queued, by the file descriptors of their sockets.

    A descriptor is discarded before its socket closes: the number may be another client's next.
    """

    __slots__ = ("_by_fd",)

    def __init__(self) -> None:
        self._by_fd: dict[int, Subscriber] = {}

    def add(self, fd: int, subscriber: Subscriber) -> None:
        """Write straight to the subscriber from now on."""
        self._by_fd[fd] = subscriber

    def discard(self, fd: int) -> None:
        """Write straight no more."""
        self._by_fd.pop(fd, None)

    def write(self, chunk: bytes) -> list[tuple[Subscriber, bytes]]:
        """Send the chunk to all; return who did not take it whole, and the rest."""
        size, write = len(chunk), os.write
        short: list[tuple[Subscriber, bytes]] = []
        for fd in self._by_fd:
            try:
                sent = write(fd, chunk)
            except OSError:  # full, or gone: whoever writes the rest finds out
                sent = 0
            if sent != size:
                short.append((self._by_fd[fd], chunk[sent:]))
        return short

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(self._by_fd.values())

    def __len__(self) -> int:
        return len(self._by_fd)

"""The straight way: sockets of subscribers that keep up, written to in one tight loop.

With a thousand clients, what fan-out costs beside the kernel's part is the memory that is touched between two
writes. Here it is one integer a client, or that and a list, in loops that touch no connection; who does not
take a chunk whole is left to its connection.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import islice, repeat
from typing import TypeAlias

__all__ = ["Queues", "Turn", "each", "same", "send_each", "send_same"]

Queues: TypeAlias = dict[int, list[bytes]]
"""The outbox queue of each subscriber that keeps up, by the file descriptor of its socket.

A descriptor is taken out before its socket closes: the number may be another client's next.
"""


def same(fds: Mapping[int, list[bytes]], chunk: bytes) -> list[tuple[int, bytes]]:
    """Write the chunk to each; return who did not take it whole, and the rest."""
    size, taken = len(chunk), _send(fds, repeat(chunk))
    if taken.count(size) == len(taken):
        return []
    return [(fd, chunk[some:]) for fd, some in zip(fds, taken, strict=True) if some != size]


def each(fds: list[int], chunks: list[bytes]) -> list[tuple[int, bytes]]:
    """Write each its chunk; return who did not take it whole, and the rest."""
    taken = _send(fds, chunks)
    return [
        (fd, chunk[some:]) for fd, chunk, some in zip(fds, chunks, taken, strict=True) if some != len(chunk)
    ]


def _send(fds: Collection[int], chunks: Iterable[bytes]) -> list[int]:
    """Return how much each took; 0 where it is full or gone: whoever writes the rest finds out which."""
    taken: list[int] = []
    while len(taken) < len(fds):
        start = 0 if isinstance(chunks, repeat) else len(taken)
        try:
            taken.extend(map(os.write, islice(fds, len(taken), None), islice(chunks, start, None)))
        except OSError:  # of the one after those that ``extend`` has kept
            taken.append(0)
    return taken


try:  # sendloop.c, where it could be compiled
    from floorwire.hub.sendloop import send_each, send_same
except ImportError:
    send_same, send_each = same, each


class Turn:
    """What one turn writes straight: each client's chunks gathered, then one write a client."""

    __slots__ = ("_fds", "_queues")

    def __init__(self) -> None:
        self._fds: list[int] = []
        self._queues: list[list[bytes]] = []

    def gather(self, straight: Mapping[int, list[bytes]], chunk: bytes) -> None:
        """Queue the chunk for each."""
        fds, queues = self._fds, self._queues
        for fd, queue in straight.items():
            if not queue:  # who queued before is in the turn already, or reads and writes at the end of it
                fds.append(fd)
                queues.append(queue)
            queue.append(chunk)

    def write(self) -> list[tuple[int, bytes]]:
        """Write; return who did not take it whole, and the rest."""
        chunks = [queue[0] if len(queue) == 1 else b"".join(queue) for queue in self._queues]
        for queue in self._queues:
            queue.clear()
        return send_each(self._fds, chunks)

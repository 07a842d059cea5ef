"""The straight way: sockets of subscribers that keep up, written to in one tight loop.

With a thousand clients, what fan-out costs beside the kernel's part is the memory that is touched between two
writes. Here it is one integer a client, or that and a list, in loops that touch no connection; who does not
take a chunk whole is left to its connection.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import TypeAlias

Queues: TypeAlias = dict[int, list[bytes]]
"""The outbox queue of each subscriber that keeps up, by the file descriptor of its socket.

A descriptor is taken out before its socket closes: the number may be another client's next.
"""


def send_same(fds: Collection[int], chunk: bytes) -> list[tuple[int, bytes]]:
    """Write the chunk to each; return who did not take it whole, and the rest."""
    size, taken = len(chunk), _send(fds, None, chunk)
    if taken.count(size) == len(taken):
        return []
    return [(fd, chunk[some:]) for fd, some in zip(fds, taken, strict=True) if some != size]


def send_each(fds: Collection[int], chunks: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Write each its chunk; return who did not take it whole, and the rest."""
    taken = _send(fds, chunks, b"")
    return [
        (fd, chunk[some:]) for fd, chunk, some in zip(fds, chunks, taken, strict=True) if some != len(chunk)
    ]


def _send(fds: Collection[int], chunks: Iterable[bytes] | None, same: bytes) -> list[int]:
    """Return how much each took; 0 where it is full or gone: whoever writes the rest finds out which."""
    taken: list[int] = []
    while len(taken) < len(fds):
        start = len(taken)
        rest = repeat(same) if chunks is None else islice(chunks, start, None)
        try:
            taken.extend(map(os.write, islice(fds, start, None), rest))
        except OSError:  # of the one after those that ``extend`` has kept
            taken.append(0)
    return taken


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

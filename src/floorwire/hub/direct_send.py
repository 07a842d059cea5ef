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

__all__ = ["Queues", "SendBatch", "send_same", "send_same_in_python", "send_turn", "send_turn_in_python"]

Queues: TypeAlias = dict[int, list[bytes]]
"""The outbox queue of each subscriber that keeps up, by the file descriptor of its socket.

A descriptor is taken out before its socket closes: the number may be another client's next.
"""

SendBatch: TypeAlias = list[tuple[Queues, bytes]]
"""What one turn writes: each topic's chunk, and to whom."""


def send_same_in_python(fds: Mapping[int, list[bytes]], chunk: bytes) -> list[tuple[int, bytes]]:
    """Write the chunk to each; return who did not take it whole, and the rest."""
    size, taken = len(chunk), _send(fds, repeat(chunk))
    if taken.count(size) == len(taken):
        return []
    return [(fd, chunk[some:]) for fd, some in zip(fds, taken, strict=True) if some != size]


def send_turn_in_python(turn: SendBatch) -> list[tuple[int, bytes]]:
    """Write each all of its chunks in one write; return who did not take all, and the rest.

    Who has something queued has the chunk queued behind it: whoever queued that writes it.
    """
    gathered: dict[int, list[bytes]] = {}
    for queues, chunk in turn:
        for fd, queue in queues.items():
            (queue if queue else gathered.setdefault(fd, [])).append(chunk)
    chunks = [chunks[0] if len(chunks) == 1 else b"".join(chunks) for chunks in gathered.values()]
    taken = _send(gathered, chunks)
    return [
        (fd, chunk[some:])
        for fd, chunk, some in zip(gathered, chunks, taken, strict=True)
        if some != len(chunk)
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
    from floorwire.hub.sendloop import send_same, send_turn
except ImportError:
    send_same, send_turn = send_same_in_python, send_turn_in_python

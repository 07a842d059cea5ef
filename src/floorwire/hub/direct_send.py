"""Fan-out to subscribers that keep up: their sockets are written to in one tight loop.

With a thousand clients, the cost of fan-out outside the kernel is memory touched between two writes. These
loops touch one integer, or one integer and one list, for each client, and no connection. If a socket does not
take a whole chunk (backpressure), its connection queues the rest.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import islice, repeat
from typing import TypeAlias

__all__ = ["Queues", "SendBatch", "send_same", "send_same_in_python", "send_turn", "send_turn_in_python"]

Queues: TypeAlias = dict[int, list[bytes]]
"""The outbox queue of each subscriber that keeps up, by the file descriptor of its socket.

A descriptor is removed before its socket closes. The kernel may give the number to another client.
"""

SendBatch: TypeAlias = list[tuple[Queues, bytes]]
"""What one turn writes: the chunk of each topic, and the queues of its direct subscribers."""


def send_same_in_python(fds: Mapping[int, list[bytes]], chunk: bytes) -> list[tuple[int, bytes]]:
    """Write the chunk to each socket. Return each socket that did not take it all, with the rest."""
    size, taken = len(chunk), _send(fds, repeat(chunk))
    if taken.count(size) == len(taken):
        return []
    return [(fd, chunk[some:]) for fd, some in zip(fds, taken, strict=True) if some != size]


def send_turn_in_python(turn: SendBatch) -> list[tuple[int, bytes]]:
    """Write to each socket all of its chunks in one write. Return those that did not take all, and the rest.

    If a subscriber has data queued, the chunk is queued behind it. Whatever queued that data writes both.
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
    """Return how many bytes each socket took. 0: it is full or closed; writing the rest tells which."""
    taken: list[int] = []
    while len(taken) < len(fds):
        start = 0 if isinstance(chunks, repeat) else len(taken)
        try:
            taken.extend(map(os.write, islice(fds, len(taken), None), islice(chunks, start, None)))
        except OSError:  # The write after those that ``extend`` kept has failed.
            taken.append(0)
    return taken


try:  # sendloop.c, where it could be compiled
    from floorwire.hub.sendloop import send_same, send_turn
except ImportError:
    send_same, send_turn = send_same_in_python, send_turn_in_python

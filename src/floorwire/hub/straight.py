"""The straight way: sockets of subscribers that keep up, written to in one tight loop.

With a thousand clients, what fan-out costs beside the kernel's part is the memory that is touched between two
writes. Here it is one integer a client, in a loop that the interpreter does not even see; who does not take
a chunk whole is left to its connection.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, repeat

from floorwire.hub.peer import Subscriber


def send(fds: Collection[int], chunks: Sequence[bytes] | None, same: bytes = b"") -> list[int]:
    """Write each its chunk, or all the same; return how much each took, 0 where it is full or gone."""
    taken: list[int] = []
    while len(taken) < len(fds):
        start = len(taken)
        rest = repeat(same) if chunks is None else islice(chunks, start, None)
        try:
            taken.extend(map(os.write, islice(fds, start, None), rest))
        except OSError:  # of the one after those that ``extend`` has kept; its connection finds out which
            taken.append(0)
    return taken


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
        size, taken = len(chunk), send(self._by_fd, None, chunk)
        if taken.count(size) == len(taken):
            return []
        return [
            (subscriber, chunk[some:])
            for subscriber, some in zip(self._by_fd.values(), taken, strict=True)
            if some != size
        ]

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(self._by_fd.values())

    def __len__(self) -> int:
        return len(self._by_fd)


def write_queued(ready: Sequence[Subscriber]) -> None:
    """Write what each has queued, all of one in one write. None of them is blocked."""
    straight = [subscriber for subscriber in ready if subscriber.fd >= 0]
    chunks = [_take(subscriber.outbox.queue) for subscriber in straight]
    fds = [subscriber.fd for subscriber in straight]
    for subscriber, chunk, some in zip(straight, chunks, send(fds, chunks), strict=True):
        if some != len(chunk):
            subscriber.push(chunk[some:])
    if len(straight) < len(ready):
        for subscriber in ready:
            subscriber.flush()


def _take(queue: list[bytes]) -> bytes:
    chunk = queue[0] if len(queue) == 1 else b"".join(queue)
    queue.clear()
    return chunk

"""Chunked history: the latest items of a list, in chunks that snapshots can share without a copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
Chunk: TypeAlias = tuple[T, ...]

CHUNK_SIZE = 256
"""Items in a full chunk. A full chunk never changes again."""


class ChunkedHistory(Generic[T]):
    """Keeps the latest ``most`` items, the oldest first. ``most`` is at least one chunk.

    A chunk ends at each 256th item since the first one ever added. So the same additions always make the same
    chunks, and a snapshot of the same history has the same digest.
    """

    __slots__ = ("_chunks", "_dropped", "_length", "_most", "_newest")

    def __init__(self, most: int, chunks: Iterable[Chunk[T]] = (), dropped: int = 0) -> None:
        """Continue a history that had these ``chunks`` and ``dropped``. Without them it is empty."""
        assert most >= CHUNK_SIZE, "there is always a whole chunk to drop from"
        self._most = most
        self._chunks = deque(chunks)
        self._newest = list(self._chunks.pop()) if self._chunks and len(self._chunks[-1]) < CHUNK_SIZE else []
        self._dropped = dropped
        self._length = sum(map(len, self._chunks)) + len(self._newest) - dropped

    def add(self, one: T) -> T | None:
        """Add the newest item. Return the oldest where it is dropped to make room, otherwise None."""
        newest = self._newest
        newest.append(one)
        if len(newest) == CHUNK_SIZE:
            self._chunks.append(tuple(newest))
            self._newest = []
        if self._length < self._most:
            self._length += 1
            return None
        return self._drop_oldest()

    def _drop_oldest(self) -> T:
        first = self._chunks[0]
        oldest = first[self._dropped]
        self._dropped += 1
        if self._dropped == len(first):
            self._chunks.popleft()
            self._dropped = 0
        return oldest

    @property
    def dropped(self) -> int:
        """How many items of the first chunk are dropped already."""
        return self._dropped

    def chunks(self) -> list[Chunk[T]]:
        """Return the chunks of all items. The first ``dropped`` items of the first chunk are dropped."""
        return [*self._chunks, tuple(self._newest)] if self._newest else list(self._chunks)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        skipped = self._dropped
        for chunk in self._chunks:
            yield from chunk[skipped:]
            skipped = 0
        yield from self._newest

"""Chunked history: the latest items of a list, in chunks that snapshots can share without a copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
Share: TypeAlias = tuple[T, ...]

SHARE = 256
"""Items in a full share. A full share never changes again."""


class ChunkedHistory(Generic[T]):
    """Keeps the latest ``most`` items, the oldest first. ``most`` is at least one share.

    A share ends at each 256th item since the first one ever added. So the same additions always make the same
    shares, and a snapshot of the same history has the same digest.
    """

    __slots__ = ("_forgotten", "_length", "_most", "_newest", "_shares")

    def __init__(self, most: int, shares: Iterable[Share[T]] = (), forgotten: int = 0) -> None:
        """Continue a history that had these ``shares`` and ``forgotten``. Without them it is empty."""
        assert most >= SHARE, "there is always a whole share to forget from"
        self._most = most
        self._shares = deque(shares)
        self._newest = list(self._shares.pop()) if self._shares and len(self._shares[-1]) < SHARE else []
        self._forgotten = forgotten
        self._length = sum(map(len, self._shares)) + len(self._newest) - forgotten

    def add(self, one: T) -> T | None:
        """Add the newest item. Return the oldest where it is dropped to make room, otherwise None."""
        newest = self._newest
        newest.append(one)
        if len(newest) == SHARE:
            self._shares.append(tuple(newest))
            self._newest = []
        if self._length < self._most:
            self._length += 1
            return None
        return self._forget()

    def _forget(self) -> T:
        first = self._shares[0]
        oldest = first[self._forgotten]
        self._forgotten += 1
        if self._forgotten == len(first):
            self._shares.popleft()
            self._forgotten = 0
        return oldest

    @property
    def forgotten(self) -> int:
        """How many items of the first share are dropped already."""
        return self._forgotten

    def shares(self) -> list[Share[T]]:
        """Return the shares of all items. The first ``forgotten`` items of the first share are dropped."""
        return [*self._shares, tuple(self._newest)] if self._newest else list(self._shares)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        skipped = self._forgotten
        for share in self._shares:
            yield from share[skipped:]
            skipped = 0
        yield from self._newest

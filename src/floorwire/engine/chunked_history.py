"""The latest so many of something, of which a moment can be kept at no cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
Share: TypeAlias = tuple[T, ...]

SHARE = 256
"""So many at a time are put into a share, which never changes again."""


class ChunkedHistory(Generic[T]):
    """Knows ``most`` (at least a share), the oldest first.

    Shares are cut at every 256th that was ever added: the same additions make the same shares.
    """

    __slots__ = ("_forgotten", "_length", "_most", "_newest", "_shares")

    def __init__(self, most: int, shares: Iterable[Share[T]] = (), forgotten: int = 0) -> None:
        """``shares`` and ``forgotten``: as another told of itself."""
        assert most >= SHARE, "there is always a whole share to forget from"
        self._most = most
        self._shares = deque(shares)
        self._newest = list(self._shares.pop()) if self._shares and len(self._shares[-1]) < SHARE else []
        self._forgotten = forgotten
        self._length = sum(map(len, self._shares)) + len(self._newest) - forgotten

    def add(self, one: T) -> T | None:
        """Add the newest; return the oldest where it is forgotten for that."""
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
        """How many of the first share are forgotten already."""
        return self._forgotten

    def shares(self) -> list[Share[T]]:
        """Return all that is known now, and what of its first share is forgotten."""
        return [*self._shares, tuple(self._newest)] if self._newest else list(self._shares)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        skipped = self._forgotten
        for share in self._shares:
            yield from share[skipped:]
            skipped = 0
        yield from self._newest

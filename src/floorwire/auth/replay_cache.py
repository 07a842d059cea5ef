"""Once: what was used and may not be used again, for as long as it would be valid."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

UsedT = TypeVar("UsedT", bound=Hashable)


class ReplayCacheFullError(Exception):
    """So much was used lately that no more can be remembered: refuse, since it could not be told again."""


class ReplayCache(Generic[UsedT]):
    """Remembers what was used for ``keep_us``, at most ``limit`` of it; refuses rather than forgets."""

    def __init__(self, keep_us: int, limit: int) -> None:
        self._keep_us = keep_us
        self._limit = limit
        self._used: dict[UsedT, int] = {}  # in the order of use, which is that of their end

    def use(self, thing: UsedT, wall_us: int) -> bool:
        """Use it; return whether it is the first time. Raises FullError.

        By the date, since what is used is valid by the date: where that was set back, all is kept longer.
        """
        self._forget(wall_us)
        if thing in self._used:
            return False
        if len(self._used) >= self._limit:
            raise ReplayCacheFullError
        self._used[thing] = wall_us
        return True

    def __len__(self) -> int:
        return len(self._used)

    def _forget(self, wall_us: int) -> None:
        oldest_us = wall_us - self._keep_us
        while self._used:
            first = next(iter(self._used))
            if self._used[first] >= oldest_us:
                return
            del self._used[first]

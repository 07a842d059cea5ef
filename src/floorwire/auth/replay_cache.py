"""Replay cache: signed logins that were used, kept for as long as they would be valid."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

UsedT = TypeVar("UsedT", bound=Hashable)


class ReplayCacheFullError(Exception):
    """The cache is full. Refuse the login: a replay of it could not be noticed."""


class ReplayCache(Generic[UsedT]):
    """Remembers at most ``limit`` used things for ``keep_us``. When full, it refuses."""

    def __init__(self, keep_us: int, limit: int) -> None:
        self._keep_us = keep_us
        self._limit = limit
        self._used: dict[UsedT, int] = {}  # in order of use, so also in order of expiry

    def use(self, thing: UsedT, wall_us: int) -> bool:
        """Mark the thing as used. Return whether this is the first time. Raises ReplayCacheFullError.

        ``wall_us`` is a date, as logins are valid by date. If the clock was set back, all is kept longer.
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

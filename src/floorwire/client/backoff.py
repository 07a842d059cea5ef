"""Waits between connections: full jitter, so that clients that were cut together do not come together."""

from __future__ import annotations

from random import Random
from typing import Final

FIRST_S: Final = 0.1
MOST_S: Final = 10.0


class Backoff:
    """Draws each wait between 0 and a limit. The limit doubles with each one, up to ``most_s``."""

    def __init__(self, random: Random, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._random = random
        self._first_s = first_s
        self._most_s = most_s
        self._limit_s = first_s

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return how long to wait. ``at_least_s``: what the server asked for; the jitter comes on top."""
        limit_s, self._limit_s = self._limit_s, min(2 * self._limit_s, self._most_s)
        return at_least_s + self._random.uniform(0, limit_s)

    def reset(self) -> None:
        """Begin anew: the last connection worked."""
        self._limit_s = self._first_s

"""Waits between tries: longer after each one that failed, and anywhere below that (full jitter).

After a failure of the exchange all its clients come back. Waits that differ spread them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from floorwire.core.microseconds import SECOND_US

Jitter: TypeAlias = Callable[[], float]
"""Returns a number from 0 to 1, another one each time. ``random.Random(...).random`` fits."""


def no_jitter() -> float:
    """Return 1: the longest wait. A recording is the same each time it is played."""
    return 1.0


class Backoff:
    """The waits of one thing that is tried again and again."""

    __slots__ = ("_jitter", "_longest_s", "_tries")

    def __init__(self, longest_s: Sequence[int], jitter: Jitter) -> None:
        """``longest_s``: the longest wait in seconds, by the number of tries that failed in a row."""
        self._longest_s = longest_s
        self._jitter = jitter
        self._tries = 0

    def next_us(self) -> int:
        """Count a try that failed; return how long to wait before the next one."""
        longest_s = self._longest_s[self._tries]
        self._tries = min(self._tries + 1, len(self._longest_s) - 1)
        return int(self._jitter() * longest_s * SECOND_US)

    def succeeded(self) -> None:
        """Begin with the shortest wait again."""
        self._tries = 0

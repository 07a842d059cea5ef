"""When a file that failed is tried again. Pure."""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 60.0


class Retries:
    """After a second, then after twice as long each time, up to a minute.

    A file that worked for a minute begins with a second again.
    """

    def __init__(self) -> None:
        self._wait_s = FIRST_S
        self._next_s = 0.0

    def failed(self, now_s: float) -> None:
        """Take in that the file failed."""
        if now_s - self._next_s >= MOST_S:
            self._wait_s = FIRST_S
        self._next_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, MOST_S)

    def is_due(self, now_s: float) -> bool:
        """Return whether it is time to try."""
        return now_s >= self._next_s

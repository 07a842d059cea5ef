"""Numbers of frames: Coinbase counts all frames of a connection, of whatever channel."""

from __future__ import annotations

from typing import Literal, TypeAlias

Place: TypeAlias = Literal["next", "late", "gap"]


class FrameNumbers:
    """The numbers of one connection. Any number may be the first."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, number: int | None) -> Place:
        """Return whether a frame is the next one, was known before, or comes after a lost one."""
        last = self._last
        if number is None:
            return "next"
        if last is not None and number <= last:
            return "late"
        self._last = number
        return "next" if last is None or number == last + 1 else "gap"

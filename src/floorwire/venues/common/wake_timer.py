"""Asks to be woken when something is due, and only where the time has changed."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.ports import Wake


class WakeTimer:
    """The time of the last ``Wake``."""

    __slots__ = ("_at_us",)

    def __init__(self) -> None:
        self._at_us: int | None = None

    def woke(self) -> None:
        """The time has come."""
        self._at_us = None

    def at(self, due_us: int) -> Iterator[Wake]:
        """Yield the request to be woken at this time, unless it was asked for already."""
        if due_us != self._at_us:
            self._at_us = due_us
            yield Wake(due_us)

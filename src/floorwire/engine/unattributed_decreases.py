"""Unexplained: by how much levels of one side shrank, where no trade says why, or not yet.

A venue tells of a trade and of the level that it shrank apart, and in either order. So a shrink is taken for
cancels only when its trade would have been told: at a later trade (they come in order), or LATE_US after.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

LATE_US = 1_000_000
"""A trade may be told so much later than what it did to the book, by the venue's own time."""
MOST = 10_000
"""Shrinks that are kept; where there are more, the oldest is taken for cancels sooner."""


class LevelDecrease(msgspec.Struct, gc=False, eq=False):
    """One change of a level to less."""

    key: int
    us: int
    """When, by the venue's time."""
    lots: int
    """How much of it no trade explains."""
    left_lots: int
    """What the level showed after it."""


class UnattributedDecreases:
    """One side's, in the order in which they were told."""

    __slots__ = ("_by_key", "_shrinks")

    def __init__(self) -> None:
        self._shrinks: deque[LevelDecrease] = deque()
        self._by_key: dict[int, deque[LevelDecrease]] = {}

    def add(self, shrink: LevelDecrease) -> None:
        """Note a shrink that a trade may yet explain."""
        self._shrinks.append(shrink)
        self._by_key.setdefault(shrink.key, deque()).append(shrink)

    def lots(self, key: int) -> int:
        """Return how many lots the level lost that may have been traded, for all that is known."""
        return sum(shrink.lots for shrink in self._by_key.get(key, ()))

    def explain(self, key: int, lots: int, us: int) -> int:
        """Let a trade of so many lots explain what is no older than it; return how many it does explain."""
        explained = 0
        for shrink in self._by_key.get(key, ()):
            if shrink.us >= us:
                part = min(shrink.lots, lots - explained)
                shrink.lots -= part
                explained += part
        return explained

    def settle(self, since_us: int, until_us: int) -> Iterator[LevelDecrease]:
        """Take out those that no trade can explain any more: all but of the time from ``since_us`` on.

        After ``until_us``, which is now, there are none, unless the venue's clock was set back.
        """
        shrinks = self._shrinks
        while shrinks and (len(shrinks) > MOST or not since_us <= shrinks[0].us <= until_us):
            shrink = shrinks.popleft()
            at_key = self._by_key[shrink.key]
            at_key.popleft()
            if not at_key:
                del self._by_key[shrink.key]
            if shrink.lots:
                yield shrink

"""Unattributed decreases: by how much levels shrank without a trade that explains it, so far.

A venue reports a trade and the level that it shrank in two messages, in either order. A decrease counts as a
cancel only when no trade can explain it any more: after a later trade (trades come in order), or LATE_US
later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

LATE_US = 1_000_000
"""A trade may be reported this much later than its change of the book, by the venue's own time."""
MAX_DECREASES = 10_000
"""At most this many decreases are kept. Above it the oldest counts as a cancel sooner."""


class LevelDecrease(msgspec.Struct, gc=False, eq=False):
    """One decrease of a level."""

    key: int
    us: int
    """When, by the venue's time."""
    lots: int
    """The lots that no trade explains."""
    left_lots: int
    """The level's size after it."""


class UnattributedDecreases:
    """The decreases of one side, in the order in which the venue reported them."""

    __slots__ = ("_by_key", "_decreases")

    def __init__(self) -> None:
        self._decreases: deque[LevelDecrease] = deque()
        self._by_key: dict[int, deque[LevelDecrease]] = {}

    def add(self, decrease: LevelDecrease) -> None:
        """Add a decrease that a later trade may explain."""
        self._decreases.append(decrease)
        self._by_key.setdefault(decrease.key, deque()).append(decrease)

    def lots_at(self, key: int) -> int:
        """Return how many lots of the level's decreases are unexplained: they may have been traded."""
        return sum(decrease.lots for decrease in self._by_key.get(key, ()))

    def attribute(self, key: int, lots: int, us: int) -> int:
        """Attribute a trade's lots to decreases not older than it; return how many lots were attributed."""
        attributed = 0
        for decrease in self._by_key.get(key, ()):
            if decrease.us >= us:
                part = min(decrease.lots, lots - attributed)
                decrease.lots -= part
                attributed += part
        return attributed

    def pop_settled(self, since_us: int, until_us: int) -> Iterator[LevelDecrease]:
        """Remove and yield the decreases that no trade can explain any more: those before ``since_us``.

        A decrease after ``until_us``, which is now, exists only if the venue's clock was set back. It is
        yielded too.
        """
        decreases = self._decreases
        while decreases and (len(decreases) > MAX_DECREASES or not since_us <= decreases[0].us <= until_us):
            decrease = decreases.popleft()
            at_key = self._by_key[decrease.key]
            at_key.popleft()
            if not at_key:
                del self._by_key[decrease.key]
            if decrease.lots:
                yield decrease

"""Unattributed decreases: by how much levels shrank without a trade that explains it, so far.

A venue reports a trade and the level that it shrank in two messages, in either order. A decrease counts as a
cancel only when no trade can explain it any more: after a later trade (trades come in order), or LATE_US
later.

Most changes of a book meet no order of ours. So a change is kept as it came, and the decreases of a level are
worked out when they are asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set

import msgspec

from floorwire.core.order_book import Changed
from floorwire.engine.visible_book import VisibleSide

LATE_US = 1_000_000
"""A trade may be reported this much later than its change of the book, by the venue's own time."""
MAX_CHANGES = 1_000
"""At most this many changes are kept. Above it the oldest decreases count as cancels sooner."""


class SideChange(msgspec.Struct, gc=False, eq=False):
    """What one event changed on one side."""

    us: int
    """When, by the venue's time."""
    before: Changed
    worst_key: int
    """The worst level that the book showed after it. What is beyond it went out of sight."""
    attributed: dict[int, int]
    """How many lots of a level's decrease trades explain, by key."""


class LevelDecrease(msgspec.Struct, gc=False, frozen=True):
    """One decrease of a level that no trade explains."""

    change: SideChange
    key: int
    lots: int
    """The lots that no trade explains."""
    left_lots: int
    """The level's size after it."""


class UnattributedDecreases:
    """The changes of one side, in the order in which the venue reported them."""

    __slots__ = ("_changes", "_visible")

    def __init__(self, visible: VisibleSide) -> None:
        self._visible = visible
        self._changes: deque[SideChange] = deque()

    def add(self, change: SideChange) -> None:
        """Add a change whose decreases a later trade may explain."""
        self._changes.append(change)

    def lots_at(self, key: int) -> int:
        """Return how many lots of the level's decreases are unexplained: they may have been traded."""
        return sum([decrease.lots for decrease in self._at(key)])

    def attribute(self, key: int, lots: int, us: int) -> int:
        """Attribute a trade's lots to decreases not older than it; return how many lots were attributed."""
        left = lots
        for decrease in self._at(key):
            if left and decrease.change.us >= us:
                part = min(decrease.lots, left)
                attributed = decrease.change.attributed
                attributed[key] = attributed.get(key, 0) + part
                left -= part
        return lots - left

    def pop_settled(self, since_us: int, until_us: int, keys: Set[int]) -> Iterator[LevelDecrease]:
        """Remove the changes that no trade can explain any more: those before ``since_us``. Yield the
        decreases of these keys.

        A change after ``until_us``, which is now, exists only if the venue's clock was set back. It is
        removed too.
        """
        changes = self._changes
        while changes and (len(changes) > MAX_CHANGES or not since_us <= changes[0].us <= until_us):
            change = changes.popleft()
            for key in keys & change.before.keys():
                decrease = self._decrease(change, key, self._size_before(key))
                if decrease is not None:
                    yield decrease

    def _at(self, key: int) -> list[LevelDecrease]:
        """Return the decreases of a level, the oldest first."""
        found = [change for change in self._changes if key in change.before]
        decreases = []
        for number, change in enumerate(found, 1):
            left = found[number].before[key] if number < len(found) else self._visible.size(key)
            decrease = self._decrease(change, key, left)
            if decrease is not None:
                decreases.append(decrease)
        return decreases

    def _size_before(self, key: int) -> int:
        """Return the level's size before all changes that are kept."""
        for change in self._changes:
            if key in change.before:
                return change.before[key]
        return self._visible.size(key)

    def _decrease(self, change: SideChange, key: int, left_lots: int) -> LevelDecrease | None:
        lots = change.before[key] - left_lots - change.attributed.get(key, 0)
        if lots <= 0 or key < change.worst_key:
            return None
        return LevelDecrease(change, key, lots, left_lots)

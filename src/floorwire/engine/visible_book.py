"""The visible book: one side of a venue's book, and how much of it our paper orders may still fill against.

Lots that our order took from a level stay consumed while the level is shown. If the level shrinks, at most
its new size counts as consumed. If it grows, only the growth is new. Lots that traded at the venue are gone
until the venue's next change of that level. So nothing shown is filled against twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from floorwire.core.order_book import Changed, Ladder

NO_KEY: Final = 1 << 62
"""Beyond the key of any price."""


class VisibleSide:
    """One side. A level's key is its price, negated for asks: a greater key is a better price."""

    __slots__ = ("_consumed", "_growth", "_ladder", "_traded", "sign")

    def __init__(self, ladder: Ladder) -> None:
        self.sign = ladder.sign
        self._ladder = ladder
        self._consumed: dict[int, int] = {}
        """Lots that our orders took, by key."""
        self._growth: dict[int, int] = {}
        """By how many lots a level grew since ``reset_growth``, by key."""
        self._traded: dict[int, tuple[int, int]] = {}
        """Lots traded at the venue that the level does not show yet, and when, by key."""

    @property
    def worst_key(self) -> int:
        """The key of the worst level shown; where there is none, one that is better than all."""
        return self._ladder.keys[0] if self._ladder.keys else NO_KEY

    def covers(self, key: int) -> bool:
        """Return whether the book shows what is at the key. Beyond its worst level it does not."""
        return self.worst_key <= key

    def size(self, key: int) -> int:
        """Return the lots that the venue shows at the key."""
        return self._ladder.sizes.get(key, 0)

    def best_ticks(self) -> int:
        """Return the best price shown, 0 if there is none."""
        return self.sign * self._ladder.keys[-1] if self._ladder.keys else 0

    def reaches(self, key: int) -> bool:
        """Return whether the best level is at the key or better."""
        return bool(self._ladder.keys) and self._ladder.keys[-1] >= key

    def available(self, key: int) -> Iterator[tuple[int, int]]:
        """Yield the keys down to this one, best first, with the lots that an order of ours may take there."""
        for best in reversed(self._ladder.keys):
            if best < key:
                break
            lots = self.size(best) - self._consumed.get(best, 0) - self._traded.get(best, (0, 0))[0]
            if lots > 0:
                yield best, lots

    def consume(self, key: int, lots: int) -> None:
        """Count lots as taken by an order of ours."""
        self._consumed[key] = self._consumed.get(key, 0) + lots

    def grown_lots(self, key: int) -> int:
        """Return by how many lots the level grew since ``reset_growth``: these came to our resting orders."""
        return self._growth.get(key, 0)

    def reset_growth(self) -> None:
        """Count all that is shown now as old: our resting orders were filled against it already."""
        self._growth.clear()

    def add_trade(self, key: int, lots: int, us: int) -> None:
        """Count lots that traded at the key, at the venue's time ``us``; the level does not show it yet."""
        if lots:
            self._traded[key] = self._traded.get(key, (0, 0))[0] + lots, us

    def apply_changes(self, changed: Changed, us: int, *, counts_growth: bool) -> dict[int, int]:
        """Apply the venue's changes of levels, given with their sizes before, at the venue's time ``us``.

        Return by how many lots levels shrank that earlier trades explain. A trade younger than the change may
        show only in the next change, so the rest of it is kept. ``counts_growth``: whether orders of ours may
        rest that the growth comes to.
        """
        sizes = self._ladder.sizes
        if self._consumed:
            for key in self._consumed.keys() & changed.keys():
                self._consume_at_most(key, sizes.get(key, 0))
        if counts_growth:
            for key, before in changed.items():
                self._grow(key, before, sizes.get(key, 0))
        attributed: dict[int, int] = {}
        if self._traded:
            for key in self._traded.keys() & changed.keys():
                traded, traded_us = self._traded.pop(key)
                explained = min(traded, max(0, changed[key] - sizes.get(key, 0)))
                if explained:
                    attributed[key] = explained
                if traded > explained and traded_us > us:
                    self._traded[key] = traded - explained, traded_us
        return attributed

    def _consume_at_most(self, key: int, size: int) -> None:
        if not size:
            del self._consumed[key]
        elif self._consumed[key] > size:
            self._consumed[key] = size

    def _grow(self, key: int, before: int, size: int) -> None:
        if not size:
            self._growth.pop(key, None)
        elif size > before:
            self._growth[key] = self._growth.get(key, 0) + size - before

    def affordable_lots(self, spend: int, key: int, limit_ticks: int) -> int:
        """Return how many lots ``spend`` (ticks x lots) buys: what is available at the key or better,
        then at the limit.
        """
        lots = 0
        for best, available in self.available(key):
            price_ticks = self.sign * best
            bought = min(available, spend // price_ticks)
            if not bought:
                break
            lots, spend = lots + bought, spend - bought * price_ticks
        return lots + spend // limit_ticks

    def changed_levels(self, before: dict[int, int]) -> Changed:
        """Return the levels that differ from ``before``, with their sizes before, after a snapshot."""
        now = self._ladder.sizes
        return {
            key: before.get(key, 0) for key in before.keys() | now.keys() if before.get(key) != now.get(key)
        }

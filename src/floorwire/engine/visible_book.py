"""Shown: one side of a venue's book, and what of it is no longer there to be taken.

What an order of ours took of a level stays taken for as long as the level is shown. Where the level shrinks,
no more than its size is taken; where it grows, only what it grew by is new. What traded there is gone until
the venue says something new of that level. So nothing shown is ever taken twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.order_book import Changed, Ladder


class VisibleSide:
    """One side. A level's key is its price, negated for asks: a greater key is a better price."""

    __slots__ = ("_grown", "_ladder", "_taken", "_traded", "sign")

    def __init__(self, ladder: Ladder) -> None:
        self.sign = ladder.sign
        self._ladder = ladder
        self._taken: dict[int, int] = {}
        self._grown: dict[int, int] = {}
        """By how many lots levels grew since our resting orders last met them."""
        self._traded: dict[int, tuple[int, int]] = {}

    def sees(self, key: int) -> bool:
        """Return whether the book tells what is at the key; beyond the worst that is shown it does not."""
        return bool(self._ladder.keys) and self._ladder.keys[0] <= key

    def size(self, key: int) -> int:
        """Return the lots that the venue shows at the key."""
        return self._ladder.sizes.get(key, 0)

    def best_ticks(self) -> int:
        """Return the best price shown, 0 where there is none."""
        return self.sign * self._ladder.keys[-1] if self._ladder.keys else 0

    def reaches(self, key: int) -> bool:
        """Return whether the best level is as good as the key, or better."""
        return bool(self._ladder.keys) and self._ladder.keys[-1] >= key

    def there(self, key: int) -> Iterator[tuple[int, int]]:
        """Yield the keys down to this one, best first, with the lots that may be taken there."""
        for best in reversed(self._ladder.keys):
            if best < key:
                break
            lots = self.size(best) - self._taken.get(best, 0) - self._traded.get(best, (0, 0))[0]
            if lots > 0:
                yield best, lots

    def take(self, key: int, lots: int) -> None:
        """Let an order of ours take lots that are there."""
        self._taken[key] = self._taken.get(key, 0) + lots

    def grown(self, key: int) -> int:
        """Return by how many lots the level grew since ``met``: these came to our resting orders."""
        return self._grown.get(key, 0)

    def met(self) -> None:
        """Our resting orders have taken what they may: all that is shown now stood there before."""
        self._grown.clear()

    def trade(self, key: int, lots: int, us: int) -> None:
        """Note that lots were traded at the key, at the venue's time, which the level does not show yet."""
        if lots:
            self._traded[key] = self._traded.get(key, (0, 0))[0] + lots, us

    def change(self, key: int, before: int, us: int) -> int:
        """Take in that the venue has changed a level from ``before``; return by how many lots it shrank that
        no trade told before explains.

        A trade that is younger than the change may show only in the next one.
        """
        size = self.size(key)
        taken = self._taken.get(key, 0)
        if taken > size:
            self._taken[key] = size
        if not size:
            self._taken.pop(key, None)
            self._grown.pop(key, None)
        elif size > before:
            self._grown[key] = self._grown.get(key, 0) + size - before
        traded, traded_us = self._traded.pop(key, (0, 0))
        shrunk = max(0, before - size)
        explained = min(traded, shrunk)
        if traded > explained and traded_us > us:
            self._traded[key] = traded - explained, traded_us
        return shrunk - explained

    def affordable(self, spend: int, key: int, limit_ticks: int) -> int:
        """Return how many lots the ticks x lots buy here at the key or better, then at the limit."""
        lots = 0
        for best, there in self.there(key):
            price_ticks = self.sign * best
            bought = min(there, spend // price_ticks)
            if not bought:
                break
            lots, spend = lots + bought, spend - bought * price_ticks
        return lots + spend // limit_ticks

    def replace(self, before: dict[int, int]) -> Changed:
        """Return the levels that are not as they were before the whole side was replaced."""
        now = self._ladder.sizes
        return {
            key: before.get(key, 0) for key in before.keys() | now.keys() if before.get(key) != now.get(key)
        }

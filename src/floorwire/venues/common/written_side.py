"""One side of a book as the exchange wrote it. Checksums are of these texts, not of the numbers."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.venues.common.decimals import price_ticks


class WrittenSide:
    """The levels of one side, best first, and the text that each has in the checksum.

    The checksum is of the best levels only. Most changes are not among them, so their texts are kept.
    """

    __slots__ = ("_best", "_count", "_order", "_sign", "_text_of", "_worst_best", "_written")

    def __init__(self, sign: int, count: int, text_of: Callable[[str, str], str]) -> None:
        """``sign`` 1: the lowest price is best; -1: the highest.

        ``count``: how many levels the checksum has. ``text_of`` makes the text of a price and a size.
        """
        self._sign = sign
        self._count = count
        self._text_of = text_of
        self._order: list[int] = []
        """The prices in ticks, times the sign, the best first."""
        self._written: dict[int, tuple[str, str]] = {}
        """The same number -> the price and the text."""
        self._best: list[str] | None = []
        """The texts of the best levels; None if they are not known."""
        self._worst_best = 0
        """The last price of those, as in ``_order``."""

    def clear(self) -> None:
        """Remove all levels."""
        self._order.clear()
        self._written.clear()
        self._best = None

    def put(self, levels: Sequence[Level], pairs: Sequence[tuple[str, str]], of: Instrument) -> None:
        """Set levels in order. ``levels``: the pairs in ticks and lots, each price once."""
        if len(levels) == len(pairs):
            prices = [ticks for ticks, _ in levels]
        else:  # a price came twice: the later pair counts
            prices = [price_ticks(of, price) for price, _ in pairs]
        order, written, sign, text_of = self._order, self._written, self._sign, self._text_of
        for ticks, (price, size) in zip(prices, pairs, strict=True):
            key = ticks if sign > 0 else -ticks
            if size.strip("0."):
                if key not in written:
                    insort(order, key)
                written[key] = price, text_of(price, size)
            elif written.pop(key, None) is not None:
                del order[bisect_left(order, key)]
            else:
                continue
            if self._best is not None and (len(self._best) < self._count or key <= self._worst_best):
                self._best = None

    def cut(self, depth: int) -> list[int]:
        """Remove the levels after the best ones; return their prices in ticks."""
        if len(self._order) <= depth:
            return []
        pushed_out = self._order[depth:]
        del self._order[depth:]
        for key in pushed_out:
            del self._written[key]
        if depth < self._count:
            self._best = None
        return [key * self._sign for key in pushed_out]

    def convert(self, to: Instrument) -> None:
        """Keep the levels by the steps of an instrument. Raises ValueError if a price is no tick of it."""
        written = [self._written[key] for key in self._order]
        keys = [price_ticks(to, price) * self._sign for price, _ in written]
        self._order, self._written = keys, dict(zip(keys, written, strict=True))
        self._best = None

    def best(self) -> list[str]:
        """Return the texts of the best levels: the same list until one of them changes."""
        best = self._best
        if best is None:
            keys, written = self._order[: self._count], self._written
            best = self._best = [written[key][1] for key in keys]
            self._worst_best = keys[-1] if keys else 0
        return best

"""The levels: the intervals of which candles are stored. All others are merged from them when they are read.

Each trade counts in all levels. So a page reads at most seven stored candles for each of its own.
"""

from __future__ import annotations

from typing import Final

import msgspec

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.microseconds import DAY_US, HOUR_US, MINUTE_US


class CandleLevel(msgspec.Struct, frozen=True):
    """A stored interval. ``number`` is its name in the database. A block has the candles of ``span_us``."""

    number: int
    interval: CandleInterval
    span_us: int

    def block_start(self, start_us: int) -> int:
        """Return the start of the block that has the candle which starts then."""
        return start_us - start_us % self.span_us


LEVELS: Final = (
    CandleLevel(0, INTERVALS["1s"], MINUTE_US),
    CandleLevel(1, INTERVALS["1m"], HOUR_US),
    CandleLevel(2, INTERVALS["15m"], 12 * HOUR_US),
    CandleLevel(3, INTERVALS["2h"], 5 * DAY_US),
    CandleLevel(4, INTERVALS["1d"], 60 * DAY_US),
    CandleLevel(5, INTERVALS["1M"], 1_800 * DAY_US),
)
"""The finest first. A candle of each is made of whole ones of the level before."""
MINUTES: Final = 1
"""The level of the candles that a venue can give."""
BASES: Final = {
    "1s": 0, "1m": 1, "3m": 1, "5m": 1, "15m": 2, "30m": 2, "1h": 2, "2h": 3, "4h": 3, "6h": 3, "12h": 3,
    "1d": 4, "3d": 4, "1w": 4, "1M": 5,
}  # fmt: skip
"""By interval: the coarsest level of which its candles are made."""

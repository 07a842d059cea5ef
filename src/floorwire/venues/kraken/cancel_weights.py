"""How much a cancel counts at Kraken: that of a young order more than that of an old one."""

from __future__ import annotations

from floorwire.venues.kraken.limits import CANCEL_WEIGHTS

SECOND_US = 1_000_000


def cancel_weight(placed_us: int | None, now_us: int) -> int:
    """Return how much the cancel of an order counts now. Orders of earlier processes count as old."""
    if placed_us is None:
        return 0
    age_s = (now_us - placed_us) / SECOND_US
    return next((weight for most_s, weight in CANCEL_WEIGHTS if age_s < most_s), 0)

"""Ages of orders: Kraken counts the cancel of a young order more than that of an old one."""

from __future__ import annotations

from floorwire.venues.kraken.limits import CANCEL_WEIGHTS

SECOND_US = 1_000_000
MOST_ORDERS = 10_000
"""How many are kept. The oldest is forgotten, and counts as old."""


class OrderAges:
    """When orders were placed by this process. Others are older than all that counts."""

    def __init__(self) -> None:
        self._placed_us: dict[str, int] = {}

    def placed(self, client_id: str, now_us: int) -> None:
        """An order is placed."""
        if len(self._placed_us) >= MOST_ORDERS:
            del self._placed_us[next(iter(self._placed_us))]
        self._placed_us[client_id] = now_us

    def ended(self, client_id: str) -> None:
        """An order is over."""
        self._placed_us.pop(client_id, None)

    def cancel_weight(self, client_id: str, now_us: int) -> int:
        """Return how much the cancel of an order counts now."""
        placed_us = self._placed_us.get(client_id)
        if placed_us is None:
            return 0
        age_s = (now_us - placed_us) / SECOND_US
        return next((weight for most_s, weight in CANCEL_WEIGHTS if age_s < most_s), 0)

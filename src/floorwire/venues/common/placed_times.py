"""When orders were placed by this process, as long as they are not over."""

from __future__ import annotations

MOST_ORDERS = 10_000
"""How many are kept. The oldest is forgotten: then it is like an order of an earlier process."""


class PlacedTimes:
    """Times of placing, by client id."""

    def __init__(self) -> None:
        self._placed_us: dict[str, int] = {}

    def placed(self, client_id: str, at_us: int) -> None:
        """An order is placed."""
        if len(self._placed_us) >= MOST_ORDERS:
            del self._placed_us[next(iter(self._placed_us))]
        self._placed_us[client_id] = at_us

    def get(self, client_id: str) -> int | None:
        """Return when the order was placed; None if this process did not, or does not know any more."""
        return self._placed_us.get(client_id)

    def ended(self, client_id: str) -> None:
        """An order is over."""
        self._placed_us.pop(client_id, None)

"""A budget of requests: so many at once, then one a second, and none while the venue says stop."""

from __future__ import annotations


class RequestBudget:
    """Counts requests; the owner calls ``refill`` once a second."""

    __slots__ = ("_left", "_most", "_stopped_until_us")

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._stopped_until_us = 0

    def refill(self) -> None:
        """A second has passed: one more request."""
        self._left = min(self._left + 1, self._most)

    def stop(self, until_us: int) -> None:
        """Spend nothing until then."""
        self._stopped_until_us = until_us

    def spend(self, now_us: int) -> bool:
        """Take one request; False where there is none."""
        if not self._left or now_us < self._stopped_until_us:
            return False
        self._left -= 1
        return True

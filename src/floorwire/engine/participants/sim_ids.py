"""Numbers for the orders and owners that are simulated: negative, so that accounts' count up from 1."""

from __future__ import annotations


class SimIds:
    """Counts orders and owners down from -1."""

    def __init__(self) -> None:
        self._order = 0
        self._owner = 0

    def order(self) -> int:
        """Return an order id that was never used."""
        self._order -= 1
        return self._order

    def owner(self) -> int:
        """Return an owner that was never used."""
        self._owner -= 1
        return self._owner

"""Cancels that wait for the rate limit: a cancel is never refused for it."""

from __future__ import annotations

from floorwire.core.remote_orders import CancelOrder

MOST_WAITING = 1_000


class WaitingCancels:
    """At most ``MOST_WAITING`` cancels, one an order. The outcome of one more is unknown."""

    def __init__(self) -> None:
        self._waiting: dict[str, CancelOrder] = {}

    def add(self, cancel: CancelOrder) -> bool:
        """Let a cancel wait. Return False if too many do."""
        if len(self._waiting) >= MOST_WAITING and cancel.client_id not in self._waiting:
            return False
        self._waiting[cancel.client_id] = cancel
        return True

    def take(self, most: int) -> list[CancelOrder]:
        """Return the first ones that wait, at most so many."""
        taken = list(self._waiting.values())[:most]
        for cancel in taken:
            del self._waiting[cancel.client_id]
        return taken

    def __len__(self) -> int:
        return len(self._waiting)

    def take_all(self) -> list[CancelOrder]:
        """Return all that wait, the first ones first. Those that still may not be sent are added again."""
        taken = list(self._waiting.values())
        self._waiting.clear()
        return taken

    def symbols(self) -> set[str]:
        """Return the symbols of the waiting cancels."""
        return {cancel.symbol for cancel in self._waiting.values()}

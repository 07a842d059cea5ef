"""Cancels that wait for the rate limit, or for others that go in the same request: none is ever refused."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.remote_order_messages import CancelOrder

MOST_WAITING = 1_000


class WaitingCancels:
    """At most ``MOST_WAITING`` cancels, one an order. The outcome of one more is unknown."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[CancelOrder, int]] = {}
        """By client id: the cancel, and the time from which on it may be sent."""

    def add(self, cancel: CancelOrder, from_us: int = 0) -> bool:
        """Let a cancel wait. Return False if too many do."""
        if len(self._waiting) >= MOST_WAITING and cancel.client_id not in self._waiting:
            return False
        self._waiting[cancel.client_id] = cancel, from_us
        return True

    def take(self, now_us: int) -> list[CancelOrder]:
        """Return all whose time has come, the first ones first. Those that are not sent are added again."""
        taken = [cancel for cancel, from_us in self._waiting.values() if from_us <= now_us]
        for cancel in taken:
            del self._waiting[cancel.client_id]
        return taken

    def times(self) -> Mapping[str, int]:
        """Return the symbols of the waiting cancels, and the time from which on the first of each may go."""
        times: dict[str, int] = {}
        for cancel, from_us in self._waiting.values():
            times[cancel.symbol] = min(from_us, times.get(cancel.symbol, from_us))
        return times

    def __len__(self) -> int:
        return len(self._waiting)

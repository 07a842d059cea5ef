"""Times that an order adapter remembers: of its next wake, and of the orders that this process placed."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.ports import Wake

MOST_ORDERS = 10_000
"""How many orders are kept. The oldest is forgotten: then it is like an order of an earlier process."""


class WakeTimer:
    """Asks to be woken when something is due, and only where the time has changed."""

    __slots__ = ("_at_us",)

    def __init__(self) -> None:
        self._at_us: int | None = None

    def woke(self) -> None:
        """The time has come."""
        self._at_us = None

    def at(self, due_us: int) -> Iterator[Wake]:
        """Yield the request to be woken at this time, unless it was asked for already."""
        if due_us != self._at_us:
            self._at_us = due_us
            yield Wake(due_us)


class PlacedTimes:
    """When orders were placed, by client id, as long as they are not over."""

    __slots__ = ("_placed_us",)

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

"""Orders that were sent and not accepted yet. What comes first says that an order is accepted: its answer, or
the private stream."""

from __future__ import annotations

from floorwire.core.remote_order_messages import PlaceAnswer

MOST_KEPT = 2_000
"""Older ones are forgotten. Then the answer alone says it."""


class PlacingOrders:
    """By client id. An order without an answer is kept: the stream may still show it."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def add(self, client_id: str) -> None:
        """The order is sent."""
        self._ids[client_id] = None
        if len(self._ids) > MOST_KEPT:
            del self._ids[next(iter(self._ids))]

    def accepted(self, client_id: str, venue_order_id: str) -> list[PlaceAnswer]:
        """Return the answer that says so, the first time."""
        if client_id not in self._ids:
            return []
        del self._ids[client_id]
        return [PlaceAnswer(client_id, "accepted", venue_order_id)]

    def rejected(self, client_id: str) -> None:
        """The order does not exist."""
        self._ids.pop(client_id, None)

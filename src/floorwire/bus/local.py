"""The bus of one process: what is published is consumed at once, in order, with nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from floorwire.core.market_events import MarketEvent

Consumer: TypeAlias = Callable[[str, Sequence[MarketEvent], int], None]
"""Takes a venue's name, its events in order, and when they were received."""


class LocalBus:
    """Hands each batch to every consumer."""

    def __init__(self) -> None:
        self._consumers: list[Consumer] = []

    def subscribe(self, consumer: Consumer) -> None:
        """Let a consumer have every batch from now on."""
        self._consumers.append(consumer)

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Hand a batch over."""
        for consumer in self._consumers:
            consumer(venue, events, recv_us)

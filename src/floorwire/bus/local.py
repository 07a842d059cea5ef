"""The bus of one process: each batch goes to every consumer at once and in order. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TypeAlias

from floorwire.core.market_events import MarketEvent

Consumer: TypeAlias = Callable[[str, Sequence[MarketEvent], int], None]
"""Called with a venue's name, its events in order, and the time of receipt in microseconds since 1970."""


class LocalBus:
    """Calls every consumer with each batch."""

    def __init__(self) -> None:
        self._consumers: list[tuple[Consumer, Set[type[MarketEvent]] | None]] = []
        self._on_pause: list[Callable[[], None]] = []

    def subscribe(
        self,
        consumer: Consumer,
        on_pause: Callable[[], None] | None = None,
        kinds: Set[type[MarketEvent]] | None = None,
    ) -> None:
        """Call the consumer with every batch from now on.

        ``on_pause``: called when a venue has nothing more to publish for now. ``kinds``: batches without an
        event of these kinds are not passed on; None: all are.
        """
        self._consumers.append((consumer, kinds))
        if on_pause is not None:
            self._on_pause.append(on_pause)

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Call every consumer with a batch. Returns when all have returned."""
        for consumer, kinds in self._consumers:
            if kinds is None or not kinds.isdisjoint(map(type, events)):
                consumer(venue, events, recv_us)

    def pause(self) -> None:
        """Tell consumers that a venue has nothing more to publish for now: they need not wait for more."""
        for on_pause in self._on_pause:
            on_pause()

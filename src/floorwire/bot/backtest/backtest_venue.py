"""The paper venue of a backtest: it is handed what the market said, and fills orders against that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from floorwire.core.capabilities import Capabilities
from floorwire.core.market_events import MarketEvent
from floorwire.core.ports import Frame, VenueInput, VenueOutput
from floorwire.venues.paper import PaperVenue

CAME: Final = Frame("market", b"")
"""Tells the paper venue that its market said something."""


class BacktestVenue:
    """One venue of a backtest."""

    def __init__(self, name: str, latency_us: int, capabilities: Capabilities) -> None:
        self.name = name
        self._market = _HandedMarket(name)
        self.paper = PaperVenue(self._market, latency_us, name, capabilities)

    def apply(self, events: Sequence[MarketEvent], now_us: int) -> Sequence[VenueOutput]:
        """Apply what the market says now; return it, with what it and the time did to orders."""
        self._market.events = events
        return self.paper.receive(CAME, now_us)


class _HandedMarket:
    """The venue behind the paper: it says what it was handed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: Sequence[MarketEvent] = ()

    def start(self, _now_us: int) -> Sequence[VenueOutput]:
        return ()

    def receive(self, _happened: VenueInput, _now_us: int) -> Sequence[VenueOutput]:
        return self.events

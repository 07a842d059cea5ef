"""Floorwire as a contestant: the whole server with all features, and a venue that publishes the workload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.workload import LOT, TICK, Workload
from floorwire.config import LimitSettings, Settings
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, Quote, Trade
from floorwire.core.ports import VenueInput, VenueOutput, Wake, Woke
from floorwire.web.server import serve


class BurstVenue:
    """A venue that sends bursts of quotes, each with a new price. The rest of the ticker does not change."""

    name = "pulse"

    def __init__(self, workload: Workload) -> None:
        self._names = workload.names
        self._bursts: Iterator[list[str]] = workload.bursts()
        self._period_us = round(1_000_000 / workload.bursts_per_second)
        self._due_us = 0
        self._move = 0

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """List the symbols, with one trade each, so that no field of the ticker is empty."""
        self._due_us = now_us + self._period_us
        listed = tuple(
            Instrument(name, name.partition("-")[0], "USDT", self.name, TICK, LOT) for name in self._names
        )
        opening: list[MarketEvent] = [Listing(listed, now_us), FeedStatus(None, "live", "start", now_us)]
        for name in self._names:
            opening += Trade(name, "1", 64_250_500, 1_234, "buy", now_us), self._quote(name, now_us)
        return [*opening, Wake(self._due_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Publish the next burst. A late one does not delay the next ones."""
        assert isinstance(happened, Woke)
        self._due_us += self._period_us
        return [*(self._quote(name, now_us) for name in next(self._bursts)), Wake(self._due_us)]

    def _quote(self, symbol: str, now_us: int) -> Quote:
        self._move = (self._move + 1) % 1000
        return Quote(symbol, 64_250_000 + self._move, 12_345, 64_251_000 + self._move, 23_456, now_us)


# Unlike the shipped settings there is no rate limit of requests, because round trips of pings are timed.
UNLIMITED = LimitSettings(commands_per_second=1_000_000)

if __name__ == "__main__":
    asked = Workload.from_arguments()
    serve(Settings(port=asked.port, echo=True, log_level="warning", limits=UNLIMITED), [BurstVenue(asked)])
